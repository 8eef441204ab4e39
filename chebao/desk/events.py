"""The stream of desk events: each holds a whole new row, or none where it is gone; applying one is an assignment.

`publish` takes one advisory lock, last in its transaction. So events become visible in the order of their numbers: whoever has seen
number N will never miss a smaller one. The lock order everywhere: conversation, agents, tickets, then this.
"""

from __future__ import annotations

import asyncio
import json
import logging
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from chebao import background
from chebao.db import Connection, Pool
from chebao.desk import rows
from chebao.errors import ChebaoError
from chebao.logs import line

log = logging.getLogger(__name__)

CHANNEL = "chebao_desk"
_LOCK = 0x0DE5_C0DE
_RETRY = 1.0

KEPT = timedelta(days=7)
"""How far back webhooks can be told again."""

MOST_KEPT = 1_000_000
"""Events, about 1 GB; no desk of 50 agents makes so many in a week."""

_PRUNED_AT_ONCE = 5_000
_AT_ONCE = 500
_FARTHEST = 5_000
"""Events behind which it is cheaper to fetch the state anew."""

_REMEMBERED = 500
"""Events kept in memory at least, twice as many at most, at some 4 KB each; pages that are further behind read the table."""

_STALE = "页面已过期，正在重新加载。"


class TooFarBehind(ChebaoError):
    """Events after this number are gone, or too many: fetch the state anew."""

    code = "resync"


@dataclass(frozen=True)
class Event:
    """One change of one row; `body` is None where it is gone."""

    id: int
    kind: str
    key: str
    body: dict[str, Any] | None
    at: datetime
    actor: str | None = None

    @cached_property
    def frame(self) -> str:
        """The event as it goes over a socket, encoded once for all."""
        fields = {"id": self.id, "kind": self.kind, "key": self.key, "body": self.body, "at": self.at.isoformat()}
        return json.dumps({"type": "event", **fields}, ensure_ascii=False, separators=(",", ":"))

    def without_body(self) -> Event:
        """The same for somebody out of whose sight the row has gone."""
        return Event(self.id, self.kind, self.key, None, self.at, self.actor)


async def _lock(connection: Connection) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


async def publish(
    connection: Connection, kind: str, key: str, body: dict[str, Any] | None, actor: str | None = None
) -> None:
    """Publishes a row that the caller built while it holds the row's lock; nothing else may be locked afterwards."""
    await _lock(connection)
    await connection.execute(
        _written("SELECT %(kind)s::text AS kind, %(key)s::text AS key, %(body)s::jsonb AS body"),
        {"kind": kind, "key": key, "body": None if body is None else Jsonb(body), "actor": actor, "word": "event"},
    )


async def publish_rows(
    connection: Connection,
    changed: Mapping[str, Collection[str]],
    *,
    notes_of: str | None = None,
    actor: str | None = None,
    work: bool = False,
) -> None:
    """Publishes rows as they now are, built by `rows` after the lock was taken.

    Args:
        changed: keys by kind.
        notes_of: the conversation whose notes are published as well: who may see them has changed.
        work: somebody waits for an agent, or an agent for somebody.
    """
    keys = {kind: sorted(keys) for kind, keys in changed.items() if keys}
    if notes_of is not None:
        keys["notes_of"] = [notes_of]
    await _lock(connection)
    await connection.execute(_changed(tuple(keys)), {**keys, "actor": actor, "word": "work" if work else "event"})


@cache
def _changed(kinds: tuple[str, ...]) -> str:
    """The statement that publishes rows of these kinds in one go: their keys are parameters of the same names."""
    of_kind = (f"SELECT '{rows.KIND[kind]}' AS kind, r.key, r.body FROM ({rows.ONE[kind]}) r" for kind in kinds)
    return _written(" UNION ALL ".join(of_kind))


def _written(changed: str) -> str:
    """Numbers and stores what changed, and tells every process up to which number there is something to read."""
    return (
        f"WITH changed AS ({changed}), written AS ("
        " INSERT INTO desk.events (id, kind, key, body, actor, at)"
        " SELECT nextval('desk.event_numbers'), kind, key, body, %(actor)s::text, clock_timestamp() FROM changed RETURNING id)"
        f" SELECT pg_notify('{CHANNEL}', %(word)s::text || ':' || coalesce(max(id), 0)) FROM written"
    )


async def newest(connection: Connection) -> int:
    """The number of the newest visible event; 0 before the first."""
    row = await (await connection.execute("SELECT coalesce(max(id), 0) AS id FROM desk.events")).fetchone()
    assert row is not None
    return int(row["id"])


async def after(connection: Connection, number: int, *, limit: int = _AT_ONCE) -> list[Event]:
    """The events after `number`, in order."""
    found = await connection.execute(
        "SELECT id, kind, key, body, at, actor FROM desk.events WHERE id > %s ORDER BY id LIMIT %s", (number, limit)
    )
    return [Event(**row) for row in await found.fetchall()]


async def prune(connection: Connection) -> None:
    """Forgets old events, never the newest: by what is left one sees who is too far behind."""
    while True:
        done = await connection.execute(_PRUNE, {"at_once": _PRUNED_AT_ONCE, "kept": KEPT, "most": MOST_KEPT})
        if done.rowcount < _PRUNED_AT_ONCE:
            return


# The oldest are looked at by their number, which costs the same however many there are.
_PRUNE = """
WITH last AS (SELECT max(id) AS id FROM desk.events),
     oldest AS (SELECT id, at FROM desk.events ORDER BY id LIMIT %(at_once)s)
DELETE FROM desk.events e USING oldest o, last
WHERE e.id = o.id AND e.id < last.id AND (o.at < now() - %(kept)s OR e.id <= last.id - %(most)s)
"""

type Listener = Callable[[Sequence[Event]], None]


class Feed:
    """The stream within this process: one listening connection, one reading of each event, for all who follow.

    Attributes:
        work: set when somebody waits for an agent, or an agent for somebody.
    """

    def __init__(self, pool: Pool, database_url: str) -> None:
        self._pool, self._url = pool, database_url
        self.work = asyncio.Event()
        self._events: list[Event] = []
        self._since = 0
        """All events after this number are remembered."""
        self._listeners: list[Listener] = []
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self) -> None:
        """Returns when every event from now on is heard."""
        self._task = asyncio.create_task(self._listen(), name="desk-feed")
        await self._ready.wait()

    async def stop(self) -> None:
        await background.stop(self._task)

    @property
    def newest(self) -> int:
        """The number of the newest event known here."""
        return self._events[-1].id if self._events else self._since

    @asynccontextmanager
    async def telling(self, number: int, listener: Listener) -> AsyncIterator[None]:
        """Tells `listener` all events after `number`, first those that it missed, then the others as they come.

        Called from within the loop, so that fifty pages cost fifty calls and not fifty tasks; it must not wait or raise.

        Raises:
            TooFarBehind: they are no longer kept, or never were ours.
        """
        if number > self.newest and number > await self._newest_kept():
            raise TooFarBehind(_STALE)
        while number < self._since and (found := await self._kept(number)):
            listener(found)
            number = found[-1].id
        if missed := self._remembered(number):
            listener(missed)
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _remembered(self, number: int) -> list[Event]:
        return self._events[bisect_right(self._events, number, key=lambda event: event.id) :]

    async def _kept(self, number: int) -> list[Event]:
        async with self._pool.connection() as connection:
            found = await connection.execute("SELECT coalesce(min(id), 0) AS oldest FROM desk.events")
            row = await found.fetchone()
            if row is None or number < row["oldest"] - 1 or self.newest - number > _FARTHEST:
                raise TooFarBehind(_STALE)
            return await after(connection, number)

    async def _newest_kept(self) -> int:
        async with self._pool.connection() as connection:
            return await newest(connection)

    async def _listen(self) -> None:
        while True:
            try:
                await self._session()
            except psycopg.Error as error:
                log.warning(line("desk_feed_lost", error=type(error).__name__))
                await asyncio.sleep(_RETRY)

    async def _session(self) -> None:
        connection: Connection
        async with await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, row_factory=psycopg.rows.dict_row
        ) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            if not self._ready.is_set():
                self._since = await newest(connection)
            await self._read()
            self._ready.set()
            self.work.set()
            async for notice in connection.notifies():
                word, _, number = notice.payload.partition(":")
                if word == "work":
                    self.work.set()
                if int(number) > self.newest:  # not one that came while others were read
                    await self._read()

    async def _read(self) -> None:
        """Takes in what is new."""
        async with self._pool.connection() as connection:
            while found := await after(connection, self.newest):
                self._events += found
                if len(self._events) > 2 * _REMEMBERED:
                    self._since = self._events[-_REMEMBERED - 1].id
                    del self._events[:-_REMEMBERED]
                for listener in tuple(self._listeners):
                    listener(found)
                if len(found) < _AT_ONCE:
                    break
