"""Effects, the queue, and who may speak."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from chebao.conversations import effects
from chebao.conversations.tables import conversations
from tests.contract.hub.running import Running
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


def hand_off(**changes: Any) -> dict[str, Any]:
    summary = {"wants": "客户要人工", "known": [["车牌号", "京A12345"]], "tried": [], "open": ""}
    body = {"reason": "customer_request", "summary": summary, "slots": {"plate": "京A12345"}, "priority": 3}
    return {"custom": {"effects": [{"handoff": body | changes}]}}


async def queue_for(app: Running, rasa: FakeRasa, sender: str, **changes: Any) -> list[str]:
    rasa.script = lambda body: [{"text": "这就为您转接。"}, hand_off(**changes)]
    return await app.texts(sender, "帮我找个懂的来")


async def age_queue(app: Running, sender: str, minutes: int) -> None:
    async with app.hub.engine.begin() as connection:
        await connection.execute(
            sa.update(conversations)
            .where(conversations.c.peer == sender)
            .values(queued_at=sa.func.now() - sa.text(f"interval '{minutes} minutes'"))
        )


async def empty_queue(app: Running) -> None:
    async with app.hub.engine.begin() as connection:
        await connection.execute(sa.update(conversations).values(owner="bot", queued_at=None))


async def test_verified_reaches_the_state_and_the_next_turn_but_not_the_customer(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    person = {"customer_id": "C001", "phone": "13800000001", "name": "王磊"}
    rasa.script = lambda body: [{"text": "核验通过"}, {"custom": {"effects": [{"verified": person}]}}]
    replies = await app.say(sender, "246810")
    assert [r["text"] for r in replies[1:]] == ["核验通过"] and not any("custom" in r for r in replies)
    assert (await app.state(sender))["verified"] is True
    await app.say(sender, "续保")
    assert rasa.turns[-1]["metadata"]["verified"] == person


async def test_a_proof_of_identity_ends(
    app: Running, rasa: FakeRasa, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = {"customer_id": "C001", "phone": "13800000001", "name": "王磊"}
    rasa.script = lambda body: [{"custom": {"effects": [{"verified": person}]}}]
    monkeypatch.setattr(effects, "PROOF_HOLDS", timedelta(0))
    await app.say(sender, "246810")
    assert (await app.state(sender))["verified"] is False
    await app.say(sender, "续保")
    assert rasa.turns[-1]["metadata"]["verified"] is None


async def test_a_hand_off_stores_the_case_raises_the_epoch_and_tells_the_place(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    await empty_queue(app)
    texts = await queue_for(app, rasa, sender, task="renewal", emotion="angry", skill="renewal")
    assert texts[-2] == "这就为您转接。" and "第 1 位" in texts[-1]
    assert await app.state(sender) == {"owner": "queued", "epoch": 1, "verified": False, "queue_position": 1}
    conversation, _ = await app.hub.find("door", "", sender)
    assert conversation.handoff == {
        "reason": "customer_request",
        "summary": {"wants": "客户要人工", "known": [["车牌号", "京A12345"]], "tried": [], "open": ""},
        "slots": {"plate": "京A12345"},
        "task": "renewal",
        "emotion": "angry",
        "told_wait": {"place": 1, "low": None, "high": None},
    }
    assert (conversation.priority, conversation.skill) == (3, "renewal")
    await queue_for(app, rasa, f"{sender}-later", skill="renewal")
    await queue_for(app, rasa, f"{sender}-urgent", skill="renewal", priority=9)
    await queue_for(app, rasa, f"{sender}-elsewhere", skill="claims", priority=9)
    assert [(await app.state(s))["queue_position"] for s in (f"{sender}-urgent", sender, f"{sender}-later")] == [
        1,
        2,
        3,
    ]


async def test_while_queued_the_bot_is_silent_and_the_notice_is_not_repeated(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    await queue_for(app, rasa, sender)
    async with app.hub.engine.begin() as connection:
        await connection.execute(
            sa.update(conversations)
            .where(conversations.c.peer == sender)
            .values(reminded_at=sa.func.now() - sa.text("interval '2 minutes'"))
        )
    (notice,) = await app.texts(sender, "好的")
    assert "排队" in notice
    assert await app.say(sender, "还要多久") == []
    assert len(rasa.asked) == 1


async def test_after_an_injury_the_bot_goes_on_until_an_agent_takes_over(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.script = lambda body: [
        {"text": "请先拨打 120。"},
        hand_off(reason="injury", priority=9, keep_bot=True),
        {"text": "请问事故在哪里？"},
    ]
    texts = await app.texts(sender, "撞车了有人受伤")
    assert texts[-3] == "请先拨打 120。" and "优先" in texts[-2] and texts[-1] == "请问事故在哪里？"
    rasa.script = lambda body: [{"text": "什么时候发生的？"}]
    assert await app.texts(sender, "三环") == ["什么时候发生的？"]
    assert (await app.state(sender))["owner"] == "queued"
    taken = await app.agent_takes(sender)
    assert await app.texts(sender, "刚刚") == [taken]
    assert (await app.state(sender))["queue_position"] is None


@pytest.mark.parametrize("words", ["返回机器人", "不用人工了", "取消排队。", "button"])
async def test_the_customer_returns_to_the_bot(app: Running, rasa: FakeRasa, sender: str, words: str) -> None:
    rasa.script = lambda body: [{"text": "好"}, hand_off()]
    replies = await app.say(sender, "找个人来")
    said = replies[-1]["buttons"][0]["payload"] if words == "button" else words
    assert "取消排队" in (await app.texts(sender, said))[-1]
    state = await app.state(sender)
    assert (state["owner"], state["epoch"]) == ("bot", 2)
    rasa.script = lambda body: [{"text": "继续"}]
    assert await app.texts(sender, "续保") == ["继续"]


async def test_whole_word_request_for_a_person_works_whatever_the_dialogue_says(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    assert "转接人工" in (await app.texts(sender, "人工客服"))[-1]
    assert (await app.state(sender))["owner"] == "queued"
    assert (await app.texts(f"{sender}-2", "人工费怎么算"))[-1] == "收到：人工费怎么算"
    assert (await app.state(f"{sender}-2"))["owner"] == "bot"


async def test_after_the_promised_wait_the_bot_is_back_by_itself(app: Running, rasa: FakeRasa, sender: str) -> None:
    import asyncio

    await queue_for(app, rasa, sender)
    await age_queue(app, sender, 9)
    await asyncio.sleep(0.5)
    assert (await app.state(sender))["owner"] == "queued"
    await age_queue(app, sender, 10)
    await asyncio.sleep(0.6)
    assert (await app.state(sender))["owner"] == "bot"
    rasa.script = lambda body: [{"text": "请说"}]
    texts = await app.texts(sender, "好吧")
    assert "久等" in texts[0] and texts[-1] == "请说"


async def test_a_closed_conversation_reopens_under_the_bot(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = lambda body: [{"text": "再见"}, {"custom": {"effects": [{"close": {}}]}}]
    assert (await app.texts(sender, "没事了"))[-1] == "再见"
    assert (await app.state(sender))["owner"] == "closed"
    rasa.script = lambda body: [{"text": "您好"}]
    assert await app.texts(sender, "又有事") == ["您好"]
    state = await app.state(sender)
    assert (state["owner"], state["epoch"]) == ("bot", 2)
