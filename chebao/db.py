"""Connections and migrations: one PostgreSQL with the schemas ``hub``, ``backoffice`` and ``rasa``.

`make_engine` serves most of the code. The hot path of a chat turn takes psycopg connections of `make_pool` and sends its statements
in pipelines: a transaction costs two round trips instead of eight, and nothing is compiled on the way.
"""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

type Connection = psycopg.AsyncConnection[DictRow]
type Pool = AsyncConnectionPool[Connection]

_MIGRATIONS = Path(__file__).parent / "migrations"


def driver_url(url: str) -> str:
    """The URL with the driver that SQLAlchemy is to use, psycopg 3."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def make_engine(url: str, *, pool_size: int = 5) -> AsyncEngine:
    """A new async engine; the caller disposes of it."""
    # hide_parameters: a database error's text must not carry a customer's words into the log
    return create_async_engine(
        driver_url(url), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, hide_parameters=True
    )


def make_pool(url: str, *, size: int, wait_for_disk: bool = True) -> Pool:
    """A pool of plain psycopg connections; the caller opens and closes it.

    Args:
        wait_for_disk: whether a commit waits until it would survive a crash of the database server.
    """
    arguments: dict[str, Any] = {"autocommit": True, "row_factory": dict_row}
    if not wait_for_disk:
        arguments["options"] = "-c synchronous_commit=off"
    return AsyncConnectionPool(
        url, kwargs=arguments, min_size=1, max_size=size, max_idle=60, timeout=10, open=False, check=_check_idle
    )


async def _check_idle(connection: psycopg.AsyncConnection[Any]) -> None:
    """An idle connection has nothing to read, unless the server has ended it; asking the server would cost a round trip."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN | select.POLLHUP)
    if poll.poll(0):
        raise psycopg.OperationalError("the server has ended this connection")


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """A transaction in pipeline mode: statements wait in a queue until a result is fetched or the block ends.

    Commits on leaving, rolls back on an error. A statement's error may come up at a later fetch or at the end.
    """
    async with pool.connection() as connection, connection.pipeline():
        await connection.execute("BEGIN")
        yield connection
        await connection.execute("COMMIT")


def migrate(url: str) -> None:
    """Brings the database to the newest revision (synchronous, idempotent)."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = driver_url(url)
    command.upgrade(config, "head")
