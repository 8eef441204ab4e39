"""What customers send on Telegram, over real HTTP and the real database."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from chebao.errors import Unavailable
from tests.contract.telegram.conftest import Bench, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


def drawn(colour: str) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), colour).save(picture, "JPEG")
    return picture.getvalue()


async def test_nothing_is_worked_on_before_the_customer_agreed(bench: Bench) -> None:
    bench.telegram.say(bench.chat_id, "续保要多少钱？")
    await bench.until(lambda: bench.heard("境外"))
    assert bench.heard("智能客服（机器人）")
    assert bench.rasa.turns == []
    assert len(bench.chat.heard()) == 1
    bench.telegram.say(bench.chat_id, "在吗")
    await bench.until(lambda: bench.heard("先替您留着"))
    bench.telegram.press(bench.chat_id, "同意")
    await bench.until(lambda: bench.heard("收到：续保要多少钱？\n在吗"))
    assert [turn["text"] for turn in bench.rasa.turns] == ["续保要多少钱？\n在吗"]
    conversation, _ = await bench.hub.find("telegram", "4242", str(bench.chat_id))
    assert conversation.consents is not None
    assert conversation.consents["abroad"]["given"] is True


async def test_who_does_not_agree_is_shown_the_web_page_and_is_asked_again_later(bench: Bench) -> None:
    bench.telegram.say(bench.chat_id, "续保")
    await bench.until(lambda: bench.chat.buttons())
    bench.telegram.press(bench.chat_id, "不同意")
    await bench.until(lambda: bench.heard("这里不再处理"))
    assert f"{bench.url}/chat" in bench.chat.texts()[-1]
    assert bench.rasa.turns == []
    bench.telegram.say(bench.chat_id, "还是在这里吧")
    await bench.until(lambda: bench.heard("先替您留着"))
    bench.telegram.say(bench.chat_id, "同意")
    await bench.until(lambda: bench.heard("收到：还是在这里吧"))
    assert [turn["text"] for turn in bench.rasa.turns] == ["还是在这里吧"]


async def test_consent_can_be_taken_back(agreed: Bench) -> None:
    agreed.telegram.say(agreed.chat_id, "撤回同意")
    await agreed.until(lambda: agreed.heard("这里不再处理"))
    agreed.telegram.say(agreed.chat_id, "续保")
    await agreed.until(lambda: agreed.heard("先替您留着"))
    assert [turn["text"] for turn in agreed.rasa.turns] == ["你好"]


@pytest.mark.parametrize(
    ("command", "meant"), [("/help", "你能做什么"), ("/human@chebao_bot", "转人工"), ("/cancel now", "算了")]
)
async def test_commands(agreed: Bench, command: str, meant: str) -> None:
    agreed.telegram.say(agreed.chat_id, command)
    await agreed.until(lambda: any(turn["text"] == meant for turn in agreed.rasa.turns))
    assert {c["command"] for c in agreed.telegram.commands} == {"start", "help", "human", "cancel"}


async def test_start_begins_anew_whatever_stands_behind_it(agreed: Bench) -> None:
    agreed.telegram.say(agreed.chat_id, "/start spring_campaign")
    await agreed.until(lambda: [turn["text"] for turn in agreed.rasa.turns].count("你好") == 2)
    assert all(re.search("[一-鿿]", c["description"]) for c in agreed.telegram.commands)


async def test_an_edited_message_changes_the_ledger_and_starts_no_turn(agreed: Bench) -> None:
    update = agreed.telegram.say(agreed.chat_id, "车牌京A12345")
    await agreed.until(lambda: agreed.heard("收到：车牌京A12345"))
    agreed.telegram.edit(agreed.chat_id, update["message"]["message_id"], "车牌京A12346")
    await agreed.telegram.pushed()
    assert await agreed.customer_texts() == ["你好", "同意", "车牌京A12346"]
    row = next(r for r in await agreed.rows() if r["text"] == "车牌京A12346")
    assert row["custom"]["edits"][0]["text"] == "车牌京A12345"
    assert [turn["text"] for turn in agreed.rasa.turns] == ["你好", "车牌京A12345"]


async def test_the_own_contact_is_the_phone_number_and_another_persons_is_not(agreed: Bench) -> None:
    own = {"phone_number": "+8613800000001", "first_name": "王", "user_id": agreed.chat_id}
    agreed.telegram.write(agreed.chat_id, contact=own)
    await agreed.until(lambda: agreed.heard("收到：13800000001"))
    agreed.telegram.write(agreed.chat_id, contact={**own, "user_id": 12})
    await agreed.until(lambda: agreed.heard("这是别人的联系方式"))
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "某人"}
    agreed.telegram.write(agreed.chat_id, contact=own, forward_origin=origin)
    await agreed.until(lambda: sum("这是别人的联系方式" in text for text in agreed.chat.texts()) == 2)
    assert len(agreed.rasa.turns) == 2
    conversation, _ = await agreed.hub.find("telegram", "4242", str(agreed.chat_id))
    assert conversation.verified is None


async def test_a_position_and_a_named_place(agreed: Bench) -> None:
    spot = {"latitude": 39.9957, "longitude": 116.4702}
    agreed.telegram.write(agreed.chat_id, location=spot)
    await agreed.until(lambda: len(agreed.rasa.turns) == 2)
    assert agreed.rasa.turns[1]["metadata"]["location"] == {**spot, "label": None}
    agreed.telegram.write(
        agreed.chat_id, location=spot, venue={"location": spot, "title": "东门", "address": "望京西园"}
    )
    await agreed.until(lambda: len(agreed.rasa.turns) == 3)
    assert agreed.rasa.turns[2]["metadata"]["location"]["label"] == "望京西园 东门"


@pytest.mark.parametrize("as_document", [False, True])
async def test_a_photo_is_fetched_judged_and_kept(agreed: Bench, as_document: bool) -> None:
    agreed.telegram.photo(agreed.chat_id, drawn("teal"), "左后门", as_document=as_document)
    await agreed.until(lambda: agreed.heard("收到：左后门"))
    [kept] = agreed.rasa.turns[-1]["metadata"]["attachments"]
    assert (kept["content_type"], kept["width"], kept["height"]) == ("image/jpeg", 900, 600)


@pytest.mark.parametrize(
    ("content", "words"), [(b"MZ not a picture", "只支持"), (b"x" * (10 * 1024 * 1024 + 1), "超过 10 MB")]
)
async def test_a_file_that_cannot_be_taken_is_answered_and_starts_no_turn(
    agreed: Bench, content: bytes, words: str
) -> None:
    agreed.telegram.photo(agreed.chat_id, content, as_document=True)
    await agreed.until(lambda: agreed.heard(words))
    assert len(agreed.rasa.turns) == 1


async def test_a_file_that_telegram_no_longer_has(agreed: Bench) -> None:
    agreed.telegram.photo(agreed.chat_id, b"soon gone")
    agreed.telegram.files.clear()
    await agreed.until(lambda: agreed.heard("没有收到，请再发一次"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"voice": {"file_id": "v", "file_unique_id": "v", "duration": 3}}, "暂时听不了语音"),
        ({"audio": {"file_id": "v", "file_unique_id": "v", "duration": 3, "mime_type": "audio/mpeg"}}, "暂时听不了语音"),
        ({"video": {"file_id": "v", "file_unique_id": "v", "width": 1, "height": 1, "duration": 3}}, "视频暂时收不了"),
        ({"dice": {"emoji": "🎲", "value": 3}}, "表情收到了"),
        ({"poll": {"id": "1", "question": "?", "options": [], "total_voter_count": 0, "is_closed": False,
                   "is_anonymous": True, "type": "regular", "allows_multiple_answers": False}}, "这种消息我还处理不了"),
    ],
)  # fmt: skip
async def test_other_kinds_are_answered_politely(agreed: Bench, content: dict[str, object], words: str) -> None:
    agreed.telegram.write(agreed.chat_id, **content)
    await agreed.until(lambda: agreed.heard(words))
    assert len(agreed.rasa.turns) == 1


async def test_a_group_is_refused_once(bench: Bench) -> None:
    group = -100_000 - bench.chat_id
    bench.telegram.chat(group, "supergroup")
    for text in ("大家好", "续保", "@chebao_bot 在吗"):
        bench.telegram.say(group, text)
    await bench.telegram.pushed()
    await bench.until(lambda: bench.telegram.chats[group].texts())
    assert len(bench.telegram.chats[group].texts()) == 1
    assert "私聊" in bench.telegram.chats[group].texts()[0]
    assert bench.rasa.turns == []


async def test_a_press_in_a_group_is_answered_and_starts_nothing(bench: Bench) -> None:
    group = {"id": -1000 - bench.chat_id, "type": "group", "title": "车友群"}
    bench.telegram.queries["in-a-group"] = time.monotonic()
    pressed = {"message_id": 1, "date": 1, "chat": group, "text": "选吧"}
    someone = {"id": bench.chat_id, "is_bot": False, "first_name": "客户"}
    bench.telegram.update(
        callback_query={"id": "in-a-group", "from": someone, "message": pressed, "chat_instance": "1", "data": "x"}
    )
    await bench.until(lambda: bench.telegram.unanswered == 0)
    assert bench.rasa.turns == []


async def test_pictures_of_an_album_are_all_kept(agreed: Bench) -> None:
    for colour in ("teal", "navy", "olive"):
        agreed.telegram.photo(agreed.chat_id, drawn(colour))
    await agreed.until(lambda: sum(len(t["metadata"].get("attachments", ())) for t in agreed.rasa.turns) == 3)


async def test_pushes_that_come_often_and_overtake_one_another_are_worked_on_once_in_order(agreed: Bench) -> None:
    await agreed.telegram.pushed()
    agreed.telegram.withheld = True
    updates = [agreed.telegram.say(agreed.chat_id, text) for text in "甲乙丙丁"]
    for place in (1, 3, 0, 2, 1, 2, 3, 0, 1):
        agreed.telegram.push(updates[place])
        await asyncio.sleep(0.02)
    await agreed.telegram.pushed()
    await agreed.until(lambda: agreed.rasa.turns[-1]["text"].endswith("丁"))
    # what came in while a turn ran is answered by the next one together
    assert [text for turn in agreed.rasa.turns for text in turn["text"].split("\n")] == ["你好", *"甲乙丙丁"]
    assert (await agreed.customer_texts())[-4:] == list("甲乙丙丁")


async def test_a_number_that_never_comes_holds_nobody_up_for_long(agreed: Bench) -> None:
    await agreed.telegram.pushed()
    agreed.telegram.withheld = True
    agreed.telegram.say(agreed.chat_id, "went to another process")
    began = asyncio.get_running_loop().time()
    agreed.telegram.push(agreed.telegram.say(agreed.chat_id, "一"))
    await agreed.until(lambda: agreed.heard("收到：一"))
    agreed.telegram.push(agreed.telegram.say(agreed.chat_id, "二"))
    await agreed.telegram.pushed()
    assert asyncio.get_running_loop().time() - began < 3


async def test_only_telegram_gets_in(bench: Bench, web: httpx.AsyncClient) -> None:
    update = {"update_id": 1, "message": {"message_id": 1, "text": "x"}}
    secret = bench.telegram.webhook["secret_token"]
    header = "X-Telegram-Bot-Api-Secret-Token"
    for wrong in ("", secret[:-1], secret + "x", "ß"):
        answer = await web.post(f"{bench.url}/telegram", json=update, headers={header: wrong.encode()})
        assert answer.status_code == 403
    assert (await web.post(f"{bench.url}/telegram", json=update)).status_code == 403
    for body in (b"", b"[]", b"{}", b'{"update_id": 1, "message": {}}', b"\xff", json.dumps(update).encode()):
        answer = await web.post(f"{bench.url}/telegram", content=body, headers={header: secret})
        assert answer.status_code == 400
    unknown = {"update_id": 5, "message_reaction_count": {}, "brand_new_kind": {"a": 1}}
    answer = await web.post(f"{bench.url}/telegram", json={"update_id": 5, "new": unknown}, headers={header: secret})
    assert answer.status_code == 200


class Listener:
    """A speech-to-text service: what it was given is what it hears."""

    def __init__(self) -> None:
        self.given: list[tuple[int, str]] = []

    async def transcribe(self, audio: bytes, media_format: str) -> str | None:
        self.given.append((len(audio), media_format))
        if audio == b"away":
            raise Unavailable("语音服务没有回应。")
        return audio.decode() if audio != b"noise" else None


async def test_speech_is_written_down_where_there_is_a_service_for_it(database_url: str, tmp_path: Path) -> None:
    listener = Listener()
    async with opened(database_url, tmp_path, transcriber=listener) as bench:
        await bench.agree()
        bench.telegram.voice(bench.chat_id, "我要续保".encode())
        await bench.until(lambda: bench.heard("收到：我要续保"))
        assert listener.given == [(12, "ogg")] and "我要续保" in await bench.customer_texts()
        for content in (b"noise", b"away", b"x" * (2 * 1024 * 1024 + 1)):
            asked = len(bench.chat.heard())
            bench.telegram.voice(bench.chat_id, content, size=0 if content == b"noise" else None)
            await bench.until(lambda asked=asked: len(bench.chat.heard()) > asked)  # type: ignore[misc]
            assert "没有听清，麻烦您打字" in bench.chat.texts()[-1]
        bench.telegram.voice(bench.chat_id, b"soon gone")
        bench.telegram.files.clear()
        await bench.until(lambda: sum("没有听清" in text for text in bench.chat.texts()) == 4)
        assert [turn["text"] for turn in bench.rasa.turns] == ["你好", "我要续保"]
        assert [size for size, _ in listener.given] == [12, 5, 4], "what is too large is not even fetched"


async def test_polling_receives_the_same(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url, tmp_path, telegram_receive="polling") as bench:
        await bench.agree()
        bench.telegram.say(bench.chat_id, "经轮询来的")
        await bench.until(lambda: bench.heard("收到：经轮询来的"))
        assert bench.telegram.unanswered == 0
        assert bench.telegram.webhook == {}
