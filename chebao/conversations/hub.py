"""The hub: what channels, desk and outreach call. One object per process, made by `chebao.app`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao import background
from chebao.conversations import commands, ledger, links, notices, outbox, ownership, questions, statements
from chebao.conversations.attachments import Attachments
from chebao.conversations.buttons import Tokens
from chebao.conversations.callers import Caller
from chebao.conversations.delivery import Delivery
from chebao.conversations.people import People
from chebao.conversations.rasa import Rasa
from chebao.conversations.service import Service
from chebao.conversations.signals import Signals
from chebao.conversations.summaries import Summaries, SummaryWriter
from chebao.conversations.tables import conversations
from chebao.conversations.turns import Turns
from chebao.conversations.types import MAX_TEXT, Accepted, Conversation, Incoming, Message, Reply, Sender
from chebao.conversations.unit import Answerer, Company, Observer, Surroundings, Unit, open_unit
from chebao.conversations.wire import Wire
from chebao.db import make_pool
from chebao.errors import NotFound
from chebao.logs import line

log = logging.getLogger(__name__)

_SWEEP_EVERY = 5.0
_DOOR_PATIENCE = 20.0


class Hub(People):
    """Ledger, turns, ownership and outbox behind one door.

    Attributes:
        on_typing: told of a conversation whether its customer is writing at this moment, where his channel knows.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        database_url: str,
        rasa: Rasa,
        company: Company,
        *,
        secret: str,
        attachments: Attachments | None = None,
        sweep_every: float = _SWEEP_EVERY,
        wire: Wire | None = None,
        writer: SummaryWriter | None = None,
    ) -> None:
        self.engine = engine
        self.rasa = rasa
        self.company = company
        self.tokens = Tokens(secret)
        self.signals = Signals(database_url)
        self.around = Surroundings(company, self.signals)
        self.on_typing: Callable[[str, bool], None] = lambda conversation_id, typing: None
        # Apart, so that taking messages in, and looking, never waits for turns.
        self._pool = make_pool(database_url, size=8)
        # A turn whose end is lost with the database server is asked again, and Rasa answers it as it did: no need to wait for the disk.
        self._turn_pool = make_pool(database_url, size=8, wait_for_disk=False)
        self.turns = Turns(engine, self._turn_pool, self.around, rasa, attachments)
        self.delivery = Delivery(engine, self.signals, sweep_every=sweep_every, wire=wire)
        self._summaries = Summaries(self._pool, self.around, writer) if writer else None
        if self._summaries:
            self.observe(self._summaries)
        self._sweep_every = sweep_every
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def service(self) -> Service:
        """What the desk tells the hub about people's service; the desk sets it."""
        return self.around.service

    def observe(self, observer: Observer) -> None:
        """Has what people do told to `observer`, in the transaction in which it happens."""
        self.around.observers.append(observer)

    def answer_with(self, answerer: Answerer) -> None:
        """Asks `answerer` first for the answer to what customers type while no person serves them."""
        self.around.answerer = answerer

    async def start(self) -> None:
        """Begins to listen and takes up unfinished messages."""
        await asyncio.gather(self._pool.open(), self._turn_pool.open())
        await self.signals.start()
        self.delivery.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="hub-sweeper")

    async def stop(self) -> None:
        await background.stop(self._sweeper)
        await self.turns.stop()
        if self._summaries:
            await self._summaries.stop()
        await self.delivery.stop()
        await self.signals.stop()
        await self.rasa.close()
        await asyncio.gather(self._pool.close(), self._turn_pool.close())

    # incoming

    def refusal(self, incoming: Incoming) -> str | None:
        """Why a message cannot be taken, as a Chinese sentence; None for one that can."""
        if len(incoming.text) > MAX_TEXT:
            return notices.TOO_LONG
        if incoming.location or incoming.attachments or incoming.event or commands.readable(incoming.text):
            return None
        return notices.UNREADABLE if incoming.text.strip() else notices.EMPTY

    async def accept(self, incoming: Incoming) -> Accepted:
        """Writes a customer's message to the ledger and starts its turn; returns when it is safe."""
        admitted = await self._admit(incoming)
        self.signals.wake(admitted.accepted.conversation_id, pushes=admitted.pushes)
        # Of a message sent twice, the first caller may have ended before its turn began.
        if admitted.pending or admitted.accepted.duplicate:
            written = not admitted.accepted.duplicate
            conversation_id = admitted.accepted.conversation_id
            self.turns.start(conversation_id, admitted.work, written=written, silence=incoming.silence)
        return admitted.accepted

    async def edit(self, channel: str, account: str, peer: str, ref: str, text: str) -> bool:
        """The customer changed the words of the message `ref`; starts no turn. False where nothing is known of it."""
        async with self._of(channel, account, peer) as unit:
            return unit is not None and await ledger.edit(unit, ref, text)

    async def set_reachable(self, channel: str, account: str, peer: str, *, reachable: bool) -> None:
        """The platform said whether messages still get through to the customer."""
        async with self._of(channel, account, peer) as unit:
            if unit is not None:
                unit.conversation.reachable = reachable

    @asynccontextmanager
    async def _of(self, channel: str, account: str, peer: str) -> AsyncIterator[Unit | None]:
        """A unit on the conversation of an address; None for one never heard of."""
        async with self._pool.connection() as connection:
            known = await ledger.find_conversation(connection, channel, account, peer)
        if known is None:
            yield None
            return
        async with open_unit(self._pool, self.around, known.id) as unit:
            yield unit

    async def converse(self, incoming: Incoming) -> list[dict[str, Any]]:
        """Accepts a message, waits for its turn, and returns what the customer is shown for it.

        Where several messages were answered together, the caller of the last one gets the answer, the others get nothing.
        """
        admitted = await self._admit(incoming)
        accepted, callers = admitted.accepted, self.turns.callers
        with self.watch(accepted.conversation_id) as changed, callers.waiting(accepted.message_id, changed) as caller:
            self.signals.wake(accepted.conversation_id, pushes=admitted.pushes)
            changed.clear()
            settled = await self._settled(admitted, caller) if admitted.pending or accepted.duplicate else True
            found = caller.answer
            if found is None:
                async with self._turn_pool.connection() as connection:
                    found = await outbox.take_for_door(connection, accepted, callers.besides(()))
        shown = [outbox.shown(self.tokens, message) for message in found]
        return shown if settled or shown else [{"text": notices.still_working().text, "buttons": []}]

    async def _admit(self, incoming: Incoming) -> ledger.Admission:
        return await ledger.accept(self._pool, self.tokens, self.around, incoming, self.turns.asking)

    async def _settled(self, admitted: ledger.Admission, caller: Caller) -> bool:
        """Starts the message's turn and waits until it is over, or the customer was told that it will take longer."""
        accepted = admitted.accepted
        if accepted.duplicate and await self._is_over(accepted):
            return True
        self.turns.start(accepted.conversation_id, admitted.work, written=not accepted.duplicate)
        with suppress(TimeoutError):
            async with asyncio.timeout(_DOOR_PATIENCE):
                while True:
                    await caller.changed.wait()
                    caller.changed.clear()
                    elsewhere = not self.turns.works_on(accepted.conversation_id)
                    if caller.ended or (elsewhere and await self._is_over(accepted)):
                        return True
        return False

    async def _is_over(self, accepted: Accepted) -> bool:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(statements.SETTLED, (accepted.message_id,))).fetchone()
        return row is not None and bool(row["over"])

    async def vote(self, conversation_id: str, seq: int, helpful: bool) -> None:
        """Keeps whether an answer of the bot helped; a later vote replaces the first.

        Raises:
            NotFound: the bot said nothing under that number.
        """
        async with self._pool.connection() as connection:
            if not await ledger.vote(connection, conversation_id, seq, helpful):
                raise NotFound("没有找到这条回答。")

    async def turn_over(self, accepted: Accepted, *, within: float) -> bool:
        """Waits until a message is answered, or need not be, at most `within` seconds; whether it is."""
        if not accepted.waits:
            return True
        with (
            self.watch(accepted.conversation_id) as changed,
            self.turns.callers.waiting(accepted.message_id, changed) as caller,
            suppress(TimeoutError),
        ):
            async with asyncio.timeout(within):
                while not caller.ended and not await self._is_over(accepted):
                    await changed.wait()
                    changed.clear()
                return True
        return False

    # outgoing

    async def announce(
        self, conversation_id: str, reply: Reply, *, key: str, sender: Sender = "system", ends: str | None = None
    ) -> bool:
        """Says something by itself, once per `key`, whoever owns the conversation; False for a key said before.

        Args:
            ends: name of the task that ends with it (``task:…``); the customer is asked how satisfied he is, if nothing else is asked.

        Raises:
            NotFound: no such conversation.
        """
        try:
            async with open_unit(self._pool, self.around, conversation_id) as unit:
                said = {"channel": "backoffice", "account": "", "key": key}
                if await (await unit.connection.execute(statements.KNOWN, said)).fetchone():
                    return False
                unit.say(reply, sender=sender, key=key)
                if ends and await questions.at_rest(unit):
                    await questions.ask_score(unit, ends)
        except UniqueViolation:
            return False
        return True

    async def notify(self, conversation_id: str, reply: Reply, *, key: str, ends: str | None = None) -> bool:
        """Tells a customer of his business, once per `key`, where he wrote last and may still be reached.

        Where nothing may be said now it waits in the channel used last; a channel abroad that he has not agreed to is no channel.

        Args:
            ends: see `announce`.

        Raises:
            NotFound: no such conversation.
        """
        async with self.engine.connect() as connection:
            candidates = await links.last_used(connection, conversation_id)
        for conversation in candidates:
            if await self.delivery.takes(conversation):
                return await self.announce(conversation.id, reply, key=key, ends=ends)
        if not candidates:
            log.warning(line("notice_without_channel", conversation=conversation_id, key=key))
            return False
        waits = next((c for c in candidates if c.reachable), candidates[0])
        return await self.announce(waits.id, reply, key=key, ends=ends)

    async def linked(self, conversation_id: str) -> list[dict[str, Any]]:
        """The conversations of the same customer, as far as he proved it."""
        async with self.engine.connect() as connection:
            return await links.linked(connection, conversation_id)

    async def forget(self, conversation_id: str, *, everywhere: bool) -> int:
        """Ends proof and link of a customer, here or in all his conversations. Returns in how many.

        Raises:
            NotFound: no such conversation.
        """
        async with open_unit(self._pool, self.around, conversation_id) as unit:
            return await links.forget(unit, everywhere=everywhere)

    # looking

    def watch(self, conversation_id: str) -> AbstractContextManager[asyncio.Event]:
        """An event set whenever the conversation changes."""
        return self.signals.watch(conversation_id)

    async def find(self, channel: str, account: str, peer: str) -> tuple[Conversation, int | None]:
        """The conversation of a customer's address and its place in the queue.

        Raises:
            NotFound: never heard of.
        """
        async with self._pool.connection() as connection:
            conversation = await ledger.find_conversation(connection, channel, account, peer)
            if conversation is None:
                raise NotFound("没有找到这个会话。")
            return conversation, await ownership.queue_position(connection, conversation)

    async def messages_after(self, conversation_id: str, seq: int, limit: int = 200) -> Sequence[Message]:
        """The numbered stream after `seq`."""
        async with self._pool.connection() as connection:
            return await ledger.messages_after(connection, conversation_id, seq, limit)

    async def ready(self) -> dict[str, bool]:
        """Health of what the hub needs: database, dialogue service, action server."""
        try:
            async with asyncio.timeout(2), self.engine.connect() as connection:
                await connection.execute(select(1))
            database = True
        except (SQLAlchemyError, TimeoutError, OSError) as error:
            log.warning(line("database_not_ready", error=type(error).__name__))
            database = False
        return {"database": database, **await self.rasa.ready()}

    # timers

    async def _sweep(self) -> None:
        """Takes up orphaned messages and empties the queue of those who waited too long."""
        while True:
            try:
                await self.turns.resume()
                await self._return_waiting()
            except Exception:
                log.exception(line("sweep_failed"))
            await asyncio.sleep(self._sweep_every)

    async def _return_waiting(self) -> None:
        c = conversations.c
        minutes = self.company.queue_wait_minutes
        asked_after = timedelta(minutes=minutes) - ownership.choice_before_limit(minutes)
        due = select(c.id).where(c.owner == "queued", c.queued_at <= func.now() - asked_after).limit(100)
        async with self.engine.connect() as connection:
            waiting = await _ids(connection, due)
        for conversation_id in waiting:
            async with open_unit(self._pool, self.around, conversation_id) as unit:
                if ownership.waited_too_long(unit):
                    await ownership.return_after_wait(unit)
                else:
                    ownership.offer_choice(unit)


async def _ids(connection: AsyncConnection, statement: Any) -> list[str]:
    return list((await connection.execute(statement)).scalars())
