"""When turns begin: bounded, the longest-waiting first; hurried customers are heard out, waiting ones never held."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chebao.conversations import pace as pacing
from chebao.conversations.pace import Gate, Pace

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def test_the_longest_waiting_comes_in_first_and_a_cancelled_one_blocks_nothing() -> None:
    gate, order = Gate(1), list[int]()

    async def visit(minute: int) -> None:
        async with gate.entered(NOON + timedelta(minutes=minute)):
            order.append(minute)

    async with gate.entered(NOON):
        visits = [asyncio.create_task(visit(minute)) for minute in (5, 1, 3, 2)]
        await asyncio.sleep(0)
        visits[2].cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*visits, return_exceptions=True)
    assert order == [1, 2, 5]
    async with asyncio.timeout(1), gate.entered(NOON):
        pass


def paced(gaps: list[float]) -> Pace:
    """A customer who writes so many seconds after each answer; a turn takes 20 ms."""
    pace, now = Pace(), 0.0
    for gap in gaps:
        now += gap
        pace.message(now)
        pace.begin(now)
        now += 0.02
        pace.end(now)
    return pace


@pytest.mark.parametrize("gaps", [[0.005] * 30, [1.5] * 30, [0.3, 2.0, 0.3], [0.3]])
def test_programs_and_readers_are_not_hurried(gaps: list[float]) -> None:
    assert not paced([0, *gaps]).hurried


def test_a_third_message_without_time_to_read_is_hurried() -> None:
    pace = paced([0, 0.23])
    pace.message(0.5)
    assert pace.hurried


async def test_one_who_turns_out_to_wait_is_let_go_and_remembered() -> None:
    pace = paced([0, 0.23])
    pace.message(0.5)
    async with asyncio.timeout(1):
        await pace.heard_out(0.5)
    assert not pace.hurried


async def test_the_place_of_one_that_takes_long_is_lent_on_and_not_given_back_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "LENT_AFTER", 0.02)
    monkeypatch.setattr(pacing, "_MOST_LENT", 2)
    gate, inside, ends = Gate(1), list[int](), asyncio.Event()

    async def long(number: int) -> None:
        async with gate.entered(datetime.now(UTC)):
            inside.append(number)
            await ends.wait()
            inside.remove(number)

    tasks = [asyncio.create_task(long(n)) for n in range(5)]
    await asyncio.sleep(0.2)
    assert inside == [0, 1, 2]  # one place, two lent
    ends.set()
    await asyncio.gather(*tasks)
    ends.clear()
    monkeypatch.setattr(pacing, "LENT_AFTER", 9)
    tasks = [asyncio.create_task(long(n)) for n in range(2)]
    await asyncio.sleep(0.05)
    assert inside == [0]
    ends.set()
    await asyncio.gather(*tasks)
