"""Eviction, folding and damage: the conversation goes on exactly as if it had never left memory."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import EventVerbosity
from rasa.utils.endpoints import EndpointConfig

from bot import history, patches, tracker_store
from bot.channel import HubOutput
from bot.database import StaleConversation
from bot.model import ARCHIVE
from bot.tests.conftest import execute
from bot.tests.fake_actions import FakeActions
from bot.tracker_store import LiveTrackerStore, Turn, current_turn

SCRIPT = [
    "你好",
    "我要报案",
    "在朝阳路",
    "谢谢",
    "我要续保",
    "13800000001",
    "算了",
    "取消吧",
    "多谢",
    "车被刮了要报案",
    "我叫王建国",
    "京A12345",
]


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Runs to the end on a loop of its own, and closes what the loop held open."""

    async def closing() -> Any:
        try:
            return await coroutine
        finally:
            await patches.close_sessions()

    return asyncio.run(closing())


@pytest.fixture(scope="module")
def model(data_folder: Path) -> str:
    return str(data_folder / "models" / ARCHIVE)


def agent_of(model: str, url: str, actions: FakeActions) -> Agent:
    store = LiveTrackerStore(None, host=url)
    agent = Agent.load(model, tracker_store=store, action_endpoint=EndpointConfig(actions.url))
    assert agent.processor is not None
    assert agent.processor.tracker_store is store, "no fail-safe wrapper around our store"
    return agent


async def say(agent: Agent, sender: str, number: int, text: str) -> list[dict[str, Any]]:
    turn = Turn(f"{sender}-{number}")
    token = current_turn.set(turn)
    try:
        await agent.processor.handle_message(UserMessage(text, HubOutput(turn), sender, message_id=turn.message_id))
    finally:
        current_turn.reset(token)
    return turn.replies


def state(agent: Agent, sender: str) -> dict[str, Any]:
    """What Rasa goes on from, besides the events."""
    found = run(agent.tracker_store.retrieve(sender)).current_state(EventVerbosity.NONE)
    kept = ("slots", "active_loop", "latest_action_name", "followup_action", "paused")
    return json.loads(json.dumps({name: found[name] for name in kept}))


def talk(agent: Agent, sender: str, rounds: int, evict: bool = False) -> list[Any]:
    """Replies, predicted actions, loop and slots of each turn of the script, repeated."""
    ran: list[str] = []
    run_action = patches._run_action

    async def recording(action: Any, *rest: Any) -> bool:
        ran.append(action.name())
        return await run_action(agent.processor, action, *rest)

    async def all_turns() -> list[Any]:
        answers = []
        for number in range(rounds * len(SCRIPT)):
            if evict:
                agent.tracker_store.drop(sender)
            replies = await say(agent, sender, number, SCRIPT[number % len(SCRIPT)])
            tracker = await agent.tracker_store.retrieve(sender)
            answers.append((replies, list(ran), tracker.active_loop_name, tracker.current_slot_values()))
            ran.clear()
        return answers

    agent.processor._run_action = lambda action, tracker, output_channel, nlg, prediction: recording(
        action, tracker, output_channel, nlg, prediction
    )
    return run(all_turns())


def test_rebuilt_after_every_turn_is_the_same_conversation(model: str, database_url: str, actions: FakeActions) -> None:
    agent = agent_of(model, database_url, actions)
    assert talk(agent, "kept", 2) == talk(agent, "evicted", 2, evict=True)
    live = state(agent, "kept")
    agent.tracker_store.drop("kept")
    assert state(agent, "kept") == live


def test_folding_changes_no_reply_and_no_prediction(
    model: str, database_url: str, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_of(model, database_url, actions)
    folded = talk(agent, "folded", 5)
    snapshots = execute(database_url, "SELECT count(*) FROM rasa.events WHERE sender = 'folded' AND name = 'snapshot'")
    assert snapshots[0][0] >= 1
    events = len(run(agent.tracker_store.retrieve("folded")).events)
    assert events <= history.KEEP_EVENTS + 20
    assert folded == talk(agent, "folded and evicted", 5, evict=True)
    monkeypatch.setattr(history, "FOLD_AT", 10**9)
    assert folded == talk(agent, "unfolded", 5)


def test_a_late_turn_costs_as_much_as_an_early_one(model: str, database_url: str, actions: FakeActions) -> None:
    agent = agent_of(model, database_url, actions)
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    async def rounds() -> list[int]:
        nonlocal calls
        counted = []
        for turn in range(17 * len(SCRIPT)):
            if turn % len(SCRIPT) == 0:
                counted.append(calls)
            await say(agent, "long", turn, SCRIPT[turn % len(SCRIPT)])
        return [*counted, calls]

    sys.setprofile(count)
    try:
        counted = run(rounds())
    finally:
        sys.setprofile(None)
    costs = [after - before for before, after in itertools.pairwise(counted)]
    assert max(costs[-3:]) <= 1.2 * costs[1], costs


def test_an_eviction_storm_changes_nothing(
    model: str, database_url: str, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_of(model, database_url, actions)
    alone = talk(agent, "alone", 1)
    monkeypatch.setattr(tracker_store, "MAX_LIVE", 1)

    async def storm() -> list[Any]:
        replies = []
        for turn, text in enumerate(SCRIPT):
            replies.append([await say(agent, f"storm{n}", turn, text) for n in range(8)])
        return replies

    for replies, one in zip(run(storm()), alone, strict=True):
        assert all(reply == one[0] for reply in replies)
    assert agent.tracker_store.live == 1


def test_bounds_by_number_and_age(
    model: str, database_url: str, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_of(model, database_url, actions)
    monkeypatch.setattr(tracker_store, "MAX_LIVE", 3)
    for number in range(6):
        run(say(agent, f"c{number}", 0, "我要报案"))
    assert run(agent.tracker_store.keys()) == ["c3", "c4", "c5"]
    monkeypatch.setattr(tracker_store, "MAX_IDLE_SECONDS", -1)
    run(say(agent, "c0", 1, "在朝阳路"))
    assert agent.tracker_store.live == 0
    assert state(agent, "c0")["active_loop"]["name"] == "claim_form"


def test_bound_by_the_events_of_all_together(
    model: str, database_url: str, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = agent_of(model, database_url, actions)
    store = agent.tracker_store
    monkeypatch.setattr(tracker_store, "MAX_LIVE_EVENTS", 60)
    for turn, text in enumerate(SCRIPT):
        for number in range(8):
            run(say(agent, f"e{number}", turn, text))
            held = [len(tracker.events) for tracker, _ in store._live.values()]
            assert sum(held) <= 60 or len(held) == 1
            assert sum(held) == store._live_events
    monkeypatch.setattr(tracker_store, "MAX_LIVE_EVENTS", 1)
    run(say(agent, "e0", 99, "你好"))
    assert run(store.keys()) == ["e0"], "the conversation that speaks stays, however long it is"


def test_ten_thousand_conversations_alive_are_held_within_bounds(
    model: str, database_url: str, actions: FakeActions
) -> None:
    agent = agent_of(model, database_url, actions)
    store = agent.tracker_store
    one = talk(agent, "pattern", 1)
    execute(
        database_url,
        "INSERT INTO rasa.events SELECT 'many' || n, seq, name, at, data"
        " FROM rasa.events, generate_series(1, 10000) n WHERE sender = 'pattern' AND seq < %s",
        (_rows_of_turns(database_url, "pattern")[1][0][0],),
    )

    async def all_come() -> None:
        for number in range(1, 10_001):
            await store.retrieve(f"many{number}")
            assert store.live <= tracker_store.MAX_LIVE
            assert store._live_events <= tracker_store.MAX_LIVE_EVENTS

    run(all_come())
    for number in (1, 5_000, 10_000):
        said = run(say(agent, f"many{number}", 1, SCRIPT[1]))
        assert (said, state(agent, f"many{number}")["active_loop"]["name"]) == (one[1][0], one[1][2])


def test_after_5000_turns_a_customer_is_answered_as_after_12(
    model: str, database_url: str, actions: FakeActions
) -> None:
    agent = agent_of(model, database_url, actions)
    store = agent.tracker_store
    answers = talk(agent, "pattern", 2)
    turns = _rows_of_turns(database_url, "pattern")[len(SCRIPT) :]

    async def live_on() -> None:
        for number in range(4_992):
            tracker = await store.retrieve("endless") or store.init_tracker("endless")
            for _, data in turns[number % len(SCRIPT)]:
                tracker.update(Event.from_parameters(data), agent.domain)
            token = current_turn.set(Turn(f"earlier-{number}"))
            await store.save(tracker)
            current_turn.reset(token)
            assert store._live_events <= history.KEEP_EVENTS + 20

    store.drop("pattern")
    run(live_on())
    assert len(store.database.load("endless")) <= history.SNAPSHOT_AT + 20
    store.drop("endless")
    assert talk(agent, "endless", 1) == answers[len(SCRIPT) :]


def _rows_of_turns(url: str, sender: str) -> list[list[tuple[int, Any]]]:
    """Number and data of a conversation's rows, turn by turn; what comes before the first message belongs to its turn."""
    rows = execute(
        url, "SELECT seq, data FROM rasa.events WHERE sender = %s AND name <> 'snapshot' ORDER BY seq", (sender,)
    )
    begins = [at for at, (_, data) in enumerate(rows) if data["event"] == "user"]
    return [rows[start:end] for start, end in itertools.pairwise([0, *begins[1:], len(rows)])]


def test_second_writer_is_noticed_and_stores_nothing(model: str, database_url: str, actions: FakeActions) -> None:
    ours, theirs = agent_of(model, database_url, actions), agent_of(model, database_url, actions)
    run(say(ours, "both", 0, "我要报案"))
    run(say(theirs, "both", 1, "在朝阳路"))
    rows = execute(database_url, "SELECT count(*) FROM rasa.events")
    with pytest.raises(StaleConversation):
        run(say(ours, "both", 2, "谢谢"))
    assert execute(database_url, "SELECT count(*) FROM rasa.events") == rows
    run(say(ours, "both", 2, "谢谢"))


def test_damaged_row_begins_anew_and_is_named(
    model: str, database_url: str, actions: FakeActions, caplog: pytest.LogCaptureFixture
) -> None:
    agent = agent_of(model, database_url, actions)
    run(say(agent, "hurt", 0, "我要报案"))
    execute(database_url, """UPDATE rasa.events SET data = '{"event": "no such"}' WHERE sender = 'hurt' AND seq = 3""")
    agent.tracker_store.drop("hurt")
    assert run(say(agent, "hurt", 1, "你好"))[0]["text"] == "您好"
    assert "hurt" in caplog.text
    agent.tracker_store.drop("hurt")
    caplog.clear()
    run(say(agent, "hurt", 2, "谢谢"))
    assert "damaged" not in caplog.text, "the damaged rows are behind a snapshot now"
