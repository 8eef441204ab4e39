"""Our parts as Telegram messages, pure: as few as hold them, since one chat takes only one a second."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from telegram.constants import InlineKeyboardButtonLimit, MessageLimit

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
    def pictured(self) -> bool:
        """Whether it shows a picture or file."""
        return bool(self.photo or self.upload)

    @property
    def open(self) -> bool:
        """Whether more words may follow in the same message."""
        return not (self.keys or self.keyboard or self.pictured)


def render(messages: Sequence[tuple[int, Sequence[Part]]]) -> list[Bubble]:
    """The fewest Telegram messages that carry all parts in order.

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
        if last and _follows(last, bubble):
            last.html += "\n\n" + bubble.html
            last.size += bubble.size + 2
            last.ids += [n for n in bubble.ids if n not in last.ids]
            last.keys, last.keyboard = bubble.keys, bubble.keyboard
        elif last and _captions(last, bubble):
            last.photo, last.upload = bubble.photo, bubble.upload
        else:
            joined.append(bubble)
    return joined


def _follows(last: Bubble, bubble: Bubble) -> bool:
    """Whether the words of a bubble may stand below those of the last one."""
    return last.open and not bubble.pictured and last.size + bubble.size + 2 <= MessageLimit.MAX_TEXT_LENGTH


def _captions(last: Bubble, bubble: Bubble) -> bool:
    """Whether a picture belongs to the words before it and they are short enough for its caption."""
    ours = bubble.pictured and not last.pictured and bubble.ids[0] in last.ids
    return ours and last.size <= MessageLimit.CAPTION_LENGTH


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
