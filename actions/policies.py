"""保单查询, 批改 and 退保 of an identified customer."""

from __future__ import annotations

import re
from typing import Any

from chebao.errors import NotFound, RuleForbids
from chebao.insurance import covers as cover_names
from chebao.insurance import plate
from chebao.insurance.policy_numbers import find_policy_nos

from actions import identity, purchase
from actions.fields import choice, confirm_field, text
from actions.forms import AskAgain, Draft, Field, Finish, Form, Prompt, Step
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command, option

KINDS = {"compulsory": "交强险", "commercial": "商业险"}


async def load_policies(turn: Turn, draft: Draft) -> list[dict[str, Any]]:
    """The verified customer's policies; who has none hears it politely."""
    rows = await backoffice().policies(as_customer=turn.customer_id) if turn.customer_id else []
    if not rows:
        raise Finish("没有查到您名下的保单，请核对一下投保时的手机号；也可以请人工同事帮您查。", [HUMAN])
    return [{k: r.get(k) for k in ("policy_no", "kind", "plate", "start", "end", "premium", "covers")} for r in rows]


def _describe(policy: dict[str, Any]) -> str:
    covers = "、".join(
        f"{cover_names.COVERS.get(c, c)}{purchase.sum_text(c, s)}" for c, s in (policy.get("covers") or {}).items()
    )
    kind = KINDS.get(policy["kind"], policy["kind"])
    return f"{policy['plate']} {kind} {policy['policy_no']}，{policy['start'][:10]} 至 {policy['end'][:10]} 0 点" + (
        f"，保障：{covers}" if covers else ""
    )


async def _tell_policies(turn: Turn, draft: Draft) -> None:
    rows = draft["policies"]
    wanted = plate.find_plates(turn.text)
    if wanted and any(r["plate"] == wanted[0].value for r in rows):
        rows = [r for r in rows if r["plate"] == wanted[0].value]
    turn.say("查到您的保单：\n" + "\n".join(_describe(r) for r in rows[:8]))
    turn.card({
        "type": "policy",
        "items": [
            {"policy_no": r["policy_no"], "kind": KINDS.get(r["kind"], r["kind"]), "plate": r["plate"],
             "start": r["start"][:10], "end": r["end"][:10], "premium": purchase.money(r["premium"]),
             "covers": [{"name": cover_names.COVERS.get(c, c), "sum": purchase.sum_text(c, s)} for c, s in (r.get("covers") or {}).items()]}
            for r in rows[:8]
        ],
    })
    turn.say("还想办哪一项？", [command("续保", "renewal"), command("发票/电子保单", "invoice"), command("改信息", "policy_change")])
    raise Finish


class PolicyQueryForm(Form):
    """Shows the customer's own policies."""

    task = "policy_query"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        Step("told", _tell_policies),
    )


def policy_field(question: str) -> Field:
    """Which of the loaded policies is meant."""

    def take(turn: Turn, draft: Draft) -> str | None:
        found = find_policy_nos(turn.text)
        return found[0].value if found else None

    def parse(turn: Turn, draft: Draft) -> Any:
        if "policy_no" in turn.pressed:
            return turn.pressed["policy_no"]
        if (number := take(turn, draft)) is not None:
            return number
        rows = draft["policies"]
        for kind, words in (("compulsory", "交强"), ("commercial", "商业")):
            if words in turn.text:
                rows = [r for r in rows if r["kind"] == kind]
        plates = plate.find_plates(turn.text)
        if plates:
            rows = [r for r in rows if r["plate"] == plates[0].value]
        return rows[0]["policy_no"] if len(rows) == 1 else None

    def ask(turn: Turn, draft: Draft) -> Prompt:
        return Prompt(question, [
            option(f"{r['plate']} {KINDS.get(r['kind'], '')}", "policy_no", r["policy_no"]) for r in draft["policies"][:8]
        ])

    return Field("policy_no", "保单", ask, parse, "点上面列出的保单，或者发 P 开头的保单号。", words=("保单",), take=take, show=str)


async def _own_policy(turn: Turn, draft: Draft) -> None:
    try:
        await backoffice().policy(draft["policy_no"], as_customer=turn.customer_id)
    except NotFound:
        turn.say("没有查到这张保单，请核对保单号。")
        raise AskAgain("policy_no") from None


async def _surrender_estimate(turn: Turn, draft: Draft) -> dict[str, Any]:
    found = await backoffice().surrender_estimate(draft["policy_no"], as_customer=turn.customer_id)
    if not found["allowed"]:
        raise Finish(f"这张保单现在不能直接退：{found['reason']}", [HUMAN])
    turn.say(f"现在退保预计退 {purchase.money(found['refund'])} 元（{found['formula_text']}）。退保后出险就没有保障了，车还要开的话建议先接上新保险。")
    return {"refund": found["refund"]}


async def _surrender(turn: Turn, draft: Draft) -> None:
    key = f"{turn.sender}:{draft['confirm']['at']}:create_surrender"
    row = await backoffice().create_surrender(draft["policy_no"], draft["reason"], key, as_customer=turn.customer_id)
    turn.say(f"退保申请已提交，受理号 {row['surrender_no']}，预计退款 {purchase.money(row['refund'])} 元，退到投保人本人账户。")
    raise Finish


class PolicyCancelForm(Form):
    """Estimates what giving up a policy returns, and files it on the customer's word."""

    task = "policy_cancel"
    stop_text = "好的，不退了，保单照常有效。"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        policy_field("要退哪一张保单？"),
        Step("own", _own_policy, depends=("policy_no",)),
        Step("estimate", _surrender_estimate, depends=("policy_no",)),
        text("reason", "退保原因", "方便说一下退保的原因吗？比如车卖了、重复买了。",
             explain="说一句就行，比如“车卖了”“买重了”；不想说就回复“个人原因”。", words=("原因",)),
        confirm_field(lambda t, d: f"确认要退保单 {d['policy_no']} 吗？预计退 {purchase.money(d['estimate']['refund'])} 元，请确认。",
                      "确认退保", depends=("policy_no", "estimate", "reason")),
        Step("submitted", _surrender, depends=("confirm",)),
    )


_CHANGES = (
    ("过户给别人", "transfer", r"过户|卖|转让|新车主"),
    ("换车牌", "plate", r"换车?牌|改车?牌|车牌"),
    ("改电话", "phone", r"电话|手机|号码"),
    ("改地址", "address", r"地址|住址"),
    ("改受益人", "beneficiary", r"受益人|贷款|按揭|银行"),
    ("加保", "add_cover", r"加保|加买|补买|增加|提高|加个|加一?份"),
    ("减保", "remove_cover", r"减保|去掉|减少|降低|取消"),
)


def _take_change(turn: Turn, draft: Draft) -> str | None:
    return next((value for _, value, words in _CHANGES if re.search(words, turn.text)), None)


def _value_question(turn: Turn, draft: Draft) -> str:
    return {
        "transfer": "新车主的姓名和电话是？过户后车牌有变的话也一起发。",
        "plate": "新车牌号是多少？",
        "phone": "新的手机号是多少？",
        "address": "新地址是？",
        "beneficiary": "新的第一受益人是谁？贷款结清要去掉的话，回复“去掉”。",
        "add_cover": "想加哪一项、保多少？比如“加划痕险 5000”“三者提到300万”。",
        "remove_cover": "想减哪一项？",
    }[draft["change"]]


async def _endorse(turn: Turn, draft: Draft) -> None:
    body = {"policy_no": draft["policy_no"], "type": draft["change"], "new_value": draft["new_value"],
            "customer_id": turn.customer_id, "reference": turn.sender}
    try:
        row = await backoffice().create_endorsement(body, f"{turn.sender}:{draft['confirm']['at']}:create_endorsement")
    except RuleForbids as forbidden:
        raise Finish(forbidden.message, [HUMAN]) from None
    turn.say(f"批改申请已提交，受理号 {row['endorsement_no']}。要补材料或补退保费的话，会在这里通知您。")
    raise Finish


class PolicyChangeForm(Form):
    """Transfer, plate, phone, address, beneficiary, more or less cover."""

    task = "policy_change"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        policy_field("要改哪一张保单？"),
        Step("own", _own_policy, depends=("policy_no",)),
        choice("change", "批改事项", "要改什么？", _CHANGES, explain="比如换车牌、改电话、过户、加保，点一个或说一句都行。",
               take=_take_change, words=("事项",)),
        text("new_value", "新内容", _value_question, explain="直接发改后的内容就行。", words=("新", "改成"), depends=("change",)),
        confirm_field(lambda t, d: f"我这样提交：保单 {d['policy_no']}，{dict((v, n) for n, v, _ in _CHANGES)[d['change']]}，{d['new_value']}。请确认。",
                      "确认提交", depends=("policy_no", "change", "new_value")),
        Step("submitted", _endorse, depends=("confirm",)),
    )
