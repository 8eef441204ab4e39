"""One transaction on one conversation: lock the row, collect outgoing messages, write all in few statements, wake the waiters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from psycopg.types.json import Jsonb

from chebao.conversations import notices, statements
from chebao.conversations.buttons import payloads
from chebao.conversations.commands import readable
from chebao.conversations.service import Service
from chebao.conversations.signals import CHANNEL, Signals
from chebao.conversations.types import PULLED, Conversation, Message, Reply, Sender
from chebao.db import Connection, Pool, transaction
from chebao.errors import NotFound

_WITH_PEOPLE = ("queued", "agent")
_FOR_PEOPLE = ("handoff", "priority", "skill", "held_at", "verified", "reachable")
"""What people are shown of a conversation besides its owner and its messages."""


@dataclass(frozen=True)
class Company:
    """What the notices say of us."""

    name: str
    hotline: str
    queue_wait_minutes: int
    chat_url: str = ""


@dataclass(frozen=True)
class Change:
    """What one flush of a unit has written.

    Attributes:
        before: the conversation as it was.
        messages: the rows of the stream that are new or have new words, the customer's and ours; ``at`` is an ISO string.
    """

    before: Conversation
    messages: list[dict[str, Any]]


class Observer(Protocol):
    """Whoever keeps account of what people do; called in the transaction itself, so that both are written or neither."""

    async def changed(self, unit: Unit, change: Change) -> None:
        """Called when owner or agent changed, and for all that happens while people have the conversation.

        It may write on `unit.connection`, but say nothing in the conversation.
        """


type Answerer = Callable[[Connection, Conversation, str], Awaitable[Reply | None]]
"""Answers by itself what a customer typed, where it is its own to answer; asked under the conversation's lock."""


@dataclass
class Surroundings:
    """What all units share."""

    company: Company
    signals: Signals
    observers: list[Observer] = field(default_factory=list)
    answerer: Answerer | None = None
    service: Service = field(default_factory=Service)


@dataclass
class Unit:
    """A conversation under lock, and what this transaction is going to say in it.

    Attributes:
        reason: why owner or agent changed, if they did.
        calls_turn: it left messages that wait for a turn of the dialogue.
        pushes: it says something that has to be handed to a platform.
    """

    connection: Connection
    conversation: Conversation
    around: Surroundings
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason: str | None = None
    calls_turn: bool = False
    pushes: bool = False
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _taken_in: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._before = dict(self.conversation.__dict__)

    @property
    def company(self) -> Company:
        return self.around.company

    @property
    def signals(self) -> Signals:
        return self.around.signals

    @property
    def service(self) -> Service:
        return self.around.service

    def say(
        self,
        reply: Reply,
        *,
        sender: Sender = "bot",
        turn_of: int | None = None,
        key: str | None = None,
        asks: dict[str, Any] | None = None,
    ) -> int:
        """Adds a message and returns its number; it carries the epoch in force when it is written.

        Before the first one of a conversation stands the privacy notice.

        Args:
            asks: ``{"intent", "entities"}`` with which the dialogue is asked to go on after it.
        """
        conversation = self.conversation
        if not conversation.noticed:
            conversation.noticed = True
            self._add(notices.privacy(self.company.name, self.company.hotline), "system", turn_of, None)
        self._add(reply, sender, turn_of, key)
        if asks:
            self.calls_turn = True
            self._rows[-1] |= {"payload": asks, "state": "pending"}
            self.leave_waiting()
        if sender != "system" or key:  # a notice of ours does not take the place of the choice that is being answered
            conversation.offered = payloads(reply.buttons, reply.custom) or conversation.offered
        return conversation.last_seq

    def leave_waiting(self) -> None:
        """A message is left pending without a claim: a free lease is no longer clean, so that none behind it is claimed alone."""
        if self.conversation.busy_by is None:
            self.conversation.busy_until = self.now

    def _add(self, reply: Reply, sender: Sender, turn_of: int | None, key: str | None) -> None:
        conversation = self.conversation
        conversation.last_seq += 1
        self.pushes |= conversation.channel not in PULLED
        self._rows.append(
            {
                "conversation_id": conversation.id,
                "seq": conversation.last_seq,
                "sender": sender,
                "channel": ("desk" if sender == "agent" else "backoffice") if key else conversation.channel,
                "account": "" if key else conversation.account,
                "platform_key": key,
                "text": readable(reply.text),
                "payload": None,
                "state": None,
                "buttons": reply.buttons or None,
                "image": reply.image,
                "custom": reply.custom,
                "attachments": reply.attachments or None,
                "turn_of": turn_of,
                "at": self.now.isoformat(),
                "delivery": None if conversation.channel in PULLED else "queued",
            }
        )

    def took_in(self, row: dict[str, Any]) -> None:
        """A message of the customer's that stands in the ledger already, for the observers."""
        self._taken_in.append(row | {"at": self.now.isoformat()})

    def take_said(self) -> list[Message]:
        """What this transaction says, as messages that go to a caller in the same moment."""
        for row in self._rows:
            row["delivered_at"] = row["at"]
        return [Message.of(row | {"at": self.now}) for row in self._rows]

    async def flush(self) -> None:
        """Writes the outbox rows and what changed of the conversation, queues the wake-up of other processes, tells the observers.

        Called again, it writes what came up since.
        """
        for row in self._rows:
            row["epoch"] = self.conversation.epoch
        if self._rows:
            await self.connection.execute(statements.insert_messages(tuple(self._rows[0])), (Jsonb(self._rows),))
        changed = {k: v for k, v in self.conversation.__dict__.items() if v != self._before[k]}
        values = statements.values_of(changed) | {"id": self.conversation.id}
        await self.connection.execute(statements.update_conversation(tuple(changed)), values)
        if not self.signals.alone:
            payload = f"{self.signals.instance}:{self.conversation.id}"
            await self.connection.execute(statements.NOTIFY, (CHANNEL, payload))
        before, written = self._before, [*self._taken_in, *self._rows]
        self._before, self._taken_in, self._rows = dict(self.conversation.__dict__), [], []
        if self.around.observers and self._concerns_people(before, changed, written):
            # What people are told of must not be lost with the database server, as a turn may.
            await self.connection.execute("SET LOCAL synchronous_commit = on")
            change = Change(Conversation(**before), written)
            for observer in self.around.observers:
                await observer.changed(self, change)

    def _concerns_people(self, before: dict[str, Any], changed: dict[str, Any], written: list[dict[str, Any]]) -> bool:
        if "owner" in changed or "agent_id" in changed:
            return True
        theirs = before["owner"] in _WITH_PEOPLE
        return theirs and (bool(written) or any(name in changed for name in _FOR_PEOPLE))


async def lock_unit(connection: Connection, around: Surroundings, conversation_id: str) -> Unit:
    """A unit on a known conversation in an open transaction, which flushes it and wakes the waiters afterwards.

    Raises:
        NotFound: no such conversation.
    """
    row = await (await connection.execute(statements.BY_ID_LOCKED, (conversation_id,))).fetchone()
    if row is None:
        raise NotFound("没有找到这个会话。")
    return Unit(connection, Conversation(**row), around)


@asynccontextmanager
async def open_unit(pool: Pool, around: Surroundings, conversation_id: str) -> AsyncIterator[Unit]:
    """A unit on a known conversation; commits on leaving, rolls back on an error.

    Raises:
        NotFound: no such conversation.
    """
    async with transaction(pool) as connection:
        unit = await lock_unit(connection, around, conversation_id)
        yield unit
        await unit.flush()
    around.signals.wake(conversation_id, pushes=unit.pushes)
