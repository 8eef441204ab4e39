"""Who of the agents looks at a conversation right now, and who writes in it, the customer too, so that nobody answers twice."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

TYPING_LASTS = 6.0
"""Seconds after the last sign of writing."""


class Together:
    """What the open pages of this process say; nothing of it is stored."""

    def __init__(self) -> None:
        self._looking: dict[str, dict[object, str]] = defaultdict(dict)
        self._typing: dict[str, dict[str, asyncio.TimerHandle]] = defaultdict(dict)
        self._customers: dict[str, asyncio.TimerHandle] = {}
        self._listeners: dict[str, set[Callable[[], None]]] = defaultdict(set)
        self._at: dict[object, str] = {}

    def looks(self, page: object, agent_id: str, conversation_id: str | None) -> None:
        """A page shows this conversation now, or none."""
        before = self._at.pop(page, None)
        if before is not None:
            del self._looking[before][page]
            self._tell(before)
        if conversation_id is not None:
            self._at[page] = conversation_id
            self._looking[conversation_id][page] = agent_id
            self._tell(conversation_id)

    def types(self, agent_id: str, conversation_id: str) -> None:
        """The agent is writing."""
        writing = self._typing[conversation_id]
        known = writing.pop(agent_id, None)
        if known:
            known.cancel()
        loop = asyncio.get_running_loop()
        writing[agent_id] = loop.call_later(TYPING_LASTS, self.stops, agent_id, conversation_id)
        if known is None:
            self._tell(conversation_id)

    def stops(self, agent_id: str, conversation_id: str) -> None:
        """The agent has sent or given up what he was writing."""
        known = self._typing.get(conversation_id, {}).pop(agent_id, None)
        if known:
            known.cancel()
            self._tell(conversation_id)

    def customer(self, conversation_id: str, typing: bool) -> None:
        """The customer is writing, or has sent or given up what he wrote."""
        known = self._customers.pop(conversation_id, None)
        if known:
            known.cancel()
        if typing:
            loop = asyncio.get_running_loop()
            self._customers[conversation_id] = loop.call_later(TYPING_LASTS, self.customer, conversation_id, False)
        if typing != (known is not None):
            self._tell(conversation_id)

    def leaves(self, page: object, agent_id: str) -> None:
        """A page is gone."""
        self.looks(page, agent_id, None)
        for conversation_id in [c for c, writing in self._typing.items() if agent_id in writing]:
            self.stops(agent_id, conversation_id)

    def of(self, conversation_id: str) -> dict[str, Any]:
        """Ids of agents, and whether the customer writes: ``{"looking": […], "typing": […], "customer_typing": bool}``."""
        return {
            "looking": sorted(set(self._looking.get(conversation_id, {}).values())),
            "typing": sorted(self._typing.get(conversation_id, {})),
            "customer_typing": conversation_id in self._customers,
        }

    @contextmanager
    def listening(self, conversation_id: str, callback: Callable[[], None]) -> Iterator[None]:
        """Calls back, from within the loop, whenever `of` changes."""
        self._listeners[conversation_id].add(callback)
        try:
            yield
        finally:
            self._listeners[conversation_id].discard(callback)
            self._forget(conversation_id)

    def _tell(self, conversation_id: str) -> None:
        for callback in tuple(self._listeners.get(conversation_id, ())):
            callback()
        self._forget(conversation_id)

    def _forget(self, conversation_id: str) -> None:
        """Keeps nothing of a conversation that nobody has open."""
        for kept in (self._looking, self._typing, self._listeners):
            if conversation_id in kept and not kept[conversation_id]:
                del kept[conversation_id]
