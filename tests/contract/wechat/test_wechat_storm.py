"""Redelivery storm in short form: every push three times, overlapping and shuffled; the full form is `make soak`."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from tests.contract.wechat.conftest import World, eventually

pytestmark = pytest.mark.asyncio
_CUSTOMERS, _EACH = 12, 5


async def test_every_push_three_times_is_answered_once_and_in_order(world: World, openid: str) -> None:
    people = [f"{openid}{n:02d}" for n in range(_CUSTOMERS)]
    world.rasa.delay = 0.02
    pushes = []
    for person in people:
        world.wechat.opens(person, "message")
        for n in range(_EACH):
            fields = {"MsgType": "text", "Content": f"第{n}句"}
            pushes += [(person, fields, f"{person}{n}")] * 3
    dice = random.Random(3)
    dice.shuffle(pushes)

    async def push(person: str, fields: dict[str, str], number: str) -> None:
        await asyncio.sleep(dice.random() * 3)
        await world.wechat.message(person, fields, number=number, created=created)

    created = int(world.wechat.now())
    await asyncio.gather(*(push(*each) for each in pushes))
    assert set(world.wechat.statuses) == {200}
    for person in people:

        def answered(person: str = person) -> list[str]:
            """Each message once among the echoes; those that waited together are answered together."""
            return re.findall(r"第\d句", "\n".join(world.wechat.phone(person).texts()))

        await eventually(lambda answered=answered: len(answered()) >= _EACH, seconds=20)  # type: ignore[misc]
        rows = await world.hub.messages_after(await world.conversation_id(person), 0)
        asked = [m.text for m in rows if m.sender == "customer"]
        assert sorted(asked) == [f"第{n}句" for n in range(_EACH)] and answered() == asked
