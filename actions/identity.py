"""Who is it: phone and one-time code, or plate, last four of the id card and a code to the phone on file.

Nodes to put at the head of a dialogue that touches a customer's own data. They ask nothing of a customer who is verified.
"""

from __future__ import annotations

import re
from typing import Any

from chebao.errors import InputRefused, Locked, NotFound
from chebao.insurance import idcard, phone, plate
from chebao.settings import get_settings

from actions.forms import Draft, Field, Finish, Miss, Prompt, Step
from actions.services import backoffice
from actions.turn import HUMAN, Turn, option

_OTHER_WAY = re.compile(r"换(了)?(手机)?号|没有?用了|不用了|停机|忘|不记得|收不到|没收到|身份证|别的方式|其他方式|用车牌")


def _unknown(turn: Turn, draft: Draft) -> bool:
    return turn.verified is None


def _by_plate(turn: Turn, draft: Draft) -> bool:
    return turn.verified is None and draft.get("id_phone") == ""


def _ask_phone(turn: Turn, draft: Draft) -> Prompt:
    return Prompt("先核对一下身份，请发您在我司预留的手机号。", [option("换种方式核对", "id_phone", "")])


def _parse_phone(turn: Turn, draft: Draft) -> Any:
    if "id_phone" in turn.pressed:
        return turn.pressed["id_phone"]
    found = phone.find_phones(turn.text)
    if found:
        return found[0].value
    if _OTHER_WAY.search(turn.text) or plate.find_plates(turn.text):
        return ""
    if len(re.sub(r"\D", "", turn.text)) >= 7:
        return Miss("这个手机号位数不太对，请发 11 位手机号，比如 13812345678。")
    return None


def _take_phone(turn: Turn, draft: Draft) -> Any:
    found = phone.find_phones(turn.text)
    return found[0].value if found and turn.verified is None else None


def _parse_plate(turn: Turn, draft: Draft) -> Any:
    found = plate.find_plates(turn.text)
    return found[0].value if found else None


def _parse_last4(turn: Turn, draft: Draft) -> Any:
    whole = idcard.find_id_cards(turn.text)
    if whole:
        return whole[0].value[-4:]
    match = re.search(r"(?<!\d)\d{3}[\dXx](?![\dXx])", turn.text)
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
        raise InputRefused(
            "车牌和身份证后四位对不上，请核对后再发一次身份证后四位。", detail={"field": "id_last4"}
        ) from None
    return {"challenge": sent["challenge_id"], "phone": sent["phone_masked"]}


def _ask_code(turn: Turn, draft: Draft) -> Prompt:
    hint = "（演示环境固定为 246810）" if get_settings().demo else ""
    return Prompt(f"已发短信到 {draft['id_challenge']['phone']}{hint}，请输入 6 位验证码。", [option("换种方式核对", "id_phone", "")])


async def _parse_code(turn: Turn, draft: Draft) -> Any:
    digits = re.search(r"(?<!\d)\d{6}(?!\d)", re.sub(r"(?<=\d)[\s-](?=\d)", "", turn.text))
    if not digits:
        if re.search(r"没收到|收不到|重发|重新发|再发", turn.text):
            await _send(turn, draft)
            return Miss("已重新发送，请输入短信里的 6 位验证码；一直收不到，也可以换种方式核对。")
        return Miss("验证码是 6 位数字，请看一下短信再发给我。") if re.search(r"\d{3,}", turn.text) else None
    try:
        known = await backoffice().verify_code(draft["id_challenge"]["challenge"], digits.group())
    except InputRefused as wrong:
        return Miss(wrong.message)
    except Locked as locked:
        raise Finish(locked.message, [HUMAN]) from None
    identity = {"customer_id": known["customer_id"], "phone": known["phone"], "name": known.get("name")}
    turn.effect("verified", identity)
    return {"verified": identity}




def nodes() -> list[Field | Step]:
    """The identification part of a form."""
    return [
        Field("id_phone", "手机号", _ask_phone, _parse_phone,
              "办理这项需要先核对身份：请发 11 位手机号；手机号换了，就回复“换种方式核对”。",
              words=("手机", "电话"), take=_take_phone, needed=_unknown),
        Field("id_plate", "车牌号", lambda t, d: Prompt("好的，那用车牌来核对，请发车牌号。"), _parse_plate,
              "请发在我司投保的车牌号，比如 京A12345。", take=_parse_plate, needed=_by_plate, depends=("id_phone",)),
        Field("id_last4", "身份证后四位", lambda t, d: Prompt("再请发车主身份证的后四位。"), _parse_last4,
              "请发车主身份证号的最后四位，最后一位可能是 X。", needed=_by_plate, depends=("id_phone", "id_plate")),
        Step("id_challenge", _send, needed=_unknown, depends=("id_phone", "id_plate", "id_last4")),
        Field("id_code", "验证码", _ask_code, _parse_code,
              "验证码在刚才那条短信里，是 6 位数字；没收到就回复“重发”，也可以转人工核对。",
              needed=_unknown, depends=("id_challenge",)),
    ]
