"""What `chebao doctor` says of the desk: webhooks that do not take what they are told."""

from __future__ import annotations

import httpx

from chebao.desk.access import PREFIX
from chebao.doctor import Finding
from chebao.settings import Settings


async def findings(settings: Settings) -> list[Finding]:
    """One finding for each webhook; none where the app cannot be asked, which is said elsewhere."""
    key = settings.desk_key.get_secret_value()
    if not key:
        return []
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.get(
                f"{settings.public_url}{PREFIX}/webhooks", headers={"Authorization": f"Bearer {key}"}
            )
        rows = answer.raise_for_status().json()["rows"]
    except (httpx.HTTPError, ValueError, KeyError):
        return []
    return [_finding(row) for row in rows]


def _finding(row: dict[str, object]) -> Finding:
    what = f"webhook {row['id']}"
    if row["active"] and not row["failures"]:
        return Finding(what, True, f"{row['url']} 收取正常", f"{row['url']} takes what it is told")
    how = "已停用（410）" if not row["active"] else f"连续失败 {row['failures']} 次（{row['problem']}）"
    since = row["waiting_since"] or "-"
    return Finding(
        what,
        False,
        f"{row['url']} {how}，积压 {row['waiting']} 条，最早 {since}；修好后调用 POST /webhooks/{row['id']}/replay 补发",
        f"{row['url']} answered {row['problem']}, {row['failures']} times in a row; {row['waiting']} events wait since {since}:"
        f" mend it, then POST /webhooks/{row['id']}/replay",
    )
