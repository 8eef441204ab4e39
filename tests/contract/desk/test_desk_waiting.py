"""Where it takes long: what the customer may choose, by button, number or words, and what becomes of him who says nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.contract.desk.office import Office, until
from tests.contract.desk.talk import Talk, tickets


async def aged(office: Office, conversation_id: str, minutes: float) -> None:
    query = "UPDATE hub.conversations SET queued_at = queued_at - %s WHERE id = %s"
    await office.rows(query, timedelta(minutes=minutes), conversation_id)


async def says(office: Office, conversation_id: str, words: str) -> None:
    async def said() -> bool:
        return any(words in text for text in await office.texts(conversation_id))

    await until(said)


async def test_before_the_limit_the_customer_chooses_and_may_wait_on(office: Office, talk: Talk) -> None:
    await talk.say("转人工")
    await aged(office, talk.conversation_id, 8.5)
    await says(office, talk.conversation_id, "您想怎么办")
    assert "继续为您排队" in (await talk.texts("继续等"))[-1]
    await aged(office, talk.conversation_id, 5)
    await asyncio.sleep(0.6)
    conversation = await office.conversation(talk.conversation_id)
    assert conversation.owner == "queued"
    assert sum("您想怎么办" in text for text in await office.texts(talk.conversation_id)) == 1


async def test_who_says_nothing_is_the_bots_again_at_the_limit(office: Office, talk: Talk) -> None:
    await talk.say("转人工")
    await aged(office, talk.conversation_id, 8.5)
    await says(office, talk.conversation_id, "2 分钟内没有选，我就先继续为您服务")
    await aged(office, talk.conversation_id, 2)
    await office.owned_by(talk.conversation_id, "bot")
    assert "久等" in (await office.texts(talk.conversation_id))[-1]


async def test_what_cannot_wait_and_is_not_taken_becomes_the_supervisors(office: Office, talk: Talk) -> None:
    await office.hand_off(talk.conversation_id, "claims", priority=9, reason="injury")
    assert await tickets(office, talk.conversation_id) == []
    await aged(office, talk.conversation_id, 11)
    await office.owned_by(talk.conversation_id, "bot")
    assert "提醒主管" in (await office.texts(talk.conversation_id))[-1]
    (ticket,) = await tickets(office, talk.conversation_id)
    assert (ticket["level"], ticket["kind"]) == (3, "claim")


async def test_a_number_answers_the_agent_once_there_is_one(office: Office, talk: Talk) -> None:
    await talk.say("转人工")
    await aged(office, talk.conversation_id, 8.5)
    await says(office, talk.conversation_id, "您想怎么办")
    button = next(m for m in await office.hub.messages_after(talk.conversation_id, 0) if "您想怎么办" in m.text)
    agent = await office.agent("general", ready=True)
    await office.has(agent, talk.conversation_id)
    seq = (await office.conversation(talk.conversation_id)).last_seq
    await office.writes(talk.conversation_id, "2")
    await office.writes(talk.conversation_id, office.hub.tokens.make(talk.conversation_id, button.seq, 1))
    said = await office.hub.messages_after(talk.conversation_id, seq)
    assert [(m.sender, m.text) for m in said] == [("customer", "2"), ("customer", "预约回电")]


async def test_a_choice_offered_at_once_is_taken_by_its_number(office: Office, talk: Talk) -> None:
    """On WeChat a customer types the number of a choice; without agents the wait is long from the start."""
    await talk.say("转人工")
    assert "手机号" in (await talk.texts("2"))[-1]
    assert (await office.conversation(talk.conversation_id)).owner == "bot"


async def test_out_of_the_queue_into_a_call_back(office: Office, talk: Talk) -> None:
    await talk.say("转人工")
    await aged(office, talk.conversation_id, 8.5)
    await says(office, talk.conversation_id, "您想怎么办")
    assert "手机号" in (await talk.texts("预约回电"))[-1]
    assert (await office.conversation(talk.conversation_id)).owner == "bot"


async def test_a_graver_reason_keeps_what_was_told_of_the_wait(office: Office, talk: Talk) -> None:
    await talk.say("转人工")
    await office.hand_off(talk.conversation_id, "claims", priority=9, reason="injury")
    conversation = await office.conversation(talk.conversation_id)
    assert conversation.handoff is not None and conversation.handoff["told_wait"]["place"] >= 1
    assert (conversation.handoff["reason"], conversation.priority, conversation.skill) == ("injury", 9, "claims")
