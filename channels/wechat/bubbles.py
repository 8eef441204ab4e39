"""Our messages as WeChat bubbles, pure: few, because five are allowed, and none above 2048 bytes.

Several messages of ours become one bubble where they are words; choices end a bubble. One message may need several bubbles.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from channels.parts import Card, Choice, Choices, File, Image, Link, LocationRequest, Part, PhoneRequest, Text
from channels.split import pieces

LIMIT = 2048
"""Bytes of one text; WeChat's own pages name no number, SDKs and practice do, over-long ones are refused with 45002."""

_HOW_TO_SHARE_A_PLACE = "（点输入框旁的“＋”，选“位置”发送；也可以直接打字告诉我）"
_MOST_CHOICES = 10


@dataclass(frozen=True)
class Words:
    """A text, maybe with things to press; `ids` are the messages whose content it holds."""

    ids: tuple[int, ...]
    text: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A picture, by its address or by its number in our upload store."""

    ids: tuple[int, ...]
    url: str = ""
    upload_id: str = ""


Bubble = Words | Picture


def plan(messages: Iterable[tuple[int, Sequence[Part]]]) -> list[Bubble]:
    """The bubbles of some messages in order; words that fit together share one."""
    bubbles: list[Bubble] = []
    for message_id, parts in messages:
        for part in parts:
            for bubble in _drawn(message_id, part):
                last = bubbles[-1] if bubbles else None
                joined = _joined(last, bubble) if isinstance(last, Words) and not last.choices else None
                if joined:
                    bubbles[-1] = joined
                else:
                    bubbles.append(bubble)
    return bubbles


def squeeze(bubbles: Sequence[Bubble], room: int) -> list[Bubble]:
    """The same content in at most `room` bubbles where that is possible: choices in between become words, pictures stay."""
    squeezed = list(bubbles)
    while len(squeezed) > max(room, 1):
        pairs = (
            (n, joined)
            for n, (a, b) in enumerate(itertools.pairwise(squeezed))
            if isinstance(a, Words) and (joined := _joined(replace(a, text=_as_lines(a), choices=()), b))
        )
        found = next(pairs, None)
        if found is None:
            break
        squeezed[found[0] : found[0] + 2] = [found[1]]
    return squeezed


def passive(words: Words) -> str:
    """A bubble as the text of a passive reply, which knows no menus: choices are numbered and can be pressed."""
    lines = [f"{n}. {_pressable(choice)}" for n, choice in enumerate(words.choices, 1)]
    return "\n".join([words.text, *lines]) if lines else words.text


def as_text(words: Words) -> dict[str, Any]:
    """Body of ``message/custom/send``: a text with numbered choices, for accounts that may not send menus."""
    return {"msgtype": "text", "text": {"content": _as_lines(words)}}


def as_call(words: Words) -> dict[str, Any]:
    """Body of ``message/custom/send``: a menu where there is something to press."""
    if not words.choices:
        return as_text(words)
    items = [{"id": choice.token, "content": choice.title} for choice in words.choices]
    return {"msgtype": "msgmenu", "msgmenu": {"head_content": words.text, "list": items, "tail_content": ""}}


def split(text: str, limit: int = LIMIT) -> list[str]:
    """The text in pieces of at most `limit` bytes, cut between lines, else between characters as people see them."""
    return pieces(text, limit, _size)


def _drawn(message_id: int, part: Part) -> list[Bubble]:
    ids = (message_id,)
    match part:
        case Image():
            return [Picture(ids, url=part.url)]
        case File():
            return [Picture(ids, upload_id=part.upload_id)]
        case Text():
            return _worded(ids, _harmless(part.text))
        case Link():
            return _worded(ids, _linked(part))
        case LocationRequest():
            return _worded(ids, f"{_harmless(part.text)}\n{_HOW_TO_SHARE_A_PLACE}", part.choices)
        case Card():
            lines = [f"【{_harmless(part.title)}】", *map(_harmless, part.lines)]
            return _worded(ids, "\n".join([*lines, *([_linked(part.link)] if part.link else [])]), part.choices)
        case Choices() | PhoneRequest():
            return _worded(ids, _harmless(part.text), part.choices)


def _worded(ids: tuple[int, ...], text: str, choices: tuple[Choice, ...] = ()) -> list[Bubble]:
    choices = choices[:_MOST_CHOICES]
    if _fits(Words(ids, text, choices)):
        return [Words(ids, text, choices)]
    *first, last = split(text) or [""]
    whole = Words(ids, last, choices)
    if _fits(whole):
        return [*(Words(ids, piece) for piece in first), whole]
    return [*(Words(ids, piece) for piece in (*first, last)), Words(ids, "请选择：", choices)]


def _joined(first: Words, second: Bubble) -> Words | None:
    """Both in one bubble, if they fit."""
    if not isinstance(second, Words):
        return None
    ids = tuple(dict.fromkeys([*first.ids, *second.ids]))
    both = Words(ids, f"{first.text}\n\n{second.text}".strip(), second.choices)
    return both if _fits(both) else None


def _fits(words: Words) -> bool:
    """In either form: the passive one is the longer."""
    return _size(passive(words)) <= LIMIT


def _size(text: str) -> int:
    return len(text.encode())


def _as_lines(words: Words) -> str:
    return "\n".join([words.text, *(f"{n}. {choice.title}" for n, choice in enumerate(words.choices, 1))])


def _pressable(choice: Choice) -> str:
    title = choice.title.replace("<", "＜").replace(">", "＞")
    target = f"weixin://bizmsgmenu?msgmenucontent={quote(choice.title)}&msgmenuid={quote(choice.token)}"
    return f'<a href="{target}">{title}</a>'


def _linked(link: Link) -> str:
    return f'<a href="{link.url.replace('"', "%22")}">{link.title}</a>'


def _harmless(text: str) -> str:
    """Text in which nothing becomes a link that we did not make."""
    return re.sub(r"<(?=/?a\b)", "＜", text, flags=re.IGNORECASE)
