"""Talks to one form as Rasa would: builds the tracker, runs the form's action, and keeps what its events say."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.forms import Form

NOW = "2026-11-22T12:00:00+08:00"


@dataclass
class Conversation:
    """One customer and one form.

    Attributes:
        slots: as Rasa keeps them between turns.
        loop: name of the active form, or None.
        replies: what was said in the last turn, with buttons and custom parts.
    """

    form: Form
    slots: dict[str, Any] = field(default_factory=dict)
    loop: str | None = None
    verified: dict[str, Any] | None = None
    replies: list[dict[str, Any]] = field(default_factory=list)
    _count: int = 0

    def say(
        self,
        text: str,
        intent: str = "inform",
        confidence: float = 0.9,
        further: tuple[tuple[str, str], ...] = (),
        emotion: str = "calm",
        **metadata: Any,
    ) -> str:
        """Sends free words; the answer is all texts of the turn."""
        message = {
            "text": text,
            "intent": {"name": intent, "confidence": confidence},
            "entities": [],
            "further": [{"intent": name, "text": words} for name, words in further],
            "emotion": {"name": emotion, "confidence": 0.9},
        }
        return self._turn(message, metadata)

    def press(self, title: str) -> str:
        """Presses a button of the last turn."""
        buttons = [b for r in self.replies for b in r.get("buttons") or ()]
        payload = next(b["payload"] for b in buttons if b["title"] == title).lstrip("/")
        name, brace, rest = payload.partition("{")
        values = json.loads(brace + rest) if brace else {}
        entities = [{"entity": k, "value": v} for k, v in values.items()]
        return self._turn(
            {"text": title, "pressed": True, "intent": {"name": name, "confidence": 1.0}, "entities": entities}
        )

    def return_from_agent(self, **told: Any) -> str:
        """The hub says that an agent gave the conversation back, or ended it."""
        entities = [{"entity": name, "value": value} for name, value in told.items()]
        intent = {"name": "returned_from_agent", "confidence": 1.0}
        return self._turn({"text": "", "pressed": True, "intent": intent, "entities": entities})

    @property
    def draft(self) -> dict[str, Any]:
        return self.slots.get(self.form.slot) or {}

    @property
    def asked(self) -> str | None:
        """The field that waits for its answer."""
        return self.slots.get("requested_slot")

    @property
    def buttons(self) -> list[str]:
        return [b["title"] for r in self.replies for b in r.get("buttons") or ()]

    @property
    def effects(self) -> list[dict[str, Any]]:
        return [e for r in self.replies for e in (r.get("custom") or {}).get("effects", ())]

    def _turn(self, message: dict[str, Any], metadata: dict[str, Any] | None = None) -> str:
        self._count += 1
        message["message_id"] = f"m{self._count}"
        message["metadata"] = {"received_at": NOW, "verified": self.verified, **(metadata or {})}
        loop = {"name": self.loop} if self.loop else {}
        user = {"event": "user", "text": message["text"]}
        tracker = Tracker("c1", dict(self.slots), message, [user], False, None, loop, "action_listen")
        dispatcher = CollectingDispatcher()
        for event in asyncio.run(self.form.run(dispatcher, tracker, {})):
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
            elif event["event"] == "active_loop":
                self.loop = event["name"]
        self.replies = dispatcher.messages
        return "\n".join(r["text"] for r in self.replies if r.get("text"))
