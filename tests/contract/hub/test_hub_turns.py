"""Turns that fail, hang or die, and everything that restarts: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from chebao.conversations.api import Incoming
from tests.contract.hub.running import Running, Start
from tests.fakes.rasa import FakeRasa, echo

pytestmark = pytest.mark.asyncio


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.05)


async def answers_in(app: Running, sender: str, text: str) -> int:
    return [m["text"] for m in await app.stream(sender)].count(text)


async def test_a_failed_turn_gets_an_apology_with_a_person_and_the_second_a_hand_off(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.errors = 2
    replies = await app.say(sender, "第一次")
    assert "抱歉" in replies[-1]["text"] and [b["title"] for b in replies[-1]["buttons"]] == ["转人工"]
    assert (await app.state(sender))["owner"] == "bot"
    rasa.errors = 2
    replies = await app.say(sender, "第二次")
    assert "第 1 位" in replies[-1]["text"]
    state = await app.state(sender)
    assert (state["owner"], state["epoch"], state["queue_position"]) == ("queued", 1, 1)
    conversation, _ = await app.hub.find("door", "", sender)
    assert conversation.handoff and conversation.handoff["reason"] == "tool_failure"


async def test_a_good_turn_between_two_failures_resets_the_count(app: Running, rasa: FakeRasa, sender: str) -> None:
    for text in ("坏", "好", "坏"):
        rasa.errors = 2 if text == "坏" else 0
        await app.say(sender, text)
    assert (await app.state(sender))["owner"] == "bot"


async def test_a_turn_that_says_nothing_is_a_failure(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = lambda body: []
    assert "抱歉" in (await app.texts(sender, "你好"))[-1]


async def test_a_single_error_is_tried_again_unnoticed(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.errors = 1
    assert (await app.texts(sender, "你好"))[-1] == "收到：你好"


async def test_a_turn_out_of_time_is_told_and_the_next_message_goes_on(
    start: Start, rasa: FakeRasa, sender: str
) -> None:
    async with start(turn_seconds=1.5) as app:
        rasa.hanging = True
        assert "抱歉" in (await app.texts(sender, "你好"))[-1]
        rasa.hanging = False
        assert await app.texts(sender, "还在吗") == ["收到：还在吗"]


async def test_rasa_down_is_told_at_once_and_the_message_answered_once_when_it_is_back(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    await rasa.stop()
    began = asyncio.get_running_loop().time()
    replies = await app.say(sender, "我要报案")
    assert asyncio.get_running_loop().time() - began < 10
    assert "恢复后" in replies[-1]["text"] and replies[-1]["buttons"][0]["title"] == "转人工"
    assert "恢复后" in (await app.texts(sender, "在三环追尾"))[-1]
    await rasa.start()

    async def answered() -> bool:
        return await answers_in(app, sender, "收到：在三环追尾") == 1

    await eventually(answered)
    assert await answers_in(app, sender, "收到：我要报案") == 1
    assert [t["text"] for t in rasa.turns] == ["我要报案", "在三环追尾"]
    assert await app.texts(sender, "有人吗") == ["收到：我要报案", "收到：在三环追尾", "收到：有人吗"]


async def test_rasa_killed_in_the_middle_of_a_turn(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.deaths = 1
    assert (await app.texts(sender, "一"))[-1] == "收到：一"
    rasa.late_deaths = 1
    assert (await app.texts(sender, "二"))[-1] == "收到：二"
    assert [t["text"] for t in rasa.turns] == ["一", "二"]


async def test_errors_while_the_action_server_is_away_keep_the_message(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.actions_healthy, rasa.errors = False, 100
    assert "恢复后" in (await app.texts(sender, "我要报案"))[-1]
    rasa.actions_healthy, rasa.errors = True, 0

    async def answered() -> bool:
        return await answers_in(app, sender, "收到：我要报案") == 1

    await eventually(answered)


async def test_a_person_is_reachable_while_rasa_is_down(app: Running, rasa: FakeRasa, sender: str) -> None:
    await rasa.stop()
    offer = (await app.say(sender, "你好"))[-1]["buttons"][0]["payload"]
    assert "目前排在第" in (await app.texts(sender, "转人工！"))[-1]
    assert (await app.state(sender))["owner"] == "queued"
    await app.say(f"{sender}-2", "你好")
    other = (await app.say(f"{sender}-2", "还在吗"))[-1]["buttons"][0]["payload"]
    assert other != offer
    await app.say(f"{sender}-2", other)
    assert (await app.state(f"{sender}-2"))["owner"] == "queued"
    await rasa.start()
    await asyncio.sleep(1.5)
    assert rasa.turns == []


async def test_a_restarted_app_answers_what_was_left(start: Start, rasa: FakeRasa, sender: str) -> None:
    async with start() as first:
        rasa.delay = 60
        left = asyncio.create_task(first.say(sender, "没答完的"))

        async def asked() -> bool:
            return len(rasa.asked) == 1

        await eventually(asked)
        await first.hub.turns.stop()
        left.cancel()
    rasa.delay = 0
    async with start() as second:

        async def answered() -> bool:
            return await answers_in(second, sender, "收到：没答完的") == 1

        await eventually(answered)
        assert (await second.texts(sender, "下一句"))[-2:] == ["收到：没答完的", "收到：下一句"]


async def test_a_dead_replicas_turn_is_taken_up_at_once_and_its_late_answer_dropped(
    start: Start, rasa: FakeRasa, sender: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with start() as dying, start() as living:
        rasa.delay = 1.5
        left = asyncio.create_task(dying.say(sender, "没答完的"))

        async def asked() -> bool:
            return len(rasa.asked) == 1

        await eventually(asked)
        rasa.delay = 0
        await dying.hub.signals.stop()

        async def answered() -> bool:
            return await answers_in(living, sender, "收到：没答完的") == 1

        await eventually(answered, 1.4)
        await asyncio.sleep(1.5)
        assert await answers_in(living, sender, "收到：没答完的") == 1
        assert "lease_lost" in caplog.text
        left.cancel()


async def test_two_replicas_keep_one_turn_at_a_time(start: Start, rasa: FakeRasa, sender: str) -> None:
    rasa.delay = 0.02
    async with start() as one, start() as two:
        await asyncio.gather(*((one, two)[n % 2].say(sender, f"第{n}句") for n in range(10)))
        assert not rasa.overlapped
        ledger = [m["text"] for m in await one.stream(sender) if m["from"] == "customer"]
        assert "\n".join(t["text"] for t in rasa.turns).split("\n") == ledger


async def test_replies_of_an_old_epoch_are_dropped(
    app: Running, rasa: FakeRasa, sender: str, caplog: pytest.LogCaptureFixture
) -> None:
    await app.say(sender, "你好")
    rasa.delay = 0.3
    late = asyncio.create_task(app.say(sender, "我的手机号是13800000001"))
    await asyncio.sleep(0.1)
    taken = await app.agent_takes(sender)
    assert [reply["text"] for reply in await late] == [taken]
    await asyncio.sleep(0.4)
    assert await answers_in(app, sender, "收到：我的手机号是13800000001") == 0
    assert "replies_dropped" in caplog.text and "13800000001" not in caplog.text
    assert await app.say(sender, "在吗") == [] and len(rasa.asked) == 2


async def test_another_replicas_sockets_wake_without_polling(start: Start, sender: str) -> None:
    async with start() as one, start() as two:
        await one.say(sender, "你好")
        with two.hub.watch(await one.conversation_id(sender)) as changed:
            changed.clear()
            await one.say(sender, "还有")
            await asyncio.wait_for(changed.wait(), 2)


async def test_a_lost_database_session_is_made_again(start: Start, sender: str) -> None:
    async with start() as one, start() as two:
        await one.say(sender, "你好")
        async with one.hub.engine.begin() as connection:
            await connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            )
        assert await one.texts(sender, "还在") == ["收到：还在"]
        await asyncio.sleep(1.5)
        with two.hub.watch(await one.conversation_id(sender)) as changed:
            changed.clear()
            await one.say(sender, "又来")
            await asyncio.wait_for(changed.wait(), 2)


async def test_a_message_whose_turn_never_began_is_taken_up_when_it_is_sent_again(
    app: Running, rasa: FakeRasa, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = Incoming(channel="door", account="", peer=sender, key="m-1", text="你好")
    with monkeypatch.context() as cut:
        cut.setattr(app.hub.turns, "start", lambda *_, **__: None)
        await app.hub.accept(incoming)
    began = asyncio.get_running_loop().time()
    assert (await app.hub.accept(incoming)).duplicate

    async def answered() -> bool:
        return await answers_in(app, sender, "收到：你好") == 1

    await eventually(answered)
    assert asyncio.get_running_loop().time() - began < 5 and len(rasa.turns) == 1


async def test_a_message_written_while_the_dialogue_closed_is_answered(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    def script(body: dict[str, Any]) -> list[dict[str, Any]]:
        closes = {"effects": [{"close": {}}]} if body["text"] == "再见" else None
        return [{"text": f"收到：{body['text']}", "custom": closes}]

    rasa.script, rasa.delay = script, 0.2
    first = asyncio.create_task(app.texts(sender, "再见"))
    await asyncio.sleep(0.1)
    assert (await app.texts(sender, "等等，还有一件事"))[-1] == "收到：等等，还有一件事"
    assert (await first)[-1] == "收到：再见"
    await app.say(sender, "再见")
    assert (await app.state(sender))["owner"] == "closed"


async def test_replies_that_cannot_be_stored_are_a_failure_and_block_nothing(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.script = lambda body: [{"text": "好", "custom": {"card": {"total": float("inf")}}}]
    assert "抱歉" in (await app.texts(sender, "报价"))[-1]
    rasa.script = echo
    assert await app.texts(sender, "还在吗") == ["收到：还在吗"]


async def test_a_turn_that_crashes_in_the_hub_is_a_failure_and_blocks_nothing(
    app: Running, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: Any, **__: Any) -> None:
        raise KeyError("until")

    with monkeypatch.context() as broken:
        broken.setattr(app.hub.rasa, "ask", crash)
        assert "抱歉" in (await app.texts(sender, "你好"))[-1]
    assert await app.texts(sender, "还在吗") == ["收到：还在吗"]


async def test_what_was_understood_stands_beside_the_customers_message(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.understood = {"intent": "faq", "confidence": 0.9, "emotion": None, "source": "ngrams", "also": []}
    await app.say(sender, "交强险是什么")
    rasa.understood = None
    await app.say(sender, "谢谢")
    async with app.hub.engine.connect() as connection:
        rows = await connection.execute(
            sa.text("SELECT text, understood FROM hub.messages WHERE conversation_id = :c AND sender = 'customer'"),
            {"c": await app.conversation_id(sender)},
        )
    found = {row.text: row.understood for row in rows}
    assert found["交强险是什么"]["intent"] == "faq" and found["谢谢"] is None


async def test_what_was_overtaken_on_its_way_is_put_before_what_was_written_after_it(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    def written(text: str, *newer: int) -> Incoming:
        return Incoming("pushed", "", sender, None, text, silence=0.2, newer=newer)

    third = await app.hub.accept(written("丙"))
    second = await app.hub.accept(written("乙", third.message_id))
    await app.hub.accept(written("甲", third.message_id, second.message_id))
    assert await app.hub.turn_over(third, within=5)
    assert [turn["text"] for turn in rasa.turns] == ["甲\n乙\n丙"]
    rows = await app.hub.messages_after(third.conversation_id, 0)
    assert [m.text for m in rows if m.sender == "customer"] == ["甲", "乙", "丙"]


async def test_a_turn_that_has_begun_is_not_overtaken(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.delay = 0.4
    second = await app.hub.accept(Incoming("pushed", "", sender, None, "乙", silence=0.05))
    await asyncio.sleep(0.25)
    first = await app.hub.accept(Incoming("pushed", "", sender, None, "甲", silence=0.05, newer=(second.message_id,)))
    assert await app.hub.turn_over(first, within=5)
    assert [turn["text"] for turn in rasa.turns] == ["乙", "甲"]
