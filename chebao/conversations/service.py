"""What the hub asks of the desk about people's service; without a desk people serve at all hours and nothing more is known.

The desk sets these on `Hub.service`. All of them run in the transaction that holds the conversation's lock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chebao.conversations.types import Conversation
from chebao.db import Connection


class Opening(Protocol):
    """Whether people serve now, and when the next period begins where they do not."""

    @property
    def open(self) -> bool: ...

    @property
    def next_open(self) -> datetime | None: ...


@dataclass(frozen=True)
class Wait:
    """A customer's place and how many minutes it takes.

    Attributes:
        low: 0 means at once; None with `high` where nothing can honestly be said.
        present: whether anybody who could come is there at all.
    """

    place: int
    low: int | None = None
    high: int | None = None
    present: bool = True

    def told(self) -> dict[str, int | None]:
        """As the hand-off keeps what the customer was told."""
        return {"place": self.place, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Booked:
    """What became of a wish to be called back: done, or a question that asks for the time anew."""

    done: bool
    words: str


@dataclass
class Service:
    """Hooks of the desk.

    Attributes:
        opening: whether people serve at a moment.
        estimate: how long a conversation will wait that is queued, or about to be.
        rule: an operator's own priority and skill of a reason: ``{"priority", "skill"}``, each may be missing.
        book: a call-back to a phone number (None: the proved one) at the time that the customer's words name.
        times: words for up to three times that can be offered for a call-back.
        alert: a ticket about a hand-off of this reason and summary that people must see though nobody serves or came; once per key.
        leave: keeps a message for people and returns what the customer is told.
        ask: notes that satisfaction is asked about, the last ``episode`` or a ``task:…``, and returns under which name; None where
            it was asked before.
        score: keeps a customer's score of 1–5; False where no question of that name waits for one.
    """

    opening: Callable[[Connection, datetime], Awaitable[Opening]] | None = None
    estimate: Callable[[Connection, Conversation], Awaitable[Wait | None]] | None = None
    rule: Callable[[Connection, str], Awaitable[Mapping[str, Any]]] | None = None
    book: Callable[[Connection, Conversation, str, str | None, datetime], Awaitable[Booked]] | None = None
    times: Callable[[Connection, datetime], Awaitable[list[str]]] | None = None
    alert: Callable[[Connection, Conversation, str, Mapping[str, Any], str], Awaitable[None]] | None = None
    leave: Callable[[Connection, Conversation, str], Awaitable[str]] | None = None
    ask: Callable[[Connection, Conversation, str, str | None], Awaitable[str | None]] | None = None
    score: Callable[[Connection, Conversation, str, int], Awaitable[bool]] | None = None
