"""What the Bot API refuses, by its documentation."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

_STRAY = re.compile(r"<(?!/?[a-z])")
_TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "tg-spoiler", "blockquote"}


def _units(text: str) -> int:
    """Length as the Bot API counts it."""
    return len(text.encode("utf-16-le")) // 2


class Bad(Exception):
    """A call that the Bot API refuses."""

    def __init__(self, code: int, description: str, retry_after: float | None = None) -> None:
        super().__init__(description)
        self.code, self.description, self.retry_after = code, description, retry_after


_TYPES = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "s": "strikethrough"}


class _Plain(HTMLParser):
    """The text that is left after entities were parsed, and the entities."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self._open = "", list[tuple[str, int]]()
        self.entities: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in _TAGS:
            raise Bad(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
        self._open.append((tag, _units(self.text)))

    def handle_endtag(self, tag: str) -> None:
        begun, offset = self._open.pop() if self._open else ("", 0)
        if begun != tag:
            raise Bad(400, "Bad Request: can't parse entities: Unmatched end tag")
        length = _units(self.text) - offset
        self.entities.append({"type": _TYPES.get(tag, tag), "offset": offset, "length": length})

    def handle_data(self, data: str) -> None:
        self.text += data

    def finish(self) -> str:
        self.close()
        if self._open:
            raise Bad(400, "Bad Request: can't parse entities: Can't find end tag")
        return self.text


def check_text(params: dict[str, Any], name: str, limit: int) -> dict[str, Any]:
    """The text or caption of a call after entities were parsed, as it stands in the message."""
    text, what = str(params.get(name, "")), "message" if name == "text" else name
    entities: list[dict[str, Any]] = []
    if params.get("parse_mode") == "HTML":
        if _STRAY.search(text):
            raise Bad(400, "Bad Request: can't parse entities: Unsupported start tag")
        parser = _Plain()
        parser.feed(text)
        text, entities = parser.finish(), parser.entities
    if name == "text" and not text.strip():
        raise Bad(400, "Bad Request: message text is empty")
    if _units(text) > limit:
        raise Bad(400, f"Bad Request: {what} is too long")
    marks = {"entities" if name == "text" else "caption_entities": entities} if entities else {}
    return {name: text, **marks} if text else {}


def check_markup(raw: str | None) -> dict[str, Any] | None:
    """Buttons as the API takes them."""
    if not raw:
        return None
    markup: dict[str, Any] = json.loads(raw)
    buttons = [b for row in markup.get("inline_keyboard", ()) for b in row]
    if len(buttons) > 100 or any(len(row) > 8 for row in markup.get("inline_keyboard", ())):
        raise Bad(400, "Bad Request: reply markup is too long")
    for button in buttons:
        if not button.get("text"):
            raise Bad(400, "Bad Request: text buttons are unallowed in the inline keyboard")
        if "url" in button:
            _check_url(button["url"])
        elif not 1 <= len(button.get("callback_data", "").encode()) <= 64:
            raise Bad(400, "Bad Request: BUTTON_DATA_INVALID")
    return markup


NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)


def check_inline(raw: str | None) -> dict[str, Any] | None:
    """Buttons as an edit takes them; None where none are left."""
    markup = check_markup(raw)
    if markup and "inline_keyboard" not in markup:
        raise Bad(400, "Bad Request: inline keyboard expected")
    return markup if markup and markup["inline_keyboard"] else None


def check_edit(log: list[dict[str, Any]], number: int, content: dict[str, Any]) -> dict[str, Any]:
    """The message of a chat that a bot may change in this way: its own, with inline buttons or none."""
    message = next((m for m in log if m["message_id"] == number), None)
    if message is None:
        raise Bad(400, "Bad Request: message to edit not found")
    if not message["from"]["is_bot"] or "keyboard" in message.get("reply_markup", {}):
        raise Bad(400, "Bad Request: message can't be edited")
    if "text" in content and "text" not in message:
        raise Bad(400, "Bad Request: there is no text in the message to edit")
    if "caption" in content and "text" in message:
        raise Bad(400, "Bad Request: there is no caption in the message to edit")
    return message


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https", "tg")
        or "." not in (parts.hostname or "")
        or parts.hostname == "127.0.0.1"
    ):
        raise Bad(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
