"""What customers send through WeChat and what they see: push in, API call out, over real HTTP."""

from __future__ import annotations

import asyncio
import io
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from PIL import Image

from channels.wechat import order
from channels.wechat.client import Client
from channels.wechat.intake import Intake
from channels.wechat.protocol import Inbound
from chebao.conversations.api import Consents, Reply, Uploads
from tests.contract.wechat.conftest import StartWorld, World, eventually
from tests.fakes import wechat as fake_wechat
from tests.fakes.wechat import APOLOGY, Mode

pytestmark = pytest.mark.asyncio

CHOICES: list[dict[str, Any]] = [
    {"text": "有人受伤吗？", "buttons": [{"title": "没有", "payload": "/inform{\"injured\": false}"},
                                         {"title": "有", "payload": "/inform{\"injured\": true}"}]},
]  # fmt: skip


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), "teal").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_quick_answer_is_the_passive_reply_in_every_mode(world: World, openid: str, mode: Mode) -> None:
    world.wechat.mode = mode
    await world.wechat.say(openid, "我要报案]]>😀")
    seen = world.wechat.phone(openid).seen[1:]
    assert [m["from"] for m in seen] == ["account"] and seen[0]["passive"]
    assert seen[0]["text"].endswith("收到：我要报案]]>😀") and seen[0]["text"].startswith("您好，我是")
    await eventually(lambda: world.wechat.phone(openid).windows["message"][1] == 5)

    async def sent() -> bool:
        return await world.delivery(openid) == [("sent", None)]

    await eventually(sent)


async def test_the_consoles_check_of_the_address_gets_its_word_back(world: World) -> None:
    query = dict(httpx.URL(world.wechat.sealed("")[0]).params)
    async with httpx.AsyncClient(trust_env=False) as http:
        good = await http.get(world.wechat.push_url, params=query | {"echostr": "5837397576500011341"})
        bad = await http.get(world.wechat.push_url, params=query | {"echostr": "x", "signature": "0" * 40})
        late = await http.get(world.wechat.push_url, params=query | {"echostr": "x", "timestamp": "1700000000"})
    assert (good.status_code, good.text) == (200, "5837397576500011341")
    assert [(a.status_code, a.text) for a in (bad, late)] == [(403, "")] * 2


async def test_json_is_answered_and_the_operator_told_once_what_to_set(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(world.wechat.sealed("")[0], json={"ToUserName": "gh_1", "Encrypt": "x"})
    assert (answer.status_code, answer.text) == (200, "success")
    [told] = [r.getMessage() for r in caplog.records if "wechat_json_push" in r.getMessage()]
    assert "XML" in told


async def test_the_previous_aes_key_still_opens_and_seals(start: StartWorld, openid: str) -> None:
    async with start(wechat_aes_key="n" * 43, wechat_aes_key_previous="k" * 43) as world:
        await world.wechat.say(openid, "你好")
        assert world.wechat.phone(openid).texts()[0].endswith("收到：你好")


async def test_a_slow_answer_comes_by_call_and_the_push_is_acknowledged_in_time(world: World, openid: str) -> None:
    world.rasa.delay = 4.2
    await world.wechat.say(openid, "慢慢来")
    assert max(world.wechat.acknowledged) < world.wechat.cut_off
    phone = world.wechat.phone(openid)
    assert phone.texts() == []
    await eventually(lambda: phone.typing_until > world.wechat.now() or bool(phone.texts()))
    assert "message/custom/typing" in [path for path, _ in world.wechat.calls]
    await eventually(lambda: len(phone.texts()) == 1)
    assert phone.texts()[0].endswith("收到：慢慢来") and not phone.seen[-1].get("passive")
    assert phone.windows["message"][1] == 4


async def test_pushes_of_one_message_get_one_turn_and_the_same_answer(world: World, openid: str) -> None:
    world.rasa.delay = 0.3
    statuses = await world.wechat.say(openid, "你好", copies=5, spread=0.6)
    assert statuses == [200] * 5
    assert len(world.rasa.turns) == 1
    assert [t.split("\n")[-1] for t in world.wechat.phone(openid).texts()] == ["收到：你好"]


async def test_a_redelivery_after_a_restart_gets_the_passive_reply_again(start: StartWorld, openid: str) -> None:
    said: list[list[str]] = []
    created = int(time.time())
    for _ in range(2):
        async with start() as world:
            await world.wechat.message(openid, {"MsgType": "text", "Content": "你好"}, number="4711", created=created)
            said.append(world.wechat.phone(openid).texts())
            assert len(world.rasa.turns) == 1
    assert said[0] == said[1] and said[0][0].endswith("收到：你好")


async def test_choices_can_be_pressed_in_a_passive_reply_and_in_a_menu(world: World, openid: str) -> None:
    world.rasa.script = lambda body: CHOICES
    await world.wechat.say(openid, "追尾了")
    passive = world.wechat.phone(openid).seen[-1]["text"]
    assert '1. <a href="weixin://bizmsgmenu?msgmenucontent=' in passive and "有人受伤吗？" in passive
    world.rasa.delay = 3.8
    await world.wechat.say(openid, "再问一次")
    await eventually(lambda: "items" in world.wechat.phone(openid).seen[-1])
    world.rasa.delay = 0
    menu = world.wechat.phone(openid).seen[-1]
    assert [i["content"] for i in menu["items"]] == ["没有", "有"]
    await world.wechat.press(openid, menu["items"][1])
    await eventually(lambda: world.rasa.turns[-1].get("entities") == {"injured": True})


async def test_accounts_without_menus_get_numbered_words(world: World, openid: str) -> None:
    world.wechat.menus = False
    world.rasa.script = lambda body: CHOICES
    world.rasa.delay = 3.8
    await world.wechat.say(openid, "追尾了")
    await eventually(lambda: len(world.wechat.phone(openid).texts()) == 1)
    assert world.wechat.phone(openid).texts()[0].endswith("有人受伤吗？\n1. 没有\n2. 有")


async def test_a_photo_is_kept_at_once_and_reaches_the_turn(world: World, openid: str) -> None:
    await world.wechat.send_media(openid, "image", photo(), "image/jpeg")
    attachment = world.rasa.turns[-1]["metadata"]["attachments"][0]
    assert attachment["content_type"] == "image/jpeg" and attachment["width"] == 320
    await world.wechat.say(openid, "好了吗")
    assert {t["sender"] for t in world.rasa.turns} == {await world.conversation_id(openid)}


async def test_what_is_lost_or_cannot_be_read_is_said_in_words(world: World, openid: str) -> None:
    world.wechat.faults["media/get"] = [40007]
    await world.wechat.send_media(openid, "image", photo(), "image/jpeg")
    await world.wechat.send_media(openid, "voice", b"#!AMR", "audio/amr", Format="amr")
    await world.wechat.send_media(openid, "video", b"....", "video/mp4")
    world.wechat.opens(openid, "message")
    await world.wechat.message(openid, {"MsgType": "link", "Title": "新闻", "Description": "", "Url": "http://x"})
    await world.wechat.message(openid, {"MsgType": "text", "Content": "【收到不支持的消息类型，暂无法显示】"})
    for words in ("没有收到", "打字", "照片", "链接我打不开", "看不懂"):
        await eventually(lambda words=words: words in "\n".join(world.wechat.phone(openid).texts()))  # type: ignore[misc]
    assert world.rasa.turns == []


async def test_recognised_speech_is_a_text(world: World, openid: str) -> None:
    await world.wechat.send_media(openid, "voice", b"#!AMR", "audio/amr", Format="amr", Recognition="我要续保")
    assert world.rasa.turns[-1]["text"] == "我要续保"


async def test_speech_is_fetched_and_written_down_where_there_is_a_service_for_it(
    world: World, openid: str, tmp_path: Path
) -> None:
    class Heard:
        async def transcribe(self, audio: bytes, media_format: str) -> str | None:
            return {b"#!AMR": "我要报案"}.get(audio) if media_format == "amr" else None

    client = Client(fake_wechat.APP_ID, fake_wechat.SECRET, world.api)
    engine = world.hub.engine
    intake = Intake(client, world.hub, Uploads(engine, tmp_path), Consents(engine, "wechat"), Heard())
    said = []
    for audio in (b"#!AMR", b"noise"):
        media_id = world.wechat.keep(audio, "audio/amr")
        voice = Inbound("voice", "gh_1", openid, 1, "k", media_id=media_id, media_format="amr")
        said.append(await intake.incoming(voice))
    await client.close()
    assert said[0] and (said[0].text, said[0].answer) == ("我要报案", None)
    assert said[1] and said[1].answer and "打字" in said[1].answer.text


async def test_a_position_reaches_the_turn(world: World, openid: str) -> None:
    await world.wechat.send_location(openid, 39.9087, 116.3975, "东长安街")
    assert world.rasa.turns[-1]["metadata"]["location"] == {
        "latitude": 39.9087, "longitude": 116.3975, "label": "东长安街", "datum": "GCJ-02",
    }  # fmt: skip


async def test_a_new_follower_is_welcomed_with_notice_and_choices(world: World, openid: str) -> None:
    await world.wechat.event(openid, "subscribe", "subscribe")
    text = world.wechat.phone(openid).texts()[0]
    assert text.startswith("您好，我是") and "欢迎关注" in text and "续保" in text
    assert world.rasa.turns == []


@pytest.mark.parametrize(("event", "key"), [("SCAN", "renew_P20260001"), ("subscribe", "qrscene_renew_P20260001")])
async def test_the_code_of_a_renewal_letter_opens_the_renewal(world: World, openid: str, event: str, key: str) -> None:
    await world.wechat.event(openid, event, event.lower(), EventKey=key, Ticket="t")
    turn = world.rasa.turns[-1]
    assert (turn["intent"], turn["entities"]) == ("renewal", {"policy_no": "P20260001"})


async def test_a_menu_click_starts_its_dialogue(world: World, openid: str) -> None:
    await world.wechat.event(openid, "CLICK", "click", EventKey="intent:report_claim")
    assert (world.rasa.turns[-1]["intent"], world.rasa.turns[-1]["text"]) == ("report_claim", "我要报案")


async def test_events_that_say_nothing_are_acknowledged(world: World, openid: str) -> None:
    for event in (
        "VIEW",
        "LOCATION",
        "TEMPLATESENDJOBFINISH",
        "subscribe_msg_popup_event",
        "kf_create_session",
        "unsubscribe",
    ):
        assert await world.wechat.event(openid, event, EventKey="http://x", MsgID="1", Status="success") == [200]
    assert world.wechat.phone(openid).seen == []
    await world.wechat.say(openid, "你好")
    await world.wechat.event(openid, "unsubscribe")
    await world.hub.announce(await world.conversation_id(openid), Reply("保单已出"), key=f"gone-{openid}")
    await eventually(lambda: _is_last(world, openid, ("failed", "unfollowed")))


async def _is_last(world: World, openid: str, state: tuple[str, str]) -> bool:
    return (await world.delivery(openid))[-1] == state


async def test_a_single_press_starts_its_turn_at_once_and_one_message_waits_less_than_a_hurry(
    world: World, openid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "SILENCE", 30.0)  # whoever waits for it is not answered in this test
    await world.wechat.event(openid, "CLICK", "click", EventKey="intent:renewal")
    assert world.rasa.turns[-1]["intent"] == "renewal"
    await world.wechat.say(f"{openid}b", "你好")
    assert world.rasa.turns[-1]["text"] == "你好"


async def test_a_press_right_behind_words_does_not_overtake_them(world: World, openid: str) -> None:
    world.rasa.script = lambda body: CHOICES
    await world.wechat.say(openid, "追尾了")
    tokens = re.findall(r"msgmenuid=([^\"]+)", world.wechat.phone(openid).seen[-1]["text"])
    first = asyncio.create_task(world.wechat.say(openid, "在路口"))
    await asyncio.sleep(0.05)
    await world.wechat.press(openid, {"id": unquote(tokens[0]), "content": "没有"})
    await first
    assert [t.get("text") or t["intent"] for t in world.rasa.turns][1:] == ["在路口", "没有"]


async def test_three_messages_at_once_are_answered_in_order(world: World, openid: str) -> None:
    world.rasa.delay = 0.2
    texts = [f"第{n}条" for n in range(3)]
    calls = []
    for text in texts:
        calls.append(asyncio.create_task(world.wechat.say(openid, text)))
        await asyncio.sleep(0.05)
    await asyncio.gather(*calls)
    await eventually(lambda: "第2条" in "".join(world.wechat.phone(openid).texts()))
    everything = "\n".join(world.wechat.phone(openid).texts())
    places = [everything.index(text) for text in texts]
    # who writes on without a pause is answered once
    assert places == sorted(places) and everything.count("收到：") == 1
    assert APOLOGY not in [m["text"] for m in world.wechat.phone(openid).seen]


async def test_what_arises_by_itself_is_sent_by_call(world: World, openid: str) -> None:
    await world.wechat.say(openid, "你好")
    await world.hub.announce(await world.conversation_id(openid), Reply("您的保单已出具。"), key=f"issued-{openid}")
    await eventually(lambda: world.wechat.phone(openid).texts()[-1] == "您的保单已出具。")
