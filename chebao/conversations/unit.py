"""One transaction on one conversation: lock the row, collect outgoing messages, write all in few statements, wake the waiters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from chebao.conversations import notices, statements
from chebao.conversations.buttons import payloads
from chebao.conversations.commands import readable
from chebao.conversations.signals import CHANNEL, Signals
from chebao.conversations.types import PULLED, Conversation, Message, Reply, Sender
from chebao.db import Connection, Pool, transaction
from chebao.errors import NotFound


@dataclass(frozen=True)
class Company:
    """What the notices say of us."""

    name: str
    hotline: str
    queue_wait_minutes: int
    chat_url: str = ""


@dataclass
class Unit:
    """A conversation under lock, and what this transaction is going to say in it."""

    connection: Connection
    conversation: Conversation
    company: Company
    signals: Signals
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._before = dict(self.conversation.__dict__)

    def say(self, reply: Reply, *, sender: Sender = "bot", turn_of: int | None = None, key: str | None = None) -> None:
        """Adds a message; it carries the epoch in force at the commit. Before the first one of a conversation stands the privacy notice."""
        conversation = self.conversation
        if not conversation.noticed:
            conversation.noticed = True
            self._add(notices.privacy(self.company.name, self.company.hotline), "system", turn_of, None)
        self._add(reply, sender, turn_of, key)
        if sender != "system" or key:  # a notice of ours does not take the place of the choice that is being answered
            conversation.offered = payloads(reply.buttons, reply.custom) or conversation.offered

    def _add(self, reply: Reply, sender: Sender, turn_of: int | None, key: str | None) -> None:
        conversation = self.conversation
        conversation.last_seq += 1
        self._rows.append(
            {
                "conversation_id": conversation.id,
                "seq": conversation.last_seq,
                "sender": sender,
                "channel": "backoffice" if key else conversation.channel,
                "account": "" if key else conversation.account,
                "platform_key": key,
                "text": readable(reply.text),
                "buttons": reply.buttons or None,
                "image": reply.image,
                "custom": reply.custom,
                "turn_of": turn_of,
                "at": self.now.isoformat(),
                "delivery": None if conversation.channel in PULLED else "queued",
            }
        )

    @property
    def pushes(self) -> bool:
        """Whether this transaction says something that has to be handed to a platform."""
        return bool(self._rows) and self.conversation.channel not in PULLED

    def take_said(self) -> list[Message]:
        """What this transaction says, as messages that go to a caller in the same moment."""
        for row in self._rows:
            row["delivered_at"] = row["at"]
        return [Message.of(row | {"at": self.now}) for row in self._rows]

    async def flush(self) -> None:
        """Writes the outbox rows and what changed of the conversation, and queues the wake-up of other processes."""
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


@asynccontextmanager
async def open_unit(pool: Pool, signals: Signals, company: Company, conversation_id: str) -> AsyncIterator[Unit]:
    """A unit on a known conversation; commits on leaving, rolls back on an error.

    Raises:
        NotFound: no such conversation.
    """
    async with transaction(pool) as connection:
        row = await (await connection.execute(statements.BY_ID_LOCKED, (conversation_id,))).fetchone()
        if row is None:
            raise NotFound("没有找到这个会话。")
        unit = Unit(connection, Conversation(**row), company, signals)
        yield unit
        await unit.flush()
    signals.wake(conversation_id, pushes=unit.pushes)
