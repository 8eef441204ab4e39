"""Taking messages out of the outbox: for a caller of the door each once, for sockets by sequence number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncCursor
from psycopg.rows import DictRow

from chebao.conversations import statements
from chebao.conversations.buttons import Tokens, with_tokens
from chebao.conversations.types import Accepted, Message
from chebao.conversations.unit import Unit
from chebao.db import Connection


@dataclass(frozen=True)
class Taken:
    """What a turn's caller is shown: first what arose by itself and was not delivered yet, then what the turn says."""

    earlier: AsyncCursor[DictRow]
    said: list[Message]

    async def messages(self) -> list[Message]:
        """All of it, once the transaction has committed."""
        return [*_in_order(await self.earlier.fetchall()), *self.said]


async def take_with(unit: Unit, waited_for: Collection[int]) -> Taken:
    """Takes out what a turn is about to say, and what lies there, in the turn's own transaction.

    Args:
        waited_for: messages whose own callers wait; their replies are left to them.
    """
    wanted = (unit.conversation.id, list(waited_for))
    return Taken(await unit.connection.execute(statements.TAKE_UNDELIVERED, wanted), unit.take_said())


async def take_for_door(connection: Connection, accepted: Accepted, waited_for: Collection[int]) -> list[Message]:
    """What the answer to `accepted` carries: first what arose by itself and was not delivered yet, then its own replies."""
    conversation, message = accepted.conversation_id, accepted.message_id
    own = await (await connection.execute(statements.TAKE_OWN, (conversation, message))).fetchall()
    if accepted.duplicate:
        return _in_order(own)
    others = [i for i in waited_for if i != message]
    by_itself = await connection.execute(statements.TAKE_UNDELIVERED, (conversation, others))
    return [*_in_order(await by_itself.fetchall()), *_in_order(own)]


def _in_order(rows: list[DictRow]) -> list[Message]:
    return sorted((Message(**row) for row in rows), key=lambda message: message.seq)


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
