"""保单查询 and 退保 of an identified customer, and what the other small services share: his policies, and which one is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from actions import identity
from actions.fields import confirm_field, text
from actions.forms import Form
from actions.nodes import AskAgain, Draft, Field, Finish, Prompt, Step
from actions.plans_talk import money, sum_text
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command, option
from chebao.errors import NotFound
from chebao.insurance import covers as cover_names
from chebao.insurance import plate
from chebao.insurance.policy_numbers import find_policy_nos

KINDS = {"compulsory": "交强险", "commercial": "商业险"}

Policies = list[dict[str, Any]]


async def load_policies(turn: Turn, draft: Draft) -> Policies:
    """The verified customer's policies; who has none hears it politely."""
    rows = await backoffice().policies(as_customer=turn.customer_id) if turn.customer_id else []
    if not rows:
        raise Finish("没有查到您名下的保单，可以换投保时留的手机号再查；也可以请人工同事帮您查。", [HUMAN])
    return [{k: r.get(k) for k in ("policy_no", "kind", "plate", "start", "end", "premium", "covers")} for r in rows]


def _covers(policy: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"name": cover_names.COVERS.get(c, c), "sum": sum_text(c, s)} for c, s in (policy.get("covers") or {}).items()
    ]


def _describe(policy: dict[str, Any], today: date) -> str:
    until = date.fromisoformat(policy["end"][:10])
    over = "（已到期）" if until <= today else ""
    covers = "、".join(f"{c['name']}{c['sum']}" for c in _covers(policy))
    said = (
        f"{policy['plate']} {KINDS.get(policy['kind'], policy['kind'])} {policy['policy_no']}，"
        f"{policy['start'][:10]} 至 {until} 0 点{over}，保费 {money(policy['premium'])} 元"
    )
    return f"{said}，保障：{covers}" if covers else said


async def _tell_policies(turn: Turn, draft: Draft) -> None:
    rows = _meant(draft["policies"], draft.get("about", "")) or draft["policies"]
    turn.say("查到您的保单：\n" + "\n".join(_describe(r, turn.now.date()) for r in rows[:8]))
    items = [
        {
            "policy_no": r["policy_no"],
            "kind": KINDS.get(r["kind"], r["kind"]),
            "plate": r["plate"],
            "start": r["start"][:10],
            "end": r["end"][:10],
            "premium": money(r["premium"]),
            "covers": _covers(r),
        }
        for r in rows[:8]
    ]
    turn.card({"type": "policy", "items": items})
    turn.say(
        "还想办哪一项？",
        [command("续保", "renewal"), command("发票/电子保单", "invoice"), command("改信息", "policy_change")],
    )
    raise Finish


class PolicyQueryForm(Form):
    """Shows the customer's own policies."""

    task = "policy_query"
    stop_text = "好的，先不查了，需要时随时叫我。"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        Step("told", _tell_policies),
    )

    async def begin(self, turn: Turn, draft: Draft) -> None:
        draft["about"] = turn.text[:200]


def _meant(rows: Policies, said: str) -> Policies:
    """The policies of the plate and kind that the words name; all of them where they name none."""
    plates = [f.value for f in plate.find_plates(said)]
    if plates and any(r["plate"] in plates for r in rows):
        rows = [r for r in rows if r["plate"] in plates]
    kinds = [kind for kind, words in (("compulsory", "交强"), ("commercial", "商业")) if words in said]
    return [r for r in rows if r["kind"] in kinds] if len(kinds) == 1 else rows


def policy_field(question: str, *, offered: Sequence[str] = tuple(KINDS)) -> Field:
    """Which of the loaded policies is meant. `offered`: kinds that come into question."""

    def rows_of(draft: Draft) -> Policies:
        rows: Policies = draft["policies"]
        return [r for r in rows if r["kind"] in offered] or rows

    def take(turn: Turn, draft: Draft) -> str | None:
        found = find_policy_nos(turn.text)
        if found:
            return found[0].value
        named = re.search("交强|商业", turn.text) or plate.find_plates(turn.text)
        rows = _meant(rows_of(draft), turn.text) if named and draft.get("policies") else []
        return str(rows[0]["policy_no"]) if len(rows) == 1 else None

    def parse(turn: Turn, draft: Draft) -> Any:
        return turn.pressed.get("policy_no") or take(turn, draft)

    def ask(turn: Turn, draft: Draft) -> Prompt:
        rows = rows_of(draft)[:8]
        names = [f"{row['plate']} {KINDS.get(row['kind'], '')}" for row in rows]
        return Prompt(
            question,
            [
                # This year's and the next one's bear the same name.
                option(
                    name if names.count(name) == 1 else f"{name}（{row['end'][:10]}到期）",
                    "policy_no",
                    row["policy_no"],
                )
                for name, row in zip(names, rows, strict=True)
            ],
        )

    return Field(
        "policy_no",
        "保单",
        ask,
        parse,
        "点上面列出的保单，或者发 P 开头的保单号。",
        words=("保单",),
        take=take,
        show=str,
    )


async def choose_policy(turn: Turn, draft: Draft) -> None:
    """Takes the policy that the opening words named, or the only one."""
    if "policy_no" not in draft:
        rows = _meant(draft["policies"], draft.get("about", ""))
        if len(rows) == 1:
            draft["policy_no"] = rows[0]["policy_no"]


async def own_policy(turn: Turn, draft: Draft) -> None:
    """Asks again for a policy that is not this customer's; unknown and someone else's sound the same."""
    try:
        await backoffice().policy(draft["policy_no"], as_customer=turn.customer_id)
    except NotFound:
        turn.say("您名下没有查到这张保单，请核对保单号。")
        raise AskAgain("policy_no") from None


def confirmed(turn: Turn, draft: Draft, what: str) -> str:
    """Idempotency key of the write that the customer confirmed."""
    return f"{turn.sender}:{draft['confirm']['at']}:{what}"


async def _surrender_estimate(turn: Turn, draft: Draft) -> dict[str, Any]:
    found = await backoffice().surrender_estimate(draft["policy_no"], as_customer=turn.customer_id)
    if not found["allowed"]:
        raise Finish(f"保单 {draft['policy_no']} 现在不能直接退：{found['reason']}", [HUMAN])
    turn.say(
        f"保单 {draft['policy_no']} 现在退保，预计退 {money(found['refund'])} 元（{found['formula_text']}）。"
        "退保后出险就没有保障了，车还要开的话建议先接上新保险。"
    )
    return {"refund": found["refund"]}


async def _surrender(turn: Turn, draft: Draft) -> None:
    key = confirmed(turn, draft, "create_surrender")
    row = await backoffice().create_surrender(draft["policy_no"], draft["reason"], key, as_customer=turn.customer_id)
    turn.say(f"退保申请已提交，受理号 {row['surrender_no']}，预计退款 {money(row['refund'])} 元，退到投保人本人账户。")
    raise Finish


_REASON = re.compile(r"[^，。,；]{0,6}(卖(了|掉)|转手|过户|报废|买重|重复(买|投)|换(了|一)?家|不开了)[^，。,；]{0,6}")


def _take_reason(turn: Turn, draft: Draft) -> str | None:
    """The reason that the wish itself gives: "车卖了，商业险退了吧"."""
    found = _REASON.search(turn.text)
    return found.group().strip() if found else None


class PolicyCancelForm(Form):
    """Estimates what giving up a policy returns, and files it on the customer's word."""

    task = "policy_cancel"
    stop_text = "好的，不退了，保单照常有效。"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        Step("chosen", choose_policy),
        policy_field("要退哪一张保单？"),
        Step("own", own_policy, depends=("policy_no",)),
        Step("estimate", _surrender_estimate, depends=("policy_no",)),
        text(
            "reason",
            "退保原因",
            "比如车卖了、重复买了。方便说一下退保的原因吗？",
            explain="说一句就行，比如“车卖了”“买重了”；不想说就回复“个人原因”。",
            words=("原因",),
            take=_take_reason,
        ),
        confirm_field(
            lambda t, d: f"退保单 {d['policy_no']}，预计退 {money(d['estimate']['refund'])} 元。要退的话请确认。",
            "确认退保",
            depends=("policy_no", "estimate", "reason"),
        ),
        Step("submitted", _surrender, depends=("confirm",)),
    )

    async def begin(self, turn: Turn, draft: Draft) -> None:
        draft["about"] = turn.text[:200]
