"""Telegram's side of a conversation, pure: is it Telegram, what did the customer send, how do our parts look there.

Bot API 9 through python-telegram-bot's types; whatever those make of damaged input, one refusal comes out.
"""

from __future__ import annotations

import hmac
import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from telegram import Chat, Message, Update
from telegram.constants import ChatType, InlineKeyboardButtonLimit, MessageLimit

from channels.parts import (
    Card,
    Choice,
    Choices,
    File,
    Image,
    Link,
    LocationRequest,
    Part,
    PhoneRequest,
    Text,
)
from channels.split import pieces, utf16_units
from chebao.errors import InputRefused

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

COMMANDS = {
    "start": ("开始", "你好"),
    "help": ("我能帮您做什么", "你能做什么"),
    "human": ("转人工客服", "转人工"),
    "cancel": ("停止正在办理的事", "算了"),
}
"""Command → its line in Telegram's menu, and what the customer says with it."""

_COMMAND = re.compile(r"/([a-z]{1,32})(?:@\w+)?(?:\s.*)?", re.DOTALL)

OTHERS_CONTACT = "这是别人的联系方式，不能当作您的手机号。请点“发送我的手机号”，或直接输入您自己的手机号。"
GROUP = "我只在私聊里办理业务，免得您的个人信息被群里其他人看到。请点我的头像，单独给我发消息。"
_VIDEO = "视频暂时收不了，请把关键画面截成照片发来，或用文字说明。"
_VOICE = "语音我还听不了，请用文字告诉我。"
_STICKER = "表情收到了，请用文字告诉我您要咨询或办理的事情。"
_OTHER = "这种消息我还处理不了，请用文字、照片或位置告诉我。"

_NOT_TAKEN = {
    "voice": ("（语音）", _VOICE),
    "audio": ("（音频）", _VOICE),
    "video": ("（视频）", _VIDEO),
    "video_note": ("（视频）", _VIDEO),
    "sticker": ("（表情）", _STICKER),
    "animation": ("（表情）", _STICKER),
    "dice": ("（表情）", _STICKER),
}
"""Kind of message → what stands in the ledger, and the answer."""


@dataclass(frozen=True)
class SentFile:
    """A picture or document that the customer sent; Telegram keeps the bytes."""

    file_id: str
    size: int


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
    """A button under one of our messages was pressed; `token` is the hub's."""

    query_id: str
    token: str
    message_id: int | None


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
    """Nothing that concerns us."""


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
        message = query.message
        private = message is None or message.chat.type == ChatType.PRIVATE
        pressed = Pressed(_str(query.id), _str(query.data or ""), message.message_id if message else None)
        return Event(update.update_id, _int(query.from_user.id), pressed if private else Ignored())
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


# --- our parts as Telegram messages --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """A button of ours: under a message with `token` or `url`, else one of the keyboard, which types its title."""

    title: str
    token: str = ""
    url: str = ""
    asks: str = ""


@dataclass
class Bubble:
    """One message to send: words in Telegram's HTML, or a file with them as its caption.

    Attributes:
        ids: the hub's messages of which it carries something.
        keys: buttons under the message.
        keyboard: the big buttons in place of the customer's keyboard, for a position or phone number.
    """

    ids: list[int]
    html: str = ""
    size: int = 0
    keys: list[Key] = field(default_factory=list)
    keyboard: list[Key] = field(default_factory=list)
    photo: str = ""
    upload: File | None = None

    @property
    def open(self) -> bool:
        """Whether more words may follow in the same message."""
        return not (self.keys or self.keyboard or self.photo or self.upload)


def render(messages: Sequence[tuple[int, Sequence[Part]]]) -> list[Bubble]:
    """The fewest Telegram messages that carry all parts in order: one chat takes only one a second.

    Args:
        messages: id and parts of each of the hub's messages, in order.
    """
    bubbles: list[Bubble] = []
    flat = [(number, part) for number, parts in messages for part in parts]
    asked_later = False
    for number, part in reversed(flat):
        # The question after a card offers the same plans as the card; its buttons stand where the eye is.
        drawn = _drawn(number, part, with_choices=not asked_later)
        asked_later |= isinstance(part, Choices | LocationRequest | PhoneRequest)
        bubbles[:0] = drawn
    return _joined(bubbles)


def _joined(bubbles: Iterable[Bubble]) -> list[Bubble]:
    joined: list[Bubble] = []
    for bubble in bubbles:
        last = joined[-1] if joined else None
        mergeable = bubble.html and not bubble.photo and not bubble.upload
        if last and last.open and mergeable and last.size + bubble.size + 2 <= MessageLimit.MAX_TEXT_LENGTH:
            last.html += "\n\n" + bubble.html
            last.size += bubble.size + 2
            last.ids += [n for n in bubble.ids if n not in last.ids]
            last.keys, last.keyboard = bubble.keys, bubble.keyboard
        else:
            joined.append(bubble)
    return joined


def _drawn(number: int, part: Part, *, with_choices: bool) -> list[Bubble]:
    match part:
        case Text(text):
            return _texts(number, text)
        case Choices(text, choices):
            return _asked(number, text, choices)
        case LocationRequest(text, choices):
            return _asked(number, text, choices, Key("发送我的位置", asks="location"))
        case PhoneRequest(text, choices):
            return _asked(number, text, choices, Key("发送我的手机号", asks="phone"))
        case Card():
            return _card(number, part, with_choices=with_choices)
        case Link(title, url):
            return _card(number, Card("", (title,), link=part), with_choices=False)
        case Image(url):
            return [Bubble([number], photo=url)]
        case File():
            return [Bubble([number], upload=part)]


def _texts(number: int, text: str) -> list[Bubble]:
    return [
        Bubble([number], html.escape(piece, quote=False), utf16_units(piece))
        for piece in pieces(text, MessageLimit.MAX_TEXT_LENGTH, utf16_units)
    ]


def _asked(number: int, text: str, choices: Sequence[Choice], request: Key | None = None) -> list[Bubble]:
    keys = [Key(c.title, token=c.token) for c in choices]
    if request is None and any(len(k.token.encode()) > InlineKeyboardButtonLimit.MAX_CALLBACK_DATA for k in keys):
        # Such a button would be refused with the whole message; the number or the words do as well.
        text, keys = "\n".join([text, *(f"{n}. {k.title}" for n, k in enumerate(keys, 1))]), []
    bubbles = _texts(number, text) or [Bubble([number], "请选择：", 4)]
    if request:
        # A position and inline buttons exclude each other; typing a button's title presses it for the hub as well.
        bubbles[-1].keyboard = [request, *(Key(k.title) for k in keys)]
    else:
        bubbles[-1].keys = keys
    return bubbles


def _card(number: int, card: Card, *, with_choices: bool) -> list[Bubble]:
    keys = [Key(c.title, token=c.token) for c in card.choices] if with_choices else []
    lines = list(card.lines)
    if card.link and _reachable(card.link.url):
        keys.append(Key(card.link.title, url=card.link.url))
    elif card.link:
        lines.append(f"{card.link.title}：{card.link.url}")
    bubbles = _texts(number, "\n".join(lines)) or [Bubble([number])]
    if card.title:
        bubbles[0].html = f"<b>{html.escape(card.title, quote=False)}</b>\n{bubbles[0].html}".strip()
        bubbles[0].size += utf16_units(card.title) + 1
    bubbles[-1].keys = keys
    return bubbles


def _reachable(url: str) -> bool:
    """Whether Telegram takes an address for a button: it refuses the whole message over one that leads nowhere."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host
