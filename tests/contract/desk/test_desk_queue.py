"""Queue and assignment: the right agent, in the right order, one only, and nobody left with somebody who is not there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from chebao.conversations.api import MESSAGE, Allowances, Conversation, DeliveryJob, Incoming, Rule
from chebao.errors import Conflict, InputRefused, RuleForbids
from tests.contract.desk.conftest import Open
from tests.contract.desk.office import Office, until
from tests.forbidden import PHRASES

RACES = 100
"""The full thousand is in `make soak-desk`."""


async def test_a_hand_off_reaches_an_agent_and_every_screen_hears_of_it(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    number, _ = await office.fresh()
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    assert any("林晓" in text for text in await office.texts(conversation_id))
    bodies = [row["body"] for row in await office.rows(
        "SELECT body FROM desk.events WHERE id > %s AND kind = 'conversation' AND key = %s ORDER BY id", number, conversation_id
    )]  # fmt: skip
    assert [(b["owner"], b["agent_id"]) for b in bodies] == [("queued", None), ("agent", agent.id)]
    assert bodies[-1]["agent_name"] == "林晓" and bodies[-1]["epoch"] == bodies[0]["epoch"] + 1
    assert bodies[0]["waiting_since"] and bodies[0]["queued_at"] and bodies[0]["skill"] == "claims"
    _, state = await office.fresh(agent)
    assert state["agent"][agent.id]["load"] == 1
    assert state["conversation"][conversation_id] == bodies[-1]
    episode = await office.episode(conversation_id)
    assert episode["agent_id"] == agent.id and episode["first_assigned_at"] >= episode["queued_at"]


async def test_of_two_agents_who_take_the_same_conversation_exactly_one_has_it(office: Office) -> None:
    one, two = await office.agent("claims"), await office.agent("claims", name="何强")
    conversation_id = await office.customer()
    number, _ = await office.fresh()
    for _ in range(RACES):
        await office.hand_off(conversation_id, "claims")
        tries = (office.handling.take(one, conversation_id), office.handling.take(two, conversation_id))
        results = await asyncio.gather(*tries, return_exceptions=True)
        lost = [result for result in results if result is not None]
        assert len(lost) == 1 and isinstance(lost[0], Conflict), results
        winner = (one, two)[results.index(None)]
        assert (await office.conversation(conversation_id)).agent_id == winner.id
        await office.handling.close(winner, conversation_id, wrapup={})
    given = await office.rows(
        "SELECT body ->> 'epoch' AS epoch, count(DISTINCT body ->> 'agent_id') AS agents FROM desk.events"
        " WHERE id > %s AND key = %s AND body ->> 'owner' = 'agent' GROUP BY 1", number, conversation_id,
    )  # fmt: skip
    assert len(given) == RACES and all(row["agents"] == 1 for row in given)


async def test_nobody_is_overtaken_but_by_a_higher_priority(office: Office) -> None:
    first = await office.waiting("claims")
    second = await office.waiting("claims")
    urgent = await office.waiting("claims", priority=9, reason="injury")
    other = await office.waiting("renewal")
    agent = await office.agent("claims", ready=True, capacity=1)
    for expected in (urgent, first, second):
        await office.has(agent, expected)
        await office.handling.close(agent, expected, wrapup={})
    await asyncio.sleep(0.2)
    assert (await office.conversation(other)).owner == "queued"


async def test_the_backlog_is_given_away_at_once_and_no_agent_gets_more_than_he_may(office: Office) -> None:
    waiting = [await office.waiting("claims") for _ in range(9)]
    agents = [await office.agent("claims", capacity=n) for n in (1, 2, 3)]
    await asyncio.gather(*(office.desk.presence.set_state(agent.id, "ready") for agent in agents))

    async def full() -> bool:
        rows = await office.rows(
            "SELECT agent_id, count(*) AS n FROM hub.conversations WHERE owner = 'agent' GROUP BY 1"
        )
        return {row["agent_id"]: row["n"] for row in rows} == {agent.id: agent.capacity for agent in agents}

    await until(full)
    await asyncio.sleep(0.2)
    assert await full()
    owners = [(await office.conversation(id_)).owner for id_ in waiting]
    assert owners == ["agent"] * 6 + ["queued"] * 3


async def test_the_least_loaded_is_asked_and_among_equals_who_had_nothing_for_longest(office: Office) -> None:
    agents = [await office.agent("claims", ready=True) for _ in range(3)]
    given = []
    for _ in range(6):
        conversation_id = await office.waiting("claims")
        await office.owned_by(conversation_id, "agent")
        given.append((await office.conversation(conversation_id)).agent_id)
    assert given == [agent.id for agent in agents] * 2


async def test_a_customer_who_comes_back_gets_the_agent_he_knows_if_that_one_is_free(office: Office) -> None:
    known, idle = await office.agent("claims", ready=True, capacity=2), await office.agent("claims", name="何强")
    conversation_id = await office.waiting("claims")
    await office.has(known, conversation_id)
    await office.handling.close(known, conversation_id, wrapup={})
    busy_with = await office.waiting("claims")
    await office.has(known, busy_with)
    await office.desk.presence.set_state(idle.id, "ready")
    await office.hand_off(conversation_id, "claims")
    await office.has(known, conversation_id)
    await office.handling.close(known, conversation_id, wrapup={})
    await office.hand_off(conversation_id, "claims", priority=7, reason="complaint")
    await office.has(idle, conversation_id)


async def test_a_complaint_goes_to_somebody_who_never_served_the_customer_where_there_is_one(office: Office) -> None:
    served = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(served, conversation_id)
    await office.handling.close(served, conversation_id, wrapup={})
    await office.desk.presence.set_state(served.id, "busy")
    other = await office.agent("claims", ready=True, name="何强")
    await office.has(other, await office.waiting("claims"))
    await office.desk.presence.set_state(served.id, "ready")
    await office.hand_off(conversation_id, "claims", reason="complaint")
    await office.has(other, conversation_id)  # though he has more to do
    await office.handling.close(other, conversation_id, wrapup={})
    await office.desk.presence.set_state(other.id, "busy")
    await office.hand_off(conversation_id, "claims", reason="complaint")
    await office.has(served, conversation_id)  # nobody else is there


async def test_only_who_has_the_skill_is_asked_and_a_supervisor_after_all_others(office: Office) -> None:
    lead = await office.agent("claims", "renewal", ready=True, role="supervisor", name="沈静")
    agent = await office.agent("claims", ready=True, capacity=1)
    first, second, third = [
        await office.waiting("claims"),
        await office.waiting("claims"),
        await office.waiting("complaint"),
    ]
    await office.has(agent, first)
    await office.has(lead, second)
    await asyncio.sleep(0.2)
    assert (await office.conversation(third)).owner == "queued"


async def test_nothing_is_given_to_who_is_not_there(office: Office) -> None:
    agent = await office.agent("claims")
    conversation_id = await office.waiting("claims")
    for state in ("break", "offline"):
        await office.desk.presence.set_state(agent.id, state)
        await asyncio.sleep(0.1)
        assert (await office.conversation(conversation_id)).owner == "queued"
    with pytest.raises(RuleForbids):
        await office.handling.take(agent, conversation_id)
    lead = await office.agent(role="supervisor")
    with pytest.raises(Conflict, match="离线"):
        await office.handling.transfer(lead, conversation_id, to_agent=agent.id)
    with pytest.raises(InputRefused):
        await office.handling.transfer(lead, conversation_id, skill="cooking")


async def test_who_goes_offline_leaves_nobody_behind(office: Office) -> None:
    leaving, staying = await office.agent("claims", ready=True), await office.agent("claims", name="何强")
    held, served = await office.waiting("claims"), await office.waiting("claims")
    for conversation_id in (held, served):
        await office.has(leaving, conversation_id)
    await office.handling.hold(leaving, held)
    await office.desk.presence.set_state(staying.id, "ready")
    await office.desk.presence.set_state(leaving.id, "offline")
    for conversation_id in (held, served):
        await office.has(staying, conversation_id)
        told = await office.texts(conversation_id)
        assert any("不用重复" in text for text in told)
        assert not any(phrase in text for text in told for phrase in PHRASES)
    log = await office.rows("SELECT state, ended_at FROM desk.agent_states WHERE agent_id = %s ORDER BY id", leaving.id)
    assert [row["state"] for row in log] == ["ready", "offline"] and log[0]["ended_at"] and not log[1]["ended_at"]


async def test_who_is_silent_is_offline_and_his_conversations_move_on(open_desk: Open) -> None:
    async with open_desk(silent_seconds=1.0) as office:
        await office.empty()
        silent, other = await office.agent("claims", ready=True), await office.agent("claims", name="何强")
        conversation_id = await office.waiting("claims")
        await office.has(silent, conversation_id)
        await office.desk.presence.set_state(other.id, "ready")

        async def moved() -> bool:
            await office.desk.presence.seen(other.id)
            return (await office.conversation(conversation_id)).agent_id == other.id

        await until(moved)
        assert (await office.known(silent.id)).state == "offline"
        assert (await office.known(other.id)).state == "ready"


async def test_a_transfer_keeps_the_memo_and_the_customer_hears_who_comes(office: Office) -> None:
    one = await office.agent("claims", ready=True)
    two = await office.agent("renewal", name="何强")
    conversation_id = await office.waiting("claims")
    await office.has(one, conversation_id)
    with pytest.raises(Conflict):
        await office.handling.transfer(two, conversation_id, to_agent=two.id)
    await office.handling.transfer(one, conversation_id, to_agent=two.id, memo="客户要改车牌")
    assert (await office.conversation(conversation_id)).agent_id == two.id
    assert "何强" in (await office.texts(conversation_id))[-1]
    assert (await office.episode(conversation_id))["memo"] == "客户要改车牌"
    _, seen_by_two = await office.fresh(two)
    assert [note["text"] for note in seen_by_two["note"].values()] == ["客户要改车牌"]
    _, seen_by_one = await office.fresh(one)
    assert seen_by_one["note"] == {} and conversation_id not in seen_by_one["conversation"]
    three = await office.agent("claims", ready=True, name="周敏")
    await office.desk.presence.set_state(one.id, "break")
    await office.handling.transfer(two, conversation_id, skill="claims", memo="先理赔")
    await office.has(three, conversation_id)
    assert len({(await office.episode(conversation_id))["id"]}) == 1
    with pytest.raises(Conflict):
        await office.handling.say(two, conversation_id, "我再说一句", key="late")


async def test_a_held_conversation_takes_no_place_until_the_customer_writes(office: Office) -> None:
    agent = await office.agent("claims", ready=True, capacity=1)
    first, second = await office.waiting("claims"), await office.waiting("claims")
    await office.has(agent, first)
    await office.handling.hold(agent, first)
    await office.has(agent, second)
    await office.writes(first, "我回来了")

    async def resumed() -> bool:
        return (await office.conversation(first)).held_at is None

    await until(resumed)
    _, state = await office.fresh(agent)
    assert state["agent"][agent.id]["load"] == 2 and state["conversation"][first]["held"] is False


async def test_a_supervisor_joins_speaks_whispers_and_takes_over(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    lead = await office.agent("general", role="supervisor", name="沈静")
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    with pytest.raises(Conflict):
        await office.handling.say(lead, conversation_id, "我来", key="1")
    await office.handling.join(lead, conversation_id)
    await office.handling.join(lead, conversation_id)
    assert sum("沈静" in text for text in await office.texts(conversation_id)) == 1
    await office.handling.say(lead, conversation_id, "我是主管", key="2")
    await office.handling.add_note(lead, conversation_id, "先道歉", whisper=True)
    assert not any("先道歉" in m.text for m in await office.hub.messages_after(conversation_id, 0))
    _, state = await office.fresh(agent)
    assert state["conversation"][conversation_id]["joined"] == [lead.id]
    assert [note["whisper"] for note in state["note"].values()] == [True]
    await office.handling.leave(lead, conversation_id)
    with pytest.raises(Conflict):
        await office.handling.say(lead, conversation_id, "还在", key="3")
    await office.handling.takeover(lead, conversation_id)
    assert (await office.conversation(conversation_id)).agent_id == lead.id
    with pytest.raises(Conflict):
        await office.handling.say(agent, conversation_id, "等等", key="4")


async def test_an_episode_is_closed_with_its_wrap_up_and_the_next_one_begins_anew(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    assert await office.handling.say(agent, conversation_id, "您好", key="k") == await office.handling.say(
        agent, conversation_id, "您好", key="k"
    )
    wrapup = {"outcome": "resolved", "category": "理赔进度", "note": "已说明"}
    await office.handling.close(agent, conversation_id, wrapup=wrapup)
    ended = await office.episode(conversation_id)
    assert ended["wrapup"] == wrapup and ended["ended_at"] and ended["end_reason"] == "agent_closed"
    assert ended["first_reply_at"] and ended["first_reply_at"] < ended["ended_at"]
    _, state = await office.fresh()
    assert conversation_id not in state["conversation"] and state["agent"][agent.id]["load"] == 0
    await office.hand_off(conversation_id, "claims")
    assert (await office.episode(conversation_id))["id"] != ended["id"]


async def test_a_customer_known_from_another_channel_gets_the_agent_he_knows(office: Office) -> None:
    idle, known = await office.agent("claims", name="何强"), await office.agent("claims", ready=True)
    before = await office.waiting("claims")
    await office.has(known, before)
    await office.handling.close(known, before, wrapup={})
    await office.desk.presence.set_state(idle.id, "ready")
    now = await office.customer()
    for conversation_id in (before, now):
        await office.rows(
            "INSERT INTO hub.links (conversation_id, customer_id, linked_at) VALUES (%s, 'C001', now())",
            conversation_id,
        )
    await office.hand_off(now, "claims")
    await office.has(known, now)


@dataclass
class FakeWeChat:
    """Takes everything, and counts it against the window of the customer's last message."""

    allowances: Allowances
    name: str = "wechat"

    async def takes(self, conversation: Conversation) -> bool:
        return True

    async def deliver(self, job: DeliveryJob) -> None:
        for message in job.messages:
            await job.sending(message.id)
            [window] = await self.allowances.windows(job.conversation.id)
            await self.allowances.use(job.conversation.id, window)
            await job.sent(message.id)


async def test_the_list_shows_how_many_messages_wechat_still_takes(office: Office) -> None:
    rules = {MESSAGE: Rule(5, timedelta(hours=48))}
    office.hub.delivery.add(FakeWeChat(Allowances(office.hub.engine, rules)))
    accepted = await office.hub.accept(Incoming("wechat", "gh", "openid-window", "key-1", "您好"))
    assert await office.hub.turn_over(accepted, within=5)
    agent = await office.agent("claims", ready=True)
    await office.hand_off(accepted.conversation_id, "claims")
    await office.has(agent, accepted.conversation_id)

    async def left() -> int:
        _, state = await office.fresh(agent)
        return int(state["conversation"][accepted.conversation_id]["window"]["left"])

    async def last_told() -> bool:
        [row] = await office.rows(
            "SELECT body -> 'window' ->> 'left' AS left FROM desk.events WHERE key = %s AND body IS NOT NULL"
            " ORDER BY id DESC LIMIT 1", accepted.conversation_id,
        )  # fmt: skip
        queued = await office.rows(
            "SELECT 1 FROM hub.messages WHERE conversation_id = %s AND delivery IN ('queued', 'sending')",
            accepted.conversation_id,
        )
        return not queued and int(row["left"]) == await left() < 5

    await until(last_told)
