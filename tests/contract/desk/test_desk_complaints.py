"""What users of other desks complain about, as far as queue and assignment go; each by the number of the collection."""

from __future__ import annotations

import asyncio

from chebao.desk.invariants import broken
from tests.contract.desk.conftest import Open
from tests.contract.desk.office import Office, until


async def test_8_nobody_picks_up_and_the_customer_is_not_forgotten(office: Office) -> None:
    """The wait has an end: the bot takes him back, and says so."""
    conversation_id = await office.waiting("claims")
    await office.rows(
        "UPDATE hub.conversations SET queued_at = queued_at - interval '1 hour' WHERE id = %s", conversation_id
    )

    async def told() -> bool:
        return len(await office.texts(conversation_id)) > before

    before = len(await office.texts(conversation_id))
    await until(told)


async def test_10_the_first_thing_the_customer_hears_of_an_agent_has_his_name(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    notices = [text for text in await office.texts(conversation_id) if "已接入" in text]
    assert len(notices) == 1 and "林晓" in notices[0]


async def test_12_the_oldest_is_not_overtaken_while_new_ones_keep_coming(office: Office) -> None:
    agent = await office.agent("claims", ready=True, capacity=1)
    busy_with = await office.waiting("claims")
    await office.has(agent, busy_with)
    oldest = await office.waiting("claims")
    later = [await office.waiting("claims") for _ in range(3)]
    await office.writes(oldest, "还要等多久")  # writing does not cost him his place
    await office.handling.close(agent, busy_with, wrapup={})
    await office.has(agent, oldest)
    assert [(await office.conversation(id_)).owner for id_ in later] == ["queued"] * 3


async def test_13_a_chat_is_never_stuck_with_an_agent_who_went_home(office: Office) -> None:
    """Even where he got it in the very moment in which he left."""
    gone = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(gone, conversation_id)
    await office.rows("UPDATE desk.agents SET state = 'offline', state_at = now() WHERE id = %s", gone.id)
    await office.owned_by(conversation_id, "queued")


async def test_16_a_full_department_is_no_dead_end(office: Office) -> None:
    full = await office.agent("claims", ready=True, capacity=1)
    first, second = await office.waiting("claims"), await office.waiting("claims")
    await office.has(full, first)
    await asyncio.sleep(0.1)
    assert (await office.conversation(second)).owner == "queued"
    await office.handling.give_back(full, first, edits={})
    await office.has(full, second)


async def test_20_without_agents_nothing_is_promised_and_the_first_who_comes_gets_it(office: Office) -> None:
    conversation_id = await office.waiting("claims")
    for _ in range(3):
        await office.desk.assigner.assign()
    assert (await office.conversation(conversation_id)).owner == "queued"
    agent = await office.agent("claims")
    await office.desk.presence.set_state(agent.id, "ready")
    await office.has(agent, conversation_id)


async def test_28_what_was_written_while_nobody_was_there_is_on_the_agents_screen(office: Office) -> None:
    conversation_id = await office.waiting("claims")
    await office.writes(conversation_id, "车在路边")
    await office.writes(conversation_id, "人没事")
    agent = await office.agent("claims", ready=True)
    await office.has(agent, conversation_id)
    _, state = await office.fresh(agent)
    row = state["conversation"][conversation_id]
    messages = await office.hub.messages_after(conversation_id, 0)
    assert {"车在路边", "人没事"} <= {message.text for message in messages}
    assert row["last_customer_seq"] == max(m.seq for m in messages if m.sender == "customer")
    assert row["waiting_since"] is not None
    await office.handling.say(agent, conversation_id, "看到了", key="seen")
    _, state = await office.fresh(agent)
    assert state["conversation"][conversation_id]["waiting_since"] is None


async def test_two_offices_on_one_database_assign_without_getting_in_each_others_way(open_desk: Open) -> None:
    async with open_desk() as one, open_desk() as two:
        await one.empty()
        agents = [await one.agent("claims", capacity=4) for _ in range(5)]
        waiting = [await one.waiting("claims") for _ in range(20)]
        offices = (one, two)
        await asyncio.gather(
            *(offices[n % 2].desk.presence.set_state(agent.id, "ready") for n, agent in enumerate(agents))
        )
        await asyncio.gather(*(one.owned_by(id_, "agent") for id_ in waiting))
        loads = await one.rows("SELECT agent_id, count(*) AS n FROM hub.conversations WHERE owner = 'agent' GROUP BY 1")
        assert {row["agent_id"]: row["n"] for row in loads} == {agent.id: 4 for agent in agents}
        async with one.desk.pool.connection() as connection:
            [began] = await one.rows("SELECT min(created_at) AS at FROM hub.conversations WHERE id = ANY(%s)", waiting)
            found = await broken(connection, since=began["at"])
        assert not found.any, found
