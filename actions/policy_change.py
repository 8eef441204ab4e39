"""保单批改: transfer, plate, phone, address, beneficiary, more or less cover."""

from __future__ import annotations

import re
from typing import Any

from actions import identity
from actions.fields import choice, confirm_field, told_plate
from actions.forms import Form
from actions.nodes import Draft, Field, Finish, Miss, Prompt, Step
from actions.policies import choose_policy, confirmed, load_policies, own_policy, policy_field
from actions.services import backoffice
from actions.turn import HUMAN, Turn
from chebao.errors import RuleForbids
from chebao.insurance import phone, plate

#: (title, type, words). Some concern the car with both policies, the others the commercial policy alone.
_CHANGES = (
    ("过户给别人", "transfer", r"过户|卖(了|掉|给|车)|转让|新车主"),
    ("换车牌", "plate", r"(换|改|变|新)(了|更)?(个|一下|成)?(新)?(车牌|牌照|号牌|牌)|(车牌|牌照|号牌).{0,4}(换|改|变)"),
    ("改电话", "phone", r"电话|手机|号码"),
    ("改地址", "address", r"地址|住址|搬家"),
    ("改受益人", "beneficiary", r"受益人|贷款|按揭|解押"),
    (
        "加保",
        "add_cover",
        r"加保|加买|补买|增加|提高|加个|加一?份|再加|[加提调升涨](到|成|至)|往上(调|提|加)|保额.{0,4}[加提升涨]",
    ),
    ("减保", "remove_cover", r"减保|去掉|减少|降低|不要|[减降](到|成|至)"),
)
_TITLES = {value: title for title, value, _ in _CHANGES}
_OF_THE_CAR = ("transfer", "plate", "phone", "address")


def _take_change(turn: Turn, draft: Draft) -> str | None:
    return next((value for _, value, words in _CHANGES if re.search(words, turn.text)), None)


def _value_prompt(turn: Turn, draft: Draft) -> Prompt:
    questions = {
        "transfer": "过户后车牌有变的话也一起发。新车主的姓名和电话是？",
        "plate": "新车牌号是多少？",
        "phone": "新的手机号是多少？",
        "address": "新地址是？",
        "beneficiary": "贷款结清要去掉的话，回复“去掉”。新的第一受益人是谁？",
        "add_cover": "比如“加划痕险 5000”“三者提到300万”。想加哪一项、保多少？",
        "remove_cover": "想减哪一项？",
    }
    return Prompt(questions[draft["change"]])


def parse_value(turn: Turn, draft: Draft) -> Any:
    """The new value, checked where it is a plate or a phone number."""
    said, change = turn.text.strip(), draft["change"]
    if change == "plate":
        plates = [f.value for f in plate.find_plates(said)]
        told = plates[-1] if plates else told_plate(turn, draft, "new_value")
        return told or Miss("这个车牌看着不完整，请按新行驶证再发一次新车牌号，比如 京A12345。")
    if change == "phone":
        phones = phone.find_phones(said)
        return phones[0].value if phones else Miss("手机号是 11 位，请再发一次新的手机号，比如 13812345678。")
    return said[:300] if len(said) >= 2 else None


def _take_value(turn: Turn, draft: Draft) -> str | None:
    """The new value told together with the wish: "车牌换成浙A88888", "加划痕险5000"."""
    change = draft.get("change")
    behind = re.split(r"换成|改成|改为|变成|更换为|换为|新的?(?:车牌|手机|电话)号?码?(?:是|为)", turn.text)
    if change == "plate" and len(behind) > 1:
        plates = plate.find_plates(behind[-1])
        return plates[-1].value if plates else None
    if change == "phone" and len(behind) > 1:
        phones = phone.find_phones(behind[-1])
        return phones[-1].value if phones else None
    wants_cover = change in ("add_cover", "remove_cover") and re.search(
        r"三者|车损|划痕|座位|医保|车轮|\d万|\d{4}", turn.text
    )
    return turn.text.strip()[:300] if wants_cover else None


def _value_field() -> Field:
    return Field(
        "new_value",
        "新内容",
        _value_prompt,
        parse_value,
        "直接发改后的内容就行。",
        words=("新", "改成"),
        take=_take_value,
        depends=("change",),
        free=True,
        show=str,
    )


async def _targets(turn: Turn, draft: Draft) -> None:
    """What concerns the car itself goes to its commercial policy, else its compulsory one, without asking which."""
    rows = draft["policies"]
    if draft["change"] in _OF_THE_CAR and "policy_no" not in draft:
        plates = {r["plate"] for r in rows}
        named = [f.value for f in plate.find_plates(draft.get("about", "")) if f.value in plates]
        if len(plates) == 1 or named:
            mine = [r for r in rows if r["plate"] == (named[0] if named else next(iter(plates)))]
            best = next((r for r in mine if r["kind"] == "commercial"), mine[0])
            draft["policy_no"] = best["policy_no"]
    if draft["change"] not in _OF_THE_CAR and "policy_no" not in draft:
        commercial = [r for r in rows if r["kind"] == "commercial"]
        if len(commercial) == 1:
            draft["policy_no"] = commercial[0]["policy_no"]
    await choose_policy(turn, draft)


async def _endorse(turn: Turn, draft: Draft) -> None:
    body = {
        "policy_no": draft["policy_no"],
        "type": draft["change"],
        "new_value": draft["new_value"],
        "customer_id": turn.customer_id,
        "reference": turn.sender,
    }
    try:
        row = await backoffice().create_endorsement(body, confirmed(turn, draft, "create_endorsement"))
    except RuleForbids as forbidden:
        raise Finish(forbidden.message, [HUMAN]) from None
    both = "交强险和商业险会一起处理。" if draft["change"] in _OF_THE_CAR else ""
    turn.say(
        f"批改申请已提交，受理号 {row['endorsement_no']}。{both}要补材料或补退保费的话，会在这里通知您，原保障在批改完成前照常有效。"
    )
    raise Finish


def _confirm_text(turn: Turn, draft: Draft) -> str:
    return f"我这样提交：保单 {draft['policy_no']}，{_TITLES[draft['change']]}，{draft['new_value']}。内容对的话请确认提交。"


class PolicyChangeForm(Form):
    """Files a change of the policy on the customer's word."""

    task = "policy_change"
    stop_text = "好的，先不改了，保单保持原样。"
    nodes = (
        *identity.nodes(),
        Step("policies", load_policies),
        choice(
            "change",
            "批改事项",
            "想改哪一项？",
            _CHANGES,
            explain="比如换车牌、改电话、过户、加保，点一个或说一句都行。",
            take=_take_change,
            words=("事项",),
        ),
        Step("target", _targets, depends=("change",)),
        policy_field("要改哪一张保单？"),
        Step("own", own_policy, depends=("policy_no",)),
        _value_field(),
        confirm_field(_confirm_text, "确认提交", depends=("policy_no", "change", "new_value")),
        Step("submitted", _endorse, depends=("confirm",)),
    )

    async def begin(self, turn: Turn, draft: Draft) -> None:
        draft["about"] = turn.text[:200]
