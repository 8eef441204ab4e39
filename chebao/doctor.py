"""``chebao doctor``: what stands between the settings and a working service, and how to mend it, in Chinese and English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from chebao.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `chinese` and `english` say how it is, or what to do."""

    what: str
    good: bool
    chinese: str
    english: str


async def service(settings: Settings) -> list[Finding]:
    """The running app behind its public address."""
    url = f"{settings.public_url}/readyz"
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.get(url)
        parts = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        words = f"访问不到 {url}（{type(error).__name__}）：先用 make run 启动服务，再检查 CHEBAO_PUBLIC_URL"
        return [Finding("service", False, words, f"{url} is not reachable: start the service, check CHEBAO_PUBLIC_URL")]
    away = [name for name, well in parts.items() if name != "ready" and not well]
    if away:
        return [
            Finding(
                "service",
                False,
                f"没有就绪：{'、'.join(away)}，请看日志",
                f"not ready: {', '.join(away)}; see the logs",
            )
        ]
    return [Finding("service", True, "服务、数据库、Rasa 和动作服务都正常", "app, database, Rasa and actions answer")]


def report(findings: Sequence[Finding]) -> str:
    """The findings, a line in each language."""
    return "\n".join(
        f"{'✓' if finding.good else '✗'} {finding.what:<18}{finding.chinese}\n  {'':<18}{finding.english}"
        for finding in findings
    )
