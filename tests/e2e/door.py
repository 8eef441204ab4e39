"""A customer at the open chat door who does not give up: the same message id is sent again until it is answered."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

_HEADERS = {"Authorization": "Bearer demo"}
_NOT_YET = "暂时连接不上"


@dataclass
class Customer:
    """One conversation.

    Attributes:
        heard: every reply so far, oldest first.
    """

    url: str
    sender: str = field(default_factory=lambda: f"e2e-{uuid.uuid4().hex[:10]}")
    heard: list[dict[str, Any]] = field(default_factory=list)
    _read: int = 0
    _news: list[str | None] = field(default_factory=list)

    def say(self, message: str, *, within: float = 60) -> list[dict[str, Any]]:
        """Says one thing and waits for its real answer, through crashes."""
        until = time.monotonic() + within
        body = {"sender": self.sender, "message": message, "metadata": {"message_id": uuid.uuid4().hex}}
        replies: list[dict[str, Any]] = []
        while time.monotonic() < until:
            try:
                answer = httpx.post(f"{self.url}/webhooks/rest/webhook", json=body, headers=_HEADERS, timeout=30)
                answer.raise_for_status()
                replies = answer.json()
                break
            except httpx.HTTPError:
                time.sleep(0.3)
        else:
            raise AssertionError("the door did not open again")
        known, self._news = self._news, []  # the door gives news once more with its next answer
        replies = [r for r in replies if r.get("text") not in known]
        if any(_NOT_YET in (r.get("text") or "") for r in replies) or not replies:
            replies += self._late_answer(until)
        self.heard += replies
        return replies

    def press(self, title: str) -> list[dict[str, Any]]:
        """Presses the newest button whose title contains `title`."""
        buttons = [b for r in self.heard for b in r.get("buttons") or [] if title in b["title"]]
        return self.say(buttons[-1]["payload"])

    def text(self) -> str:
        """All that was heard."""
        return "\n".join(r.get("text") or "" for r in self.heard)

    def passed(self) -> None:
        """What came until now was read."""
        self._read = len(self._messages())

    def told(self, until: str, *, within: float = 60) -> list[dict[str, Any]]:
        """What came by itself since `passed`, once something with these words did."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            new = self._messages()[self._read :]
            if any(until in (message.get("text") or "") for message in new):
                self.heard += new
                self._news = [message.get("text") for message in new]
                return new
            time.sleep(0.1)
        raise AssertionError(f"nothing with “{until}” came")

    def state(self) -> dict[str, Any]:
        """Owner and epoch."""
        answer = httpx.get(f"{self.url}/api/conversations/{self.sender}", headers=_HEADERS)
        state: dict[str, Any] = answer.raise_for_status().json()
        return state

    def _late_answer(self, until: float) -> list[dict[str, Any]]:
        """What comes by itself once the assistant is back."""
        seen = len(self._messages())
        while time.monotonic() < until:
            messages = self._messages()
            real = [m for m in messages[seen:] if _NOT_YET not in (m.get("text") or "")]
            if real:
                return real
            time.sleep(0.3)
        raise AssertionError("the message was never answered")

    def _messages(self) -> list[dict[str, Any]]:
        try:
            answer = httpx.get(f"{self.url}/api/conversations/{self.sender}/messages?after=0", headers=_HEADERS)
            found = answer.raise_for_status().json()
        except httpx.HTTPError:
            return []
        rows = found if isinstance(found, list) else found["messages"]
        return [m for m in rows if m.get("from") != "customer"]


def call(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Something that the insurer's staff does in the back office."""
    once = {"Idempotency-Key": uuid.uuid4().hex}
    answer = httpx.post(f"{url}/backoffice/v1{path}", json=body, headers=_HEADERS | once)
    done: dict[str, Any] = answer.raise_for_status().json()
    return done


def rows(url: str, path: str, **filters: str) -> list[dict[str, Any]]:
    """Rows of the back office."""
    answer = httpx.get(f"{url}/backoffice/v1{path}", params=filters, headers=_HEADERS)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items
