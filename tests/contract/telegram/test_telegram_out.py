"""What arrives in the chat, and what happens when Telegram does not play along."""

from __future__ import annotations

import asyncio
import io
import logging
import time
from typing import Any

import pytest

from chebao.conversations.api import Reply
from chebao.logs import Redaction
from tests.contract.telegram.conftest import Bench
from tests.fakes.telegram_chat import Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PLANS = {
    "type": "plans",
    "title": "方案 <对比>",
    "plans": [{"name": "标准方案", "total": "3,948.15", "payload": '/inform{"plan": "standard"}'}],
}


def says(bench: Bench, *replies: dict[str, Any]) -> None:
    bench.rasa.script = lambda body: list(replies)


async def deliveries(bench: Bench) -> list[tuple[str, str | None]]:
    rows = [row for row in await bench.rows() if row["sender"] != "customer"]
    return [(row["delivery"], row["delivery_reason"]) for row in rows]


async def test_a_turn_of_several_bubbles_is_one_message_with_its_buttons(agreed: Bench) -> None:
    says(
        agreed,
        {"text": "三种方案 & 价格："},
        {"custom": {"card": _PLANS}},
        {"text": "您想选哪一种？", "buttons": [{"title": "标准方案", "payload": '/inform{"plan": "standard"}'}]},
    )
    agreed.telegram.say(agreed.chat_id, "多少钱")
    await agreed.until(lambda: agreed.heard("您想选哪一种？"))
    said = agreed.chat.heard()[-1]
    assert said["text"].startswith("三种方案 & 价格：\n\n方案 <对比>\n标准方案 3,948.15 元")
    assert [b["text"] for b in agreed.chat.buttons()] == ["标准方案"]
    agreed.telegram.press(agreed.chat_id, "标准方案")
    await agreed.until(lambda: agreed.rasa.turns[-1].get("entities") == {"plan": "standard"})
    await agreed.until(lambda: agreed.telegram.unanswered == 0)


async def test_a_press_is_answered_even_when_it_comes_twice_or_is_stale(agreed: Bench) -> None:
    says(agreed, {"text": "选吧", "buttons": [{"title": "甲", "payload": '/inform{"a": 1}'}]})
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: agreed.chat.buttons())
    update = agreed.telegram.press(agreed.chat_id, "甲")
    agreed.telegram.push(update)
    stale = {**update, "update_id": update["update_id"] + 500}
    older = {**update["callback_query"]["message"], "message_id": 1}
    stale["callback_query"] = {**update["callback_query"], "id": "other", "data": "~1.0.AAAAAAAAAAAAAAAA"}
    stale["callback_query"]["message"] = older
    agreed.telegram.queries["other"] = time.monotonic()
    agreed.telegram.push(stale)
    await agreed.telegram.pushed()
    await agreed.until(lambda: agreed.telegram.unanswered == 0)
    await agreed.until(lambda: agreed.heard("这个选项已经失效"))
    await agreed.until(lambda: sum("entities" in turn for turn in agreed.rasa.turns) == 1)


async def test_a_press_is_answered_when_telegram_stumbles(agreed: Bench) -> None:
    says(agreed, {"text": "选吧", "buttons": [{"title": "甲", "payload": '/inform{"a": 1}'}]})
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: agreed.chat.buttons())
    agreed.telegram.press_faults.append(Fault("error", times=2))
    agreed.telegram.press(agreed.chat_id, "甲")
    await agreed.until(lambda: agreed.telegram.unanswered == 0)
    await agreed.until(lambda: agreed.rasa.turns[-1].get("entities") == {"a": 1})


_CHOICES = {
    "text": "选吧",
    "buttons": [{"title": "甲", "payload": '/inform{"a": 1}'}, {"title": "乙", "payload": '/inform{"a": 2}'}],
}


async def offered(bench: Bench, reply: dict[str, Any]) -> None:
    """The customer is asked, and his press will be answered with 好的."""
    says(bench, reply)
    bench.telegram.say(bench.chat_id, "x")
    await bench.until(lambda: bench.chat.buttons())
    says(bench, {"text": "好的"})


def chosen(bench: Bench) -> list[Any]:
    return [turn["entities"] for turn in bench.rasa.turns if "entities" in turn]


@pytest.mark.parametrize("reply", [_CHOICES, _CHOICES | {"image": "https://pictures.example/1.png"}])
async def test_a_choice_stays_ticked_under_its_question_before_the_reply_comes(
    agreed: Bench, reply: dict[str, Any]
) -> None:
    await offered(agreed, reply)
    done = len(agreed.telegram.calls)
    agreed.telegram.press(agreed.chat_id, "乙")
    await agreed.until(lambda: agreed.heard("好的"))
    assert agreed.telegram.calls[done:] == ["answerCallbackQuery", "editMessageReplyMarkup", "sendMessage"]
    assert agreed.chat.ticked() == ["✓ 同意", "✓ 乙"] and agreed.chat.buttons() == []
    agreed.telegram.press(agreed.chat_id, "✓ 乙")
    await agreed.until(lambda: "已经选过了" in list(agreed.telegram.answered.values())[-1])
    await agreed.telegram.pushed()
    assert chosen(agreed) == [{"a": 2}] and agreed.telegram.refused == []


async def test_a_hasty_second_finger_is_answered_and_starts_no_second_turn(agreed: Bench) -> None:
    await offered(agreed, _CHOICES)
    agreed.telegram.withheld = True
    presses = [agreed.telegram.press(agreed.chat_id, title) for title in ("甲", "甲", "乙")]
    for update in (*presses, presses[0]):
        agreed.telegram.push(update)
    await agreed.telegram.pushed()
    await agreed.until(lambda: agreed.heard("好的") and agreed.telegram.unanswered == 0)
    assert agreed.chat.ticked()[-1] == "✓ 甲" and chosen(agreed) == [{"a": 1}]
    assert [text for text in agreed.chat.texts() if text == "好的"] == ["好的"]


@pytest.mark.parametrize("kind", ["error", "lost", "flood"])
async def test_a_tick_is_put_again_while_telegram_stumbles(agreed: Bench, kind: str) -> None:
    await offered(agreed, _CHOICES)
    agreed.telegram.edit_faults.append(Fault(kind))
    agreed.telegram.press(agreed.chat_id, "甲")
    await agreed.until(lambda: agreed.heard("好的") and agreed.chat.ticked()[-1] == "✓ 甲")
    assert chosen(agreed) == [{"a": 1}]


async def test_a_question_that_is_gone_or_changed_already_is_no_fault(
    agreed: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await offered(agreed, _CHOICES)
    agreed.telegram.withheld = True
    update = agreed.telegram.press(agreed.chat_id, "甲")
    del agreed.chat.log[-1]
    with caplog.at_level(logging.WARNING):
        agreed.telegram.push(update)
        await agreed.until(lambda: agreed.heard("好的") and agreed.telegram.unanswered == 0)
        agreed.telegram.withheld = False
        await offered(agreed, _CHOICES)
        agreed.telegram.push(agreed.telegram.press(agreed.chat_id, "乙"))
        await agreed.until(lambda: any("not modified" in words for _, _, words in agreed.telegram.refused))
    assert "telegram_call_failed" not in caplog.text and chosen(agreed) == [{"a": 1}, {"a": 2}]


async def test_position_and_phone_are_asked_with_buttons_of_their_own(agreed: Bench) -> None:
    says(agreed, {"text": "车在哪里？", "custom": {"wants": "location"}})
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: agreed.heard("车在哪里"))
    assert agreed.chat.heard()[-1]["reply_markup"]["keyboard"][0][0]["request_location"] is True
    other = {"title": "换种方式核对", "payload": '/inform{"id_phone": ""}'}
    says(agreed, {"text": "手机号？", "custom": {"wants": "phone"}, "buttons": [other]})
    agreed.telegram.say(agreed.chat_id, "y")
    await agreed.until(lambda: agreed.heard("手机号？"))
    rows = agreed.chat.heard()[-1]["reply_markup"]["keyboard"]
    assert rows[0][0]["request_contact"] is True
    agreed.telegram.say(agreed.chat_id, rows[1][0]["text"])
    await agreed.until(lambda: agreed.rasa.turns[-1].get("entities") == {"id_phone": ""})


async def test_a_text_beyond_the_limit_comes_in_pieces(agreed: Bench) -> None:
    lines = "\n".join(f"第 {n} 条：" + "字" * 90 for n in range(90))
    says(agreed, {"text": lines})
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: agreed.heard("第 89 条"))
    assert "\n".join(agreed.chat.texts()[-3:]) == lines
    assert agreed.telegram.refused == []


async def test_a_picture_comes_with_its_words_and_buttons_in_one_message(agreed: Bench) -> None:
    said = "车损在 <左后门>"
    picture = {"text": said, "image": "https://pictures.example/1.png"}
    says(agreed, picture | {"buttons": [{"title": "对", "payload": '/inform{"a": 1}'}]}, picture)
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: sum("photo" in m for m in agreed.chat.heard()) == 2)
    first, second = agreed.chat.heard()[-2:]
    assert first["caption"] == said and "photo" in first
    assert [key["text"] for row in first["reply_markup"]["inline_keyboard"] for key in row] == ["对"]
    assert second["caption"] == said
    assert agreed.telegram.refused == []


async def test_words_too_long_for_a_caption_stand_before_the_picture(agreed: Bench) -> None:
    says(agreed, {"text": "字" * 1025, "image": "https://pictures.example/1.png"})
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: "photo" in agreed.chat.heard()[-1])
    words, picture = agreed.chat.heard()[-2:]
    assert words["text"] == "字" * 1025 and "caption" not in picture
    assert agreed.telegram.refused == []


async def test_where_a_picture_is_refused_its_words_arrive(agreed: Bench) -> None:
    says(agreed, {"text": "看图", "image": "ftp://pictures.example/1.png"})
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: agreed.heard("看图"))
    assert any(method == "sendPhoto" for method, _, _ in agreed.telegram.refused)
    async with asyncio.timeout(8):
        while {state for state, _ in await deliveries(agreed)} != {"sent"}:
            await asyncio.sleep(0.05)


async def test_one_chat_gets_at_most_one_message_a_second(agreed: Bench) -> None:
    agreed.rasa.script = lambda body: [{"image": f"https://pictures.example/{n}.png"} for n in range(6)]
    began = time.monotonic()
    agreed.telegram.say(agreed.chat_id, "x")
    await agreed.until(lambda: sum("photo" in m for m in agreed.chat.heard()) == 6)
    assert time.monotonic() - began > 4.5
    assert agreed.telegram.refused == []


@pytest.mark.parametrize("kind", ["flood", "error", "gateway"])
async def test_a_refusal_for_now_is_tried_again_and_arrives_once(agreed: Bench, kind: str) -> None:
    agreed.telegram.faults.append(Fault(kind, times=2))
    agreed.telegram.say(agreed.chat_id, "一")
    await agreed.until(lambda: agreed.heard("收到：一"), 12)
    assert agreed.chat.texts().count("收到：一") == 1
    await asyncio.sleep(0.5)
    assert {state for state, _ in await deliveries(agreed)} == {"sent"}


async def test_a_lost_answer_is_not_sent_a_second_time(agreed: Bench) -> None:
    agreed.telegram.faults.append(Fault("lost"))
    agreed.telegram.say(agreed.chat_id, "一")
    await agreed.until(lambda: agreed.heard("收到：一"))
    agreed.telegram.say(agreed.chat_id, "二")
    await agreed.until(lambda: agreed.heard("收到：二"))
    assert agreed.chat.texts().count("收到：一") == 1
    states = [state for state, _ in await deliveries(agreed)]
    assert states.count("unconfirmed") == 1


async def test_who_blocked_the_bot_is_left_alone_until_he_writes_again(agreed: Bench) -> None:
    conversation, _ = await agreed.hub.find("telegram", "4242", str(agreed.chat_id))
    agreed.chat.blocked = True
    await agreed.hub.announce(conversation.id, Reply(text="保单已出"), key=f"event-{agreed.chat_id}")
    await agreed.until(lambda: any(code == 403 for _, code, _ in agreed.telegram.refused))
    while (await agreed.hub.find("telegram", "4242", str(agreed.chat_id)))[0].reachable:
        await asyncio.sleep(0.02)
    tried = len(agreed.telegram.refused)
    await agreed.hub.announce(conversation.id, Reply(text="赔款已付"), key=f"event-2-{agreed.chat_id}")
    agreed.chat.blocked = False
    agreed.telegram.say(agreed.chat_id, "我回来了")
    await agreed.until(lambda: agreed.heard("保单已出") and agreed.heard("赔款已付") and agreed.heard("收到：我回来了"))
    assert len(agreed.telegram.refused) == tried


async def test_blocking_is_noticed_when_it_happens(agreed: Bench) -> None:
    agreed.telegram.block(agreed.chat_id)
    await agreed.telegram.pushed()
    conversation, _ = await agreed.hub.find("telegram", "4242", str(agreed.chat_id))
    assert conversation.reachable is False
    await agreed.hub.announce(conversation.id, Reply(text="保单已出"), key=f"event-{agreed.chat_id}")
    agreed.telegram.block(agreed.chat_id, blocked=False)
    await agreed.telegram.pushed()
    conversation, _ = await agreed.hub.find("telegram", "4242", str(agreed.chat_id))
    assert conversation.reachable is True
    assert agreed.telegram.refused == []


async def test_a_message_that_telegram_never_takes_fails_and_says_why(agreed: Bench) -> None:
    says(agreed, {"text": "看图"}, {"image": "not an address"}, {"text": "看完了吗"})
    del agreed.telegram.chats[agreed.chat_id]
    conversation, _ = await agreed.hub.find("telegram", "4242", str(agreed.chat_id))
    await agreed.hub.announce(conversation.id, Reply(text="你好"), key=f"event-{agreed.chat_id}")
    await agreed.until(lambda: any("chat not found" in words for _, _, words in agreed.telegram.refused))


async def test_token_and_chat_stand_in_no_log(agreed: Bench) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Redaction("%(message)s"))
    root, httpx = logging.getLogger(), logging.getLogger("httpx")
    before = httpx.level
    root.addHandler(handler)
    try:
        httpx.setLevel(
            logging.DEBUG
        )  # as an operator who looks for a fault: it writes each address, which holds the token
        agreed.telegram.faults.append(Fault("error"))
        agreed.telegram.say(agreed.chat_id, "一")
        await agreed.until(lambda: agreed.heard("收到：一"))
    finally:
        root.removeHandler(handler)
        httpx.setLevel(before)
    said = written.getvalue()
    assert "telegram_later" in said and "/sendMessage" in said
    assert agreed.telegram.token.partition(":")[2] not in said
    assert str(agreed.chat_id) not in said
