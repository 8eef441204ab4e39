"""The tables of schema ``backoffice``: what is looked up or unique is a column, nested parts are JSONB.

Money is ``numeric``, days are ``date`` (Shanghai calendar), moments ``timestamptz``. `seq` gives rows a stable newest-first order.
The migration ``0002_backoffice`` creates them; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="backoffice")

UNFINISHED = ("submitted", "underwriting", "referred", "inspection_required", "awaiting_payment")
"""States in which an application still waits for the customer or for us."""


def _money(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Numeric(14, 2), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _seq() -> Column[int]:
    return Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True)


def _data(name: str = "data") -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))


customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name", nullable=False),
    Column("id_card", Text, nullable=False, unique=True),
    Column("phone", Text, nullable=False, index=True),
    _text("city"),
    _text("tier", nullable=False),
    _moment("created_at"),
    _seq(),
)

vehicles = Table(
    "vehicles",
    metadata,
    Column("plate", Text, primary_key=True),
    Column("owner", Text, ForeignKey("backoffice.customers.id"), nullable=False, index=True),
    _text("model", nullable=False),
    Column("first_registered", Date, nullable=False),
    _money("price"),
    Column("seats", Integer, nullable=False),
    _text("energy", nullable=False),
    _text("usage", nullable=False),
    _text("vin"),
    _text("engine_no"),
    Column("inspection_valid_until", Date),
    _moment("created_at"),
    _seq(),
)

policies = Table(
    "policies",
    metadata,
    Column("policy_no", Text, primary_key=True),
    Column("customer", Text, ForeignKey("backoffice.customers.id"), nullable=False, index=True),
    Column("plate", Text, index=True),
    _text("kind", nullable=False),
    _text("status", nullable=False),
    _moment("starts_at"),
    _moment("ends_at"),
    _money("premium"),
    _money("vehicle_tax", nullable=True),
    Column("covers", JSONB(none_as_null=True)),
    Column("at_fault_last_term", Integer),
    Column("claim_free_years", Integer),
    Column("insured_years", Integer),
    Column("claims_last_3y", Integer),
    _text("application_no"),
    _data(),
    _moment("created_at"),
    _seq(),
    UniqueConstraint("application_no", "kind", name="one_policy_per_application_part"),
    CheckConstraint("kind in ('compulsory', 'commercial')", name="policy_kind"),
)

platform_cars = Table(
    "platform_cars",
    metadata,
    Column("plate", Text, primary_key=True),
    _data("vehicle"),
    _data("history"),
)

branches = Table("branches", metadata, Column("city", Text, primary_key=True))

surveyors = Table(
    "surveyors",
    metadata,
    Column("phone", Text, primary_key=True),
    _text("name", nullable=False),
    Column("city", Text, nullable=False, index=True),
)

challenges = Table(
    "challenges",
    metadata,
    Column("challenge_id", Text, primary_key=True),
    Column("phone", Text, nullable=False, index=True),
    _text("customer_id"),
    _text("code_hash", nullable=False),
    _moment("expires_at"),
    _moment("created_at"),
)

code_locks = Table(
    "code_locks",
    metadata,
    Column("phone", Text, primary_key=True),
    Column("wrong", Integer, nullable=False),
    _moment("locked_until", nullable=True),
)

quotes = Table(
    "quotes",
    metadata,
    Column("quote_no", Text, primary_key=True),
    Column("customer_id", Text, index=True),
    Column("plate", Text, index=True),
    _text("status", nullable=False),
    _text("plan", nullable=False),
    _money("total"),
    _moment("expires_at"),
    _text("reference"),
    _data(),
    _moment("created_at"),
    _seq(),
)

applications = Table(
    "applications",
    metadata,
    Column("application_no", Text, primary_key=True),
    _text("kind", nullable=False),
    Column("plate", Text, index=True),
    Column("phone", Text, nullable=False, index=True),
    Column("customer_id", Text, ForeignKey("backoffice.customers.id"), nullable=False, index=True),
    Column("quote_no", Text, ForeignKey("backoffice.quotes.quote_no"), nullable=False),
    Column("status", Text, nullable=False, index=True),
    Column("car_key", Text, nullable=False, index=True),
    _data("compulsory"),
    Column("commercial", JSONB(none_as_null=True)),
    _money("vehicle_tax"),
    _money("total"),
    Column("cashier_token", Text, nullable=False, unique=True),
    _moment("pay_expires_at"),
    _moment("paid_at", nullable=True),
    Column("reference", Text, index=True),
    _data("documents_missing"),
    _data(),
    _moment("created_at"),
    _seq(),
)
Index(
    "one_unfinished_application_per_car",
    applications.c.customer_id,
    applications.c.car_key,
    unique=True,
    postgresql_where=text(
        "paid_at IS NULL AND status IN ('submitted', 'underwriting', 'referred', 'inspection_required', 'awaiting_payment')"
    ),
)

claims = Table(
    "claims",
    metadata,
    Column("claim_no", Text, primary_key=True),
    Column("policy_no", Text, index=True),
    Column("compulsory_policy_no", Text, index=True),
    Column("customer_id", Text, index=True),
    Column("plate", Text, index=True),
    Column("phone", Text, index=True),
    Column("status", Text, nullable=False, index=True),
    _text("accident_type"),
    _moment("occurred_at"),
    _text("occurred_precision", nullable=False),
    _text("place"),
    _text("fault"),
    Column("reported", Date, nullable=False),
    Column("documents_complete", Date),
    Column("decided", Date),
    Column("agreed", Date),
    Column("paid", Date),
    Column("notice_sent", Date),
    _money("assessed_amount", nullable=True),
    _money("paid_amount", nullable=True),
    _text("reason"),
    _text("surveyor"),
    _text("surveyor_phone"),
    Column("reference", Text, index=True),
    _data(),
    _data("staff"),
    _moment("created_at"),
    _seq(),
)

service_requests = Table(
    "service_requests",
    metadata,
    Column("no", Text, primary_key=True),
    _text("resource", nullable=False),
    _text("status", nullable=False),
    Column("customer_id", Text, index=True),
    Column("plate", Text, index=True),
    Column("phone", Text, index=True),
    Column("policy_no", Text, index=True),
    Column("claim_no", Text, index=True),
    _text("reference"),
    _data(),
    _moment("created_at"),
    _seq(),
    Index("service_requests_by_resource", "resource", "created_at"),
)
Index(
    "one_open_surrender_per_policy",
    service_requests.c.policy_no,
    unique=True,
    postgresql_where=text("resource = 'surrenders' AND status = 'submitted'"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", Text, primary_key=True),
    _text("fingerprint", nullable=False),
    Column("answer", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    _text("type", nullable=False),
    Column("reference", Text, nullable=False, index=True),
    _text("body", nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _moment("next_try_at"),
    _moment("delivered_at", nullable=True),
    _moment("created_at"),
)
Index("outbox_waiting", outbox.c.id, postgresql_where=text("delivered_at IS NULL"))

NUMBER_SEQUENCES = (
    "customer_numbers",
    "policy_numbers",
    "quote_numbers",
    "application_numbers",
    "claim_numbers",
    "service_numbers",
)
"""Native sequences for new numbers; they never go back, not even with the demo data, so a number is never given twice."""
