"""Gives waiting conversations to agents: by priority, then the longest-waiting; to who suits, is ready, and has the least to do.

It sleeps until somebody waits or is free (`Feed.work`), and then takes as many conversations as there are places in one
transaction. Any number of processes may do so at once: what one has locked the others pass over, and an agent's row is locked
before what he has is counted, so that nobody gets more than he may have.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter

from chebao import background
from chebao.conversations.api import Hub, Transaction, give_to_agent
from chebao.db import Connection, Pool
from chebao.desk import agents
from chebao.desk.events import Feed
from chebao.logs import line

log = logging.getLogger(__name__)

_AT_ONCE = 20
_SAFETY = 5.0
"""Seconds after which it looks without being called, should a call have been lost."""

_LOCKED = 0.02
"""Seconds until it looks again, where all that could be given away was locked by others."""

_PATIENCE = 50

#: What an agent may be given: his skills, unless he was tried before; a supervisor everything that others left unanswered.
_SUITS = """a.id <> ALL(e.tried)
    AND (coalesce(c.skill, 'general') = ANY(a.skills) OR (e.escalated_at IS NOT NULL AND a.role <> 'agent'))"""

_SUITED = f"""
FROM hub.conversations c JOIN desk.episodes e ON e.conversation_id = c.id AND e.ended_at IS NULL
WHERE c.owner = 'queued' AND EXISTS (SELECT 1 FROM desk.agents a WHERE a.id = ANY(%(free)s) AND {_SUITS})
"""
_ANY = "SELECT 1 FROM hub.conversations WHERE owner = 'queued' LIMIT 1"
_WAITING = f"SELECT c.id {_SUITED} ORDER BY c.priority DESC, c.queued_at LIMIT %(most)s FOR UPDATE OF c SKIP LOCKED"
_LEFT = f"SELECT 1 {_SUITED} LIMIT 1"

_FREE = """
SELECT id, name, role, skills, capacity, assigned_at, load
FROM desk.agents a CROSS JOIN LATERAL (
    SELECT count(*) AS load FROM hub.conversations c
    WHERE c.agent_id = a.id AND c.owner = 'agent' AND c.held_at IS NULL) l
WHERE a.state = 'ready' AND NOT a.disabled AND load < capacity AND (%(among)s::text[] IS NULL OR id = ANY(%(among)s))
"""

# Who served this customer before, here or in another conversation of his, the last first.
_CASES = """
SELECT c.id, coalesce(c.skill, 'general') AS skill, e.tried, e.escalated_at IS NOT NULL AS escalated,
       e.reason LIKE 'complaint%%' AS complains, ARRAY(
    SELECT p.agent_id FROM desk.episodes p
    WHERE p.ended_at IS NOT NULL AND p.agent_id IS NOT NULL AND p.conversation_id IN (
        SELECT c.id UNION
        SELECT theirs.conversation_id FROM hub.links mine JOIN hub.links theirs ON theirs.customer_id = mine.customer_id
        WHERE mine.conversation_id = c.id)
    ORDER BY p.ended_at DESC LIMIT 10) AS served
FROM hub.conversations c JOIN desk.episodes e ON e.conversation_id = c.id AND e.ended_at IS NULL
WHERE c.id = ANY(%s)
"""


@dataclass
class Free:
    """An agent with a place left; `load` and `assigned_at` go on counting while conversations are given away."""

    id: str
    name: str
    role: agents.Role
    skills: list[str]
    capacity: int
    assigned_at: datetime | None
    load: int

    @property
    def supervises(self) -> bool:
        return self.role != "agent"


@dataclass(frozen=True)
class Case:
    """A waiting conversation, as the choice of an agent needs it.

    Attributes:
        complains: the customer has a complaint, which may be about one of those who `served` him.
        served: the agents who had him before, the last one first.
    """

    id: str
    skill: str
    tried: list[str]
    escalated: bool
    complains: bool
    served: list[str]

    def suits(self, agent: Free) -> bool:
        """The same as `_SUITS`."""
        fits = self.skill in agent.skills or (self.escalated and agent.supervises)
        return fits and agent.id not in self.tried


def choose(case: Case, free: Iterable[Free]) -> Free | None:
    """Who gets it: the customer's last agent, else who has least, among equals who was given nothing for longest.

    A complaint goes to somebody who never served the customer, where there is one. Supervisors come after all others, unless it was
    left unanswered: then they come first.
    """
    fit = [agent for agent in free if agent.load < agent.capacity and case.suits(agent)]
    if case.complains:
        fit = [agent for agent in fit if agent.id not in case.served] or fit
    if case.escalated:
        fit = [agent for agent in fit if agent.supervises] or fit
    else:
        fit = [agent for agent in fit if not agent.supervises] or fit
    for agent in fit:
        if case.served[:1] == [agent.id] and not case.complains:
            return agent
    never = datetime.min.replace(tzinfo=UTC)
    return min(fit, key=lambda agent: (agent.load, agent.assigned_at or never, agent.id), default=None)


class Assigner:
    """One per process."""

    def __init__(self, hub: Hub, pool: Pool, feed: Feed) -> None:
        self._hub, self._pool, self._feed = hub, pool, feed
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="desk-assigner")

    async def stop(self) -> None:
        await background.stop(self._task)

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SAFETY):
                    await self._feed.work.wait()
            self._feed.work.clear()
            try:
                await self.assign()
            except Exception:
                log.exception(line("desk_assigner_failed"))
                await asyncio.sleep(_LOCKED)

    async def assign(self) -> int:
        """Gives away what can be given away now; returns how many conversations that were."""
        total = passed_over = 0
        while passed_over < _PATIENCE:
            async with self._pool.connection() as connection:
                if await (await connection.execute(_ANY)).fetchone() is None:
                    break
                free = await _free(connection, None)
            if not free:
                break
            given = await self._batch(free)
            total += given
            if given:
                continue
            async with self._pool.connection() as connection:
                found = await connection.execute(_LEFT, {"free": [agent.id for agent in free]})
                if await found.fetchone() is None:
                    break
            passed_over += 1
            await asyncio.sleep(_LOCKED)
        return total

    async def _batch(self, seen_free: Sequence[Free]) -> int:
        """One transaction: conversations first, then agents, as everywhere."""
        places = sum(agent.capacity - agent.load for agent in seen_free)
        ids = [agent.id for agent in seen_free]
        async with self._hub.transaction() as work:
            wanted = {"free": ids, "most": min(places, _AT_ONCE)}
            waiting = [row["id"] for row in await (await work.connection.execute(_WAITING, wanted)).fetchall()]
            if not waiting:
                return 0
            await agents.lock(work.connection, ids)
            free = await _free(work.connection, ids)
            rows = await (await work.connection.execute(_CASES, (waiting,))).fetchall()
            cases = {row["id"]: Case(**row) for row in rows}
            return await _give_all(work, [cases[id_] for id_ in waiting], free)


async def _give_all(work: Transaction, cases: Sequence[Case], free: Sequence[Free]) -> int:
    given = 0
    for case in cases:
        agent = choose(case, free)
        if agent is None:
            continue
        unit = await work.unit(case.id)
        await give_to_agent(unit, agent.id, name=agent.name, reason="assigned", expect="queued")
        agent.load, agent.assigned_at, given = agent.load + 1, unit.now, given + 1
    return given


async def _free(connection: Connection, among: Sequence[str] | None) -> list[Free]:
    rows = await (await connection.execute(_FREE, {"among": among})).fetchall()
    return sorted((Free(**row) for row in rows), key=attrgetter("id"))
