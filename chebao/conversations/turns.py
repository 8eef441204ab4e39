"""The turn runner: at most one turn of a conversation at a time, in order, whatever dies in between.

A turn holds the conversation's lease (`busy_by` = this instance); a lease given back clean (`busy_until` empty too) says that no
older message waits. The turn's messages stay pending until the replies stand in the outbox, in one transaction with the effects;
so a turn that dies anywhere before is asked again with the same messages (`turn_seq`) under the same message id, and Rasa answers
that with the stored replies.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from psycopg import DataError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations import continuation, ledger, outbox, outcomes, ownership, statements
from chebao.conversations.attachments import Attachments
from chebao.conversations.callers import Callers
from chebao.conversations.outcomes import Outcome
from chebao.conversations.pace import Gate, Pace
from chebao.conversations.rasa import Rasa, RasaAway, RasaFailed
from chebao.conversations.types import PULLED, Conversation, Message, Work
from chebao.conversations.unit import Surroundings, Unit
from chebao.db import Connection, Pool, transaction
from chebao.logs import line

log = logging.getLogger(__name__)

_PROBE_EVERY = 1.0
_AT_ONCE = 8
"""Turns that Rasa is asked to run at once: it works on one core, and what waits for it waits here, in order."""

_TAKEN_UP_AT_ONCE = 16
_FRESH = 10.0
"""Seconds after which a claim that still waits for its place is renewed."""

_CALM = 2.0
"""Seconds after a turn for which a customer's pace is remembered."""

_LONGEST_SILENCE = 5.0
"""Seconds for which a customer's silence is waited for at most."""


class Turns:
    """Runs turns in background tasks of this process, one task per conversation."""

    def __init__(
        self,
        engine: AsyncEngine,
        pool: Pool,
        around: Surroundings,
        rasa: Rasa,
        attachments: Attachments | None = None,
    ) -> None:
        self._engine, self._pool, self._around, self._rasa = engine, pool, around, rasa
        self._signals = around.signals
        self._attachments = attachments
        self.callers = Callers()
        self.asking: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._given: dict[str, Work] = {}
        self._gate = Gate(_AT_ONCE)
        self._paces: dict[str, Pace] = defaultdict(Pace)
        self._awaited: dict[str, tuple[float, asyncio.TimerHandle]] = {}
        self._outage: asyncio.Task[None] | None = None
        self._stopping = False

    def start(
        self, conversation_id: str, work: Work | None = None, *, written: bool = False, silence: float = 0.0
    ) -> None:
        """Sees to it that the conversation's pending messages are worked on, beginning with a turn already claimed.

        Args:
            written: the customer has just written one of them.
            silence: seconds in which nothing further comes before they are.
        """
        if self._stopping:
            return
        if written:
            self._paces[conversation_id].message(asyncio.get_running_loop().time())
        if silence:
            self._await_silence(conversation_id, silence)
            return
        if work:
            self._given[conversation_id] = work
        if conversation_id in self._tasks:
            self._again.add(conversation_id)
            return
        self._tasks[conversation_id] = asyncio.create_task(self._run(conversation_id), name=f"turn-{conversation_id}")

    def _await_silence(self, conversation_id: str, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        known = self._awaited.get(conversation_id)
        if known:
            known[1].cancel()
        if conversation_id in self._tasks:
            self._again.add(conversation_id)  # a turn that is claimed and not begun takes the message in
        self._listen_on(conversation_id, seconds, known[0] if known else now + _LONGEST_SILENCE)

    def _listen_on(self, conversation_id: str, seconds: float, latest: float) -> None:
        loop = asyncio.get_running_loop()
        due = min(loop.time() + seconds, latest)
        timer = loop.call_at(due, self._silent, conversation_id, seconds, due, latest)
        self._awaited[conversation_id] = (latest, timer)

    def _silent(self, conversation_id: str, seconds: float, due: float, latest: float) -> None:
        now = asyncio.get_running_loop().time()
        if now - due > seconds / 4 and now < latest:
            # a process that was held up has not yet read what arrived meanwhile
            self._listen_on(conversation_id, seconds, latest)
            return
        del self._awaited[conversation_id]
        self.start(conversation_id)

    def works_on(self, conversation_id: str) -> bool:
        """Whether this process works on the conversation, so that its waiting callers will be told."""
        return conversation_id in self._tasks

    @property
    def rasa_away(self) -> bool:
        """Whether the dialogue service is known to be away."""
        return self._outage is not None

    async def stop(self) -> None:
        """Stops all turns where they are; their messages stay pending, their leases are freed."""
        self._stopping = True
        for _, timer in self._awaited.values():
            timer.cancel()
        tasks = [*self._tasks.values(), *([self._outage] if self._outage else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with self._pool.connection() as connection:
            await connection.execute(statements.FREE_LEASES, (self._signals.instance,))

    async def resume(self) -> None:
        """Takes up every unfinished message that no live instance works on.

        While Rasa is away those are enough whose customers were not told yet.
        """
        calm = asyncio.get_running_loop().time() - _CALM
        for conversation_id in [c for c, pace in self._paces.items() if pace.ended < calm]:
            del self._paces[conversation_id]
        await ledger.free_dead_leases(self._engine)
        waiting = await ledger.unanswered(self._engine, untold=self.rasa_away)
        gate = asyncio.Semaphore(_TAKEN_UP_AT_ONCE)

        async def one(conversation_id: str) -> None:
            async with gate:
                self.start(conversation_id)
                if task := self._tasks.get(conversation_id):
                    await asyncio.wait([task])

        await asyncio.gather(*(one(c) for c in waiting if c not in self._tasks and c not in self._awaited))

    async def _run(self, conversation_id: str) -> None:
        try:
            while True:
                self._again.discard(conversation_id)
                await self._drain(conversation_id)
                if conversation_id not in self._again or conversation_id in self._awaited:
                    break
        except Exception:
            log.exception(line("turn_crashed", conversation=conversation_id))
        finally:
            self._tasks.pop(conversation_id, None)
            self.asking.discard(conversation_id)
            self._again.discard(conversation_id)
            self._given.pop(conversation_id, None)
            self._signals.wake(conversation_id)  # whoever waits for another instance's turn looks for himself now

    async def _drain(self, conversation_id: str) -> None:
        """One turn after the other until nothing waits."""
        work = self._given.pop(conversation_id, None) or await self._claim(conversation_id)
        pace, clock = self._paces[conversation_id], asyncio.get_running_loop().time
        try:
            while work:
                claimed = clock()
                await pace.heard_out(claimed)
                async with self._gate.entered(work.messages[0].at):
                    if conversation_id in self._again or clock() - claimed > _FRESH:
                        self._again.discard(conversation_id)
                        work = await self._claim(conversation_id, unasked=work)
                        if work is None:
                            break
                    pace.begin(clock())
                    self.asking.add(conversation_id)
                    outcome = await self._ask(work)
                work = await self._written(work, outcome)
                self.asking.discard(conversation_id)
        finally:
            pace.end(clock())  # also where no turn was due: one that never ends would be remembered for good

    async def _written(self, work: Work, outcome: Outcome | None) -> Work | None:
        try:
            return await self._finish(work, outcome)
        except (DataError, UnicodeEncodeError):
            # Rasa would give the same replies for ever; the error's own words may hold them, so they stay out of the log.
            log.error(line("replies_not_storable", conversation=work.conversation.id, message=work.last.id))
            return await self._finish(work, Outcome(None, "not_storable"))

    async def _ask(self, work: Work) -> Outcome | None:
        """The outcome, or None when Rasa is away."""
        began = time.monotonic()
        try:
            message = await self._attachments.described(work.message) if self._attachments else work.message
            first = await self._rasa.ask(work.conversation, message, once=self.rasa_away)
            answer = await continuation.answer(self._engine, self._rasa, work, first)
            if self._attachments:
                await self._attachments.forget_places(message)
                self._attachments.expect(answer.replies)
        except RasaFailed as failure:
            problem = str(failure)
        except RasaAway as away:
            log.warning(line("rasa_away", conversation=work.conversation.id, message=work.last.id, reason=away))
            return None
        except Exception as bug:  # a message that nobody can answer must not hold up those behind it
            log.exception(line("turn_crashed", conversation=work.conversation.id, message=work.last.id))
            return Outcome(None, type(bug).__name__)
        else:
            log.info(
                line("turn_ended", conversation=work.conversation.id, message=work.last.id, messages=len(work.messages),
                     ms=round((time.monotonic() - began) * 1000), replies=len(answer.replies))
            )  # fmt: skip
            return Outcome(answer)
        log.error(line("turn_failed", conversation=work.conversation.id, message=work.last.id, reason=problem))
        return Outcome(None, problem)

    async def _claim(self, conversation_id: str, *, unasked: Work | None = None) -> Work | None:
        """Takes the lease and the messages of the next turn; None where another instance holds it or nothing waits.

        Args:
            unasked: our own claim, which Rasa was not asked yet: what came in since then may join it, unless it is a repetition.
        """
        async with transaction(self._pool) as connection:
            unit, waiting = await self._locked(connection, conversation_id)
            conversation = unit.conversation
            ours = conversation.busy_by == self._signals.instance
            if not ours and conversation.busy_by is not None and (conversation.busy_until or unit.now) > unit.now:
                return None
            if waiting and not conversation.bot_answers:
                await ownership.silence_pending(unit, None)
                waiting = []
            begun = None if ours and unasked and not unasked.repeated else conversation.turn_seq
            turn = ledger.next_turn(waiting, begun)
            self._lease(unit, turn)
            claimed = replace(conversation)
            await unit.flush()
        return Work(claimed, turn, begun is not None) if turn else None

    async def _locked(self, connection: Connection, conversation_id: str) -> tuple[Unit, list[Message]]:
        """The conversation under lock and its messages that wait for a turn, in one round trip."""
        found = await connection.execute(statements.BY_ID_LOCKED, (conversation_id,))
        rows = await connection.execute(statements.PENDING, (conversation_id,))
        row = await found.fetchone()
        assert row is not None
        unit = Unit(connection, Conversation(**row), self._around)
        return unit, [Message(**row) for row in await rows.fetchall()]

    def _lease(self, unit: Unit, turn: Sequence[Message]) -> None:
        """Keeps the lease for this turn, or gives it back where there is none."""
        conversation = unit.conversation
        conversation.busy_by = self._signals.instance if turn else None
        conversation.busy_until = unit.now + ledger.LEASE if turn else None
        conversation.turn_seq = turn[-1].seq if turn else None

    async def _finish(self, work: Work, outcome: Outcome | None) -> Work | None:
        """Writes the outcome; returns the next turn of the conversation, or None with the lease freed."""
        ids = [message.id for message in work.messages]
        async with transaction(self._pool) as connection:
            unit, waiting = await self._locked(connection, work.conversation.id)
            conversation = unit.conversation
            answered = conversation.epoch == work.conversation.epoch and work.last.id not in {m.id for m in waiting}
            if answered or conversation.busy_by != self._signals.instance:
                log.warning(line("lease_lost", conversation=conversation.id, message=work.last.id))
                return None
            taken = None
            if conversation.epoch != work.conversation.epoch:
                await outcomes.drop(unit, work, outcome)
            elif outcome is None:
                await outcomes.tell_outage(unit, waiting)
                ids = [message.id for message in waiting]
            else:
                await outcomes.write(unit, work, outcome)
                waiting, conversation.turn_seq = waiting[len(ids) :], None
                if conversation.channel in PULLED and self.callers.last_of(ids) is not None:
                    taken = await outbox.take_with(unit, self.callers.besides(ids))
            begun = conversation.turn_seq
            awaited = begun is None and conversation.id in self._awaited
            following = ledger.next_turn(waiting, begun) if conversation.bot_answers and outcome and not awaited else ()
            if outcome:
                self._lease(unit, following)
            else:
                conversation.busy_by, conversation.busy_until = None, unit.now
            await unit.flush()
        self._signals.wake(conversation.id, pushes=unit.pushes)
        self.callers.tell(ids, await taken.messages() if taken else None)
        if outcome is None:
            self._begin_outage()
        return Work(replace(conversation), following, begun is not None) if following else None

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
