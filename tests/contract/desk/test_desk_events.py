"""The stream of events: in order, without gaps, and enough to keep a state up to date."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from chebao.conversations.api import HubSettings
from chebao.db import transaction
from chebao.desk import events, state
from chebao.desk.agents import Agent
from chebao.desk.api import DeskSettings
from chebao.desk.events import Feed, TooFarBehind
from chebao.errors import ChebaoError
from chebao.settings import Settings
from tests.contract.desk.office import Office, open_office
from tests.fakes.rasa import FakeRasa


async def test_events_become_visible_in_the_order_of_their_numbers(office: Office) -> None:
    before = office.desk.feed.newest
    seen: list[int] = []

    async def publish(number: int) -> None:
        await asyncio.sleep(random.random() / 10)
        async with transaction(office.desk.pool) as connection:
            await events.publish(connection, "ticket", f"GD{number}", {"n": number})
            await (await connection.execute("SELECT pg_sleep(%s)", (random.random() / 50,))).fetchone()

    async def read() -> None:
        async for found in office.desk.feed.follow(before):
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
        async for some in feed.follow(first):
            found += some
            if (some[-1].body or {}).get("state") == "break":
                break
        assert [event.key for event in found] == [agent.id] * len(found)
        with pytest.raises(TooFarBehind):
            await anext(feed.follow(found[-1].id + 1000))
        await office.rows("UPDATE desk.events SET at = now() - interval '2 days'")
        async with office.desk.pool.connection() as connection:
            await events.prune(connection)
        kept = await office.rows("SELECT id FROM desk.events")
        assert kept == [{"id": found[-1].id}]
        restarted = Feed(office.desk.pool, settings.database_url or "")
        await restarted.start()
        with pytest.raises(TooFarBehind):
            await anext(restarted.follow(first))
        await restarted.stop()


AGENTS = 3
CUSTOMERS = 3

_ACTIONS = st.tuples(
    st.sampled_from([
        "writes", "writes", "hand_off", "hand_off", "take", "say", "say", "transfer", "transfer_skill", "hold", "resume", "give_back",
        "close", "takeover", "join", "leave", "note", "whisper", "state",
    ]),
    st.integers(0, CUSTOMERS - 1),
    st.integers(0, AGENTS - 1),
    st.integers(0, AGENTS - 1),
    st.sampled_from(["claims", "renewal", "general"]),
    st.sampled_from(["ready", "busy", "break", "offline"]),
)  # fmt: skip

Action = tuple[str, int, int, int, str, Any]


class World:
    """A few agents and customers who do whatever comes."""

    def __init__(self, office: Office, agents: list[Agent], customers: list[str]) -> None:
        self.office, self.agents, self.customers = office, agents, customers
        self.keys = 0

    @classmethod
    async def begin(cls, office: Office) -> World:
        await office.empty()
        agents = [
            await office.agent("claims", "general", ready=True, capacity=2),
            await office.agent("renewal", capacity=1),
            await office.agent("claims", "renewal", "general", role="supervisor", name="沈静"),
        ]
        return cls(office, agents, [await office.customer() for _ in range(CUSTOMERS)])

    async def act(self, action: Action) -> None:
        what, customer, agent_no, other_no, skill, state_ = action
        conversation, agent, other = self.customers[customer], self.agents[agent_no], self.agents[other_no]
        handling = self.office.handling
        self.keys += 1
        try:
            match what:
                case "writes":
                    await self.office.writes(conversation)
                case "hand_off":
                    await self.office.hand_off(conversation, skill)
                case "take":
                    await handling.take(agent, conversation)
                case "say":
                    await handling.say(agent, conversation, "您好", key=str(self.keys))
                case "transfer":
                    await handling.transfer(agent, conversation, to_agent=other.id, memo="请接着办")
                case "transfer_skill":
                    await handling.transfer(agent, conversation, skill=skill)
                case "hold":
                    await handling.hold(agent, conversation)
                case "resume":
                    await handling.resume(agent, conversation)
                case "give_back":
                    await handling.give_back(agent, conversation, edits={})
                case "close":
                    await handling.close(agent, conversation, wrapup={"outcome": "resolved"})
                case "takeover":
                    await handling.takeover(self.agents[-1], conversation)
                case "join":
                    await handling.join(self.agents[-1], conversation)
                case "leave":
                    await handling.leave(self.agents[-1], conversation)
                case "note" | "whisper":
                    await handling.add_note(agent, conversation, "客户着急", whisper=what == "whisper")
                case "state":
                    await self.office.desk.presence.set_state(agent.id, state_)
        except ChebaoError:
            pass  # an action out of its time changes nothing, which is what is looked at

    async def check(self, actions: list[Action]) -> None:
        """State, act, apply the events to the old state: that equals a fresh state, for everybody."""
        viewers = [None, *self.agents]
        old = [await self.office.fresh(viewer) for viewer in viewers]
        for action in actions:
            await self.act(action)
        for viewer, (number, kept) in zip(viewers, old, strict=True):
            newest, wanted = await self.office.fresh(viewer)
            view = state.View(viewer, kept)
            for event in await self._between(number, newest):
                shown = view.see(event)
                if shown is not None:
                    state.apply(kept, shown)
            assert kept == wanted

    async def _between(self, number: int, newest: int) -> list[events.Event]:
        async with self.office.desk.pool.connection() as connection:
            found = await events.after(connection, number, limit=100_000)
        return [event for event in found if event.id <= newest]


@asynccontextmanager
async def _world(database_url: str, folder: Path) -> AsyncIterator[World]:
    rasa = FakeRasa()
    await rasa.start()
    values: dict[str, Any] = {"DATABASE_URL": database_url, "data": folder, "_env_file": None}
    nowhere = "http://127.0.0.1:1/elsewhere"
    chosen = Settings(**values, rasa_url=rasa.url, actions_port=rasa.port, backoffice_url=nowhere)
    async with open_office(chosen, HubSettings(turn_seconds=2.0), DeskSettings()) as office:
        yield await World.begin(office)
    await rasa.stop()


def test_a_state_kept_by_events_equals_a_fresh_one(database_url: str, tmp_path: Path) -> None:
    """Over random actions, while the assigner does its work as well."""
    with asyncio.Runner() as runner:
        opening = _world(database_url, tmp_path)
        world = runner.run(opening.__aenter__())

        @hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(st.lists(_ACTIONS, min_size=1, max_size=25))
        def holds(actions: list[Action]) -> None:
            runner.run(world.check(actions))

        try:
            holds()
        finally:
            runner.run(opening.__aexit__(None, None, None))
