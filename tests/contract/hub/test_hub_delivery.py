"""Delivery to a pushed channel: in order, each message at most once, whatever dies or refuses in between."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chebao.app import build
from chebao.conversations import delivery as delivery_module
from chebao.conversations.api import Conversation, DeliveryJob, Hub, HubSettings, Incoming, Reply, Wire
from chebao.conversations.tables import deliveries
from chebao.db import driver_url
from chebao.settings import Settings
from tests.contract.hub.running import TAKEN

pytestmark = pytest.mark.asyncio
_PEERS = itertools.count()

Step = Callable[[DeliveryJob, Any], Awaitable[None]]


@dataclass
class Scripted:
    """A channel whose platform takes what its script says; by default everything."""

    name: str = "scripted"
    got: list[str] = field(default_factory=list)
    script: list[Step] = field(default_factory=list)
    jobs: int = 0
    running: int = 0
    overlapped: bool = False

    async def takes(self, conversation: Conversation) -> bool:
        return True

    async def deliver(self, job: DeliveryJob) -> None:
        self.jobs += 1
        self.running += 1
        self.overlapped |= self.running > 1
        try:
            for message in job.messages:
                await job.sending(message.id)
                if self.script:
                    step = self.script.pop(0)
                    await step(job, message)
                    if job.pause is not None:
                        return
                    continue
                self.got.append(message.text)
                await job.sent(message.id, ref=f"p{message.id}")
        finally:
            self.running -= 1


@asynccontextmanager
async def replica(settings: Settings, channel: Scripted, sweep_every: float = 0.2) -> AsyncIterator[Hub]:
    app = build(settings, hub_settings=HubSettings(turn_seconds=2.0), sweep_every=sweep_every)
    hub: Hub = app.state.hub
    hub.delivery.add(channel)
    async with app.router.lifespan_context(app):
        yield hub


@pytest.fixture
def channel() -> Scripted:
    return Scripted()


@pytest_asyncio.fixture
async def hub(settings: Settings, channel: Scripted) -> AsyncIterator[Hub]:
    async with replica(settings, channel) as hub:
        yield hub


@pytest.fixture
def peer() -> str:
    return f"peer-{next(_PEERS)}"


async def say(hub: Hub, peer: str, text: str) -> str:
    accepted = await hub.accept(Incoming(channel="scripted", account="", peer=peer, key=None, text=text))
    return accepted.conversation_id


async def eventually(check: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


async def states(hub: Hub, conversation_id: str) -> list[tuple[str | None, str | None]]:
    """Delivery and its reason, of the messages after the notice."""
    rows = await hub.messages_after(conversation_id, 0)
    return [(m.delivery, m.delivery_reason) for m in rows if m.sender != "customer"][1:]


async def settled(hub: Hub, conversation_id: str, *expected: tuple[str | None, str | None]) -> None:
    async with asyncio.timeout(5):
        while await states(hub, conversation_id) != list(expected):
            await asyncio.sleep(0.02)


async def test_replies_are_handed_over_in_order_and_marked(hub: Hub, channel: Scripted, peer: str) -> None:
    conversation = ""
    for number, text in enumerate(("一", "二", "三"), 2):
        conversation = await say(hub, peer, text)
        await eventually(lambda number=number: len(channel.got) == number)  # type: ignore[misc]
    assert channel.got[1:] == ["收到：一", "收到：二", "收到：三"]
    await settled(hub, conversation, *[("sent", None)] * 3)
    rows = await hub.messages_after(conversation, 0)
    assert [m.delivery_ref for m in rows if m.sender == "bot"] == [f"p{m.id}" for m in rows if m.sender == "bot"]


async def test_channels_that_fetch_for_themselves_are_left_alone(hub: Hub, channel: Scripted, peer: str) -> None:
    incoming = Incoming(channel="web", account="", peer=peer, key=None, text="你好", conversation_id=peer)
    await hub.converse(incoming)
    assert await states(hub, peer) == [(None, None)]


async def test_a_dead_senders_message_is_unconfirmed_and_never_sent_again(
    settings: Settings, channel: Scripted, peer: str
) -> None:
    dying = Scripted()
    hanging, late_answer = asyncio.Event(), asyncio.Event()

    async def fine(job: DeliveryJob, message: Any) -> None:
        await job.sent(message.id)

    async def hang(job: DeliveryJob, message: Any) -> None:
        hanging.set()
        await late_answer.wait()
        await job.sent(message.id)

    dying.script = [fine, hang]
    async with replica(settings, dying, sweep_every=60) as first:
        conversation = await say(first, peer, "一")
        await hanging.wait()
        await first.announce(conversation, Reply("后面还有"), key=f"event-{peer}")
        async with first.engine.begin() as connection:  # as if its process had died: no living instance has this number
            await connection.execute(sa.update(deliveries).values(busy_by=7))
        async with replica(settings, channel) as second:
            await settled(second, conversation, ("unconfirmed", None), ("sent", None))
            late_answer.set()
            await settled(second, conversation, ("sent", None), ("sent", None))
    assert channel.got == ["后面还有"] and not dying.got


async def test_two_replicas_never_deliver_one_conversation_together(
    settings: Settings, channel: Scripted, peer: str
) -> None:
    async def slow(job: DeliveryJob, message: Any) -> None:
        await asyncio.sleep(0.05)
        channel.got.append(message.text)
        await job.sent(message.id)

    channel.script = [slow] * 20
    async with replica(settings, channel, 0.05) as first, replica(settings, channel, 0.05) as second:
        conversation = await say(first, peer, "一")
        for n in range(8):
            hub = (first, second)[n % 2]
            await hub.announce(conversation, Reply(f"通知{n}"), key=f"{peer}-{n}")
        await eventually(lambda: len(channel.got) == 10)
        await asyncio.sleep(0.3)
    assert not channel.overlapped
    assert len(set(channel.got)) == len(channel.got) == 10
    numbered = [t for t in channel.got if t.startswith("通知")]
    assert numbered == [f"通知{n}" for n in range(8)]


async def test_a_refusal_is_tried_again_after_its_pause(hub: Hub, channel: Scripted, peer: str) -> None:
    async def refuse(job: DeliveryJob, message: Any) -> None:
        job.retry_after(0.3)

    channel.script = [refuse]
    began = asyncio.get_running_loop().time()
    conversation = await say(hub, peer, "一")
    await settled(hub, conversation, ("sent", None))
    assert asyncio.get_running_loop().time() - began >= 0.3
    assert channel.got[1:] == ["收到：一"]


async def test_vain_attempts_come_to_an_end(
    hub: Hub, channel: Scripted, peer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(job: DeliveryJob, message: Any) -> None:
        job.retry_after(0.0)
        job.pause = 0.0  # without the growing pause, which is not what is tested

    monkeypatch.setattr(delivery_module, "ATTEMPTS", 3)
    channel.script = [refuse] * 3
    conversation = await say(hub, peer, "一")
    await settled(hub, conversation, ("parked", "gave_up"))
    await say(hub, peer, "二")
    await settled(hub, conversation, ("sent", None), ("sent", None))


async def test_an_error_in_the_channel_does_not_repeat_what_was_being_sent(
    hub: Hub, channel: Scripted, peer: str
) -> None:
    async def fine(job: DeliveryJob, message: Any) -> None:
        await job.sent(message.id)

    async def crash(job: DeliveryJob, message: Any) -> None:
        raise RuntimeError("connection cut in the middle")

    channel.script = [fine, crash]
    conversation = await say(hub, peer, "一")
    await settled(hub, conversation, ("unconfirmed", None))
    await hub.announce(conversation, Reply("后面还有"), key=f"event-{peer}")
    await settled(hub, conversation, ("unconfirmed", None), ("sent", None))
    assert channel.got == ["后面还有"]


async def test_parked_messages_come_with_the_customers_next_one(hub: Hub, channel: Scripted, peer: str) -> None:
    async def park(job: DeliveryJob, message: Any) -> None:
        await job.parked(message.id, reason="no_allowance", until=None)

    conversation = await say(hub, peer, "一")
    await eventually(lambda: len(channel.got) == 2)
    channel.script = [park]
    await hub.announce(conversation, Reply("保单已出"), key=f"event-{peer}")
    await settled(hub, conversation, ("sent", None), ("parked", "no_allowance"))
    await asyncio.sleep(0.5)
    assert "保单已出" not in channel.got
    await say(hub, peer, "二")
    await settled(hub, conversation, *[("sent", None)] * 3)
    assert channel.got[-2:] == ["保单已出", "收到：二"]


async def test_parked_until_a_moment_or_until_the_customer_writes(hub: Hub, channel: Scripted, peer: str) -> None:
    async def park_a_moment(job: DeliveryJob, message: Any) -> None:
        await job.parked(message.id, reason="later", until=datetime.now(UTC) + timedelta(seconds=0.3))

    async def park(job: DeliveryJob, message: Any) -> None:
        await job.parked(message.id, reason="no_allowance", until=None)

    conversation = await say(hub, peer, "一")
    await eventually(lambda: len(channel.got) == 2)
    channel.script = [park_a_moment]
    await hub.announce(conversation, Reply("稍后"), key=f"a-{peer}")
    await eventually(lambda: channel.got[-1] == "稍后")
    channel.script = [park]
    await hub.announce(conversation, Reply("等窗口"), key=f"b-{peer}")
    await settled(hub, conversation, ("sent", None), ("sent", None), ("parked", "no_allowance"))
    await say(hub, peer, "二")
    await eventually(lambda: channel.got[-2:] == ["等窗口", "收到：二"])


async def test_the_bot_does_not_talk_into_an_agents_conversation(hub: Hub, channel: Scripted, peer: str) -> None:
    async def park(job: DeliveryJob, message: Any) -> None:
        await job.parked(message.id, reason="no_allowance", until=None)

    async def fine(job: DeliveryJob, message: Any) -> None:
        await job.sent(message.id)

    channel.script = [fine, park, park]
    conversation = await say(hub, peer, "一")
    await settled(hub, conversation, ("parked", "no_allowance"))
    await hub.announce(conversation, Reply("保单已出"), key=f"event-{peer}")
    await settled(hub, conversation, *[("parked", "no_allowance")] * 2)
    hold = hub.delivery.hold(conversation)  # both go out in one job, in their order
    await hub.give(conversation, "agent1", name="林晓", reason="taken")
    await say(hub, peer, "二")
    hold.release()
    await settled(hub, conversation, ("failed", "stale_epoch"), *[("sent", None)] * 2)
    assert channel.got == ["保单已出", TAKEN.format(name="林晓")]


async def test_a_held_conversation_waits_and_its_holder_may_take_the_reply(
    hub: Hub, channel: Scripted, peer: str
) -> None:
    conversation = await say(hub, peer, "一")
    await eventually(lambda: len(channel.got) == 2)
    await settled(hub, conversation, ("sent", None))
    hold = hub.delivery.hold(conversation)
    await hub.announce(conversation, Reply("甲"), key=f"a-{peer}")
    await hub.announce(conversation, Reply("乙"), key=f"b-{peer}")
    job = await hub.delivery.take(conversation)
    assert job and [m.text for m in job.messages] == ["甲", "乙"]
    first = job.messages[0]
    await job.sending(first.id, ref="passive:1")
    await job.sent(first.id)
    await hub.delivery.give_back(job)
    assert len(channel.got) == 2
    hold.release()
    await eventually(lambda: channel.got[2:] == ["乙"])
    await settled(hub, conversation, *[("sent", None)] * 3)


async def test_the_platforms_report_on_a_notice_is_kept(hub: Hub, channel: Scripted, peer: str) -> None:
    async def announce_only(job: DeliveryJob, message: Any) -> None:
        await job.parked(message.id, reason="notice_sent", until=None, ref=f"n-{peer}")

    conversation = await say(hub, peer, "一")
    await settled(hub, conversation, ("sent", None))
    channel.script = [announce_only]
    await hub.announce(conversation, Reply("保单已出"), key=f"event-{peer}")
    await settled(hub, conversation, ("sent", None), ("parked", "notice_sent"))
    await hub.delivery.announced("another", f"n-{peer}")
    await hub.delivery.announced("scripted", f"n-{peer}", problem="notice_failed blocked")
    await settled(hub, conversation, ("sent", None), ("parked", "notice_failed blocked"))
    await hub.delivery.announced("scripted", f"n-{peer}")
    await settled(hub, conversation, ("sent", None), ("parked", "notice_delivered"))


async def test_the_search_for_waiting_messages_uses_its_index(settings: Settings, hub: Hub) -> None:
    assert settings.database_url
    engine = sa.create_engine(driver_url(settings.database_url))
    query = "SELECT 1 FROM hub.messages WHERE delivery IN ('queued', 'sending', 'parked') AND conversation_id = 'x'"
    with engine.connect() as connection:
        connection.execute(sa.text("SET enable_seqscan = off"))
        plan = "\n".join(row[0] for row in connection.execute(sa.text(f"EXPLAIN {query}")))
    engine.dispose()
    assert "messages_to_deliver" in plan


async def test_what_a_dead_process_had_noted_is_unconfirmed_and_what_it_had_not_is_sent(tmp_path: Path) -> None:
    wire = Wire(tmp_path)
    wire.leaving([1, 2])
    wire.close()
    again = Wire(tmp_path)
    assert again.host == wire.host
    assert again.left() == {1, 2}
    again.leaving([3])
    assert Wire(tmp_path).left() == {1, 2, 3}
    again.stayed([2])
    assert Wire(tmp_path).left() == {1, 3}
    again.close()
