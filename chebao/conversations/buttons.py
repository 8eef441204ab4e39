"""Buttons: the actions' payloads stay with us, the customer holds opaque tokens bound to conversation, message and place.

A payload reaches the dialogue only through a token (or the typed title) of something we offered; a payload typed by a
customer is text like any other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

from chebao.conversations.commands import plain

_TOKEN = re.compile(r"~([0-9a-z]{1,8})\.([0-9]{1,3})\.([A-Za-z0-9_-]{16})")
_PAYLOAD = re.compile(r"/([A-Za-z_]\w*)\s*(\{.*\})?", re.DOTALL)
_ORDINAL = re.compile(r"(?:我?选|要)?(?:第)?([1-9]|[一二两三四五六七八九])(?:个|项|种|号)?(?:吧)?")
_THAT_ONE = re.compile("(?:我?就?要|我?就?选|就)?[那这](?:个|款|份|一个)(?:吧|了)?|就它吧?")
_CHINESE = {c: n for n, c in enumerate("一二三四五六七八九", 1)} | {"两": 2}


class Tokens:
    """Makes and reads tokens; nothing is stored, the signature binds them."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"button:{secret}".encode()).digest()

    def make(self, conversation_id: str, seq: int, place: int) -> str:
        """The token of the `place`-th payload of message `seq`."""
        return f"~{seq:x}.{place}.{self._mac(conversation_id, seq, place)}"

    def read(self, conversation_id: str, token: str) -> tuple[int, int] | None:
        """`(seq, place)`, or None for a token that is not this conversation's."""
        found = _TOKEN.fullmatch(token.strip())
        if not found:
            return None
        try:
            seq, place = int(found[1], 16), int(found[2])
        except ValueError:
            return None
        return (seq, place) if hmac.compare_digest(found[3], self._mac(conversation_id, seq, place)) else None

    def _mac(self, conversation_id: str, seq: int, place: int) -> str:
        digest = hmac.new(self._key, f"{conversation_id}:{seq}:{place}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:12]).decode()


def looks_like_token(text: str) -> bool:
    """Whether a message has the shape of a token."""
    return bool(_TOKEN.fullmatch(text.strip()))


def payloads(buttons: list[dict[str, str]] | None, custom: dict[str, Any] | None) -> list[dict[str, str]]:
    """All that can be pressed in one message, in order of place: its buttons, then payloads inside its card."""
    inside = [
        {"title": str(d.get("title") or d.get("name") or ""), "payload": str(d["payload"])} for d in _cards(custom)
    ]
    return [*(buttons or []), *inside]


def with_tokens(
    tokens: Tokens, conversation_id: str, seq: int, buttons: list[dict[str, str]] | None, custom: dict[str, Any] | None
) -> tuple[list[dict[str, str]], dict[str, Any] | None]:
    """Buttons and card as the customer gets them: every payload replaced by its token."""
    shown = [
        {"title": b["title"], "payload": tokens.make(conversation_id, seq, place)}
        for place, b in enumerate(buttons or [])
    ]
    if custom is None:
        return shown, None
    copy = json.loads(json.dumps(custom))
    for place, holder in enumerate(_cards(copy), len(shown)):
        holder["payload"] = tokens.make(conversation_id, seq, place)
    return shown, copy


def _cards(node: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a card that carries a ``/intent`` payload, depth first."""
    if isinstance(node, dict):
        if str(node.get("payload", "")).startswith("/"):
            yield node
        for value in node.values():
            yield from _cards(value)
    elif isinstance(node, list):
        for value in node:
            yield from _cards(value)


def parse_payload(payload: str) -> dict[str, Any] | None:
    """``/inform{"plan": "standard"}`` → ``{"intent": "inform", "entities": {"plan": "standard"}}``; None for other text."""
    found = _PAYLOAD.fullmatch(payload.strip())
    if not found:
        return None
    try:
        entities = json.loads(found[2]) if found[2] else {}
    except ValueError:
        return None
    return {"intent": found[1], "entities": entities} if isinstance(entities, dict) else None


def typed_choice(text: str, offered: list[dict[str, str]] | None) -> dict[str, str] | None:
    """The newest offered button that the customer typed: its title exactly, its number, or "就那个" where there is but one.

    A number counts only where there is a choice, a bare one only where no title contains a digit itself: under
    "0 次 / 1 次 / 2 次" a "1" means 1 次.
    """
    if not offered or len(text) > 60:
        return None
    words = plain(text)
    for button in offered:
        if words and words == plain(button["title"]):
            return button
    choices = [button for button in offered if not button["payload"].startswith("/human_agent")]
    if _THAT_ONE.fullmatch(words):
        return choices[0] if len(choices) == 1 else None
    number = _ORDINAL.fullmatch(words)
    if not number or len(offered) < 2:
        return None
    bare = words == number[1]
    if bare and any(c.isdigit() or c in _CHINESE for b in offered for c in plain(b["title"])):
        return None
    place = int(number[1]) if number[1].isdigit() else _CHINESE[number[1]]
    return offered[place - 1] if place <= len(offered) else None
