"""A customer's chat on the fake Telegram, and what may go wrong with the calls that reach it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Chat:
    """One customer's private chat, or a group.

    Attributes:
        log: what stands in the chat, both sides, as Bot API messages.
    """

    id: int
    kind: str = "private"
    blocked: bool = False
    log: list[dict[str, Any]] = field(default_factory=list)
    level: float = 3.0
    at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "type": self.kind, "first_name": f"客户{self.id}"}

    def heard(self) -> list[dict[str, Any]]:
        """What the bot said."""
        return [m for m in self.log if m["from"]["is_bot"]]

    def texts(self) -> list[str]:
        return [m.get("text") or m.get("caption") or "" for m in self.heard()]

    def buttons(self) -> list[dict[str, str]]:
        """All inline buttons that still offer something, oldest first, each with its message."""
        return [button for button in self.inline() if not button["text"].startswith("✓")]

    def ticked(self) -> list[str]:
        """What was chosen, as the buttons show it."""
        return [button["text"] for button in self.inline() if button["text"].startswith("✓")]

    def inline(self) -> list[dict[str, str]]:
        """All inline buttons."""
        return [
            {**button, "message_id": message["message_id"]}
            for message in self.heard()
            for row in (message.get("reply_markup") or {}).get("inline_keyboard", ())
            for button in row
        ]


@dataclass
class Fault:
    """What goes wrong with the next sends, or answers to presses.

    Attributes:
        kind: `flood` (429), `error` (500), `gateway` (502), `lost` (done, but the answer never comes), `slow` (done late).
    """

    kind: str
    times: int = 1
    seconds: float = 1.0
