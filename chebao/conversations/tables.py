"""The tables of schema ``hub`` as SQLAlchemy sees them; the migrations make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="hub")

_JSON = JSONB(none_as_null=True)
_MOMENT = DateTime(timezone=True)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("last_customer_seq", Integer, nullable=False),
    Column("verified", _JSON),
    Column("consents", _JSON),
    Column("begun", _JSON),
    Column("reachable", Boolean, nullable=False),
    Column("offered", _JSON),
    Column("asks", _JSON),
    Column("handoff", _JSON),
    Column("priority", SmallInteger, nullable=False),
    Column("keep_bot", Boolean, nullable=False),
    Column("queued_at", _MOMENT),
    Column("agent_id", Text),
    Column("held_at", _MOMENT),
    Column("skill", Text),
    Column("noticed", Boolean, nullable=False),
    Column("failures", SmallInteger, nullable=False),
    Column("reminded_at", _MOMENT),
    Column("busy_by", Integer),
    Column("busy_until", _MOMENT),
    Column("turn_seq", Integer),
    Column("created_at", _MOMENT, nullable=False, server_default=text("now()")),
    Column("updated_at", _MOMENT, nullable=False, server_default=text("now()")),
)

messages = Table(
    "messages",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("sender", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("platform_key", Text),
    Column("text", Text, nullable=False),
    Column("payload", _JSON),
    Column("buttons", _JSON),
    Column("image", Text),
    Column("custom", _JSON),
    Column("attachments", _JSON),
    Column("location", _JSON),
    Column("epoch", Integer, nullable=False),
    Column("turn_of", BigInteger),
    Column("state", Text),
    Column("told_at", _MOMENT),
    Column("understood", _JSON),
    Column("at", _MOMENT, nullable=False, server_default=text("now()")),
    Column("delivered_at", _MOMENT),
    Column("helpful", Boolean),
    Column("delivery", Text),
    Column("delivery_reason", Text),
    Column("delivery_ref", Text),
    Column("delivery_host", Text),
    Column("delivery_after", Integer),
    Column("delivery_until", _MOMENT),
    Column("event", Text),
)

links = Table(
    "links",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("customer_id", Text),
    Column("phone", Text),
    Column("linked_at", _MOMENT, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("busy_by", Integer),
    Column("busy_until", _MOMENT),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", _MOMENT),
)

allowances = Table(
    "allowances",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("used", Integer, nullable=False),
)

notice_consents = Table(
    "notice_consents",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("peer", Text, primary_key=True),
    Column("template", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("given_at", _MOMENT, nullable=False),
    Column("ended_at", _MOMENT),
    Column("used_by", BigInteger),
)

platform_media = Table(
    "platform_media",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("media_id", Text, nullable=False),
    Column("until", _MOMENT, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation_id", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("place", _JSON),
    Column("flaw", Text),
    Column("facts", _JSON),
    Column("created_at", _MOMENT, nullable=False, server_default=text("now()")),
)
