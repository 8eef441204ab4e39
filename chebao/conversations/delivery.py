"""Delivery: hands outgoing messages to channels that are pushed to (WeChat, Telegram), in order, each at most once.

Door and web chat fetch the numbered stream themselves and never come here. The intent (`sending`) is committed before the
network call, so a process that dies in between leaves a trace instead of a double. One job of a conversation at a time holds its
row in `hub.deliveries`, whichever process runs it; what a dead process left is taken up by the sweeper.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao import background
from chebao.conversations import undelivered
from chebao.conversations.delivery_job import LEASE, DeliveryJob, DeliveryLost, PushChannel, unconfirm
from chebao.conversations.signals import CHANNEL, LIVING, Signals
from chebao.conversations.tables import conversations, deliveries, messages
from chebao.conversations.types import PULLED, Conversation, Message
from chebao.conversations.wire import Wire
from chebao.logs import line

log = logging.getLogger(__name__)

ATTEMPTS = 40
"""Vain jobs in a row, minutes apart in the end, after which messages wait for the customer's next one."""

_AT_ONCE = 64
_STOP_WITHIN = 5.0
_FIELDS = tuple(messages.c[name] for name in Message.__dataclass_fields__)


class Hold:
    """Keeps jobs of one conversation from starting in this process until released (a reply may go out another way)."""

    def __init__(self, wanted: Callable[[], bool], release: Callable[[], None]) -> None:
        self._wanted = wanted
        self._release: Callable[[], None] | None = release

    @property
    def wanted(self) -> bool:
        """Whether there is anything that a job could hand over."""
        return self._wanted()

    def release(self) -> None:
        """Lets jobs start again; a second call does nothing."""
        if self._release:
            self._release()
            self._release = None


class Delivery:
    """Runs delivery jobs in background tasks of this process, one task per conversation.

    Attributes:
        on_done: called with the conversation when one of its jobs has ended.
    """

    def __init__(self, engine: AsyncEngine, signals: Signals, *, sweep_every: float, wire: Wire | None = None) -> None:
        self._engine, self._signals, self._sweep_every, self._wire = engine, signals, sweep_every, wire
        self._channels: dict[str, PushChannel] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._held: Counter[str] = Counter()
        self._wanted: set[str] = set()
        self._parked: set[str] = set()
        self._working: set[str] = set()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False
        signals.on_push = self.wake
        self.on_done: Callable[[Conversation], None] = lambda _: None

    def add(self, channel: PushChannel) -> None:
        """Takes a channel into service; before `start`."""
        self._channels[channel.name] = channel

    async def takes(self, conversation: Conversation) -> bool:
        """Whether a message would reach the customer now: always where he fetches it himself."""
        if conversation.channel in PULLED:
            return True
        channel = self._channels.get(conversation.channel)
        return channel is not None and conversation.reachable and await channel.takes(conversation)

    def start(self) -> None:
        """Begins to sweep; the first round takes up what dead processes left."""
        if self._channels:
            self._sweeper = asyncio.create_task(self._sweep(), name="delivery-sweeper")

    async def stop(self) -> None:
        """Lets jobs under way end within seconds; what is cut off becomes unconfirmed, what waits stays queued."""
        self._stopping = True
        await background.stop(self._sweeper)
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def wake(self, conversation_id: str) -> None:
        """Sees to it that the conversation's waiting messages are handed over."""
        if self._stopping or not self._channels:
            return
        if self._held[conversation_id]:
            self._wanted.add(conversation_id)
            return
        if conversation_id in self._tasks:
            self._again.add(conversation_id)
            return
        task = asyncio.create_task(self._run(conversation_id), name=f"delivery-{conversation_id}")
        self._tasks[conversation_id] = task

    def hold(self, conversation_id: str) -> Hold:
        """Keeps jobs of the conversation from starting in this process until released; then they do, if there is need.

        For a channel that has just taken in a message of the customer: what was parked until then is to be handed over as well.
        """
        self._held[conversation_id] += 1
        if conversation_id in self._tasks or conversation_id in self._parked:
            self._wanted.add(conversation_id)

        def release() -> None:
            self._held[conversation_id] -= 1
            if not self._held[conversation_id]:
                del self._held[conversation_id]
                if conversation_id in self._wanted:
                    self._wanted.discard(conversation_id)
                    self.wake(conversation_id)

        return Hold(lambda: conversation_id in self._wanted, release)

    async def take(self, conversation_id: str) -> DeliveryJob | None:
        """A job for the holder of a `Hold`, to be ended by `give_back`; None where nothing waits or another one delivers."""
        if conversation_id in self._working:
            return None
        self._wanted.discard(conversation_id)
        return await self._begin(conversation_id, at_once=True)

    async def give_back(self, job: DeliveryJob) -> bool:
        """Ends a job: what is still `sending` is queued again after a refusal or where no byte of it has left, else unconfirmed.

        Returns:
            Whether more waits that could be handed over at once.
        """
        if job.parks:
            self._parked.add(job.conversation.id)
        try:
            more = await self._end(job)
        finally:
            self._working.discard(job.conversation.id)
        self._signals.wake(job.conversation.id)
        self.on_done(job.conversation)
        if job.pause is not None:
            asyncio.get_running_loop().call_later(job.pause + 0.01, self.wake, job.conversation.id)
        elif more and self._held[job.conversation.id]:
            self._wanted.add(job.conversation.id)
        return more and job.pause is None

    async def _end(self, job: DeliveryJob) -> bool:
        """Frees the lease; whether something waits."""
        m, d = messages.c, deliveries.c
        values: dict[str, Any] = {"busy_by": None, "busy_until": None}
        if job.pause is not None:
            values |= {"attempts": 1 if job.progressed else job.attempts + 1}
            values |= {"not_before": func.now() + timedelta(seconds=job.pause)}
        elif job.attempts:
            values |= {"attempts": 0, "not_before": None}
        last_customer_seq = (
            select(conversations.c.last_customer_seq).where(conversations.c.id == job.conversation.id).scalar_subquery()
        )
        waiting = (
            select(m.id).where(m.conversation_id == job.conversation.id, undelivered.waits(last_customer_seq)).exists()
        )
        async with self._engine.begin() as connection:
            if job.pause is None:
                await unconfirm(connection, job.conversation.id, job.uncertain)
            await connection.execute(
                update(messages).where(m.id.in_(job.ids), m.delivery == "sending").values(delivery="queued")
            )
            freed = await connection.execute(
                update(deliveries)
                .where(d.conversation_id == job.conversation.id, d.busy_by == self._signals.instance)
                .values(**values)
                .returning(select(waiting).scalar_subquery())
            )
            more = bool(freed.scalar_one_or_none())
            await self._tell(connection, job.conversation.id)
            return more

    async def handed_over(self, conversation_id: str, ref: str) -> list[Message]:
        """The messages that went out under a reference of ours, to be said the same way to a platform that asks again."""
        m = messages.c
        async with self._engine.begin() as connection:
            found = await connection.execute(
                update(messages)
                .where(m.conversation_id == conversation_id, m.delivery_ref == ref)
                .values(delivery="sent", delivered_at=func.coalesce(m.delivered_at, func.now()))
                .returning(*_FIELDS)
            )
            return sorted((Message(**row._mapping) for row in found), key=lambda message: message.seq)

    async def announced(self, channel: str, ref: str, *, problem: str | None = None) -> None:
        """What the platform reports of the short notice `ref` that went out in place of a parked message; agents are shown it."""
        m, c = messages.c, conversations.c
        mine = select(c.id).where(c.id == m.conversation_id, c.channel == channel)
        async with self._engine.begin() as connection:
            found = await connection.execute(
                update(messages)
                .where(m.delivery_ref == ref, m.delivery == "parked", mine.exists())
                .values(delivery_reason=problem or "notice_delivered")
                .returning(m.conversation_id)
            )
            changed = set(found.scalars())
            for conversation_id in changed:
                await self._tell(connection, conversation_id)
        for conversation_id in changed:
            self._signals.wake(conversation_id)

    async def _tell(self, connection: AsyncConnection, conversation_id: str) -> None:
        """Tells other processes that messages of the conversation have come further: agents see it."""
        if not self._signals.alone:
            await connection.execute(select(func.pg_notify(CHANNEL, f"{self._signals.instance}:{conversation_id}")))

    async def _run(self, conversation_id: str) -> None:
        try:
            async with self._gate:
                while True:
                    self._again.discard(conversation_id)
                    more = await self._deliver(conversation_id)
                    if not more and conversation_id not in self._again:
                        break
        except Exception:
            log.exception(line("delivery_crashed", conversation=conversation_id))
        finally:
            self._tasks.pop(conversation_id, None)
            if conversation_id in self._again:
                self.wake(conversation_id)

    async def _deliver(self, conversation_id: str) -> bool:
        """One job; whether the next one may follow at once."""
        if self._held[conversation_id]:
            self._wanted.add(conversation_id)
            return False
        job = await self._begin(conversation_id)
        if job is None:
            return False
        channel = self._channels[job.conversation.channel]
        try:
            if job.attempts >= ATTEMPTS:
                await job.give_up()
            else:
                await channel.deliver(job)
        except DeliveryLost:
            log.info(line("delivery_lost", conversation=conversation_id))
            job.progressed = True
        except Exception:
            log.exception(line("delivery_crashed", conversation=conversation_id))
            async with self._engine.begin() as connection:
                await unconfirm(connection, conversation_id, job.uncertain)
            job.retry_after(1.0)
        finally:
            more = await self.give_back(job)
        return more and job.progressed

    async def _begin(self, conversation_id: str, *, at_once: bool = False) -> DeliveryJob | None:
        """A claimed job, of which there is one at a time: the lease keeps out other processes, not this one."""
        self._working.add(conversation_id)
        self._parked.discard(conversation_id)
        job = None
        try:
            job = await self._claim(conversation_id, at_once=at_once)
        finally:
            if job is None:
                self._working.discard(conversation_id)
        return job

    async def _claim(self, conversation_id: str, *, at_once: bool = False) -> DeliveryJob | None:
        """The lease and what waits; None where another process holds it, nothing waits, or a pause is to be kept."""
        async with self._engine.begin() as connection:
            attempts = await self._lease(connection, conversation_id, at_once=at_once)
            if attempts is None:
                return None
            found = await connection.execute(select(conversations).where(conversations.c.id == conversation_id))
            conversation = Conversation(**found.one()._mapping)
            waiting = []
            if conversation.channel in self._channels:
                waiting = await undelivered.of_conversation(connection, conversation, self._wire)
            if not waiting:
                await connection.execute(
                    update(deliveries)
                    .where(deliveries.c.conversation_id == conversation_id)
                    .values(busy_by=None, busy_until=None)
                )
                return None
        return DeliveryJob(self._engine, self._signals.instance, conversation, waiting, attempts, self._wire)

    async def _lease(self, connection: AsyncConnection, conversation_id: str, *, at_once: bool) -> int | None:
        """Takes the conversation's lease and returns the number of vain attempts; None: not free, or not yet."""
        d = deliveries.c
        lease = {"busy_by": self._signals.instance, "busy_until": func.now() + LEASE}
        free = or_(d.busy_by.is_(None), d.busy_by == self._signals.instance, d.busy_until < func.now())
        ripe = or_(d.not_before.is_(None), d.not_before <= func.now())
        statement = insert(deliveries).values(conversation_id=conversation_id, **lease)
        taken = await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[d.conversation_id], set_=lease, where=free if at_once else and_(free, ripe)
            ).returning(d.attempts)
        )
        row = taken.one_or_none()
        return None if row is None else int(row.attempts)

    async def _sweep(self) -> None:
        """Takes up what dead processes left, and parked messages whose time has come."""
        while True:
            try:
                for conversation_id in await self._due():
                    self.wake(conversation_id)
            except Exception:
                log.exception(line("delivery_sweep_failed"))
            await asyncio.sleep(self._sweep_every)

    async def _due(self) -> list[str]:
        m, c, d = messages.c, conversations.c, deliveries.c
        async with self._engine.begin() as connection:
            await connection.execute(
                update(deliveries)
                .where(d.busy_by.is_not(None), or_(d.busy_until < func.now(), d.busy_by.not_in(LIVING)))
                .values(busy_by=None)
            )
            due = await connection.execute(
                select(m.conversation_id)
                .distinct()
                .join(conversations, c.id == m.conversation_id)
                .outerjoin(deliveries, d.conversation_id == m.conversation_id)
                .where(
                    c.channel.in_(self._channels),
                    d.busy_by.is_(None),
                    or_(d.not_before.is_(None), d.not_before <= func.now()),
                    undelivered.waits(c.last_customer_seq),
                )
                .limit(1000)
            )
            return [str(row) for row in due.scalars()]
