"""Wakes whoever waits for a conversation: in this process at once, in other replicas by LISTEN/NOTIFY.

The listening session also holds the advisory lock that proves this instance alive: when the process dies, PostgreSQL drops the
session, and the leases of its turns are free at once (`ledger.free_dead_leases`). PostgreSQL lets transactions that notify commit one
after the other only, so a process that is alone does not notify; one that starts says so (`_HELLO`) before it serves anybody.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import BigInteger, column, text

from chebao import background
from chebao.logs import line

CHANNEL = "chebao_hub"
LOCK_CLASS = 0x0C8E
LIVING = (
    text(
        "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = :lock_class"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    .bindparams(lock_class=LOCK_CLASS)
    .columns(column("objid", BigInteger))
)
"""The numbers of all living instances: each holds its advisory lock for as long as its session lasts."""

_RETRY = 1.0
_HELLO = ""
_HEARD_WITHIN = 0.2
"""Seconds in which every living process has heard that a new one listens."""


log = logging.getLogger(__name__)


class Signals:
    """Local subscriptions fed by our own commits and by the database's notifications."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.on_push: Callable[[str], None] = lambda _: None
        self.instance = secrets.randbelow(2**31 - 1) + 1
        self.alone = False

    async def start(self) -> None:
        """Connects and listens; returns when the liveness lock is held."""
        self._task = asyncio.create_task(self._listen(), name="hub-signals")
        await self._ready.wait()

    async def stop(self) -> None:
        await background.stop(self._task)

    def wake(self, conversation_id: str, *, pushes: bool = False) -> None:
        """Wakes the waiters of this process.

        Args:
            pushes: a transaction of this process said something that has to be handed to a platform.
        """
        if pushes:
            self.on_push(conversation_id)
        for event in self._waiting.get(conversation_id, ()):
            event.set()

    @contextmanager
    def watch(self, conversation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the conversation changed; clear it before reading the state."""
        event = asyncio.Event()
        self._waiting[conversation_id].add(event)
        try:
            yield event
        finally:
            self._waiting[conversation_id].discard(event)
            if not self._waiting[conversation_id]:
                del self._waiting[conversation_id]

    async def _listen(self) -> None:
        while True:
            try:
                await self._session()
            except psycopg.Error as error:
                log.warning(line("signals_lost", error=type(error).__name__))
                await asyncio.sleep(_RETRY)

    async def _session(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        async with connection:
            await connection.execute("SELECT pg_advisory_lock(%s::int, %s::int)", (LOCK_CLASS, self.instance))
            await connection.execute(f"LISTEN {CHANNEL}")
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, f"{self.instance}:{_HELLO}"))
            others = await connection.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::bigint = %s"
                " AND objid::bigint <> %s AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (LOCK_CLASS, self.instance),
            )
            self.alone = await others.fetchone() is None
            if not self.alone:
                await asyncio.sleep(_HEARD_WITHIN)
            self._ready.set()
            for conversation_id in list(self._waiting):
                self.wake(conversation_id)
            async for notice in connection.notifies():
                instance, _, conversation_id = notice.payload.partition(":")
                if instance != str(self.instance):
                    self.alone = False
                    self.wake(conversation_id)
