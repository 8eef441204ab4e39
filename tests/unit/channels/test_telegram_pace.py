"""Telegram's limits are kept before it has to say so."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from channels.telegram import client
from channels.telegram.client import Pace


@dataclass
class Clock:
    """Time that passes only when everybody waits for it."""

    now: float = 0.0
    _waiting: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def until(self, moment: float) -> None:
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (max(moment, self.now), next(self._numbers), arrived))
        await arrived

    async def run(self, *tasks: asyncio.Task[None]) -> None:
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            if self._waiting:
                self.now, _, arrived = heapq.heappop(self._waiting)
                arrived.set_result(None)
            await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(client, "_until", clock.until)
    return clock


async def departures(clock: Clock, pace: Pace, chats: list[str]) -> list[tuple[str, float]]:
    """When the messages to these chats go out, all wanted at once."""
    gone: list[tuple[str, float]] = []

    async def send(chat: str) -> None:
        await pace.wait(chat)
        gone.append((chat, clock.now))

    await clock.run(*[asyncio.create_task(send(chat)) for chat in chats])
    return gone


async def test_no_second_takes_more_than_thirty_over_all_chats_and_one_in_each(clock: Clock) -> None:
    gone = await departures(clock, Pace(), [f"c{n}" for n in range(40)] * 3)
    times = [at for _, at in gone]
    assert len(times) == 120 and times == sorted(times)
    assert all(later - earlier > 0.999 for earlier, later in zip(times, times[30:], strict=False))
    for chat in {chat for chat, _ in gone}:
        own = [at for c, at in gone if c == chat]
        assert all(later - earlier > 0.999 for earlier, later in itertools.pairwise(own))


async def test_one_chat_waits_for_itself_and_holds_up_nobody(clock: Clock) -> None:
    gone = await departures(clock, Pace(), ["a", "a", "a", "b"])
    assert [chat for chat, _ in gone] == ["a", "b", "a", "a"]
    assert gone[1][1] < 0.1 and gone[-1][1] > 1.9


async def test_nothing_goes_out_while_telegram_asked_for_quiet(clock: Clock) -> None:
    pace = Pace()
    under_way = asyncio.create_task(pace.wait("a"))
    await asyncio.sleep(0)
    pace.pause(30)
    gone = await departures(clock, pace, ["b", "c"])
    await clock.run(under_way)
    assert min(at for _, at in gone) >= 30 and clock.now >= 30


async def test_an_edit_does_not_hold_up_the_reply_but_counts(clock: Clock) -> None:
    pace, gone = Pace(), list[float]()

    async def send(*, edit: bool = False) -> None:
        await pace.wait("a", edit=edit)
        gone.append(clock.now)

    await clock.run(*[asyncio.create_task(send(edit=n == 0)) for n in range(4)])
    assert gone[1] - gone[0] < 0.1 and gone[2] - gone[1] > 1.9 and 0.9 < gone[3] - gone[2] < 1.2
    assert gone[-1] > 2.9
