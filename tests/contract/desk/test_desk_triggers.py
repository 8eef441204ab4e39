"""Hand-off reasons: what supervisors may set over the table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row

from chebao.db import Connection
from chebao.desk import triggers
from chebao.errors import InputRefused


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """A transaction that leaves nothing behind."""
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=dict_row) as opened:
        yield opened
        await opened.rollback()


async def test_a_reasons_priority_and_skill_can_be_set_and_taken_back(connection: Connection) -> None:
    before = {row.reason: row for row in await triggers.table(connection)}
    assert before["customer_request"].skill is None
    changes = {"customer_request": {"priority": 8, "skill": "claims"}, "injury": {}}
    after = {row.reason: row for row in await triggers.put(connection, changes, "lead1")}
    assert (after["customer_request"].priority, after["customer_request"].skill) == (8, "claims")
    assert after["customer_request"].default == before["customer_request"].default
    assert set(await triggers.overrides(connection)) == {"customer_request"}
    assert await triggers.rule(connection, "customer_request") == {"priority": 8, "skill": "claims"}
    assert await triggers.rule(connection, "injury") == {}
    assert await triggers.put(connection, {}, "lead1") == list(before.values())


@pytest.mark.parametrize(
    "wrong", [{"boredom": {"priority": 1}}, {"injury": {"priority": 10}}, {"injury": {"skill": "x; DROP"}}, []]
)
async def test_unknown_reasons_and_values_are_refused(connection: Connection, wrong: Any) -> None:
    with pytest.raises(InputRefused):
        await triggers.put(connection, wrong, "lead1")
    assert await triggers.overrides(connection) == {}
