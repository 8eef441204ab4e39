"""Agents' states with their time log; who is gone, and what becomes of his conversations."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta

from chebao import background
from chebao.conversations.api import Hub
from chebao.db import Connection, Pool, transaction
from chebao.desk import agents, events, notices
from chebao.desk.config import DeskSettings
from chebao.errors import ChebaoError
from chebao.logs import line

log = logging.getLogger(__name__)

_SILENT = """
SELECT id FROM desk.agents WHERE state <> 'offline' AND (seen_at IS NULL OR seen_at < now() - %s)
"""

# Given to somebody who is offline already (both happened at once): he may come back for a moment.
_DESERTED = """
SELECT c.id, c.agent_id FROM hub.conversations c JOIN desk.agents a ON a.id = c.agent_id
JOIN desk.episodes e ON e.conversation_id = c.id AND e.ended_at IS NULL
WHERE c.owner = 'agent' AND (a.disabled OR a.state = 'offline')
  AND (e.assigned_at <= a.state_at OR e.assigned_at < now() - %s) ORDER BY c.id
"""


class Presence:
    """Keeps the states; one per process."""

    def __init__(self, hub: Hub, pool: Pool, settings: DeskSettings, *, every: float) -> None:
        self._hub, self._pool, self._every = hub, pool, every
        self._silence = timedelta(seconds=settings.silent_seconds)
        self._noted: dict[str, float] = {}  # until when it need not be written again
        self._began = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._began = time.monotonic()
        self._task = asyncio.create_task(self._run(), name="desk-presence")

    async def stop(self) -> None:
        await background.stop(self._task)

    async def set_state(self, agent_id: str, state: agents.State, *, reason: str | None = None) -> None:
        """Changes an agent's state; who goes offline has his conversations moved on at once.

        Raises:
            NotFound: there is no such agent.
        """
        async with transaction(self._pool) as connection:
            await agents.lock(connection, [agent_id])
            agent = await agents.get(connection, agent_id)
            await connection.execute("UPDATE desk.agents SET seen_at = now() WHERE id = %s", (agent_id,))
            if agent.state != state:
                await _change(connection, agent_id, state, reason)
        if state == "offline":
            await self.move_deserted()

    async def seen(self, agent_id: str) -> None:
        """Something was heard of the agent's page."""
        now = time.monotonic()
        if now < self._noted.get(agent_id, 0.0):
            return
        self._noted[agent_id] = now + self._silence.total_seconds() / 6
        async with self._pool.connection() as connection:
            await connection.execute("UPDATE desk.agents SET seen_at = now() WHERE id = %s", (agent_id,))

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception(line("desk_presence_failed"))
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Takes silent agents offline and moves what the absent have.

        Not in the first minute of this process: while it was away no page could be heard.
        """
        if time.monotonic() - self._began >= self._silence.total_seconds():
            async with self._pool.connection() as connection:
                silent = [row["id"] for row in await (await connection.execute(_SILENT, (self._silence,))).fetchall()]
            for agent_id in silent:
                await self._silence_out(agent_id)
        await self.move_deserted()

    async def _silence_out(self, agent_id: str) -> None:
        async with transaction(self._pool) as connection:
            await agents.lock(connection, [agent_id])
            still = await connection.execute(f"{_SILENT} AND id = %s", (self._silence, agent_id))
            if await still.fetchone():
                log.info(line("desk_agent_silent", agent=agent_id))
                await _change(connection, agent_id, "offline", "silent")

    async def move_deserted(self) -> None:
        """Puts the conversations of agents who are offline back into the queue, the customers are told."""
        async with self._pool.connection() as connection:
            deserted = await (await connection.execute(_DESERTED, (self._silence,))).fetchall()
        for row in deserted:
            try:
                await self._hub.requeue(
                    row["id"], reason="agent_offline", from_agent=row["agent_id"], notice=notices.agent_left()
                )
            except ChebaoError as error:  # somebody took it meanwhile
                log.info(line("desk_not_moved", conversation=row["id"], reason=error.code))


async def _change(connection: Connection, agent_id: str, state: str, reason: str | None) -> None:
    await connection.execute("UPDATE desk.agents SET state = %s, state_at = now() WHERE id = %s", (state, agent_id))
    await connection.execute(
        "UPDATE desk.agent_states SET ended_at = now() WHERE agent_id = %s AND ended_at IS NULL", (agent_id,)
    )
    await connection.execute(
        "INSERT INTO desk.agent_states (agent_id, state, reason) VALUES (%s, %s, %s)", (agent_id, state, reason)
    )
    await events.publish_rows(connection, {"agent": [agent_id]}, actor=agent_id, work=state == "ready")
