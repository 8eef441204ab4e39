"""Customers who write faster than they are answered: few turns, in order, nothing lost, nothing said twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from chebao.conversations.api import Incoming
from chebao.conversations.ledger import MOST_WAITING
from tests.contract.hub.running import Running, Start
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


async def until(condition: Any, seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def customer_rows(app: Running, sender: str) -> list[Any]:
    async with app.hub.engine.connect() as connection:
        rows = await connection.execute(
            sa.text(
                "SELECT id, text, state, turn_of FROM hub.messages"
                " WHERE conversation_id = :c AND sender = 'customer' ORDER BY seq"
            ),
            {"c": await app.conversation_id(sender)},
        )
        return list(rows)


async def test_twenty_messages_in_five_seconds_are_at_most_four_turns(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    calls = []
    for n in range(20):
        calls.append(asyncio.create_task(app.texts(sender, f"第{n}句")))
        await asyncio.sleep(0.25)
    answers = await asyncio.gather(*calls)
    assert len(rasa.turns) <= 4
    assert "\n".join(t["text"] for t in rasa.turns).split("\n") == [f"第{n}句" for n in range(20)]
    said = [text for answer in answers for text in answer if text.startswith("收到")]
    assert said == [f"收到：{t['text']}" for t in rasa.turns]


async def test_a_customer_who_waits_for_each_answer_is_never_held_back(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    began = asyncio.get_running_loop().time()
    for n in range(20):
        assert (await app.texts(sender, f"第{n}句"))[-1] == f"收到：第{n}句"
    assert asyncio.get_running_loop().time() - began < 5 and len(rasa.turns) == 20


async def test_messages_that_wait_are_answered_by_one_turn_and_know_it(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.delay = 0.3
    first = asyncio.create_task(app.texts(sender, "你好"))
    await until(lambda: rasa.asked)
    rest = [asyncio.create_task(app.texts(sender, text)) for text in ("我的车", "被追尾了")]
    assert (await first)[-1] == "收到：你好"
    assert sorted(await asyncio.gather(*rest)) == [[], ["收到：我的车\n被追尾了"]]
    greeting, car, hit = await customer_rows(app, sender)
    assert [row.state for row in (greeting, car, hit)] == ["answered"] * 3
    assert (greeting.turn_of, car.turn_of, hit.turn_of) == (None, hit.id, None)
    assert rasa.turns[-1]["message_id"] == str(hit.id)


async def test_buttons_places_photos_and_calls_for_a_person_keep_their_meaning(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.script = lambda body: [{"text": "好", "buttons": [{"title": "同意", "payload": "/affirm"}]}]
    token = (await app.say(sender, "你好"))[-1]["buttons"][0]["payload"]
    photos = [{"id": f"p{n}", "content_type": "image/jpeg", "url": f"https://files.example/{n}.jpg"} for n in (1, 2)]
    spot = {"latitude": 22.5, "longitude": 114.0, "label": "路口"}
    rasa.delay = 0.2
    calls = [asyncio.create_task(app.say(sender, "先说一句"))]
    await until(lambda: len(rasa.asked) == 2)
    for text, metadata in (
        ("", {"attachments": photos[:1]}), ("", {"attachments": photos[1:]}), ("在这里", {"location": spot}), (token, {}),
        ("还有", {}), ("没了", {}), ("转人工", {}),
    ):  # fmt: skip
        seen = len(await app.stream(sender))
        calls.append(asyncio.create_task(app.say(sender, text, **metadata)))
        async with asyncio.timeout(5):
            while len(await app.stream(sender)) == seen:
                await asyncio.sleep(0.005)
    await asyncio.gather(*calls)
    asked = [(t["text"], t.get("intent"), len(t["metadata"]["attachments"]), bool(t["metadata"]["location"]))
             for t in rasa.turns[2:]]  # fmt: skip
    assert asked[:4] == [("", None, 2, False), ("在这里", None, 0, True), ("同意", "affirm", 0, False),
                         ("还有\n没了", None, 0, False)]  # fmt: skip
    assert (await app.state(sender))["owner"] == "queued"


async def test_a_joint_turn_that_died_is_repeated_as_it_was(start: Start, rasa: FakeRasa, sender: str) -> None:
    async with start() as dying:
        rasa.delay = 0.2
        calls = [asyncio.create_task(dying.say(sender, "一"))]
        await until(lambda: rasa.asked)
        calls += [asyncio.create_task(dying.say(sender, text)) for text in ("二", "三")]
        await until(lambda: len(rasa.asked) == 2)
        rasa.delay = 0
        await dying.hub.turns.stop()
        await dying.hub.accept(Incoming(channel="door", account="", peer=sender, key=None, text="四"))
        for call in calls:
            call.cancel()
    async with start() as living:
        await until(lambda: rasa.turns and rasa.turns[-1]["text"] == "四")
        # the fake runs a turn twice that is asked again while it runs; Rasa does not
        first, joint, last = dict.fromkeys(t["text"] for t in rasa.turns)
        assert (first, sorted(joint.split("\n")), last) == ("一", ["三", "二"], "四")
        repeated = [body for body in rasa.asked if body["text"] == joint]
        assert len(repeated) == 2 and repeated[0]["message_id"] == repeated[1]["message_id"]

        async def all_settled() -> bool:
            return all(row.state == "answered" for row in await customer_rows(living, sender))

        async with asyncio.timeout(5):
            while not await all_settled():
                await asyncio.sleep(0.02)


async def test_a_flood_is_told_once_and_what_was_too_much_stays_in_the_ledger(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.delay = 3  # all are to come while the first turn runs, also on a busy machine
    first = asyncio.create_task(app.say(sender, "第一句"))
    await until(lambda: rasa.asked)
    rasa.delay = 0
    for n in range(MOST_WAITING + 5):
        await app.hub.accept(Incoming(channel="door", account="", peer=sender, key=None, text=f"第{n}句"))
    await first
    await until(lambda: len(rasa.turns) == 2)
    rows = await customer_rows(app, sender)
    assert len(rows) == MOST_WAITING + 6 and 1 <= sum(row.state == "silent" for row in rows) <= 6
    told = [m["text"] for m in await app.stream(sender) if m["from"] == "system" and "有点快" in m["text"]]
    assert len(told) == 1


async def test_taking_messages_in_does_not_wait_for_turns(start: Start, rasa: FakeRasa, sender: str) -> None:
    async with start(turn_seconds=8) as app:
        await _taken_in_while_turns_run(app, rasa, sender)


async def _taken_in_while_turns_run(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.delay = 2.5
    busy = [asyncio.create_task(app.say(f"{sender}-{n}", "你好")) for n in range(24)]
    await until(lambda: len(rasa.asked) >= 8)
    for n in range(4):
        await app.hub.accept(Incoming(channel="door", account="", peer=f"{sender}-late-{n}", key=None, text="在吗"))
    assert not rasa.turns and len(rasa.asked) == 8
    rasa.delay = 0
    await asyncio.gather(*busy)
    late = {await app.conversation_id(f"{sender}-late-{n}") for n in range(4)}
    # other tests may have left conversations behind that are taken up here as well
    await until(lambda: late <= {body["sender"] for body in rasa.turns}, 30)
    assert late.isdisjoint(body["sender"] for body in rasa.asked[:16])  # the last eight come in side by side
