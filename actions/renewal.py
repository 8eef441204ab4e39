"""续保: find the policies, explain this year's price, suggest without pressing, then as for a new policy."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from actions import handoff, identity, plans_talk, purchase
from actions.fields import choice, plate_field
from actions.kept import Wait
from actions.nodes import AskAgain, Draft, Field, Finish, GoTo, Prompt, Step
from actions.previous_cover import LAPSED
from actions.purchase import PurchaseForm
from actions.quoting import day_text
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command
from chebao.errors import NotFound
from chebao.handoff import Summary
from chebao.insurance.policy_numbers import find_policy_nos


async def _find_cars(turn: Turn, draft: Draft) -> list[str]:
    """The customer's plates; who has none with us is offered a new policy."""
    rows = await backoffice().policies(as_customer=turn.customer_id) if turn.customer_id else []
    plates = sorted({str(r["plate"]) for r in rows if r.get("plate")})
    if not plates:
        raise Finish(
            "没有查到您在我司的车险保单。可以按新投保给您报价，也可以换个手机号再查。",
            [command("按新投保报价", "new_policy"), command("换个手机号", "renewal"), HUMAN],
        )
    named = next((str(r["plate"]) for r in rows if r["policy_no"] == draft.get("policy_no")), None)
    if named and "plate" not in draft:
        draft["plate"] = named
    if len(plates) == 1:
        wished = draft.pop("plate", None)
        if wished not in (None, plates[0]) and not _nearly(wished, plates[0]):
            turn.say(
                f"{wished} 不在您名下的保单里；替家人续保，要用投保人本人的手机号核对。您名下投保的是 {plates[0]}。"
            )
            return plates
        if wished not in (None, plates[0]):
            turn.say(f"{wished} 不在您的保单里，您在我司投保的是 {plates[0]}。")
        draft["plate"] = plates[0]
    elif draft.get("plate") not in plates:
        draft.pop("plate", None)
        if draft.get("id_plate") in plates:
            draft["plate"] = draft["id_plate"]
    return plates


def _nearly(one: str, other: str) -> bool:
    """One sign is another: a slip of the finger."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


async def _options(turn: Turn, draft: Draft) -> Any:
    """Policies with the days left, this year's price and what changed; too early and lapsed are explained."""
    try:
        found = await backoffice().renewal_options(plate=draft["plate"], as_customer=turn.customer_id)
    except NotFound:
        turn.say(f"{draft['plate']} 没有查到您的保单。")
        raise AskAgain("plate") from None
    policies = found["policies"]
    kinds = {"compulsory": "交强险", "commercial": "商业险"}
    lines = [f"{kinds[p['kind']]} {p['policy_no']}，{_left(p)}" for p in policies]
    turn.say(f"查到 {draft['plate']} 的保单：\n" + "\n".join(lines))
    if found.get("too_early"):
        earliest = date.fromisoformat(found["too_early"]["earliest"])
        raise Finish(f"现在续保还早，最早 {day_text(earliest)} 可以办。现有保障照常有效，您放心开车。")
    if found.get("lapsed"):
        _tell_lapse(turn, found)
    _tell_plans(turn, draft, found)
    draft["estimate_body"] = _estimate_body(draft, found)
    plans_talk.take_up_wish(turn, draft)
    return True


def _left(policy: dict[str, Any]) -> str:
    days = int(policy["days_left"])
    if days < 0:
        return f"已过期 {-days} 天"
    return "今天到期" if days == 0 else f"还有 {days} 天到期"


def _tell_lapse(turn: Turn, found: dict[str, Any]) -> None:
    said = LAPSED
    until = found["vehicle"].get("inspection_valid_until")
    if until and date.fromisoformat(until) < turn.now.date():
        said += f"另外车辆年检 {until} 已到期：交强险照常能办，商业险要补检并验车。"
    turn.say(said)


def _tell_plans(turn: Turn, draft: Draft, found: dict[str, Any]) -> None:
    plans_talk.show_plans(turn, found["plans"], "今年的续保方案", told=4)
    draft["plans"] = [plans_talk.slim(p) for p in found["plans"]]
    draft["changes"] = [c["reason"] for c in found.get("changes", [])]
    if draft["changes"]:
        turn.say("和去年比：" + "；".join(c.rstrip("。") for c in draft["changes"][:4]) + "。")
    suggestions = [s["text"] for s in found.get("suggestions", [])][:2]
    if suggestions:
        turn.say("一点建议，供您参考：" + "；".join(s.rstrip("。") for s in suggestions) + "。采不采纳由您定。")


def _estimate_body(draft: Draft, found: dict[str, Any]) -> dict[str, Any]:
    vehicle = found["vehicle"]
    commercial = next((p for p in found["policies"] if p["kind"] == "commercial"), None)
    body = {
        "plate": draft["plate"],
        "city": vehicle.get("city") or found.get("city"),
        **{fact: vehicle[fact] for fact in ("usage", "model", "price", "first_registered", "seats", "energy")},
        "history": found.get("history"),
        "last_year_policy_no": commercial["policy_no"] if commercial else None,
    }
    return {k: v for k, v in body.items() if v is not None}


def _policy_field() -> Field:
    """The policy that the customer named, or whose renewal letter he scanned; never asked for."""

    def take(turn: Turn, draft: Draft) -> str | None:
        found = find_policy_nos(turn.text)
        return turn.pressed.get("policy_no") or (found[0].value if found else None)

    return Field(
        "policy_no",
        "保单号",
        ask=lambda turn, draft: Prompt("请发一下保单号。"),
        parse=take,
        explain="保单号在保单右上角，以 P 开头。",
        take=take,
        needed=lambda turn, draft: False,
    )


def _holder_field() -> Field:
    return choice(
        "relation",
        "投保人",
        "这份续保的投保人还是您本人吗？",
        [
            ("是我本人", "self", r"^(?!不是).*(本人|是我|我是|自己|我的|不变)|^(是|对|嗯)"),
            ("换投保人", "other", r"换|别人|家人|老婆|老公|爱人|爸|妈|儿子|女儿|公司|不是"),
        ],
        explain="投保人还是您就回复“是我本人”；想换成别人，回复“换投保人”。",
        words=("投保人", "本人"),
        show=False,
    )


async def _check_holder(turn: Turn, draft: Draft) -> None:
    if draft["relation"] != "self":
        turn.say("换投保人，要新投保人本人核对身份、看过条款再付款。")
        told = Summary("续保要换投保人", RenewalForm().known(turn, draft), [], "新投保人的身份核对")
        handoff.request(turn, "policy_restriction", told, draft, task="renewal")
        raise Wait


_SWITCHES = re.compile(
    r"换(到|一?家|个)(你们|保险|公司|别)|[转换](到|来)你们|从(平安|人保|太保|太平洋|国寿|别家|别的|其他)[^，。]{0,8}[转换]"
)
"""Who comes from another insurer has nothing here to renew."""


class RenewalForm(PurchaseForm):
    """Renews the policies of one car of an identified customer."""

    task = "renewal"
    stop_text = "好的，续保先停在这里，没有提交。到期前随时回来找我就行。"
    later_text = "好的，不着急，价格您先留着参考（以平台查询和核保为准），刚才没有提交。到期前随时回来找我就行。"

    async def begin(self, turn: Turn, draft: Draft) -> None:
        if _SWITCHES.search(turn.text):
            raise GoTo("new_policy")

    nodes = (
        _policy_field(),
        *identity.nodes(),
        Step("cars", _find_cars),
        plate_field("要续哪辆车？请选车牌。", choices=lambda t, d: d.get("cars") or ()),
        Step("options", _options, depends=("plate",)),
        plans_talk.plan_field(depends=("options",)),
        Step("adjusted", plans_talk.adjust, depends=("plan",)),
        _holder_field(),
        Step("holder_check", _check_holder, depends=("relation",)),
        *purchase.tail("renewal", lambda: RenewalForm),
    )
