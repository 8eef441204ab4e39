"""Who is it: phone and one-time code, or plate, last four of the id card and a code to the phone on file.

Nodes to put at the head of a dialogue that touches a customer's own data. They ask nothing of a customer who is verified.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from actions.fields import plate_in, told_plate
from actions.nodes import Draft, Field, Finish, Miss, Prompt, Step, always
from actions.services import backoffice
from actions.turn import HUMAN, Turn, option
from chebao.errors import InputRefused, Locked, NotFound
from chebao.insurance import idcard, phone, plate
from chebao.settings import get_settings

_OTHER_WAY = re.compile(
    r"换(了|过)?(手机|电话)?号|没有?用了|不用了|停机|注销|丢了|忘|不记得|记不|收不到|没收到|身份证|别的方式|其他方式|换种|换个方式|用车牌"
)

_NUMBER_LOST = re.compile(r"(手机|电话|号码?)[^，。,]{0,4}(换了|换号|停机|注销|丢了|不用了)|换(了|过)(手机|电话)?号")

#: What stands before a number that is to be put on file, and is none on file yet.
_NEW_NUMBER = re.compile(r"(换|改|变更?|更新)[^，。]{0,8}$|新(的)?(手机|电话|号码?)[^，。]{0,4}$")


def _parse_phone(turn: Turn, draft: Draft) -> Any:
    if "id_phone" in turn.pressed:
        return turn.pressed["id_phone"]
    found = phone.find_phones(turn.text)
    if found:
        return found[0].value
    if _OTHER_WAY.search(turn.text) or _NUMBER_LOST.search(turn.text) or plate.find_plates(turn.text):
        return ""
    if len(re.sub(r"\D", "", turn.text)) >= 7:
        return Miss("这个号码位数不太对，手机号是 11 位，比如 13812345678。请再发一次手机号。")
    return None


def _take_phone(turn: Turn, draft: Draft) -> Any:
    """A phone number said in passing, or "" where the customer says that he lost his."""
    if turn.verified is not None:
        return None
    found = phone.find_phones(turn.text)
    if found and not _NEW_NUMBER.search(turn.text[: found[0].start]):
        return found[0].value
    if found:
        return None
    return "" if _NUMBER_LOST.search(turn.text) else None


def _parse_last4(turn: Turn, draft: Draft) -> Any:
    whole = idcard.find_id_cards(turn.text)
    if whole:
        return whole[0].value[-4:]
    match = re.search(r"(?<![\dA-Za-z])\d{3}[\dXx](?![\dXx])", turn.text)
    return match.group().upper() if match else None


async def _send(turn: Turn, draft: Draft) -> Any:
    """Sends the code; an unknown plate and a wrong id card look the same."""
    try:
        if draft.get("id_phone"):
            sent = await backoffice().send_code(phone=draft["id_phone"], key=turn.key("send_code"))
        else:
            sent = await backoffice().send_code(
                plate=draft["id_plate"], id_last4=draft["id_last4"], key=turn.key("send_code")
            )
    except NotFound:
        raise InputRefused("车牌和身份证后四位没有对上。", detail={"field": "id_last4"}) from None
    except Locked as locked:
        raise Finish(locked.message, [HUMAN]) from None
    return {"challenge": sent["challenge_id"], "phone": sent["phone_masked"]}


async def _parse_code(turn: Turn, draft: Draft) -> Any:
    digits = re.search(r"(?<!\d)\d{6}(?!\d)", re.sub(r"(?<=\d)[\s-](?=\d)", "", turn.text))
    if not digits:
        return await _no_code(turn, draft)
    try:
        known = await backoffice().verify_code(draft["id_challenge"]["challenge"], digits.group())
    except InputRefused as wrong:
        if wrong.code == "code_expired":
            draft["id_challenge"] = await _send(turn, draft)
            return Miss("刚才的验证码过期了，已重新发送。请输入短信里新的 6 位验证码。")
        return Miss(f"{wrong.message}请再看一下短信里的验证码。")
    except Locked as locked:
        raise Finish(locked.message, [HUMAN]) from None
    identity = {"customer_id": known["customer_id"], "phone": known["phone"], "name": known.get("name")}
    # Both are served sooner; who is 65 or older is met with more care.
    identity |= {mark: True for mark, so in (("vip", known.get("tier") == "vip"), ("care", known.get("senior"))) if so}
    turn.effect("verified", identity)
    return {"verified": identity}


async def _no_code(turn: Turn, draft: Draft) -> Miss | None:
    """No six digits: a new code is sent where it did not arrive."""
    if re.search(r"没收到|收不到|没有收到|重发|重新发|再发", turn.text):
        draft["id_challenge"] = await _send(turn, draft)
        return Miss("已重新发送；一直收不到，也可以换种方式核对。请输入短信里的 6 位验证码。")
    return Miss("验证码是 6 位数字。请看一下短信，再发一次验证码。") if re.search(r"\d{3,}", turn.text) else None


_ON_FILE = "为了保护您的信息，先核对身份。请发您投保时留的手机号。"


def nodes(
    question: str = _ON_FILE, *, on_file: bool = True, when: Callable[[Turn, Draft], bool] = always
) -> tuple[Field | Step, ...]:
    """The identification part of a form.

    Args:
        question: asks for the phone number.
        on_file: the customer must be one of ours, so plate and id card are offered as the other way.
        when: whether the form asks for it at all.
    """

    def _unknown(turn: Turn, draft: Draft) -> bool:
        return turn.verified is None and when(turn, draft)

    def _by_plate(turn: Turn, draft: Draft) -> bool:
        return _unknown(turn, draft) and draft.get("id_phone") == ""

    other = [option("换种方式核对", "id_phone", "")] if on_file else []

    def ask_code(turn: Turn, draft: Draft) -> Prompt:
        demo = "（演示环境固定为 246810）" if get_settings().demo else ""
        return Prompt(f"短信已发到 {draft['id_challenge']['phone']}{demo}。请输入 6 位验证码。", other)

    hint = "；手机号换了，就回复“换种方式核对”" if on_file else "，用来接收验证码和保单通知"
    return (
        Field(
            "id_phone",
            "手机号",
            lambda t, d: Prompt(question, other, wants="phone"),
            _parse_phone,
            f"手机号是 11 位数字{hint}。请发手机号。",
            words=("手机", "电话"),
            take=lambda turn, draft: _take_phone(turn, draft) if when(turn, draft) else None,
            needed=_unknown,
            why="手机号用来收验证码、核对是您本人，别人就查不到、也动不了您的保单；不会拿来推销。",
        ),
        Field(
            "id_plate",
            "车牌号",
            lambda t, d: Prompt("好的，那用车牌来核对。请发车牌号。"),
            lambda t, d: told_plate(t, d, "id_plate"),
            "请发在我司投保的车牌号，比如 京A12345。",
            take=lambda turn, draft: plate_in(turn, draft) if when(turn, draft) else None,
            needed=_by_plate,
            depends=("id_phone",),
        ),
        Field(
            "id_last4",
            "身份证后四位",
            lambda t, d: Prompt("再请发身份证后四位。"),
            _parse_last4,
            "身份证后四位就是号码的最后四位，最后一位可能是 X。",
            needed=_by_plate,
            depends=("id_phone", "id_plate"),
            why="后四位只用来核对您是投保人本人。",
        ),
        Step("id_challenge", _send, needed=_unknown, depends=("id_phone", "id_plate", "id_last4")),
        Field(
            "id_code",
            "验证码",
            ask_code,
            _parse_code,
            "验证码在刚才那条短信里，是 6 位数字；没收到就回复“重发”，也可以转人工。",
            needed=_unknown,
            depends=("id_challenge",),
        ),
    )
