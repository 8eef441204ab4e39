"""Who wrote what before what: WeChat pushes over connections that overtake one another, and numbers messages with gaps.

A message is acknowledged at once; its turn waits for a short silence (`Incoming.silence`). What comes within it although it was
written earlier is put in its place (`Incoming.newer`).
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SILENCE = 0.3
"""Seconds by which a push may be overtaken while a customer writes one message after the other."""

ALONE = 0.2
"""The same where nothing says that there is another one: a first message that overtook the one before it."""

_HURRY = 2.0
_KEPT = 10.0

type Place = tuple[int, int]
"""CreateTime, which counts seconds, and MsgId, which grows."""


class Order:
    """One message of a customer enters after the other, and is told which of those before it were written later."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._entered: defaultdict[str, dict[int, Place]] = defaultdict(dict)
        self._last: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, openid: str) -> AsyncIterator[None]:
        """Waits for those that came before: a photo being fetched must not be overtaken by the words after it."""
        lock, count = self._locks.get(openid) or (asyncio.Lock(), 0)
        self._locks[openid] = (lock, count + 1)
        try:
            async with lock:
                yield
        finally:
            lock, count = self._locks.pop(openid)
            if count > 1:
                self._locks[openid] = (lock, count - 1)

    def newer(self, openid: str, place: Place) -> tuple[int, ...]:
        """Messages of the last seconds that the customer wrote after this one."""
        return tuple(number for number, at in self._entered.get(openid, {}).items() if at > place)

    def silence(self, openid: str, *, typed: bool) -> float:
        """Seconds to wait for what may have been overtaken by the message whose turn it is.

        Args:
            typed: not a press or a scan, before which nobody sends something else in the same moment.
        """
        hurried = self._locks[openid][1] > 1 or time.monotonic() - self._last.get(openid, -_HURRY) < _HURRY
        if hurried:
            return SILENCE
        return ALONE if typed else 0.0

    def enter(self, openid: str, place: Place, message_id: int) -> None:
        """A message stands in the ledger."""
        self._entered[openid][message_id] = place
        self._last[openid] = time.monotonic()
        asyncio.get_running_loop().call_later(_KEPT, self._forget, openid, message_id)

    def _forget(self, openid: str, message_id: int) -> None:
        entered = self._entered[openid]
        entered.pop(message_id, None)
        if not entered:
            del self._entered[openid], self._last[openid]
