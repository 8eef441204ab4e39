"""One transaction on one conversation: lock the row, collect outgoing messages, write all in few statements, wake the waiters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.conversations import notices
from chebao.conversations.buttons import payloads
from chebao.conversations.commands import readable
from chebao.conversations.signals import CHANNEL, Signals
from chebao.conversations.tables import conversations, messages
from chebao.conversations.types import PULLED, Conversation, Reply, Sender
from chebao.errors import NotFound

_FIXED = {"id", "channel", "account", "peer", "created_at"}


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

    connection: AsyncConnection
    conversation: Conversation
    company: Company
    instance: int = 0
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _rows: list[dict[str, Any]] = field(default_factory=list)

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
                "delivery": None if conversation.channel in PULLED else "queued",
            }
        )

    @property
    def pushes(self) -> bool:
        """Whether this transaction says something that has to be handed to a platform."""
        return bool(self._rows) and self.conversation.channel not in PULLED

    async def flush(self) -> None:
        """Writes the outbox rows and the conversation, and queues the wake-up for the commit."""
        for row in self._rows:
            row["epoch"] = self.conversation.epoch
        if self._rows:
            await self.connection.execute(insert(messages), self._rows)
        values = {k: v for k, v in asdict(self.conversation).items() if k not in _FIXED} | {"updated_at": self.now}
        await self.connection.execute(
            update(conversations)
            .where(conversations.c.id == self.conversation.id)
            .values(**values)
            .returning(func.pg_notify(CHANNEL, f"{self.instance}:{self.conversation.id}"))
        )


@asynccontextmanager
async def open_unit(
    engine: AsyncEngine, signals: Signals, company: Company, conversation_id: str
) -> AsyncIterator[Unit]:
    """A unit on a known conversation; commits on leaving, rolls back on an error.

    Raises:
        NotFound: no such conversation.
    """
    async with engine.begin() as connection:
        row = (
            await connection.execute(
                select(conversations).where(conversations.c.id == conversation_id).with_for_update()
            )
        ).one_or_none()
        if row is None:
            raise NotFound("没有找到这个会话。")
        unit = Unit(connection, Conversation(**row._mapping), company, signals.instance)
        yield unit
        await unit.flush()
    signals.wake(conversation_id, pushes=unit.pushes)
