"""Where nobody serves: what the customer may choose by button or in his words, and what cannot wait for the morning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chebao.handoff import REASONS
from tests.contract.desk.office import Office
from tests.contract.desk.talk import Talk, tickets


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
    assert told.startswith(row.closed_words) and first in told and "客服热线 95000" in told and "不在班" not in told
    assert "24 小时" not in told, "nobody said when the hotline is answered"
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
