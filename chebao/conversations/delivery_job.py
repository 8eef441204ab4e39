"""One delivery job: the right to hand over a conversation's waiting messages, and what a channel says of each.

States of a message (`hub.messages.delivery`)::

    queued ─▶ sending ─▶ sent                    the platform took it
      ▲         │ ├────▶ failed                  for good; agents see the reason
      │         │ └────▶ unconfirmed             the answer never came: it almost certainly went out, never sent again
      ├─────────┘                                the platform refused for now (`DeliveryJob.retry_after`)
      └──▶ parked                                until a moment, or until the customer's next message
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.conversations.tables import conversations, deliveries, messages
from chebao.conversations.types import Conversation, Message
from chebao.conversations.wire import Wire
from chebao.logs import line

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
_LONGEST_PAUSE = 300.0
_GAVE_UP = "gave_up"


class DeliveryLost(Exception):
    """The job may not send this any more: another process took over, or an agent now speaks in the bot's place."""


class PushChannel(Protocol):
    """A channel that messages are handed to."""

    @property
    def name(self) -> str: ...

    async def takes(self, conversation: Conversation) -> bool:
        """Whether the platform would take a message of ours in this conversation now."""

    async def deliver(self, job: DeliveryJob) -> None:
        """Hands over the job's messages in order and says of each what became of it.

        What it leaves `sending` becomes unconfirmed, what it leaves alone stays queued. An error ends the job and is tried
        again later.
        """


class DeliveryJob:
    """The right to hand over one conversation's waiting messages, made by `Delivery`.

    Attributes:
        conversation: as it was when the job began.
        messages: what waits, oldest first.
        attempts: how many jobs before this one were told to come again later.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        instance: int,
        conversation: Conversation,
        waiting: Sequence[Message],
        attempts: int,
        wire: Wire | None = None,
    ) -> None:
        self._engine, self._instance, self._wire = engine, instance, wire
        self.conversation = conversation
        self.messages = tuple(waiting)
        self.attempts = attempts
        self.pause: float | None = None
        self.progressed = False
        self.parks = False
        self._kept: set[int] = set()

    @property
    def ids(self) -> list[int]:
        return [message.id for message in self.messages]

    @property
    def uncertain(self) -> list[int]:
        """All but those of which no byte has left, as far as the channel says when they do."""
        return [number for number in self.ids if number not in self._kept]

    async def sending(self, *ids: int, ref: str | None = None, noted: bool = False) -> None:
        """Commits the intent to hand these over now.

        Args:
            noted: the channel calls `leaving` right before the bytes go out; after a crash, what was not noted is sent.

        Raises:
            DeliveryLost: not to be sent by this job; end it.
        """
        if noted:
            self._keep(ids)
        m, c, d = messages.c, conversations.c, deliveries.c
        ours = select(d.conversation_id).where(d.conversation_id == self.conversation.id, d.busy_by == self._instance)
        silenced = select(c.id).where(
            c.id == m.conversation_id, c.owner == "agent", m.sender == "bot", m.epoch < c.epoch
        )
        async with self._engine.begin() as connection:
            changed = await connection.execute(
                update(messages)
                .where(m.id.in_(ids), m.delivery.in_(("queued", "parked")), ours.exists(), ~silenced.exists())
                .values(
                    delivery="sending",
                    delivery_ref=ref,
                    delivery_reason=None,
                    delivery_host=self._wire.host if noted and self._wire else None,
                )
            )
            if changed.rowcount != len(ids):
                raise DeliveryLost
            await connection.execute(
                update(deliveries)
                .where(d.conversation_id == self.conversation.id)
                .values(busy_until=func.now() + LEASE)
            )

    def leaving(self, *ids: int) -> None:
        """Notes, in a way that outlives the process, that the bytes of these go out now."""
        self._kept.difference_update(ids)
        if self._wire:
            self._wire.leaving(ids)

    def _keep(self, ids: Sequence[int]) -> None:
        """Of these no byte is out; where one was once, the platform refused it."""
        self._kept.update(ids)
        again = [m.id for m in self.messages if m.id in ids and (self.attempts or m.delivery == "parked")]
        if again and self._wire:
            self._wire.stayed(again)

    async def sent(self, *ids: int, ref: str | None = None) -> None:
        """The platform took these; `ref` is its id of the message."""
        await self._settle(ids, delivery="sent", delivered_at=func.now(), **({"delivery_ref": ref} if ref else {}))

    async def unconfirmed(self, *ids: int) -> None:
        """The platform may have taken these, nobody knows: never sent again. For a job that goes on after a time-out."""
        async with self._engine.begin() as connection:
            await unconfirm(connection, self.conversation.id, ids)
        self.progressed = True

    async def failed(self, *ids: int, reason: str) -> None:
        """These will never arrive; agents are shown the reason."""
        log.warning(line("delivery_failed", conversation=self.conversation.id, messages=len(ids), reason=reason))
        await self._settle(ids, delivery="failed", delivery_reason=reason)

    async def parked(self, *ids: int, reason: str, until: datetime | None, ref: str | None = None) -> None:
        """These wait.

        Args:
            until: a moment; None: until the customer's next message.
            ref: the platform's id of a short notice that announces them meanwhile.
        """
        self.parks |= until is None
        log.info(line("delivery_parked", conversation=self.conversation.id, messages=len(ids), reason=reason))
        after = self.conversation.last_customer_seq
        await self._settle(
            ids,
            delivery="parked",
            delivery_reason=reason,
            delivery_until=until,
            delivery_after=after,
            delivery_ref=ref,
        )

    async def give_up(self) -> None:
        """After many vain jobs: these wait for the customer's next message; what has done so and never came to be sent fails."""
        in_vain = [m.id for m in self.messages if m.delivery_reason == _GAVE_UP]
        if in_vain:
            await self.failed(*in_vain, reason=_GAVE_UP)
        if waiting := [number for number in self.ids if number not in in_vain]:
            await self.parked(*waiting, reason=_GAVE_UP, until=None)

    def retry_after(self, seconds: float) -> None:
        """The platform refused for now: return after this call. What was being sent is queued again."""
        self.pause = max(seconds, min(_LONGEST_PAUSE, 2.0**self.attempts) if self.attempts else 0.0)

    async def _settle(self, ids: Sequence[int], **values: Any) -> None:
        m = messages.c
        self.progressed = True
        async with self._engine.begin() as connection:
            await connection.execute(update(messages).where(m.id.in_(ids), m.delivery != "sent").values(**values))


async def unconfirm(connection: AsyncConnection, conversation_id: str, ids: Sequence[int]) -> None:
    """What is still `sending` got no answer; whether it arrived will not be known."""
    left = await connection.execute(
        update(messages).where(messages.c.id.in_(ids), messages.c.delivery == "sending").values(delivery="unconfirmed")
    )
    if left.rowcount:
        log.warning(line("delivery_unconfirmed", conversation=conversation_id, messages=left.rowcount))
