"""What is told of the wait: only what there is something to base on, and it holds."""

from __future__ import annotations

import random
from datetime import timedelta
from math import ceil

import pytest

from chebao.desk.estimate import Estimate, estimate, span
from tests.contract.desk.office import Office


async def told(office: Office, conversation_id: str, skill: str) -> Estimate:
    async with office.desk.pool.connection() as connection:
        return await estimate(connection, conversation_id, skill)


async def served(office: Office, skill: str, *, place: int, waited: timedelta) -> None:
    """An episode of the last hours."""
    await office.rows(
        "INSERT INTO desk.episodes (id, conversation_id, reason, priority, skill, asked_at, queued_at, first_assigned_at,"
        " ended_at, told_wait) SELECT gen_random_uuid()::text, gen_random_uuid()::text, 'customer_request', 5, %s, t, t,"
        " t + %s, now(), jsonb_build_object('place', %s::int) FROM (SELECT now() - interval '1 hour' AS t) x",
        skill, waited, place,
    )  # fmt: skip


async def test_with_an_agent_free_it_is_at_once(office: Office) -> None:
    await office.agent("claims", ready=True, capacity=1)
    conversation_id = await office.customer()
    assert (await told(office, conversation_id, "claims")) == Estimate(1, 0, 1, present=True)


async def test_without_agents_or_without_experience_no_time_is_told(office: Office) -> None:
    first, second = await office.waiting("renewal"), await office.waiting("renewal")
    assert await told(office, second, "renewal") == Estimate(2, None, None, present=False)
    await office.agent("renewal")
    assert await told(office, first, "renewal") == Estimate(1, None, None, present=True)


async def test_the_range_grows_with_the_place_and_counts_the_own_skill_only(office: Office) -> None:
    await office.agent("claims")
    for minutes in range(1, 11):
        await served(office, "claims", place=1, waited=timedelta(minutes=minutes))
        await served(office, "complaint", place=1, waited=timedelta(hours=1))
    await office.waiting("complaint")
    first, second = await office.waiting("claims"), await office.waiting("claims")
    one, two = await told(office, first, "claims"), await told(office, second, "claims")
    assert (one.place, two.place) == (1, 2)
    assert one.low is not None and one.high is not None and 1 <= one.low < one.high <= 10
    assert two.low is not None and two.high is not None and two.low >= 2 * one.low and two.high > one.high


@pytest.mark.parametrize("mean", [40.0, 150.0, 400.0])
def test_four_of_five_ranges_hold(mean: float) -> None:
    """Agents free places at random, `mean` seconds apart; ranges are told out of what was, and held against what comes."""
    rng = random.Random(7)

    def wait(place: int) -> float:
        return sum(rng.expovariate(1 / mean) for _ in range(place))

    held = total = 0
    for _ in range(400):
        paces = [wait(place) / place for place in (rng.randint(1, 8) for _ in range(60))]
        place = rng.randint(1, 8)
        found = span(paces, place)
        assert found is not None
        low, high = found
        assert high - low <= max(2, ceil(3.5 * mean * place / 60)), "a range that says nothing"
        held += low * 60 <= wait(place) <= high * 60
        total += 1
    assert held / total >= 0.75
