"""One customer in several conversations: linked by proof only, begun in one and continued in another, told once, forgotten at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from chebao.conversations.api import Conversation, DeliveryJob, Incoming, Uploads
from chebao.conversations.pictures import Judged
from chebao.outreach.api import signature_of
from chebao.settings import Settings
from tests.contract.hub.running import Running, Start
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


class Dialogue:
    """A scripted dialogue: proves a phone, begins, goes on and ends a claim by the words of the message."""

    def __init__(self) -> None:
        self.offered: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        text, begun = body["text"], body["metadata"].get("begun")
        if begun is not None:
            return self._told(body, begun)
        if text.startswith("我是"):
            return [
                _effects(verified={"customer_id": None, "phone": text[2:], "name": None}),
                {"text": "您的车能开吗？", "custom": {"asks": True}},
            ]
        if text.startswith("报案 "):
            return [{"text": "记下了"}, _effects(begun={"task": "report_claim", "draft": {"place": text[3:]}})]
        if text == "接着上次的":
            return [_effects(elsewhere={"task": "report_claim"})]
        if text.startswith("接 "):
            return [_effects(take_over={"task": "report_claim", "conversation": text[2:]})]
        return [{"text": f"已转走：{json.dumps(body['metadata']['moved'])}" if body["metadata"]["moved"] else "嗯"}]

    def _told(self, body: dict[str, Any], begun: list[dict[str, Any]]) -> list[dict[str, Any]]:
        what = body["entities"]["begun"]
        if what == "offer":
            self.offered += begun
            return [{"text": f"还没填完：{begun[0]['draft']['place']}"}]
        if what == "taken":
            return [
                {"text": f"接上了：{begun[0]['draft']['place']}"},
                _effects(begun={"task": begun[0]["task"], "draft": begun[0]["draft"]}),
            ]
        return [{"text": {"none": "没有没填完的", "gone": "已经不在了"}[what]}]


def _effects(**effect: Any) -> dict[str, Any]:
    return {"text": "", "custom": {"effects": [effect]}}


@pytest.fixture
def dialogue(rasa: FakeRasa) -> Dialogue:
    rasa.script = script = Dialogue()
    return script


@pytest.fixture
def phone(sender: str) -> str:
    """A phone of this test's own."""
    return f"138{abs(hash(sender)) % 10**8:08d}"


async def begun(app: Running, sender: str, phone: str) -> str:
    """A conversation of a proved customer with a claim begun; its id."""
    await app.say(sender, f"我是{phone}")
    await app.say(sender, "报案 三环")
    return await app.conversation_id(sender)


async def said(app: Running, sender: str, text: str) -> list[str]:
    """What is answered, without the notice that precedes all else."""
    return [t for t in await app.texts(sender, text) if "智能客服（机器人）" not in t]


async def rows(app: Running, sql: str, **values: Any) -> Any:
    async with app.hub.engine.connect() as connection:
        return (await connection.execute(sa.text(sql), values)).all()


async def test_what_was_begun_in_the_first_conversation_is_offered_to_one_who_asks(
    app: Running, dialogue: Dialogue, sender: str, phone: str
) -> None:
    first = await begun(app, sender, phone)
    assert await said(app, f"{sender}-b", f"我是{phone}") == ["您的车能开吗？"], "nothing is offered unasked"
    assert await said(app, f"{sender}-b", "接着上次的") == ["还没填完：三环"]
    assert [(o["conversation"], o["channel"], o["task"]) for o in dialogue.offered] == [(first, "door", "report_claim")]


async def test_nothing_is_shared_without_proof_or_with_another_phone(
    app: Running, dialogue: Dialogue, sender: str, phone: str
) -> None:
    first = await begun(app, sender, phone)
    await app.say(f"{sender}-c", "我的手机号是" + phone)
    assert await said(app, f"{sender}-c", "接着上次的") == []
    assert await said(app, f"{sender}-c", f"接 {first}") == []
    await app.say(f"{sender}-c", "我是13700000000")
    assert await said(app, f"{sender}-c", "接着上次的") == ["没有没填完的"]
    assert await said(app, f"{sender}-c", f"接 {first}") == ["已经不在了"]
    assert dialogue.offered == []


async def test_what_an_unproved_customer_began_is_not_kept(app: Running, dialogue: Dialogue, sender: str) -> None:
    await app.say(sender, "报案 三环")
    conversation, _ = await app.hub.find("door", "", sender)
    assert conversation.begun is None


async def test_a_draft_moves_once_and_the_first_conversation_is_told(
    app: Running, dialogue: Dialogue, sender: str, phone: str
) -> None:
    first = await begun(app, sender, phone)
    for other in ("b", "c"):
        await app.say(f"{sender}-{other}", f"我是{phone}")
    assert await said(app, f"{sender}-b", f"接 {first}") == ["接上了：三环"]
    assert await said(app, f"{sender}-b", f"接 {first}") == ["接上了：三环"]
    assert await said(app, f"{sender}-c", f"接 {first}") == ["已经不在了"]
    (told,) = await said(app, sender, "还在吗")
    assert told.startswith("已转走") and '"report_claim": {"channel": "door"' in told
    await app.say(sender, "报案 四环")  # a stale draft of the first does not bring the claim back
    conversation, _ = await app.hub.find("door", "", sender)
    assert conversation.begun and conversation.begun["report_claim"]["moved"]["to"]


async def test_two_conversations_that_take_at_once_get_it_once(
    app: Running, dialogue: Dialogue, sender: str, phone: str
) -> None:
    first = await begun(app, sender, phone)
    others = [f"{sender}-{n}" for n in range(4)]
    for other in others:
        await app.say(other, f"我是{phone}")
    answers = await asyncio.gather(*(said(app, other, f"接 {first}") for other in others))
    assert sorted(text for answer in answers for text in answer) == ["已经不在了"] * 3 + ["接上了：三环"]


async def test_a_draft_is_not_taken_while_its_own_turn_is_under_way(
    app: Running, rasa: FakeRasa, dialogue: Dialogue, sender: str, phone: str
) -> None:
    first = await begun(app, sender, phone)
    await app.say(f"{sender}-b", f"我是{phone}")
    rasa.delay = 0.5
    submitting = asyncio.create_task(said(app, sender, "确认提交"))
    while not rasa._running:
        await asyncio.sleep(0.01)
    rasa.delay = 0.0
    assert await said(app, f"{sender}-b", f"接 {first}") == ["已经不在了"]
    assert await submitting == ["嗯"]


@pytest.mark.parametrize("deaths", ["deaths", "late_deaths"])
async def test_a_turn_that_dies_while_taking_over_takes_it_once(
    app: Running, rasa: FakeRasa, dialogue: Dialogue, sender: str, phone: str, deaths: str
) -> None:
    first = await begun(app, sender, phone)
    await app.say(f"{sender}-b", f"我是{phone}")
    setattr(rasa, deaths, 2)
    assert await said(app, f"{sender}-b", f"接 {first}") == ["接上了：三环"]
    taken = [t for t in rasa.turns if t.get("entities", {}).get("begun") == "taken"]
    assert len(taken) == 1


async def test_a_customer_without_links_costs_no_further_call(
    app: Running, rasa: FakeRasa, dialogue: Dialogue, sender: str, phone: str
) -> None:
    await begun(app, sender, phone)
    assert len(rasa.asked) == 2
    statements: list[str] = []
    sa.event.listen(app.hub.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await app.say(sender, "报案 四环")
    assert not [s for s in statements if "hub.links" in s]


@pytest.mark.parametrize(("words", "left"), [("退出登录", [False, True]), ("解除关联", [False, False])])
async def test_forgetting_by_words_works_at_once_and_without_the_dialogue(
    app: Running, rasa: FakeRasa, dialogue: Dialogue, sender: str, phone: str, words: str, left: list[bool]
) -> None:
    first = await begun(app, sender, phone)
    await app.say(f"{sender}-b", f"我是{phone}")
    await rasa.stop()
    assert "重新验证" in (await said(app, sender, words))[-1]
    await rasa.start()
    assert [(await app.state(s))["verified"] for s in (sender, f"{sender}-b")] == left
    assert not await rows(app, "SELECT 1 FROM hub.links WHERE conversation_id = :id", id=first)
    conversation, _ = await app.hub.find("door", "", sender)
    assert conversation.begun == {"report_claim": {"dropped": True}}
    assert (await said(app, sender, "好"))[-1] == '已转走：{"report_claim": {"channel": null}}'


async def test_what_was_read_on_pictures_is_forgotten_too(
    app: Running, settings: Settings, dialogue: Dialogue, sender: str, phone: str
) -> None:
    store = Uploads(app.hub.engine, settings.data / "uploads")
    picture = await store.add(await begun(app, sender, phone), Judged(b"x", "image/jpeg"))
    await store.keep_facts(picture, {"kind": "driving_licence", "name": "李敏"})
    await app.say(f"{sender}-b", f"我是{phone}")
    assert "依法保存" in (await said(app, f"{sender}-b", "删除我的资料"))[-1]
    assert (await store.get(picture.id)).facts is None


async def test_a_notice_waits_where_he_may_be_told_and_goes_to_nobody_without_consent(
    settings: Settings, start: Start, dialogue: Dialogue, sender: str, phone: str
) -> None:
    abroad = Pushed(name="telegram")
    async with with_channel(settings, start, abroad) as app:
        await app.hub.accept(Incoming("telegram", "", sender, None, "你好"))
        conversation, _ = await app.hub.find("telegram", "", sender)
        assert await tell(app, conversation.id, f"{sender}-1") == {"said": False}
        assert not [text for text in abroad.got if "CL2026000101" in text]


async def test_the_operator_sees_and_ends_links(app: Running, dialogue: Dialogue, sender: str, phone: str) -> None:
    first = await begun(app, sender, phone)
    await app.say(f"{sender}-b", f"我是{phone}")
    listed = (await app.http.get(f"/api/links/{first}")).json()["linked"]
    assert [row["conversation"] for row in listed] == [first, await app.conversation_id(f"{sender}-b")]
    assert phone not in json.dumps(listed)
    assert (await app.http.delete(f"/api/links/{first}?everywhere=true")).json() == {"forgotten": 2}
    assert (await app.http.get(f"/api/links/{first}")).json() == {"linked": []}
    assert (await app.http.delete("/api/links/unknown")).status_code == 404
    assert (await app.http.get(f"/api/links/{first}", headers={"Authorization": ""})).status_code == 401


@dataclass
class Pushed:
    """A pushed channel of which the test says whether it takes messages."""

    open: bool = True
    name: str = "scripted"
    got: list[str] = field(default_factory=list)

    async def takes(self, conversation: Conversation) -> bool:
        return self.open

    async def deliver(self, job: DeliveryJob) -> None:
        for message in job.messages:
            await job.sending(message.id)
            self.got.append(message.text)
            await job.sent(message.id)


@asynccontextmanager
async def with_channel(settings: Settings, start: Start, channel: Pushed) -> AsyncIterator[Running]:
    async with start() as running:
        running.hub.delivery.add(channel)
        yield running


async def tell(app: Running, conversation: str, key: str) -> dict[str, Any]:
    data = {"claim_no": "CL2026000101", "status": "loss_assessed"}
    event = {"event_id": key, "type": "claim_status", "reference": conversation, "data": data}
    body = json.dumps(event).encode()
    answer = await app.http.post(
        "/api/backoffice/events", content=body, headers={"X-Chebao-Signature": signature_of("demo", body)}
    )
    answered: dict[str, Any] = answer.json()
    return answered


async def test_notices_go_to_the_channel_used_last_that_takes_them_once(
    settings: Settings, start: Start, dialogue: Dialogue, sender: str, phone: str
) -> None:
    channel = Pushed()
    async with with_channel(settings, start, channel) as app:
        first = await begun(app, sender, phone)

        async def on_phone(text: str) -> None:
            accepted = await app.hub.accept(Incoming("scripted", "", sender, None, text))
            assert await app.hub.turn_over(accepted, within=5)

        await on_phone("你好")  # not proved there: not his, as far as we know
        assert await tell(app, first, f"{sender}-1") == {"said": True}
        assert await told_in_stream(app, sender) == 1
        await on_phone(f"我是{phone}")
        assert await tell(app, first, f"{sender}-2") == {"said": True}
        assert await tell(app, first, f"{sender}-2") == {"said": False}
        await eventually(lambda: len([t for t in channel.got if "定损" in t]) == 1)
        assert await told_in_stream(app, sender) == 1
        channel.open = False
        await tell(app, first, f"{sender}-3")
        assert await told_in_stream(app, sender) == 2
        channel.open = True
        await app.say(sender, "我在网页上")
        await tell(app, first, f"{sender}-4")
        assert await told_in_stream(app, sender) == 3
        await on_phone("我又在手机上")
        await app.hub.set_reachable("scripted", "", sender, reachable=False)
        await tell(app, first, f"{sender}-5")
        assert await told_in_stream(app, sender) == 4


async def told_in_stream(app: Running, sender: str) -> int:
    return len([m for m in await app.stream(sender) if "CL2026000101" in m["text"]])


async def eventually(check: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)
