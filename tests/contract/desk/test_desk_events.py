"""The stream of events: in order, without gaps, kept for a week."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from chebao.db import transaction
from chebao.desk import events
from chebao.desk.events import Event, Feed, TooFarBehind
from chebao.settings import Settings
from tests.contract.desk.office import Office


async def follow(feed: Feed, number: int) -> AsyncIterator[Sequence[Event]]:
    """All events after `number`, as they come."""
    told: asyncio.Queue[Sequence[Event]] = asyncio.Queue()
    async with feed.telling(number, told.put_nowait):
        while True:
            yield await told.get()


async def test_events_become_visible_in_the_order_of_their_numbers(office: Office) -> None:
    before = office.desk.feed.newest
    seen: list[int] = []

    async def publish(number: int) -> None:
        await asyncio.sleep(random.random() / 10)
        async with transaction(office.desk.pool) as connection:
            await events.publish(connection, "ticket", f"GD{number}", {"n": number})
            await (await connection.execute("SELECT pg_sleep(%s)", (random.random() / 50,))).fetchone()

    async def read() -> None:
        async for found in follow(office.desk.feed, before):
            seen.extend(event.id for event in found)
            if len(seen) >= 60:
                return

    async with asyncio.timeout(20):
        await asyncio.gather(read(), *(publish(n) for n in range(60)))
    stored = await office.rows("SELECT id FROM desk.events WHERE id > %s ORDER BY id", before)
    assert seen == [row["id"] for row in stored] and len(seen) == 60


async def test_who_comes_back_gets_what_he_missed_and_who_was_away_too_long_is_told(
    office: Office, settings: Settings
) -> None:
    feed = office.desk.feed
    first = feed.newest
    agent = await office.agent("claims")
    await office.desk.presence.set_state(agent.id, "break")
    async with asyncio.timeout(5):
        found: list[events.Event] = []
        async for some in follow(feed, first):
            found += some
            if (some[-1].body or {}).get("state") == "break":
                break
        assert [event.key for event in found] == [agent.id] * len(found)
        with pytest.raises(TooFarBehind):
            await anext(follow(feed, found[-1].id + 1000))
        await office.rows("UPDATE desk.events SET at = now() - interval '8 days'")
        async with office.desk.pool.connection() as connection:
            await events.prune(connection)
        kept = await office.rows("SELECT id FROM desk.events")
        assert kept == [{"id": found[-1].id}]
        restarted = Feed(office.desk.pool, settings.database_url or "")
        await restarted.start()
        with pytest.raises(TooFarBehind):
            await anext(follow(restarted, first))
        await restarted.stop()


async def test_events_of_a_week_are_kept_and_never_more_than_are_bounded(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_KEPT", 3)
    await office.rows("DELETE FROM desk.events")
    async with transaction(office.desk.pool) as connection:
        for number in range(6):
            await events.publish(connection, "ticket", f"GD{number}", {"n": number})
    await office.rows("UPDATE desk.events SET at = now() - interval '167 hours'")

    async def kept() -> list[str]:
        async with office.desk.pool.connection() as connection:
            await events.prune(connection)
        return [row["key"] for row in await office.rows("SELECT key FROM desk.events ORDER BY id")]

    assert await kept() == ["GD3", "GD4", "GD5"]
    await office.rows("UPDATE desk.events SET at = now() - interval '169 hours' WHERE key <> 'GD4'")
    assert await kept() == ["GD4", "GD5"]
