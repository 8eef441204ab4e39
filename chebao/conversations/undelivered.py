"""What waits to be handed over: which messages a job has to look at, and which of them may still go out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chebao.conversations.delivery_job import unconfirm
from chebao.conversations.tables import messages
from chebao.conversations.types import Conversation, Message
from chebao.conversations.wire import Wire
from chebao.logs import line

log = logging.getLogger(__name__)

_BATCH = 100
_FIELDS = tuple(messages.c[name] for name in Message.__dataclass_fields__)


def waits(last_customer_seq: Any) -> Any:
    """Condition: a message that a job has to look at."""
    m = messages.c
    unparked = or_(
        m.delivery_until <= func.now(), and_(m.delivery_until.is_(None), m.delivery_after < last_customer_seq)
    )
    # the constant first condition lets PostgreSQL use the partial index
    to_deliver = m.delivery.in_(("queued", "sending", "parked"))
    return and_(to_deliver, or_(m.delivery != "parked", unparked))


async def of_conversation(connection: AsyncConnection, conversation: Conversation, wire: Wire | None) -> list[Message]:
    """The messages to hand over next, oldest first."""
    m = messages.c
    found = await connection.execute(
        select(*_FIELDS)
        .where(m.conversation_id == conversation.id, waits(conversation.last_customer_seq))
        .order_by(m.seq)
        .limit(_BATCH)
    )
    return await _sorted_out(connection, conversation, [Message(**row._mapping) for row in found], wire)


async def _sorted_out(
    connection: AsyncConnection, conversation: Conversation, found: Sequence[Message], wire: Wire | None
) -> list[Message]:
    """The messages to hand over, without those that a dead process was sending and those of a bot that lost its right."""
    interrupted = [message.id for message in found if message.delivery == "sending"]
    if interrupted and wire:
        interrupted = await _without_unsent(connection, interrupted, wire)
    stale = [message.id for message in found if message.id not in interrupted and _silenced(conversation, message)]
    if interrupted:
        await unconfirm(connection, conversation.id, interrupted)
    if stale:
        await connection.execute(
            update(messages).where(messages.c.id.in_(stale)).values(delivery="failed", delivery_reason="stale_epoch")
        )
        log.warning(line("delivery_dropped", conversation=conversation.id, messages=len(stale), reason="stale_epoch"))
    return [message for message in found if message.id not in {*interrupted, *stale}]


async def _without_unsent(connection: AsyncConnection, interrupted: Sequence[int], wire: Wire) -> list[int]:
    """Those of which a byte may have gone out; the others are queued again."""
    m = messages.c
    ours = select(m.id).where(m.id.in_(interrupted), m.delivery_host == wire.host)
    unsent = set((await connection.execute(ours)).scalars()) - await asyncio.to_thread(wire.left)
    if unsent:
        await connection.execute(update(messages).where(m.id.in_(unsent)).values(delivery="queued"))
        log.info(line("delivery_resumed", messages=len(unsent)))
    return [number for number in interrupted if number not in unsent]


def _silenced(conversation: Conversation, message: Message) -> bool:
    """Whether a person speaks now in place of the bot that made the message."""
    return message.sender == "bot" and message.epoch < conversation.epoch and conversation.owner == "agent"
