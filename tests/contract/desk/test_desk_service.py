"""Where nobody serves, where it takes long, and how it was: what the customer may choose, by button, number or words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from chebao.conversations.api import Incoming
from chebao.handoff import REASONS
from tests.contract.desk.office import Office, until
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


@dataclass(frozen=True)
class Closed:
    """Nobody serves until then."""

    next_open: datetime
    open: bool = False


@pytest.fixture
def closed(office: Office) -> datetime:
    opens = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=10)

    async def opening(_: Any, now: datetime) -> Closed:
        return Closed(opens)

    office.hub.service.opening = opening
    return opens


@dataclass
class Talk:
    """A customer at the open door and what he hears."""

    office: Office
    conversation_id: str = ""
    peer: str = ""

    async def say(self, text: str) -> list[dict[str, Any]]:
        found = await self.office.hub.converse(Incoming("door", "", self.peer, None, text))
        return [reply for reply in found if reply["from"] != "customer"]

    async def texts(self, text: str) -> list[str]:
        return [reply["text"] for reply in await self.say(text)]


@pytest.fixture
async def talk(office: Office) -> Talk:
    conversation_id = await office.customer()
    (row,) = await office.rows("SELECT peer FROM hub.conversations WHERE id = %s", conversation_id)
    talk = Talk(office, conversation_id, row["peer"])
    await talk.say("在吗")
    return talk


async def tickets(office: Office, conversation_id: str) -> list[dict[str, Any]]:
    return await office.rows("SELECT * FROM desk.tickets WHERE conversation_id = %s ORDER BY number", conversation_id)


async def test_out_of_hours_is_said_once_and_nobody_is_queued(office: Office, closed: datetime, talk: Talk) -> None:
    first = (await talk.say("转人工"))[-1]
    assert "不在班" in first["text"] and [b["title"] for b in first["buttons"]] == ["留言", "预约回电"]
    assert (await office.conversation(talk.conversation_id)).owner == "bot"
    again = (await talk.texts("转人工"))[-1]
    assert "不在班" not in again and "回电" in again
    assert await talk.texts("续保多少钱") == ["收到：续保多少钱"]
    assert await tickets(office, talk.conversation_id) == []


async def test_a_call_back_is_arranged_in_the_customers_words(office: Office, closed: datetime, talk: Talk) -> None:
    await talk.say("转人工")
    assert "手机号" in (await talk.texts("预约回电"))[-1]
    when = (await talk.say("13812345678"))[-1]
    assert "几点" in when["text"] and 1 <= len(when["buttons"]) <= 3
    assert "几点" in (await talk.texts("嗯"))[-1]
    done = (await talk.texts("后天上午十点"))[-1]
    (ticket,) = await tickets(office, talk.conversation_id)
    assert ticket["number"] in done and (ticket["kind"], ticket["phone"]) == ("callback", "13812345678")
    assert await talk.texts("好的谢谢") == ["收到：好的谢谢"]


async def test_an_offered_time_is_taken_as_it_stands(office: Office, closed: datetime, talk: Talk) -> None:
    for said in ("转人工", "预约回电"):
        await talk.say(said)
    button = (await talk.say("13812345678"))[-1]["buttons"][-1]
    assert button["title"] in (await talk.texts(button["payload"]))[-1]
    assert len(await tickets(office, talk.conversation_id)) == 1


async def test_a_message_becomes_a_ticket_word_for_word(office: Office, closed: datetime, talk: Talk) -> None:
    await talk.say("转人工")
    await talk.say("留言")
    words = "我的保单地址要改成朝阳区建国路88号"
    told = (await talk.texts(words))[-1]
    (ticket,) = await tickets(office, talk.conversation_id)
    assert (ticket["kind"], ticket["detail"]) == ("general", words) and ticket["number"] in told
    assert await talk.texts("谢谢") == ["收到：谢谢"]


@pytest.mark.parametrize("said", ["算了", "不用了", "先不约了"])
async def test_he_may_think_better_of_it(office: Office, closed: datetime, talk: Talk, said: str) -> None:
    for words in ("转人工", "留言"):
        await talk.say(words)
    assert "先放着" in (await talk.texts(said))[-1]
    assert await talk.texts("京A12345 续保") == ["收到：京A12345 续保"]
    assert await tickets(office, talk.conversation_id) == []


async def test_what_is_no_time_twice_goes_to_the_bot(office: Office, closed: datetime, talk: Talk) -> None:
    for words in ("转人工", "预约回电", "13812345678", "我想报案"):
        await talk.say(words)
    assert await talk.texts("车被追尾了") == ["收到：车被追尾了"]
    assert await talk.texts("明天上午十点") == ["收到：明天上午十点"]


@pytest.mark.parametrize(
    ("reason", "first", "kind"),
    [
        ("injury", "120", "claim"),
        ("in_danger", "120", "general"),
        ("distress", "12356", "general"),
        ("threat", "110", "general"),
        ("escalation", "值班主管", "general"),
    ],
)
async def test_what_cannot_wait_is_queued_at_night_too_and_calls_a_supervisor_at_once(
    office: Office, closed: datetime, talk: Talk, reason: str, first: str, kind: str
) -> None:
    away = await office.agent("general", role="supervisor", name="沈静")
    await office.desk.presence.set_state(away.id, "offline")
    lead = await office.agent("general", role="supervisor", name="周静")
    row = REASONS[reason]
    await office.hand_off(talk.conversation_id, row.skill or "general", priority=row.priority, reason=reason)
    conversation = await office.conversation(talk.conversation_id)
    told = (await office.texts(talk.conversation_id))[-1]
    assert (conversation.owner, conversation.keep_bot) == ("queued", row.keep_bot)
    assert told.startswith(row.closed_words) and first in told and "24 小时" in told and "不在班" not in told
    (ticket,) = await tickets(office, talk.conversation_id)
    assert (ticket["kind"], ticket["level"], ticket["owner_id"]) == (kind, 3, lead.id)
    assert row.label in ticket["subject"] and ticket["next_action"] == "主管立即联系客户"
    _, state = await office.fresh(lead)
    assert state["conversation"][talk.conversation_id]["reason"] == reason and ticket["number"] in state["ticket"]
    await office.hand_off(talk.conversation_id, row.skill or "general", priority=row.priority, reason=reason)
    assert len(await tickets(office, talk.conversation_id)) == 1
    await office.desk.presence.set_state(lead.id, "ready")  # whatever the skill, a supervisor who is there gets it
    await office.has(lead, talk.conversation_id)


async def test_a_grave_complaint_is_queued_at_night_and_its_record_is_its_ticket(
    office: Office, closed: datetime, talk: Talk
) -> None:
    await office.hand_off(talk.conversation_id, "complaint", priority=9, reason="complaint_grave")
    assert (await office.conversation(talk.conversation_id)).owner == "queued"
    assert (await office.texts(talk.conversation_id))[-1].startswith(REASONS["complaint_grave"].closed_words)
    assert await tickets(office, talk.conversation_id) == []


async def test_a_case_to_look_at_is_noted_at_night_without_a_word(office: Office, closed: datetime, talk: Talk) -> None:
    before = await office.texts(talk.conversation_id)
    await office.hand_off(talk.conversation_id, "claims", priority=6, reason="fraud_signs")
    assert await office.texts(talk.conversation_id) == before
    assert (await office.conversation(talk.conversation_id)).owner == "bot"
    (ticket,) = await tickets(office, talk.conversation_id)
    assert (ticket["kind"], ticket["level"]) == ("claim", 1) and "核实" in ticket["subject"]


# --- waiting ----------------------------------------------------------------------------------------------------------


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


# --- satisfaction -----------------------------------------------------------------------------------------------------


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


async def test_a_graver_reason_keeps_what_was_told_of_the_wait(office: Office, talk: Talk) -> None:
    await talk.say("转人工")
    await office.hand_off(talk.conversation_id, "claims", priority=9, reason="injury")
    conversation = await office.conversation(talk.conversation_id)
    assert conversation.handoff is not None and conversation.handoff["told_wait"]["place"] >= 1
    assert (conversation.handoff["reason"], conversation.priority, conversation.skill) == ("injury", 9, "claims")
