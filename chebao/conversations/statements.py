"""The SQL of the hot path: written once, prepared by psycopg, its columns taken from the message types."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB

from chebao.conversations.tables import conversations, messages
from chebao.conversations.types import Conversation, Message

_CONVERSATION = ", ".join(f"c.{name}" for name in Conversation.__dataclass_fields__)
_MESSAGE = ", ".join(Message.__dataclass_fields__)
_JSON = frozenset(c.name for table in (conversations, messages) for c in table.c if isinstance(c.type, JSONB))

BY_ADDRESS = (
    f"SELECT {_CONVERSATION} FROM hub.conversations c"
    " WHERE c.channel = %(channel)s AND c.account = %(account)s AND c.peer = %(peer)s"
)
BY_ADDRESS_LOCKED = f"{BY_ADDRESS} FOR UPDATE"
BY_ID_LOCKED = f"SELECT {_CONVERSATION} FROM hub.conversations c WHERE c.id = %s FOR UPDATE"

MAKE = (
    "INSERT INTO hub.conversations (id, channel, account, peer)"
    " VALUES (%(id)s, %(channel)s, %(account)s, %(peer)s) ON CONFLICT DO NOTHING"
)

KNOWN = (
    "SELECT conversation_id, id, seq FROM hub.messages"
    " WHERE channel = %(channel)s AND account = %(account)s AND platform_key = %(key)s"
)

PENDING = f"SELECT {_MESSAGE} FROM hub.messages WHERE conversation_id = %s AND state = 'pending' ORDER BY seq LIMIT 100"

WAITING = "SELECT count(*) AS number FROM hub.messages WHERE conversation_id = %s AND state = 'pending'"

# The numbers of a conversation differ at any moment, so they are exchanged by way of negative ones.
NOT_BEGUN = (
    "SELECT id, seq FROM hub.messages WHERE conversation_id = %s AND id = ANY(%s) AND state = 'pending' AND seq > %s"
)
UNNUMBER = "UPDATE hub.messages SET seq = -seq WHERE id = ANY(%s)"
NUMBER = (
    "UPDATE hub.messages SET seq = given.seq FROM unnest(%s::bigint[], %s::int[]) AS given (id, seq)"
    " WHERE messages.id = given.id"
)

OFFERED = "SELECT buttons, custom FROM hub.messages WHERE conversation_id = %s AND seq = %s AND sender <> 'customer'"

AFTER = f"SELECT {_MESSAGE} FROM hub.messages WHERE conversation_id = %s AND seq > %s ORDER BY seq LIMIT %s"

SETTLE = (
    "UPDATE hub.messages SET state = %(state)s, turn_of = nullif(%(last)s, id),"
    " understood = CASE WHEN id = %(last)s THEN %(understood)s::jsonb END"
    " WHERE id = ANY(%(ids)s) AND state = 'pending'"
)

SILENCE = "UPDATE hub.messages SET state = 'silent' WHERE conversation_id = %s AND state = 'pending' AND id <> %s"

BY_REF = "SELECT id, seq, text, custom FROM hub.messages WHERE conversation_id = %s AND sender = 'customer' AND delivery_ref = %s"
EDIT = "UPDATE hub.messages SET text = %s, custom = %s WHERE id = %s"
RELEASE = "UPDATE hub.messages SET state = %s WHERE conversation_id = %s AND state = 'held' RETURNING id"

VOTE = (
    "UPDATE hub.messages SET helpful = %s"
    " WHERE conversation_id = %s AND seq = %s AND sender = 'bot' AND turn_of IS NOT NULL"
)

TOLD = "UPDATE hub.messages SET told_at = %s WHERE id = ANY(%s)"

# What another caller waits for is left to that caller.
TAKE_UNDELIVERED = (
    "UPDATE hub.messages SET delivered_at = now() WHERE conversation_id = %s AND delivered_at IS NULL"
    f" AND sender <> 'customer' AND (turn_of IS NULL OR turn_of <> ALL(%s)) RETURNING {_MESSAGE}"
)
TAKE_OWN = (
    "UPDATE hub.messages SET delivered_at = coalesce(delivered_at, now())"
    f" WHERE conversation_id = %s AND sender <> 'customer' AND turn_of = %s RETURNING {_MESSAGE}"
)

SETTLED = "SELECT state <> 'pending' OR told_at IS NOT NULL AS over FROM hub.messages WHERE id = %s"

PLACE = (
    "SELECT count(*) + 1 AS place FROM hub.conversations WHERE owner = 'queued' AND id <> %(id)s"
    " AND skill IS NOT DISTINCT FROM %(skill)s"
    " AND (priority > %(priority)s OR (priority = %(priority)s AND queued_at < %(queued_at)s))"
)

LAST_OF_BOT = "SELECT text FROM hub.messages WHERE conversation_id = %s AND sender = 'bot' AND text <> '' ORDER BY seq DESC LIMIT 1"

FREE_LEASES = "UPDATE hub.conversations SET busy_by = NULL WHERE busy_by = %s"

NOTIFY = "SELECT pg_notify(%s, %s)"


@lru_cache(maxsize=64)
def insert_message(columns: tuple[str, ...]) -> str:
    """Inserts one row of these columns."""
    values = ", ".join(f"%({name})s" for name in columns)
    return f"INSERT INTO hub.messages ({', '.join(columns)}) VALUES ({values}) RETURNING id, at"


@lru_cache(maxsize=64)
def insert_messages(columns: tuple[str, ...]) -> str:
    """Inserts the rows of one JSON array, which holds these columns."""
    names = ", ".join(columns)
    return f"INSERT INTO hub.messages ({names}) SELECT {names} FROM jsonb_populate_recordset(NULL::hub.messages, %s)"


@lru_cache(maxsize=256)
def update_conversation(columns: tuple[str, ...]) -> str:
    """Updates these columns of one conversation."""
    changes = "".join(f"{name} = %({name})s, " for name in columns)
    return f"UPDATE hub.conversations SET {changes}updated_at = now() WHERE id = %(id)s"


def values_of(row: dict[str, Any]) -> dict[str, Any]:
    """A row as psycopg takes it: JSON columns marked as such."""
    return {name: Jsonb(value) if name in _JSON and value is not None else value for name, value in row.items()}
