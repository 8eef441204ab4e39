"""One-shot timers that stand in the database: they survive a restart, and each fires once.

A timer says when to look, not what to do: whoever handles it looks again under the conversation's lock whether its reason still
holds. So nothing breaks where one fires twice (a process died while it handled it), or late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from chebao import background
from chebao.db import Connection, Pool
from chebao.errors import ChebaoError
from chebao.logs import line

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=10)
"""A timer that is being handled fires again after this, should its process die meanwhile."""

_AT_ONCE = 50

_CLAIM = """
UPDATE desk.timers SET due_at = now() + %s
WHERE id IN (SELECT id FROM desk.timers WHERE due_at <= now() ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, kind, key, due_at, body
"""


@dataclass(frozen=True)
class Timer:
    """A timer that has fired."""

    id: int
    kind: str
    key: str
    due_at: datetime
    body: dict[str, Any]


type Handler = Callable[[Timer], Awaitable[None]]


async def arm(connection: Connection, kind: str, key: str, due_at: datetime, body: dict[str, Any]) -> None:
    """Sets the timer of this kind and key, in place of one that is set."""
    await connection.execute(
        "INSERT INTO desk.timers (kind, key, due_at, body) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (kind, key) DO UPDATE SET due_at = excluded.due_at, body = excluded.body",
        (kind, key, due_at, Jsonb(body)),
    )


async def disarm(connection: Connection, key: str) -> None:
    """Forgets all timers of a conversation or agent."""
    await connection.execute("DELETE FROM desk.timers WHERE key = %s", (key,))


class Timers:
    """Looks for timers that are due and hands them to the handler of their kind.

    Args:
        every: seconds between two looks.
    """

    def __init__(self, pool: Pool, handlers: Mapping[str, Handler], *, every: float) -> None:
        self._pool, self._handlers, self._every = pool, handlers, every
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="desk-timers")

    async def stop(self) -> None:
        await background.stop(self._task)

    async def _run(self) -> None:
        while True:
            try:
                while await self.fire():
                    pass
            except Exception:
                log.exception(line("desk_timers_failed"))
            await asyncio.sleep(self._every)

    async def fire(self) -> int:
        """Handles what is due; returns how many timers that were."""
        async with self._pool.connection() as connection:
            claimed = await connection.execute(_CLAIM, (_LEASE, _AT_ONCE))
            due = [Timer(**row) for row in await claimed.fetchall()]
        for timer in due:
            await self._handle(timer)
        return len(due)

    async def _handle(self, timer: Timer) -> None:
        try:
            await self._handlers[timer.kind](timer)
        except ChebaoError as error:  # the conversation went its own way meanwhile
            log.info(line("desk_timer_void", kind=timer.kind, key=timer.key, reason=error.code))
        except Exception:
            log.exception(line("desk_timer_failed", kind=timer.kind, key=timer.key))
            return
        async with self._pool.connection() as connection:
            # One that was set anew while it was handled has another hour, and stays.
            await connection.execute("DELETE FROM desk.timers WHERE id = %s AND due_at = %s", (timer.id, timer.due_at))
