"""Updates in the order of their numbers: Telegram pushes over many connections at once, so they overtake one another."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Order:
    """Lets the updates of one chat through one after the other, lower numbers first; chats do not wait for one another.

    Numbers of a bot run without gaps, so a missing one is still on its way and may belong to the same chat. It is waited for,
    but not for long: it may have gone to another process.

    Args:
        patience: seconds to wait for a missing number.
    """

    _FAR = 10_000

    def __init__(self, patience: float = 0.5) -> None:
        self._patience = patience
        self._changed = asyncio.Condition()
        self._next: int | None = None
        self._early: set[int] = set()
        self._inside: defaultdict[int, list[int]] = defaultdict(list)

    @asynccontextmanager
    async def turn(self, chat: int, number: int) -> AsyncIterator[None]:
        """Holds the chat's turn of this update."""
        async with self._changed:
            self._arrive(number)
            insort(self._inside[chat], number)
            self._changed.notify_all()
        try:
            async with self._changed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._patience):
                        await self._changed.wait_for(lambda: self._complete_before(number))
                self._give_up_before(number)
                await self._changed.wait_for(lambda: self._inside[chat][0] == number)
            yield
        finally:
            async with self._changed:
                self._inside[chat].remove(number)
                if not self._inside[chat]:
                    del self._inside[chat]
                self._changed.notify_all()

    def _complete_before(self, number: int) -> bool:
        return self._next is None or number <= self._next

    def _arrive(self, number: int) -> None:
        if self._next is None or not -self._FAR < number - self._next < self._FAR:
            self._next, self._early = number, set()  # the first one, or Telegram has chosen a new start
        if number >= self._next:
            self._early.add(number)
            self._advance()

    def _give_up_before(self, number: int) -> None:
        if self._next is not None and number > self._next:
            self._next = number
            self._early = {n for n in self._early if n >= number}
            self._advance()
            self._changed.notify_all()

    def _advance(self) -> None:
        while self._next in self._early:
            self._early.discard(self._next)
            self._next += 1
