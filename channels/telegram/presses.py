"""Pressed buttons: each is answered, the choice stays ticked under its question, and of one question only the first one counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from channels.telegram.bubbles import Key
from channels.telegram.client import Client
from channels.telegram.protocol import ALREADY_CHOSEN, Event, Pressed

_ON_THEIR_WAY = 3.0
"""Seconds in which presses made before the other buttons were gone may still arrive."""

_PATIENCE = 2.0


class Presses:
    """What the customer sees of his presses.

    Args:
        ours: whether a token is one that the hub made for a chat.
        begin: runs something beside, whatever becomes of it.
    """

    def __init__(
        self,
        client: Client,
        ours: Callable[[int, str], bool],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self._client, self._ours, self._begin = client, ours, begin
        self._first: dict[tuple[int, int], int] = {}
        self._settling: dict[int, asyncio.Task[None]] = {}

    def counts(self, event: Event, pressed: Pressed) -> bool:
        """Whether a press is the customer's choice; begins to show him that it arrived.

        A second press on the same question, before its buttons are gone, is a hasty finger: it is answered and no more.
        """
        if pressed.message_id is None:
            self._begin(self._client.answer_press(pressed.query_id))
            return True
        question = (event.chat_id, pressed.message_id)
        if self._first.setdefault(question, event.update_id) != event.update_id:
            self._begin(self._client.answer_press(pressed.query_id, ALREADY_CHOSEN))
            return False
        made = pressed.chosen if self._ours(event.chat_id, pressed.token) else None
        keys = [*([made] if made else []), *pressed.links]
        # also for a press that is delivered twice: the button turns until it is answered
        task = self._begin(self._show(question, pressed.query_id, keys))
        self._settling[event.chat_id] = task
        task.add_done_callback(lambda done: self._forget(event.chat_id, done))
        return True

    async def shown(self, chat: str) -> None:
        """Returns when the choice just made in a chat is ticked, so that the reply comes after it; soon in any case."""
        if task := self._settling.get(int(chat)):
            await asyncio.wait({task}, timeout=_PATIENCE)

    async def _show(self, question: tuple[int, int], query_id: str, keys: list[Key]) -> None:
        try:
            await self._client.answer_press(query_id)
            await self._client.change_buttons(*question, keys)
        finally:
            asyncio.get_running_loop().call_later(_ON_THEIR_WAY, self._first.pop, question, None)

    def _forget(self, chat: int, done: asyncio.Task[None]) -> None:
        if self._settling.get(chat) is done:
            del self._settling[chat]
