"""Tickets on a real database: agents, customers' conversations, and looks at what stands there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from chebao.db import Connection, Pool, make_pool, transaction
from chebao.desk import ticket_views, tickets

AGENTS = [
    ("agent1", "林晓", "agent", ["claims", "general"]),
    ("agent2", "周敏", "agent", ["renewal", "new_policy", "general"]),
    ("agent3", "何强", "agent", ["complaint", "claims"]),
    ("agent4", "方宁", "agent", ["complaint"]),
    ("lead1", "沈静", "supervisor", ["complaint", "claims", "renewal", "new_policy", "general"]),
]


@dataclass(frozen=True)
class Person:
    """Somebody who looks at tickets."""

    id: str
    role: str = "agent"
    skills: tuple[str, ...] = ()


LEAD = Person("lead1", "supervisor")


@dataclass
class Ticketing:
    """A database with agents in it."""

    pool: Pool

    def work(self) -> AbstractAsyncContextManager[Connection]:
        return transaction(self.pool)

    async def open(self, **wanted: Any) -> tickets.Ticket:
        values: dict[str, Any] = {"kind": "general", "subject": "补发电子保单", "created_by": "agent1", **wanted}
        async with self.work() as connection:
            return await tickets.open_ticket(connection, **values)

    async def change(self, number: str, actor: str = "agent1", **wanted: Any) -> tickets.Ticket:
        async with self.work() as connection:
            return await tickets.change(connection, number, actor, wanted)

    async def full(self, number: str) -> dict[str, Any]:
        async with self.pool.connection() as connection:
            return await ticket_views.full(connection, number)

    async def steps(self, number: str) -> list[str]:
        return [step["kind"] for step in (await self.full(number))["steps"]]

    async def clock(self, number: str, code: str) -> dict[str, Any]:
        (found,) = [clock for clock in (await self.full(number))["clocks"] if clock["code"] == code]
        return found

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(statement, values)).fetchall()

    async def age(self, number: str, by: timedelta) -> None:
        """Lets time pass for a ticket: it was opened so much earlier."""
        await self.rows(
            "WITH t AS (UPDATE desk.tickets SET created_at = created_at - %s, next_at = next_at - %s WHERE number = %s)"
            " UPDATE desk.clocks SET started_at = started_at - %s, due_at = due_at - %s WHERE number = %s RETURNING id",
            by, by, number, by, by, number,
        )  # fmt: skip

    async def events(self, number: str) -> list[dict[str, Any] | None]:
        rows = await self.rows("SELECT body FROM desk.events WHERE kind = 'ticket' AND key = %s ORDER BY id", number)
        return [row["body"] for row in rows]

    async def state(self) -> dict[str, Any]:
        async with self.pool.connection() as connection:
            return await ticket_views.open_rows(connection)

    async def applied(self) -> dict[str, Any]:
        """The state that all events give."""
        found: dict[str, Any] = {}
        for row in await self.rows("SELECT key, body FROM desk.events WHERE kind = 'ticket' ORDER BY id"):
            if row["body"] is None:
                found.pop(row["key"], None)
            else:
                found[row["key"]] = row["body"]
        return found

    async def conversation(self, **columns: Any) -> str:
        """A customer's conversation on the open chat door."""
        conversation_id = uuid4().hex
        values = {"id": conversation_id, "channel": "door", "account": "", "peer": conversation_id, **columns}
        names = ", ".join(values)
        await self.rows(
            f"INSERT INTO hub.conversations ({names}) VALUES ({', '.join(['%s'] * len(values))}) RETURNING id",
            *values.values(),
        )
        return conversation_id


@asynccontextmanager
async def ticketing(database_url: str) -> AsyncIterator[Ticketing]:
    pool = make_pool(database_url, size=6)
    await pool.open()
    async with pool.connection() as connection:
        for agent in AGENTS:
            await connection.execute(
                "INSERT INTO desk.agents (id, name, role, skills, password_hash, state) VALUES (%s, %s, %s, %s, 'x', 'ready')"
                " ON CONFLICT DO NOTHING",
                agent,
            )
    yield Ticketing(pool)
    await pool.close()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def at_once(*work: Any) -> list[Any]:
    return list(await asyncio.gather(*work))
