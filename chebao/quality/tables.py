"""The tables of schema ``quality`` as SQLAlchemy sees them."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Float, Identity, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="quality")

reviews = Table(
    "reviews",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("message_id", BigInteger, nullable=False, unique=True),
    Column("conversation_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("text", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("intent", Text),
    Column("confidence", Float),
    Column("topic", Text),
    Column("suggested_topic", Text),
    Column("state", Text, nullable=False),
    Column("label_intent", Text),
    Column("label_topic", Text),
    Column("label_entities", JSONB(none_as_null=True)),
    Column("reviewer", Text),
    Column("reviewed_at", DateTime(timezone=True)),
)
