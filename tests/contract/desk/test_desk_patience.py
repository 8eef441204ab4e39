"""Nobody waits for ever: agents who do not answer, customers who do not, and a restart in between."""

from __future__ import annotations

from chebao.desk.waiting import MOST_TRIED
from tests.contract.desk.conftest import Open
from tests.contract.desk.office import Office, until
from tests.forbidden import PHRASES


async def test_an_agent_who_does_not_answer_loses_the_customer_to_the_next_and_in_the_end_to_the_supervisor(
    office: Office,
) -> None:
    lead = await office.agent("general", ready=True, role="supervisor", name="沈静")
    agents = [await office.agent("claims", ready=True) for _ in range(MOST_TRIED + 1)]
    conversation_id = await office.waiting("claims")
    asked = []
    for _ in range(MOST_TRIED):
        await office.owned_by(conversation_id, "agent")
        holder = (await office.conversation(conversation_id)).agent_id
        asked.append(holder)
        await office.age_timers("unanswered", conversation_id)

        async def moved(holder: str | None = holder) -> bool:
            return (await office.conversation(conversation_id)).agent_id not in (holder, None)

        await until(moved)
    assert len(set(asked)) == MOST_TRIED and set(asked) <= {agent.id for agent in agents}
    await office.has(lead, conversation_id)
    told = await office.texts(conversation_id)
    assert sum("换一位客服" in text for text in told) == MOST_TRIED
    assert not any(phrase in text for text in told for phrase in PHRASES)
    assert (await office.episode(conversation_id))["escalated_at"]


async def test_with_nobody_else_there_the_customer_stays_with_his_agent(office: Office) -> None:
    alone = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(alone, conversation_id)
    epoch = (await office.conversation(conversation_id)).epoch
    await office.age_timers("unanswered", conversation_id)
    conversation = await office.conversation(conversation_id)
    assert (conversation.agent_id, conversation.epoch) == (alone.id, epoch)
    late = await office.agent("claims", ready=True, name="何强")
    await office.age_timers("unanswered", conversation_id)
    await office.has(late, conversation_id)


async def test_who_has_answered_keeps_his_customer(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    await office.agent("claims", ready=True, capacity=1, name="何强")
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    await office.handling.say(agent, conversation_id, "您好，我是林晓", key="hello")
    await office.age_timers("unanswered", conversation_id)
    assert (await office.conversation(conversation_id)).agent_id == agent.id
    assert await office.rows("SELECT 1 FROM desk.timers WHERE kind = 'unanswered' AND key = %s", conversation_id) == []


async def test_a_customer_who_falls_silent_is_asked_then_closed_also_across_a_restart(open_desk: Open) -> None:
    async with open_desk() as office:
        await office.empty()
        agent = await office.agent("claims", ready=True)
        conversation_id = await office.waiting("claims")
        await office.has(agent, conversation_id)
        await office.handling.say(agent, conversation_id, "请问车牌是多少？", key="1")
        await office.age_timers("idle_ask", conversation_id)

        async def asked() -> bool:
            return any("还在吗" in text for text in await office.texts(conversation_id))

        await until(asked)
        assert (await office.conversation(conversation_id)).owner == "agent"
    async with open_desk() as restarted:
        await restarted.age_timers("idle_close", conversation_id)
        await restarted.owned_by(conversation_id, "closed")
        assert (await restarted.episode(conversation_id))["end_reason"] == "customer_idle"
        told = await restarted.texts(conversation_id)
        assert sum("还在吗" in text for text in told) == 1
        assert not any(phrase in text for text in told for phrase in PHRASES)


async def test_a_customer_who_answers_the_question_is_not_closed(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    await office.handling.say(agent, conversation_id, "请问车牌是多少？", key="1")
    await office.age_timers("idle_ask", conversation_id)
    await office.writes(conversation_id, "在的")
    await office.age_timers("idle_close", conversation_id)
    assert (await office.conversation(conversation_id)).owner == "agent"


async def test_a_hold_ends_by_itself(office: Office) -> None:
    agent = await office.agent("claims", ready=True)
    conversation_id = await office.waiting("claims")
    await office.has(agent, conversation_id)
    await office.handling.hold(agent, conversation_id, minutes=30)
    await office.age_timers("hold", conversation_id)

    async def back() -> bool:
        return (await office.conversation(conversation_id)).held_at is None

    await until(back)
    _, state = await office.fresh(agent)
    assert state["conversation"][conversation_id]["held"] is False and state["agent"][agent.id]["load"] == 1
