"""投诉: apology, what happened, what is wanted, a number and its level; then a person. Taken before identity."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from actions import handoff
from actions.fields import confirm_field, phone_field, text
from actions.forms import Form
from actions.nodes import Draft, Field, Finish, Prompt, Step
from actions.services import backoffice
from actions.turn import Turn, option
from actions.wording import is_filler
from chebao.handoff import Summary
from chebao.insurance import complaints, plate
from chebao.insurance.policy_numbers import find_claim_nos, find_policy_nos


async def _sorry(turn: Turn, draft: Draft) -> None:
    turn.say("给您添麻烦了，真的很抱歉，您的感受我理解。我把情况记下来，给您受理编号，交给没有参与过这件事的同事处理。")


def _parse_about(turn: Turn, draft: Draft) -> Any:
    if "about" in turn.pressed:
        return {}
    about: dict[str, str] = {}
    for key, found in (
        ("claim_no", find_claim_nos(turn.text)),
        ("policy_no", find_policy_nos(turn.text)),
        ("plate", plate.find_plates(turn.text)),
    ):
        if found:
            about[key] = found[0].value
    if about:
        return about
    return {} if is_filler(turn.text) or re.search(r"没有|不记得|跳过|忘|不知道|无|没", turn.text) else None


def _parse_wants(turn: Turn, draft: Draft) -> str | None:
    """Nobody is turned away for not knowing what to ask for: the second time anything counts."""
    said = turn.text.strip()
    if is_filler(said) or len(said) < 2:
        return "未说明" if draft.setdefault("wants_asked", turn.message_id) != turn.message_id else None
    return said[:500]


def _phone() -> Field:
    """A number to call back; who wants to leave none is not turned away either."""
    field = phone_field("处理的同事打哪个电话联系您？不方便留就说“不留”。请发手机号。")

    def parse(turn: Turn, draft: Draft) -> Any:
        told = field.parse(turn, draft)
        return "" if told is None and re.search(r"不(留|方便|想|用|给|告诉)|没有?电话|就在这", turn.text) else told

    return replace(field, parse=parse)


def _take_about(turn: Turn, draft: Draft) -> Any:
    return _parse_about(turn, draft) or None


def _show_about(value: dict[str, str]) -> str:
    return "、".join(value.values()) or "未提供"


def _told(draft: Draft) -> str:
    """What was said of the matter, each sentence once."""
    return " ".join(dict.fromkeys(str(draft[k]) for k in ("opening", "story") if draft.get(k)))


def _is_grave(turn: Turn, draft: Draft) -> bool:
    """Regulator, press, law, data or many people: a supervisor hears of it at once, before further questions."""
    return complaints.level_of(_told(draft)) == 3


async def _file_at_once(turn: Turn, draft: Draft) -> None:
    await _file(turn, draft, draft.setdefault("filed_by", turn.message_id))


async def _file_confirmed(turn: Turn, draft: Draft) -> None:
    await _file(turn, draft, draft["confirm"]["at"])


async def _file(turn: Turn, draft: Draft, message: str) -> None:
    """Files the complaint under the key of `message`, tells the number, and hands over."""
    told, wants = _told(draft), draft.get("wants") or ""
    level = complaints.level_of(told)
    known, about = turn.verified or {}, draft.get("about") or {}
    body = {
        "text": told[:1000],
        "level": level,
        "wants": wants or None,
        **about,
        "name": known.get("name"),
        "phone": draft.get("phone") or known.get("phone"),
        "customer_id": turn.customer_id,
        "reference": turn.sender,
    }
    row = await backoffice().create_complaint(body, f"{turn.sender}:{message}:create_complaint")
    turn.say(
        f"投诉已受理，受理编号 {row['complaint_no']}（{level} 级），{complaints.promise_of(level)}"
        "按监管规定一般 15 日内给出处理决定，复杂的 30 日内，并书面告知您。"
    )
    summary = Summary(
        f"投诉 {row['complaint_no']}（{level} 级）",
        [("经过", told[:200]), ("诉求", wants[:100] or "未说明"), *(("相关单号", no) for no in about.values())],
        open="听客户说完，告诉他由谁、什么时候答复",
    )
    handoff.request(turn, "complaint_grave" if level == 3 else "complaint", summary, draft, task="complaint")
    raise Finish


class ComplaintForm(Form):
    """Takes a complaint down; level 3 goes to a supervisor at once."""

    task = "complaint"
    hears_anger = True
    hears_grief = True
    stop_text = "好的，先不登记。您的意见我们一样重视，随时可以再说。"

    async def begin(self, turn: Turn, draft: Draft) -> None:
        draft["opening"] = turn.text[:300]

    nodes = (
        Step("sorry", _sorry),
        Step("filed_at_once", _file_at_once, needed=_is_grave),
        text(
            "story",
            "事情经过",
            "请说说具体经过：是什么时间、哪位同事或哪个环节，发生了什么问题？",
            explain="经过说一两句就行，比如“上周三定损员说话很冲”。记不清时间也没关系。",
            words=("经过",),
            least=4,
        ),
        Field(
            "wants",
            "诉求",
            lambda turn, draft: Prompt("您希望我们怎么处理？"),
            _parse_wants,
            "您希望的处理，比如道歉、换人处理、尽快赔付，说最在意的就行。",
            words=("诉求", "希望"),
            free=True,
            show=str,
        ),
        Field(
            "about",
            "相关单号",
            lambda turn, draft: Prompt(
                "和哪张保单或哪笔理赔有关？报案号、保单号、车牌，有一个发来就行。",
                [option("没有/不记得", "about", "")],
            ),
            _parse_about,
            "报案号、保单号、车牌，有一个就行；都没有就回复“没有”。",
            words=("保单", "报案号", "车牌"),
            take=_take_about,
            show=_show_about,
        ),
        _phone(),
        confirm_field(
            lambda turn, draft: "\n".join(
                ["我这样登记：", *ComplaintForm().read_back(turn, draft), "内容正确的话请确认提交。"]
            ),
            "确认提交",
            depends=("story", "wants", "about", "phone"),
        ),
        Step("submitted", _file_confirmed, depends=("confirm",)),
    )
