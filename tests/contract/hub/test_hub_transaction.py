"""A pipeline of statements is one transaction: all or nothing, unseen before its end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio

from chebao.db import Pool, make_pool, transaction

_COUNT = "SELECT count(*) AS number FROM numbers"


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = make_pool(database_url, size=2)
    await pool.open()
    async with pool.connection() as connection:
        await connection.execute("DROP TABLE IF EXISTS numbers")
        await connection.execute("CREATE TABLE numbers (n integer PRIMARY KEY)")
    yield pool
    await pool.close()


async def stored(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute(_COUNT)).fetchone()
    assert row is not None
    return int(row["number"])


async def test_nothing_is_seen_before_the_end(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO numbers VALUES (1)")
        row = await (await connection.execute(_COUNT)).fetchone()
        assert row is not None and row["number"] == 1
        await connection.execute("INSERT INTO numbers VALUES (2)")
        assert await stored(pool) == 0
    assert await stored(pool) == 2


async def insert(pool: Pool, *numbers: int, then: Exception | None = None) -> None:
    async with transaction(pool) as connection:
        for number in numbers:
            await connection.execute("INSERT INTO numbers VALUES (%s)", (number,))
        if then:
            await (await connection.execute(_COUNT)).fetchone()
            raise then


async def test_an_error_of_ours_undoes_all(pool: Pool) -> None:
    with pytest.raises(ValueError, match="ours"):
        await insert(pool, 1, 2, then=ValueError("ours"))
    assert await stored(pool) == 0


async def test_an_error_of_the_server_undoes_all(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        await insert(pool, 1, 1, 2)
    assert await stored(pool) == 0
    await insert(pool, 1, 2)  # the connection is as good as before
    assert await stored(pool) == 2


async def test_a_row_stays_locked_until_the_end(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("INSERT INTO numbers VALUES (1)")
    async with transaction(pool) as connection:
        await (await connection.execute("SELECT n FROM numbers FOR UPDATE")).fetchall()
        async with pool.connection() as other:
            free = await (await other.execute("SELECT n FROM numbers FOR UPDATE SKIP LOCKED")).fetchall()
        assert free == []
