"""Satisfaction: asked once, answered once, and a low score is followed up by somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from chebao.desk import surveys
from tests.contract.desk.ticketing import Ticketing, ticketing

_LONG_AGO = datetime.now(UTC) - timedelta(days=30)


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Ticketing]:
    async with ticketing(database_url) as opened:
        yield opened


async def test_the_question_is_asked_once_about_each_thing(desk: Ticketing) -> None:
    talk = await desk.conversation()
    async with desk.work() as connection:
        assert await surveys.ask(connection, talk, "episode-1", agent_id="agent1")
        assert not await surveys.ask(connection, talk, "episode-1", agent_id="agent1")
        assert await surveys.ask(connection, talk, "task:renewal:1")


async def test_a_score_is_taken_once_and_goes_to_the_newest_question(desk: Ticketing) -> None:
    talk = await desk.conversation()
    async with desk.work() as connection:
        await surveys.ask(connection, talk, "episode-1", agent_id="agent1")
        await surveys.ask(connection, talk, "task:renewal:1")
        newest = await surveys.answer(connection, talk, 5, comment="很快")
        older = await surveys.answer(connection, talk, 4)
        assert newest is not None and (newest.about, newest.score, newest.comment) == ("task:renewal:1", 5, "很快")
        assert older is not None and (older.about, older.agent_name) == ("episode-1", "林晓")
        assert await surveys.answer(connection, talk, 1) is None
        assert (newest.ticket, older.ticket) == (None, None)


async def test_a_late_number_answers_nothing(desk: Ticketing) -> None:
    talk = await desk.conversation()
    async with desk.work() as connection:
        await surveys.ask(connection, talk, "episode-1")
        await connection.execute("UPDATE desk.surveys SET asked_at = now() - interval '4 days'")
        assert await surveys.answer(connection, talk, 1) is None


@pytest.mark.parametrize(("score", "level"), [(1, 2), (2, 1)])
async def test_a_low_score_opens_a_follow_up_that_the_person_judged_does_not_get(
    desk: Ticketing, score: int, level: int
) -> None:
    talk = await desk.conversation()
    async with desk.work() as connection:
        await surveys.ask(connection, talk, "episode-1", agent_id="agent1")
        judged = await surveys.answer(connection, talk, score, comment="说好的电话没有打")
    assert judged is not None and judged.ticket is not None and judged.ticket_state == "open"
    ticket = await desk.full(judged.ticket)
    assert (ticket["kind"], ticket["level"], ticket["conversation_id"]) == ("callback", level, talk)
    assert "林晓" in ticket["subject"] and "电话没有打" in ticket["detail"]
    assert ticket["owner_id"] not in (None, "agent1")


async def test_the_list_and_its_summary(desk: Ticketing) -> None:
    async with desk.work() as connection:
        await connection.execute("DELETE FROM desk.surveys")
        for score in (5, 4, 2):
            talk = await desk.conversation()
            await surveys.ask(connection, talk, "episode-1", agent_id="agent1")
            await surveys.answer(connection, talk, score)
        await surveys.ask(connection, await desk.conversation(), "episode-1")
        assert [row.score for row in await surveys.find(connection)] == [2, 4, 5]
        [low] = await surveys.find(connection, low=True)
        assert await surveys.find(connection, low=True, before=low.id) == []
        counted = await surveys.summary(connection, _LONG_AGO)
        assert (counted.asked, counted.answered, counted.scores) == (4, 3, [0, 1, 0, 1, 1])
        assert counted.mean == pytest.approx(11 / 3)
        nobody = await surveys.summary(connection, datetime.now(UTC) + timedelta(days=1))
        assert (nobody.asked, nobody.mean, nobody.scores) == (0, None, [0, 0, 0, 0, 0])
