"""An office for tests: the app, its agents, and customers in its queue."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chebao.app import build
from chebao.conversations import ownership
from chebao.conversations.api import Conversation, Hub, HubSettings, Incoming
from chebao.desk import agents, state
from chebao.desk.agents import Agent
from chebao.desk.api import Desk, DeskSettings
from chebao.desk.handling import Handling
from chebao.handoff import REASONS, Summary
from chebao.settings import Settings

_NUMBERS = itertools.count()
PATIENCE = 5.0


@dataclass
class Office:
    """A running app seen from the desk."""

    hub: Hub
    desk: Desk

    @property
    def handling(self) -> Handling:
        return self.desk.handling

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with self.desk.pool.connection() as connection:
            found = await connection.execute(query.encode(), values)
            return await found.fetchall() if found.description else []

    async def empty(self) -> None:
        """No agents but new ones, nobody in the queue."""
        await self.rows("UPDATE desk.agents SET state = 'offline', disabled = true")
        await self.rows("UPDATE hub.conversations SET owner = 'closed', agent_id = NULL, queued_at = NULL")
        await self.rows("UPDATE desk.episodes SET ended_at = now() WHERE ended_at IS NULL")
        await self.rows("DELETE FROM desk.timers WHERE kind <> 'prune'")

    async def agent(
        self, *skills: str, ready: bool = False, capacity: int = 5, role: str = "agent", name: str = "林晓"
    ) -> Agent:
        """A new agent."""
        id_ = f"agent-{next(_NUMBERS):05}"
        await self.rows(
            "INSERT INTO desk.agents (id, name, role, skills, capacity, password_hash) VALUES (%s, %s, %s, %s, %s, '')",
            id_, name, role, list(skills), capacity,
        )  # fmt: skip
        await self.desk.presence.set_state(id_, "ready" if ready else "busy")
        return await self.known(id_)

    async def known(self, agent_id: str) -> Agent:
        async with self.desk.pool.connection() as connection:
            return await agents.get(connection, agent_id)

    async def customer(self) -> str:
        """A customer who has said good day; the id of his conversation."""
        accepted = await self.hub.accept(Incoming("door", "", f"customer-{next(_NUMBERS)}", None, "您好"))
        assert await self.hub.turn_over(accepted, within=PATIENCE)
        return accepted.conversation_id

    async def writes(self, conversation_id: str, text: str = "在吗") -> None:
        (row,) = await self.rows("SELECT peer FROM hub.conversations WHERE id = %s", conversation_id)
        await self.hub.accept(Incoming("door", "", row["peer"], None, text))

    async def hand_off(
        self, conversation_id: str, skill: str = "general", *, priority: int = 5, reason: str = "customer_request"
    ) -> None:
        """The bot hands the conversation over."""
        async with self.hub.transaction() as work:
            unit = await work.unit(conversation_id)
            keep_bot = reason in REASONS and REASONS[reason].keep_bot
            case = ownership.HandOff(reason, Summary("人工").as_data(), priority, skill=skill, keep_bot=keep_bot)
            await ownership.hand_off(unit, case, turn_of=None)

    async def waiting(self, skill: str = "general", *, priority: int = 5, reason: str = "customer_request") -> str:
        """A new customer in the queue."""
        conversation_id = await self.customer()
        await self.hand_off(conversation_id, skill, priority=priority, reason=reason)
        return conversation_id

    async def conversation(self, conversation_id: str) -> Conversation:
        (row,) = await self.rows("SELECT * FROM hub.conversations WHERE id = %s", conversation_id)
        return Conversation(**{name: row[name] for name in Conversation.__dataclass_fields__})

    async def episode(self, conversation_id: str) -> dict[str, Any]:
        query = "SELECT * FROM desk.episodes WHERE conversation_id = %s ORDER BY queued_at DESC LIMIT 1"
        return (await self.rows(query, conversation_id))[0]

    async def texts(self, conversation_id: str, sender: str = "system") -> list[str]:
        messages = await self.hub.messages_after(conversation_id, 0)
        return [message.text for message in messages if message.sender == sender]

    async def has(self, agent: Agent, conversation_id: str) -> None:
        """Waits until the agent has the conversation."""

        async def his() -> bool:
            return (await self.conversation(conversation_id)).agent_id == agent.id

        await until(his)

    async def owned_by(self, conversation_id: str, owner: str) -> None:
        """Waits until the conversation is somebody's."""

        async def theirs() -> bool:
            return (await self.conversation(conversation_id)).owner == owner

        await until(theirs)

    async def fresh(self, agent: Agent | None = None) -> tuple[int, dict[str, state.Rows]]:
        async with self.desk.pool.connection() as connection:
            return await state.fresh(connection, agent)

    async def age_timers(self, kind: str, conversation_id: str) -> None:
        """The hour of a timer has come; returns when it has been handled."""
        query = "UPDATE desk.timers SET due_at = now() - %s WHERE kind = %s AND key = %s RETURNING id"
        assert await self.rows(query, timedelta(seconds=1), kind, conversation_id)

        async def handled() -> bool:
            soon = "SELECT 1 FROM desk.timers WHERE kind = %s AND key = %s AND due_at < now() + interval '15 seconds'"
            return not await self.rows(soon, kind, conversation_id)

        await until(handled)


async def until(condition: Callable[[], Awaitable[bool]], *, within: float = PATIENCE) -> None:
    """Waits for a condition that the office brings about by itself."""
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_office(
    settings: Settings, hub_settings: HubSettings, desk_settings: DeskSettings
) -> AsyncIterator[Office]:
    app = build(settings, hub_settings=hub_settings, desk_settings=desk_settings, sweep_every=0.2)
    async with app.router.lifespan_context(app):
        yield Office(app.state.hub, app.state.desk)
