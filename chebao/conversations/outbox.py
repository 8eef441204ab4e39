"""Taking messages out of the outbox: for a caller of the door each once, for sockets by sequence number."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, func, or_, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chebao.conversations.buttons import Tokens, with_tokens
from chebao.conversations.tables import messages
from chebao.conversations.types import Accepted, Message

_FIELDS = tuple(messages.c[name] for name in Message.__dataclass_fields__)


async def take_for_door(connection: AsyncConnection, accepted: Accepted, waited_for: Collection[int]) -> list[Message]:
    """What the answer to `accepted` carries: first what arose by itself and was not delivered yet, then its own replies.

    Args:
        waited_for: messages whose own callers still wait; their replies are left to them.
    """
    m = messages.c
    wanted = m.turn_of == accepted.message_id
    if not accepted.duplicate:
        others = [i for i in waited_for if i != accepted.message_id]
        by_itself = or_(m.turn_of.is_(None), m.turn_of.not_in(others))
        wanted = or_(wanted, and_(m.delivered_at.is_(None), by_itself))
    # A crash of the database server may repeat a delivery; it is not worth waiting for the disk.
    await connection.execute(text("SET LOCAL synchronous_commit TO off"))
    found = await connection.execute(
        update(messages)
        .where(m.conversation_id == accepted.conversation_id, m.sender != "customer", wanted)
        .values(delivered_at=func.coalesce(m.delivered_at, func.now()))
        .returning(*_FIELDS)
    )
    rows = [Message(**row._mapping) for row in found]
    return sorted(rows, key=lambda row: (row.turn_of == accepted.message_id, row.seq))


def shown(tokens: Tokens, message: Message) -> dict[str, Any]:
    """A message as any customer's client gets it: payloads replaced by tokens."""
    offered, custom = with_tokens(tokens, message.conversation_id, message.seq, message.buttons, message.custom)
    return {
        "seq": message.seq,
        "from": message.sender,
        "text": message.text,
        "buttons": offered,
        "image": message.image,
        "custom": custom,
        "attachments": message.attachments or [],
        "location": message.location,
        "helpful": message.helpful,
        "at": message.at.isoformat(),
    }
