"""Redelivery storm in short form: every push three times, overlapping and shuffled; the full form is `make soak`."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from channels.wechat import order
from tests.contract.wechat.conftest import World, eventually

pytestmark = pytest.mark.asyncio
_CUSTOMERS, _EACH = 12, 5
_BETWEEN, _SPREAD = 0.25, 0.4
"""Seconds from one message to the next, and in which the copies of one arrive: they overtake one another freely."""


async def test_every_push_three_times_is_answered_once_and_in_order(
    world: World, openid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the rule is tried here on however busy a machine, its measure in the soak
    monkeypatch.setattr(order, "SILENCE", 1.0)
    monkeypatch.setattr(order, "ALONE", 1.0)
    people = [f"{openid}{n:02d}" for n in range(_CUSTOMERS)]
    world.rasa.delay = 0.02
    dice = random.Random(3)
    created = int(world.wechat.now())

    async def push(person: str, place: int) -> None:
        await asyncio.sleep(place * _BETWEEN + dice.uniform(0, _SPREAD))
        fields = {"MsgType": "text", "Content": f"第{place}句"}
        number = f"9{people.index(person):03d}{place:03d}"
        await world.wechat.message(person, fields, number=number, created=created)

    for person in people:
        world.wechat.opens(person, "message")
    await asyncio.gather(*(push(person, place) for person in people for place in range(_EACH) for _ in range(3)))
    assert set(world.wechat.statuses) == {200}
    for person in people:

        def answered(person: str = person) -> list[str]:
            """Each message once among the echoes; those that waited together are answered together."""
            return re.findall(r"第\d句", "\n".join(world.wechat.phone(person).texts()))

        await eventually(lambda answered=answered: len(answered()) >= _EACH, seconds=20)  # type: ignore[misc]
        rows = await world.hub.messages_after(await world.conversation_id(person), 0)
        assert answered() == [m.text for m in rows if m.sender == "customer"] == [f"第{n}句" for n in range(_EACH)]
