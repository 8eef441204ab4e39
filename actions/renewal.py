"""续保: find the policies, explain this year's price, suggest without pressing, then as for a new policy."""

from __future__ import annotations

from datetime import date
from typing import Any

from chebao.errors import NotFound

from actions import identity, purchase
from actions.fields import plate_field
from actions.forms import Draft, Finish, Form, Step
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command


async def _find_cars(turn: Turn, draft: Draft) -> list[str]:
    """The customer's plates; who has none with us is offered a new policy."""
    if turn.customer_id is None:
        raise Finish("没有查到您在我司的保单。可以按新投保给您报价，也可以换个手机号再查。",
                     [command("买车险/报价", "new_policy"), command("重新核对", "renewal"), HUMAN])
    rows = await backoffice().policies(as_customer=turn.customer_id)
    plates = sorted({str(r["plate"]) for r in rows if r.get("plate")})
    if not plates:
        raise Finish("您名下还没有我司的车险保单，可以按新投保给您报价。", [command("买车险/报价", "new_policy"), HUMAN])
    if len(plates) == 1:
        draft["plate"] = plates[0]
    return plates


async def _options(turn: Turn, draft: Draft) -> Any:
    try:
        found = await backoffice().renewal_options(plate=draft["plate"], as_customer=turn.customer_id)
    except NotFound:
        turn.say("这个车牌没有查到您的保单，请核对一下车牌号。")
        draft.pop("cars", None)
        draft.pop("plate", None)
        return await _find_cars(turn, draft)
    policies = found["policies"]
    lines = [f"{'交强险' if p['kind'] == 'compulsory' else '商业险'} {p['policy_no']}，{_left(p)}" for p in policies]
    turn.say(f"查到 {draft['plate']} 的保单：\n" + "\n".join(lines))
    if found.get("too_early"):
        earliest = date.fromisoformat(found["too_early"]["earliest"])
        raise Finish(f"现在续保还早，最早 {earliest.year}年{earliest.month}月{earliest.day}日 可以办，到时我也会提醒您。")
    if found.get("lapsed"):
        turn.say("这台车的保险已经过期：没有交强险上路会被扣车、罚款，出了事故要自己承担，续上之前请先别开。")
    _tell_plans(turn, found)
    draft["plans"] = [purchase.slim(p) for p in found["plans"]]
    draft["estimate_body"] = _estimate_body(draft, found)
    return True


def _left(policy: dict[str, Any]) -> str:
    days = int(policy["days_left"])
    if days < 0:
        return f"已过期 {-days} 天"
    return "今天到期" if days == 0 else f"还有 {days} 天到期"


def _tell_plans(turn: Turn, found: dict[str, Any]) -> None:
    purchase.show_plans(turn, found["plans"], "今年的续保方案", told=2)
    changes = [c["reason"] for c in found.get("changes", [])][:4]
    if changes:
        turn.say("和去年比：" + "；".join(c.rstrip("。") for c in changes) + "。")
    suggestions = [s["text"] for s in found.get("suggestions", [])][:2]
    if suggestions:
        turn.say("一点建议，供您参考：" + "；".join(s.rstrip("。") for s in suggestions) + "。要不要采纳由您定。")


def _estimate_body(draft: Draft, found: dict[str, Any]) -> dict[str, Any]:
    vehicle = found["vehicle"]
    commercial = next((p for p in found["policies"] if p["kind"] == "commercial"), None)
    body = {
        "plate": draft["plate"], "city": vehicle.get("city") or found.get("city"), "usage": vehicle["usage"],
        "model": vehicle["model"], "price": vehicle["price"], "first_registered": vehicle["first_registered"],
        "seats": vehicle["seats"], "energy": vehicle["energy"], "history": found.get("history"),
        "last_year_policy_no": commercial["policy_no"] if commercial else None,
    }
    return {k: v for k, v in body.items() if v is not None}


class RenewalForm(Form):
    """Renews the policies of one car of an identified customer."""

    task = "renewal"
    stop_text = "好的，续保先停在这里，没有提交。到期前随时回来找我就行。"

    nodes = (
        *identity.nodes(),
        Step("cars", _find_cars),
        plate_field("要续哪辆车？请选车牌。", choices=lambda t, d: d.get("cars") or ()),
        Step("options", _options, depends=("plate",)),
        purchase.plan_field(depends=("plate",)),
        Step("adjusted", purchase.adjust, depends=("plan",)),
        purchase.relation_field("投保人是您本人吗？"),
        *purchase.tail("renewal", lambda: RenewalForm),
    )
