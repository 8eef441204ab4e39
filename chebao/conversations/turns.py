"""The turn runner: at most one turn of a conversation at a time, in order, whatever dies in between.

A turn holds the conversation's lease (`busy_by` = this instance); a lease given back clean (`busy_until` empty too) says that no
older message waits. The turn's message stays pending until the replies stand in the
outbox, in one transaction with the effects; so a turn that dies anywhere before is asked again under the same message id, and
Rasa answers that with the stored replies.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations import continuation, effects, ledger, notices, ownership
from chebao.conversations.attachments import Attachments
from chebao.conversations.rasa import Answer, Rasa, RasaAway, RasaFailed
from chebao.conversations.signals import Signals
from chebao.conversations.tables import conversations, messages
from chebao.conversations.types import Conversation, Message, Reply, Work
from chebao.conversations.unit import Company, Unit, open_unit
from chebao.logs import line

log = logging.getLogger(__name__)

_PROBE_EVERY = 1.0
_AT_ONCE = 16
_PRIORITY = {"customer_request": 5, "tool_failure": 6}
_ASKED_IN_OUTAGE = "客户要求人工客服（机器人当时不可用）。"


@dataclass(frozen=True)
class Outcome:
    """What became of a turn: the answer, or None with the reason why there is none."""

    answer: Answer | None
    problem: str = ""

    @property
    def replies(self) -> list[Reply] | None:
        return self.answer.replies if self.answer else None


class Turns:
    """Runs turns in background tasks of this process, one task per conversation."""

    def __init__(
        self,
        engine: AsyncEngine,
        signals: Signals,
        rasa: Rasa,
        company: Company,
        attachments: Attachments | None = None,
    ) -> None:
        self._engine, self._signals, self._rasa, self._company = engine, signals, rasa, company
        self._attachments = attachments
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._given: dict[str, Work] = {}
        self._watched: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._outage: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self, conversation_id: str, work: Work | None = None) -> None:
        """Sees to it that the conversation's pending messages are worked on, beginning with a turn already claimed."""
        if self._stopping:
            return
        if work:
            self._given[conversation_id] = work
        if conversation_id in self._tasks:
            self._again.add(conversation_id)
            return
        self._tasks[conversation_id] = asyncio.create_task(self._run(conversation_id), name=f"turn-{conversation_id}")

    @contextmanager
    def watch(self, message_id: int) -> Iterator[asyncio.Event]:
        """An event that is set when a turn of this process ended for the message, so that the database need not be asked."""
        ended = asyncio.Event()
        self._watched[message_id].add(ended)
        try:
            yield ended
        finally:
            self._watched[message_id].discard(ended)
            if not self._watched[message_id]:
                del self._watched[message_id]

    @property
    def rasa_away(self) -> bool:
        """Whether the dialogue service is known to be away."""
        return self._outage is not None

    async def stop(self) -> None:
        """Stops all turns where they are; their messages stay pending, their leases are freed."""
        self._stopping = True
        tasks = [*self._tasks.values(), *([self._outage] if self._outage else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with self._engine.begin() as connection:
            await connection.execute(
                update(conversations).where(conversations.c.busy_by == self._signals.instance).values(busy_by=None)
            )

    async def resume(self) -> None:
        """Takes up every unfinished message that no live instance works on.

        While Rasa is away those are enough whose customers were not told yet.
        """
        await ledger.free_dead_leases(self._engine)
        waiting = await ledger.unanswered(self._engine, untold=self.rasa_away)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(conversation_id: str) -> None:
            async with gate:
                self.start(conversation_id)
                if task := self._tasks.get(conversation_id):
                    await asyncio.wait([task])

        await asyncio.gather(*(one(c) for c in waiting if c not in self._tasks))

    async def _run(self, conversation_id: str) -> None:
        try:
            while True:
                self._again.discard(conversation_id)
                await self._drain(conversation_id)
                if conversation_id not in self._again:
                    break
        except Exception:
            log.exception(line("turn_crashed", conversation=conversation_id))
        finally:
            self._tasks.pop(conversation_id, None)
            self._again.discard(conversation_id)

    async def _drain(self, conversation_id: str) -> None:
        work = self._given.pop(conversation_id, None) or await self._claim(conversation_id)
        while work:
            began = time.monotonic()
            outcome = await self._ask(work)
            log.info(
                line(
                    "turn_ended",
                    conversation=conversation_id,
                    message=work.message.id,
                    ms=round((time.monotonic() - began) * 1000),
                    replies=None if outcome is None or outcome.replies is None else len(outcome.replies),
                )
            )
            try:
                following = await self._finish(work, outcome)
            except (DataError, UnicodeEncodeError):
                # Rasa would give the same replies for ever; the error's own words may hold them, so they stay out of the log.
                log.error(line("replies_not_storable", conversation=conversation_id, message=work.message.id))
                following = await self._finish(work, Outcome(None, "not_storable"))
            work = following

    async def _ask(self, work: Work) -> Outcome | None:
        """The outcome, or None when Rasa is away."""
        try:
            message = await self._attachments.described(work.message) if self._attachments else work.message
            first = await self._rasa.ask(work.conversation, message, once=self.rasa_away)
            answer = await continuation.answer(self._engine, self._rasa, work, first)
            if self._attachments:
                await self._attachments.forget_places(message)
                self._attachments.expect(answer.replies)
            return Outcome(answer)
        except RasaFailed as failure:
            problem = str(failure)
        except RasaAway as away:
            log.warning(line("rasa_away", conversation=work.conversation.id, message=work.message.id, reason=away))
            return None
        except Exception as bug:  # a message that nobody can answer must not hold up those behind it
            log.exception(line("turn_crashed", conversation=work.conversation.id, message=work.message.id))
            return Outcome(None, type(bug).__name__)
        log.error(line("turn_failed", conversation=work.conversation.id, message=work.message.id, reason=problem))
        return Outcome(None, problem)

    async def _claim(self, conversation_id: str) -> Work | None:
        """Takes the lease and the oldest pending message; None where another instance holds it or nothing waits."""
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    select(conversations).where(conversations.c.id == conversation_id).with_for_update()
                )
            ).one()
            conversation = Conversation(**row._mapping)
            now = datetime.now(UTC)
            others = conversation.busy_by not in (None, self._signals.instance)
            if others and conversation.busy_until is not None and conversation.busy_until > now:
                return None
            message = await ledger.first_pending(connection, conversation_id)
            if message and not conversation.bot_answers:
                await ownership.silence_pending(Unit(connection, conversation, self._company), None)
                message = None
            await connection.execute(
                update(conversations)
                .where(conversations.c.id == conversation_id)
                .values(
                    busy_by=self._signals.instance if message else None,
                    busy_until=now + ledger.LEASE if message else None,
                )
            )
        return Work(conversation, message) if message else None

    async def _finish(self, work: Work, outcome: Outcome | None) -> Work | None:
        """Writes the outcome; returns the next turn of the conversation, or None with the lease freed."""
        async with open_unit(self._engine, self._signals, self._company, work.conversation.id) as unit:
            conversation = unit.conversation
            if conversation.busy_by != self._signals.instance:
                log.warning(line("lease_lost", conversation=conversation.id, message=work.message.id))
                return None
            if conversation.epoch != work.conversation.epoch:
                await _drop(unit, work, outcome)
            elif outcome is None:
                await _tell_outage(unit)
            elif await ledger.settle(
                unit.connection,
                work.message.id,
                "answered" if outcome.answer else "failed",
                understood=outcome.answer.understood if outcome.answer else None,
            ):
                await _write(unit, work.message, outcome)
            next_message = None
            more = conversation.epoch != work.conversation.epoch or conversation.last_customer_seq > work.message.seq
            if outcome is not None and conversation.bot_answers and more:
                next_message = await ledger.first_pending(unit.connection, conversation.id)
            conversation.busy_by = self._signals.instance if next_message else None
            conversation.busy_until = unit.now + ledger.LEASE if next_message else unit.now if outcome is None else None
        for ended in self._watched.get(work.message.id, ()):
            ended.set()
        if outcome is None:
            self._begin_outage()
        return Work(conversation, next_message) if next_message else None

    def _begin_outage(self) -> None:
        if self._outage is None and not self._stopping:
            self._outage = asyncio.create_task(self._until_back(), name="rasa-outage")

    async def _until_back(self) -> None:
        log.error(line("rasa_outage_began"))
        began = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(_PROBE_EVERY)
            health = await self._rasa.ready()
            if all(health.values()):
                break
        log.info(line("rasa_outage_over", seconds=round(asyncio.get_running_loop().time() - began, 1)))
        self._outage = None
        try:
            await self.resume()
        except SQLAlchemyError as error:
            log.error(line("resume_failed", error=type(error).__name__))


async def _drop(unit: Unit, work: Work, outcome: Outcome | None) -> None:
    """A turn of an old epoch: nothing of it is said; only the fact of who the customer proved to be is kept.

    Where the bot answers again meanwhile, the message stays pending and is asked once more under the present epoch.
    """
    replies, found = effects.split((outcome.replies if outcome else None) or [])
    if not unit.conversation.bot_answers:
        await ledger.settle(unit.connection, work.message.id, "silent")
    for effect in found:
        if isinstance(effect.get("verified"), dict):
            await effects.apply_verified(unit, effect["verified"])
    log.warning(
        line("replies_dropped", conversation=unit.conversation.id, message=work.message.id, replies=len(replies),
             turn_epoch=work.conversation.epoch, epoch=unit.conversation.epoch)
    )  # fmt: skip


async def _write(unit: Unit, message: Message, outcome: Outcome) -> None:
    conversation = unit.conversation
    wants_person = ledger.asks_for_person(message.text, message.payload)
    if outcome.replies is None:
        await _write_failure(unit, message, wants_person)
        return
    conversation.offered = None
    conversation.failures = 0
    shown, found = effects.split(outcome.replies)
    keep_bot = any(e["handoff"].get("keep_bot") for e in found if isinstance(e.get("handoff"), dict))
    if keep_bot:
        await effects.apply(unit, found, turn_of=message.id)
    for reply in shown:
        unit.say(reply, turn_of=message.id)
    if not keep_bot:
        await effects.apply(unit, found, turn_of=message.id)
    if wants_person and not effects.hands_off(found):
        await _hand_off(unit, message.id, "customer_request", "客户要求人工客服。")
    if conversation.owner == "closed" and conversation.last_customer_seq > message.seq:
        ownership.change_owner(unit, "bot", reason="customer_wrote")


async def _write_failure(unit: Unit, message: Message, wants_person: bool) -> None:
    conversation = unit.conversation
    conversation.failures += 1
    if wants_person:
        await _hand_off(unit, message.id, "customer_request", _ASKED_IN_OUTAGE)
    elif conversation.failures >= 2 and conversation.owner == "bot":
        unit.say(notices.second_failure(), sender="system", turn_of=message.id)
        await _hand_off(unit, message.id, "tool_failure", "机器人连续两次没有处理成功客户的消息。")
    else:
        unit.say(notices.apology(), sender="system", turn_of=message.id)


async def _hand_off(unit: Unit, message_id: int, reason: str, summary: str) -> None:
    await ownership.hand_off(
        unit, reason=reason, summary=summary, slots={}, priority=_PRIORITY[reason], keep_bot=False, turn_of=message_id
    )


async def _tell_outage(unit: Unit) -> None:
    """Tells the customer once for the messages that were not told yet; a message asking for a person gets one now."""
    m = messages.c
    waiting = (
        await unit.connection.execute(
            select(m.id, m.text, m.payload, m.told_at)
            .where(m.conversation_id == unit.conversation.id, m.state == "pending")
            .order_by(m.seq)
        )
    ).all()
    for row in waiting:
        if ledger.asks_for_person(row.text, row.payload):
            await ledger.settle(unit.connection, row.id, "answered")
            await _hand_off(unit, row.id, "customer_request", _ASKED_IN_OUTAGE)
            return
    untold = [row.id for row in waiting if row.told_at is None]
    if untold:
        await unit.connection.execute(update(messages).where(m.id.in_(untold)).values(told_at=unit.now))
        unit.say(notices.outage(), sender="system", turn_of=untold[-1])
