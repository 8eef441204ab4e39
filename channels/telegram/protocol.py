"""What Telegram sends, pure: is it Telegram, and what did the customer do.

Bot API 9 through python-telegram-bot's types; whatever those make of damaged input, one refusal comes out.
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, Chat, Message, Update
from telegram.constants import ChatType

from channels.telegram.bubbles import Key
from chebao.errors import InputRefused

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

COMMANDS = {
    "start": ("开始", "你好"),
    "help": ("我能帮您做什么", "你能做什么"),
    "human": ("转人工客服", "转人工"),
    "cancel": ("停止正在办理的事", "算了"),
}
"""Command → its line in Telegram's menu, and what the customer says with it."""

_TICKED = "ticked"
"""What the button of a choice already made says when it is pressed; no token of the hub's looks like it."""

_COMMAND = re.compile(r"/([a-z]{1,32})(?:@\w+)?(?:\s.*)?", re.DOTALL)

ALREADY_CHOSEN = "这一题您已经选过了。想改的话，直接打字告诉我。"
OTHERS_CONTACT = "这是别人的联系方式，不能当作您的手机号。请点“发送我的手机号”，或直接输入您自己的手机号。"
GROUP = "我只在私聊里办理业务，免得您的个人信息被群里其他人看到。请点我的头像，单独给我发消息。"
_VIDEO = "视频暂时收不了，请把关键画面截成照片发来，或用文字说明。"
_STICKER = "表情收到了，请用文字告诉我您要咨询或办理的事情。"
_OTHER = "这种消息我还处理不了，请用文字、照片或位置告诉我。"

_NOT_TAKEN = {
    "video": ("（视频）", _VIDEO),
    "video_note": ("（视频）", _VIDEO),
    "sticker": ("（表情）", _STICKER),
    "animation": ("（表情）", _STICKER),
    "dice": ("（表情）", _STICKER),
}
"""Kind of message → what stands in the ledger, and the answer."""


@dataclass(frozen=True)
class SentFile:
    """A picture, document or recording that the customer sent; Telegram keeps the bytes.

    Attributes:
        speech: of a recording, what it is: ``ogg``, ``mpeg`` …
    """

    file_id: str
    size: int
    speech: str = ""


@dataclass(frozen=True)
class Said:
    """A message of the customer.

    Attributes:
        message_id: Telegram's number of the message within the chat.
        text: what was typed, or what a command, contact or caption says.
        refusal: why it cannot be taken, in Chinese; it is answered with that and starts no turn.
    """

    message_id: int
    text: str = ""
    location: dict[str, Any] | None = None
    file: SentFile | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class Pressed:
    """A button under one of our messages was pressed; `token` is the hub's.

    Attributes:
        message_id: of our message; None where Telegram shows it no more.
        chosen: the pressed button as it looks from now on: ticked.
        links: the message's other buttons that stay, since they choose nothing.
    """

    query_id: str
    token: str
    message_id: int | None = None
    chosen: Key | None = None
    links: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Edited:
    """The customer changed the words of an earlier message."""

    message_id: int
    text: str


@dataclass(frozen=True)
class Reach:
    """The customer blocked the bot, or let it in again."""

    reachable: bool


@dataclass(frozen=True)
class InGroup:
    """Something was written in a group."""


@dataclass(frozen=True)
class Ignored:
    """Nothing that concerns us; `query_id` where a button was pressed, which turns until it is answered, with `words` perhaps."""

    query_id: str = ""
    words: str = ""


@dataclass(frozen=True)
class Event:
    """One update: its number, the chat, and what happened there."""

    update_id: int
    chat_id: int
    what: Said | Pressed | Edited | Reach | InGroup | Ignored


def from_telegram(header: str | None, secret: str) -> bool:
    """Whether ``X-Telegram-Bot-Api-Secret-Token`` is ours."""
    return hmac.compare_digest((header or "").encode("utf-8", "surrogatepass"), secret.encode())


def parse(body: bytes) -> Event:
    """The update in a webhook's body.

    Raises:
        InputRefused: not an update.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise InputRefused("不是有效的 JSON。", code="bad_update") from None
    if not isinstance(data, dict) or type(data.get("update_id")) is not int or not 0 <= data["update_id"] < 2**63:
        raise InputRefused("不是 Telegram 的更新。", code="bad_update")
    try:
        # de_json empties what it is given
        return _event(Update.de_json(json.loads(body), None))
    except Exception:
        # python-telegram-bot checks nothing: damaged updates end in KeyError, TypeError, AttributeError, OverflowError …
        # and a newer Bot API's messages may as well, so their sender is told; Telegram would push a refused one for ever.
        return _unreadable(data)


def _unreadable(data: dict[str, Any]) -> Event:
    message = data.get("message")
    chat = message.get("chat") if isinstance(message, dict) else None
    try:
        if not isinstance(chat, dict) or chat["type"] != ChatType.PRIVATE or not message:
            raise TypeError
        said = Said(_int(message["message_id"]), "（不支持的消息）", refusal=_OTHER)
        return Event(data["update_id"], _int(chat["id"]), said)
    except (KeyError, TypeError):
        raise InputRefused("更新的内容不完整。", code="bad_update") from None


def read(update: Update) -> Event:
    """What a fetched update means to us.

    Raises:
        InputRefused: it is not as Telegram makes them.
    """
    try:
        return _event(update)
    except Exception:
        raise InputRefused("更新的内容不完整。", code="bad_update") from None


def _event(update: Update) -> Event:
    if query := update.callback_query:
        return Event(update.update_id, _int(query.from_user.id), _pressed(query))
    if change := update.my_chat_member:
        return Event(update.update_id, _int(change.chat.id), _reach(change.chat, change.new_chat_member.status))
    if message := update.message:
        return Event(update.update_id, _int(message.chat.id), _said(message))
    if message := update.edited_message:
        text = _str(message.text or message.caption or "")
        private = message.chat.type == ChatType.PRIVATE
        edited = Edited(_int(message.message_id), text) if private and text else Ignored()
        return Event(update.update_id, _int(message.chat.id), edited)
    return Event(update.update_id, 0, Ignored())


def _pressed(query: CallbackQuery) -> Pressed | Ignored:
    number, token, message = _str(query.id), _str(query.data or ""), query.message
    if message and message.chat.type != ChatType.PRIVATE:
        return Ignored(number)
    if token == _TICKED:
        return Ignored(number, ALREADY_CHOSEN)
    if (
        not isinstance(message, Message) or not message.is_accessible
    ):  # too old: Telegram says no more what stands in it
        return Pressed(number, token)
    keys = [key for row in (message.reply_markup.inline_keyboard if message.reply_markup else ()) for key in row]
    chosen = [Key(f"✓ {_str(key.text)}", token=_TICKED) for key in keys if key.callback_data == token]
    links = tuple(Key(_str(key.text), url=_str(key.url)) for key in keys if key.url)
    return Pressed(number, token, _int(message.message_id), chosen[0] if chosen else None, links)


def _reach(chat: Chat, status: str) -> Reach | InGroup | Ignored:
    left = status in ("kicked", "left")
    if chat.type == ChatType.PRIVATE:
        return Reach(not left)
    return Ignored() if left or chat.type == ChatType.CHANNEL else InGroup()


def _said(message: Message) -> Said | InGroup | Ignored:
    if message.chat.type != ChatType.PRIVATE:
        return InGroup() if message.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP) else Ignored()
    number = _int(message.message_id)
    if message.text is not None:
        return Said(number, said_by_command(_str(message.text)))
    if message.contact:
        # A forwarded contact carries the user id of whoever is on it; only what he shares himself is his own.
        sender = message.from_user
        if sender and message.contact.user_id == sender.id and message.forward_origin is None:
            return Said(number, _own_phone(_str(message.contact.phone_number)))
        return Said(number, "（他人的联系方式）", refusal=OTHERS_CONTACT)
    if message.location or message.venue:
        return _place(message, number)
    caption = _str(message.caption or "")
    if message.photo:
        largest = max(message.photo, key=lambda p: p.width * p.height)
        return Said(number, caption, file=SentFile(_str(largest.file_id), _int(largest.file_size or 0)))
    if recording := message.voice or message.audio:
        media_format = _str(recording.mime_type or "audio/ogg").rpartition("/")[2]
        return Said(
            number, caption, file=SentFile(_str(recording.file_id), _int(recording.file_size or 0), media_format)
        )
    kind = next((name for name in _NOT_TAKEN if getattr(message, name, None)), None)
    if kind:  # before documents: an animation comes as a document as well
        words, refusal = _NOT_TAKEN[kind]
        return Said(number, words, refusal=refusal)
    if message.document:
        document = message.document
        return Said(number, caption, file=SentFile(_str(document.file_id), _int(document.file_size or 0)))
    # What is left without an attachment are the platform's own notes, e.g. that a message was pinned.
    return Said(number, "（不支持的消息）", refusal=_OTHER) if message.effective_attachment else Ignored()


def said_by_command(text: str) -> str:
    """``/human@chebao_bot`` → 转人工; other text as it is."""
    found = _COMMAND.fullmatch(text)
    return COMMANDS[found[1]][1] if found and found[1] in COMMANDS else text


def _own_phone(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    return digits.removeprefix("86") if len(digits) == 13 else digits


def _place(message: Message, number: int) -> Said | Ignored:
    venue = message.venue
    spot = venue.location if venue else message.location
    assert spot is not None
    latitude, longitude = float(spot.latitude), float(spot.longitude)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return Ignored()
    label = f"{_str(venue.address)} {_str(venue.title)}".strip() if venue else ""
    printable = "".join(c for c in label if c.isprintable())[:200]
    return Said(number, location={"latitude": latitude, "longitude": longitude, "label": printable or None})


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _int(value: object) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise TypeError
    return value
