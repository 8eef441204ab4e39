"""Callers of the open chat door who wait in this process: a turn hands its answer over without asking the database again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from chebao.conversations.types import Message


@dataclass(eq=False)
class Caller:
    """One waiting caller.

    Attributes:
        changed: wakes him.
        ended: the turn of his message is over, or he was told that it will take longer.
        answer: what he is shown; None where the outbox has to be asked.
    """

    changed: asyncio.Event
    ended: bool = False
    answer: list[Message] | None = None


class Callers:
    """All waiting callers, by the message they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[int, set[Caller]] = defaultdict(set)

    @contextmanager
    def waiting(self, message_id: int, changed: asyncio.Event) -> Iterator[Caller]:
        """A caller who waits for as long as the block lasts."""
        caller = Caller(changed)
        self._waiting[message_id].add(caller)
        try:
            yield caller
        finally:
            self._waiting[message_id].discard(caller)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    def besides(self, ids: Collection[int]) -> list[int]:
        """The messages other than these that somebody waits for."""
        return [message_id for message_id in self._waiting if message_id not in ids]

    def last_of(self, ids: Sequence[int]) -> int | None:
        """The last of these messages that somebody waits for: his answer is that of them all."""
        return next((message_id for message_id in reversed(ids) if message_id in self._waiting), None)

    def tell(self, ids: Sequence[int], answer: list[Message] | None) -> None:
        """Ends the waiting for these messages; the answer goes to the last caller alone, so that nobody reads it twice."""
        told = self.last_of(ids)
        for message_id in ids:
            for caller in self._waiting.get(message_id, ()):
                caller.answer = answer if answer is None or message_id == told else []
                caller.ended = True
                caller.changed.set()
