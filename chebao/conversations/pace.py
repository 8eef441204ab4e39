"""When a turn may begin: so many at once, the longest-waiting customer first; and one who writes in a hurry is heard out.

Messages that come while a turn runs wait and are answered together by the next one. Where turns are quicker than the customer
writes, that alone would answer every one of twenty quick messages by itself: `Pace` sees the hurry and holds the turn back.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

BREATH = 2.5
"""Seconds from one turn to the next while a customer writes without waiting for answers: at most four turns in 5 s."""

PAUSE = 0.6
"""Seconds without a further message that tell one who waits for his answer from one who goes on writing."""

_PROGRAM, _PERSON = 0.05, 1.0
"""A program sends the next message within 50 ms of the answer, a person does not read and type within 1 s."""


LENT_AFTER = 1.0
"""Seconds after which a turn is no longer at work in the dialogue service but waits for something else, such as the back office."""

_MOST_LENT = 56


class Gate:
    """Lets so many in at once; those who wait come in by the time since when their customers wait.

    The place of one that takes long is lent on, so that what only waits does not keep everybody waiting; few enough are lent that
    the dialogue service still answers all of them in time should it be at work on them after all.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lent: set[object] = set()
        self._order = itertools.count()
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def entered(self, since: datetime) -> AsyncIterator[None]:
        """Waits for a place and keeps it for the block."""
        await self._enter(since)
        entered = object()
        lending = asyncio.get_running_loop().call_later(LENT_AFTER, self._lend, entered)
        try:
            yield
        finally:
            lending.cancel()
            if entered in self._lent:
                self._lent.remove(entered)
            else:
                self._leave()

    def _lend(self, entered: object) -> None:
        if len(self._lent) < _MOST_LENT:
            self._lent.add(entered)
            self._leave()

    async def _enter(self, since: datetime) -> None:
        if self._free:
            self._free -= 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (since, next(self._order), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


@dataclass
class Pace:
    """How one customer writes; all times are seconds of one clock.

    Attributes:
        began: when the last turn began.
        ended: when it ended; infinite while one is due or runs.
        messages: how many came in so far.
        hasty: how many of them came before the answer could be read, less those that a program sent after it.
        turns: how many turns began meanwhile.
        patient: he was seen to wait for an answer.
    """

    began: float = -math.inf
    ended: float = -math.inf
    messages: int = 0
    hasty: int = 0
    turns: int = 0
    patient: bool = False

    def message(self, now: float) -> None:
        """One more message came in."""
        self.messages += 1
        since = now - self.ended
        if since < 0:
            self.patient = False
        if since >= _PERSON:
            self.hasty = self.turns = 0
        elif since <= _PROGRAM and since >= 0:
            self.hasty = max(0, self.hasty - 1)
        else:
            self.hasty += 1
        self.ended = math.inf

    def begin(self, now: float) -> None:
        """A turn begins."""
        self.began = now
        self.turns += 1

    def end(self, now: float) -> None:
        """The turn is over."""
        self.ended = now

    @property
    def hurried(self) -> bool:
        """Whether he has had two turns already without waiting for an answer."""
        return self.hasty >= 2 and self.turns >= 2 and not self.patient

    async def heard_out(self, now: float) -> None:
        """Holds a hurried customer's turn back: until he pauses, or until there was time to breathe since the last turn."""
        if not self.hurried:
            return
        seen = self.messages
        await asyncio.sleep(PAUSE)
        if self.messages == seen:
            self.patient = True
        else:
            await asyncio.sleep(max(0.0, self.began + BREATH - now - PAUSE))
