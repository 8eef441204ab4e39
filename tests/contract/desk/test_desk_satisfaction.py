"""How it was: asked once, by number, button or words; a low score is followed up."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from chebao.conversations.api import Incoming
from tests.contract.desk.office import Office
from tests.contract.desk.talk import Talk
from tests.fakes.rasa import FakeRasa


async def served(office: Office, talk: Talk) -> str:
    """An episode that has ended; what the customer heard last."""
    agent = await office.agent("general", ready=True)
    await talk.say("转人工")
    await office.has(agent, talk.conversation_id)
    await office.handling.say(agent, talk.conversation_id, "您好，我来帮您", key="hello")
    await office.hub.close(talk.conversation_id, agent.id)
    return (await office.texts(talk.conversation_id))[-1]


async def surveys(office: Office, conversation_id: str) -> list[dict[str, Any]]:
    return await office.rows("SELECT * FROM desk.surveys WHERE conversation_id = %s ORDER BY id", conversation_id)


@pytest.mark.parametrize(
    ("said", "score"), [("5", 5), ("4分", 4), ("打三分吧", 3), ("非常满意", 5), ("2 分 不满意", 2), ("1", 1)]
)
async def test_after_an_agent_the_customer_says_how_it_was(
    office: Office, rasa: FakeRasa, talk: Talk, said: str, score: int
) -> None:
    asked = len(rasa.asked)
    assert "您打几分" in await served(office, talk)
    (told,) = [text for text in await talk.texts(said) if "评价" in text or "抱歉" in text]
    (survey,) = await surveys(office, talk.conversation_id)
    episode = await office.episode(talk.conversation_id)
    assert (survey["score"], survey["about"], survey["agent_id"]) == (score, episode["id"], episode["agent_id"])
    assert bool(survey["ticket"]) == (score <= 2) == ("抱歉" in told)
    assert [body for body in rasa.asked[asked:] if body["text"] == said] == []


async def test_a_number_that_comes_later_is_no_score(office: Office, talk: Talk) -> None:
    await served(office, talk)
    await talk.say("再问一下续保")
    assert (await talk.texts("5"))[-1] == "收到：5"
    assert (await talk.texts("5分"))[-1].startswith("谢谢")
    (survey,) = await surveys(office, talk.conversation_id)
    assert survey["score"] == 5


async def test_a_button_scores_once(office: Office, talk: Talk) -> None:
    await served(office, talk)
    button = next(reply for reply in await talk.say("你好") if reply["buttons"])["buttons"][3]
    assert button["title"] == "4 分 满意"
    assert "谢谢您的评价" in (await talk.texts(button["payload"]))[-1]
    assert "已经记下" in (await talk.texts(button["payload"]))[-1]
    assert [s["score"] for s in await surveys(office, talk.conversation_id)] == [4]


async def test_a_finished_task_is_asked_about_once(office: Office, rasa: FakeRasa, talk: Talk) -> None:
    done = {"custom": {"effects": [{"finished": {"task": "report_claim", "key": "m7"}}]}}
    rasa.script = lambda body: [{"text": "报案号 CL1"}, done]
    first = await talk.say("确认提交")
    assert first[0]["text"] == "报案号 CL1" and "打几分" in first[-1]["text"]
    assert len(await talk.say("确认提交")) == 1
    (survey,) = await surveys(office, talk.conversation_id)
    assert survey["about"] == "task:report_claim:m7" and survey["agent_id"] is None


async def test_back_at_the_bot_the_episode_is_asked_about_when_the_task_is_done(
    office: Office, rasa: FakeRasa, talk: Talk
) -> None:
    agent = await office.agent("general", ready=True)
    await talk.say("转人工")
    await office.has(agent, talk.conversation_id)
    await office.handling.say(agent, talk.conversation_id, "您好，我来帮您", key="hello")
    rasa.script = lambda body: [{"text": "车牌号是多少？"}]
    await office.hub.return_to_bot(talk.conversation_id, agent.id, edits={})
    assert not any("打几分" in text for text in await talk.texts("好的"))
    done = {"custom": {"effects": [{"finished": {"task": "report_claim", "key": "m9"}}]}}
    rasa.script = lambda body: [{"text": "报案号 CL2"}, done]
    assert "打几分" in (await talk.texts("确认"))[-1]
    (survey,) = await surveys(office, talk.conversation_id)
    assert survey["about"] == (await office.episode(talk.conversation_id))["id"]


async def test_of_an_episode_without_a_word_of_a_person_nothing_is_asked(
    office: Office, rasa: FakeRasa, talk: Talk
) -> None:
    """Neither at its end, nor when the bot has finished: then the task itself is asked about."""
    agent = await office.agent("general", ready=True)
    await talk.say("转人工")
    await office.has(agent, talk.conversation_id)
    await office.hub.close(talk.conversation_id, agent.id)
    assert "打几分" not in (await office.texts(talk.conversation_id))[-1]
    await talk.say("转人工")
    await office.has(agent, talk.conversation_id)
    rasa.script = lambda body: [{"text": "车牌号是多少？"}]
    await office.hub.return_to_bot(talk.conversation_id, agent.id, edits={})
    assert (await talk.texts("好的"))[-1] == "车牌号是多少？"
    done = {"custom": {"effects": [{"finished": {"task": "report_claim", "key": "m5"}}]}}
    rasa.script = lambda body: [{"text": "报案号 CL5"}, done]
    assert "打几分" in (await talk.texts("确认"))[-1]
    assert [s["about"] for s in await surveys(office, talk.conversation_id)] == ["task:report_claim:m5"]


async def test_after_a_transfer_the_customer_is_asked_once_about_the_last_agent(office: Office, talk: Talk) -> None:
    first = await office.agent("general", ready=True)
    await talk.say("转人工")
    await office.has(first, talk.conversation_id)
    await office.handling.say(first, talk.conversation_id, "我请何强来", key="1")
    second = await office.agent("general", name="何强")
    await office.handling.transfer(first, talk.conversation_id, to_agent=second.id)
    assert not any("打几分" in text for text in await office.texts(talk.conversation_id))
    await office.hub.close(talk.conversation_id, second.id)
    assert sum("打几分" in text for text in await office.texts(talk.conversation_id)) == 1
    (survey,) = await surveys(office, talk.conversation_id)
    assert survey["agent_id"] == second.id


async def test_a_customer_who_fell_silent_is_asked_in_the_bubble_that_ends_it(office: Office, talk: Talk) -> None:
    agent = await office.agent("general", ready=True)
    await talk.say("转人工")
    await office.has(agent, talk.conversation_id)
    await office.handling.say(agent, talk.conversation_id, "请问车牌是多少？", key="1")
    for kind in ("idle_ask", "idle_close"):
        await office.age_timers(kind, talk.conversation_id)
    await office.owned_by(talk.conversation_id, "closed")
    last = (await office.texts(talk.conversation_id))[-1]
    assert "先结束了" in last and last.endswith("您打几分？")
    assert any("谢谢您的评价" in text for text in await talk.texts("4分"))
    (survey,) = await surveys(office, talk.conversation_id)
    assert (survey["score"], survey["agent_id"]) == (4, agent.id)


@pytest.mark.parametrize("channel", ["web", "wechat", "telegram"])
async def test_every_channel_takes_the_score_by_number_or_button(office: Office, channel: str) -> None:
    async def says_(text: str) -> None:
        accepted = await office.hub.accept(Incoming(channel, "test", peer, None, text, conversation_id=peer))
        assert await office.hub.turn_over(accepted, within=5)

    peer = f"peer-{uuid4().hex}"
    await says_("您好")
    await says_("同意")
    agent = await office.agent("general", ready=True)
    for answer in (lambda seq: "2", lambda seq: office.hub.tokens.make(peer, seq, 3)):
        await office.hand_off(peer)
        await office.has(agent, peer)
        await office.handling.say(agent, peer, "您好", key=uuid4().hex)
        await office.hub.close(peer, agent.id)
        asked = next(m for m in reversed(await office.hub.messages_after(peer, 0)) if "打几分" in m.text)
        assert [b["title"][0] for b in asked.buttons or []] == ["1", "2", "3", "4", "5"]
        await says_(answer(asked.seq))
    first, second = await surveys(office, peer)
    assert (first["score"], bool(first["ticket"])) == (2, True)
    assert (second["score"], bool(second["ticket"])) == (4, False)
