"""The open chat door: replies, duplicates, order, refusals, state."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.contract.hub.running import Running
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


async def test_the_answer_waits_for_the_turn_and_starts_with_the_privacy_notice(app: Running, sender: str) -> None:
    first = await app.say(sender, "你好")
    assert [r["recipient_id"] for r in first] == [sender, sender]
    assert "机器人" in first[0]["text"] and "人工" in first[0]["text"] and "车保财险" in first[0]["text"]
    assert "buttons" not in first[0] and "？" not in first[0]["text"]
    assert first[1]["text"] == "收到：你好"
    assert await app.texts(sender, "再问一句") == ["收到：再问一句"]


async def test_rasa_gets_the_contracts_body(app: Running, rasa: FakeRasa, sender: str) -> None:
    spot = {"latitude": 39.97, "longitude": 116.35, "label": "蓟门桥"}
    photo = {"id": "p1", "content_type": "image/jpeg", "url": "https://files.example/p1.jpg"}
    await app.say(sender, "在这里", location=spot, attachments=[photo])
    asked = rasa.turns[-1]
    assert asked["sender"] == await app.conversation_id(sender) != sender
    assert asked["message_id"].isdigit() and asked["text"] == "在这里" and "intent" not in asked
    metadata = asked["metadata"]
    assert metadata["received_at"].endswith("+08:00") and metadata["channel"] == "door"
    assert metadata["verified"] is None and metadata["location"] == spot and metadata["attachments"] == [photo]


async def test_a_duplicate_is_answered_like_the_first_and_changes_nothing(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    first = await app.say(sender, "报案", message_id="m-1")
    again = await app.say(sender, "报案", message_id="m-1")
    assert again == first
    assert len(rasa.asked) == 1
    assert [m["from"] for m in await app.stream(sender)] == ["customer", "system", "bot"]


async def test_the_same_key_of_another_customer_is_no_duplicate(app: Running, rasa: FakeRasa, sender: str) -> None:
    await app.say(sender, "一", message_id="1")
    await app.say(f"{sender}-other", "二", message_id="1")
    assert [t["text"] for t in rasa.turns] == ["一", "二"]


async def test_the_same_words_said_again_are_answered_again(app: Running, rasa: FakeRasa, sender: str) -> None:
    for key in ("1", "2", None, None):
        assert (await app.texts(sender, "还没到", **({"message_id": key} if key else {})))[-1] == "收到：还没到"
    assert [t["text"] for t in rasa.turns] == ["还没到"] * 4


async def test_duplicates_at_the_same_moment_run_one_turn(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.delay = 0.2
    answers = await asyncio.gather(*(app.texts(sender, "你好", message_id="same") for _ in range(5)))
    assert all(answer[-1] == "收到：你好" for answer in answers)
    assert len(rasa.asked) == 1


async def test_messages_of_one_customer_run_one_at_a_time_in_order(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.delay = 0.02
    answers = await asyncio.gather(*(app.texts(sender, f"第{n}句") for n in range(12)))
    assert not rasa.overlapped and len(rasa.turns) <= 4
    ledger = [m["text"] for m in await app.stream(sender) if m["from"] == "customer"]
    assert "\n".join(t["text"] for t in rasa.turns).split("\n") == ledger
    said = [text for answer in answers for text in answer]
    assert sorted(said[1:]) == sorted({m["text"] for m in await app.stream(sender) if m["from"] == "bot"})
    assert len(said) == 1 + len(rasa.turns)


async def test_customers_do_not_wait_for_one_another(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.delay = 0.3
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(app.say(f"{sender}-{n}", "你好") for n in range(20)))
    assert asyncio.get_running_loop().time() - began < 3


@pytest.mark.parametrize("message", ["", "   \n", "\x00\x01\x02", "\ud83d"])
async def test_a_message_without_words_gets_a_clear_answer(
    app: Running, rasa: FakeRasa, sender: str, message: str
) -> None:
    (reply,) = await app.say(sender, message)
    assert "文字" in reply["text"] and not rasa.asked


async def test_long_messages(app: Running, rasa: FakeRasa, sender: str) -> None:
    assert (await app.texts(sender, "车" * 20_000))[-1].startswith("收到：车")
    (refusal,) = await app.texts(sender, "车" * 20_001)
    assert "20000" in refusal and len(rasa.asked) == 1
    too_big = await app.http.post("/webhooks/rest/webhook", json={"sender": sender, "message": "a" * 2_000_000})
    assert too_big.status_code == 413 and too_big.json()["error"]["message"] == "内容太大了。"


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"{", b"[]", b'{"sender": "x", "message": 5}', b'{"message": "x"}'])
async def test_a_body_that_is_no_message_is_refused_in_chinese(app: Running, body: bytes) -> None:
    answer = await app.http.post("/webhooks/rest/webhook", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and "请求" in answer.json()["error"]["message"]


async def test_control_characters_inside_a_message_are_left_out(app: Running, sender: str) -> None:
    assert (await app.texts(sender, "京A\x0012345\x07"))[-1] == "收到：京A12345"


async def test_free_text_is_never_an_intent(app: Running, rasa: FakeRasa, sender: str) -> None:
    for text in ("/restart", '/inform{"verified": true}', "  /back"):
        await app.say(sender, text)
    assert all("intent" not in body and not body["text"].startswith("/") for body in rasa.asked)


@pytest.mark.parametrize("key", ["", "Bearer", "Bearer wrong", "demo", "Basic demo"])
async def test_the_door_needs_its_key(app: Running, sender: str, key: str) -> None:
    for method, path in (("POST", "/webhooks/rest/webhook"), ("GET", f"/api/conversations/{sender}")):
        answer = await app.http.request(
            method, path, headers={"Authorization": key}, json={"sender": sender, "message": "x"}
        )
        assert answer.status_code == 401


async def test_state_of_a_conversation(app: Running, sender: str) -> None:
    assert (await app.http.get(f"/api/conversations/{sender}")).status_code == 404
    assert (await app.http.get(f"/api/conversations/{sender}/messages")).status_code == 404
    await app.say(sender, "你好")
    assert await app.state(sender) == {"owner": "bot", "epoch": 0, "verified": False, "queue_position": None}


async def test_messages_that_arose_by_themselves_come_first_and_once(app: Running, sender: str) -> None:
    await app.say(sender, "你好")
    from chebao.conversations.api import Reply

    assert await app.hub.announce(await app.conversation_id(sender), Reply(text="保单已出"), key=f"{sender}-1")
    assert not await app.hub.announce(await app.conversation_id(sender), Reply(text="保单已出"), key=f"{sender}-1")
    assert await app.texts(sender, "好的") == ["保单已出", "收到：好的"]
    assert await app.texts(sender, "谢谢") == ["收到：谢谢"]
    assert [m["text"] for m in await app.stream(sender, after=3)][:1] == ["保单已出"]


async def test_files_alone_are_no_words_for_the_dialogue(app: Running, rasa: FakeRasa, sender: str) -> None:
    photo = {"id": "p1", "content_type": "image/jpeg", "url": "https://files.example/p1.jpg"}
    await app.say(sender, "", attachments=[photo])
    assert rasa.turns[-1]["text"] == "" and rasa.turns[-1]["metadata"]["attachments"] == [photo]


@pytest.mark.parametrize("text", [r"\u0000", "路口\\", r"\\u0000"])
async def test_a_typed_escape_is_text_like_any_other(app: Running, sender: str, text: str) -> None:
    assert (await app.texts(sender, text))[-1] == f"收到：{text}"


async def test_nul_from_the_dialogue_is_left_out(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = lambda body: [{"text": "好\x00\x00的", "custom": {"card": {"type": "x", "name": "a\x00b\\"}}}]
    reply = (await app.say(sender, "你好"))[-1]
    assert reply["text"] == "好的" and reply["custom"]["card"]["name"] == "ab\\"


async def test_what_a_repeated_message_got_is_not_said_again_by_itself(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    """The app died after the turn, before its caller was answered; the caller sends the same message again."""
    from chebao.conversations.api import Incoming

    await app.hub.accept(Incoming(channel="door", account="", peer=sender, key="m-1", text="报案"))
    assert (await app.texts(sender, "报案", message_id="m-1"))[-1] == "收到：报案"
    assert (await app.texts(sender, "报案", message_id="m-1"))[-1] == "收到：报案"
    assert await app.texts(sender, "京A12345") == ["收到：京A12345"]
    assert len(rasa.turns) == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"message_id": "a\x00b"},
        {"location": {"latitude": 1, "longitude": 1, "label": "\x00"}},
        {"message_id": "\ud83d"},
    ],
)
async def test_what_cannot_be_stored_is_refused(app: Running, sender: str, metadata: dict[str, object]) -> None:
    body = json.dumps({"sender": sender, "message": "你好", "metadata": metadata})
    answer = await app.http.post("/webhooks/rest/webhook", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "input_refused"
    assert await app.texts(sender, "你好")


async def test_a_number_beyond_every_message_is_refused(app: Running, sender: str) -> None:
    await app.say(sender, "你好")
    answer = await app.http.get(f"/api/conversations/{sender}/messages", params={"after": 2**31})
    assert answer.status_code == 422
