"""Schema backoffice: the reference insurer's core.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = """
CREATE SCHEMA IF NOT EXISTS backoffice;
CREATE SEQUENCE backoffice.customer_numbers START 1001;
CREATE SEQUENCE backoffice.policy_numbers START 1001;
CREATE SEQUENCE backoffice.quote_numbers START 1001;
CREATE SEQUENCE backoffice.application_numbers START 1001;
CREATE SEQUENCE backoffice.claim_numbers START 1001;
CREATE SEQUENCE backoffice.service_numbers START 1001;

CREATE TABLE backoffice.branches (
    city TEXT NOT NULL,
    PRIMARY KEY (city)
);

CREATE TABLE backoffice.challenges (
    challenge_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    customer_id TEXT,
    code_hash TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (challenge_id)
);
CREATE INDEX ix_backoffice_challenges_phone ON backoffice.challenges (phone);

CREATE TABLE backoffice.claims (
    claim_no TEXT NOT NULL,
    policy_no TEXT,
    compulsory_policy_no TEXT,
    customer_id TEXT,
    plate TEXT,
    phone TEXT,
    status TEXT NOT NULL,
    accident_type TEXT,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred_precision TEXT NOT NULL,
    place TEXT,
    fault TEXT,
    reported DATE NOT NULL,
    documents_complete DATE,
    decided DATE,
    agreed DATE,
    paid DATE,
    notice_sent DATE,
    assessed_amount NUMERIC(14, 2),
    paid_amount NUMERIC(14, 2),
    reason TEXT,
    surveyor TEXT,
    surveyor_phone TEXT,
    reference TEXT,
    data JSONB DEFAULT '{}' NOT NULL,
    staff JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (claim_no),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_claims_compulsory_policy_no ON backoffice.claims (compulsory_policy_no);
CREATE INDEX ix_backoffice_claims_customer_id ON backoffice.claims (customer_id);
CREATE INDEX ix_backoffice_claims_phone ON backoffice.claims (phone);
CREATE INDEX ix_backoffice_claims_plate ON backoffice.claims (plate);
CREATE INDEX ix_backoffice_claims_policy_no ON backoffice.claims (policy_no);
CREATE INDEX ix_backoffice_claims_reference ON backoffice.claims (reference);
CREATE INDEX ix_backoffice_claims_status ON backoffice.claims (status);

CREATE TABLE backoffice.code_locks (
    phone TEXT NOT NULL,
    wrong INTEGER NOT NULL,
    locked_until TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (phone)
);

CREATE TABLE backoffice.customers (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    id_card TEXT NOT NULL,
    phone TEXT NOT NULL,
    city TEXT,
    tier TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (id),
    UNIQUE (id_card),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_customers_phone ON backoffice.customers (phone);

CREATE TABLE backoffice.idempotency (
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (key)
);
CREATE INDEX ix_backoffice_idempotency_created_at ON backoffice.idempotency (created_at);

CREATE TABLE backoffice.outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    reference TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
    delivered_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (event_id)
);
CREATE INDEX ix_backoffice_outbox_reference ON backoffice.outbox (reference);
CREATE INDEX outbox_waiting ON backoffice.outbox (id) WHERE delivered_at IS NULL;

CREATE TABLE backoffice.platform_cars (
    plate TEXT NOT NULL,
    vehicle JSONB DEFAULT '{}' NOT NULL,
    history JSONB DEFAULT '{}' NOT NULL,
    PRIMARY KEY (plate)
);

CREATE TABLE backoffice.quotes (
    quote_no TEXT NOT NULL,
    customer_id TEXT,
    plate TEXT,
    status TEXT NOT NULL,
    plan TEXT NOT NULL,
    total NUMERIC(14, 2) NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reference TEXT,
    data JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (quote_no),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_quotes_customer_id ON backoffice.quotes (customer_id);
CREATE INDEX ix_backoffice_quotes_plate ON backoffice.quotes (plate);

CREATE TABLE backoffice.service_requests (
    no TEXT NOT NULL,
    resource TEXT NOT NULL,
    status TEXT NOT NULL,
    customer_id TEXT,
    plate TEXT,
    phone TEXT,
    policy_no TEXT,
    claim_no TEXT,
    reference TEXT,
    data JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (no),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_service_requests_claim_no ON backoffice.service_requests (claim_no);
CREATE INDEX ix_backoffice_service_requests_customer_id ON backoffice.service_requests (customer_id);
CREATE INDEX ix_backoffice_service_requests_phone ON backoffice.service_requests (phone);
CREATE INDEX ix_backoffice_service_requests_plate ON backoffice.service_requests (plate);
CREATE INDEX ix_backoffice_service_requests_policy_no ON backoffice.service_requests (policy_no);
CREATE UNIQUE INDEX one_open_surrender_per_policy ON backoffice.service_requests (policy_no) WHERE resource = 'surrenders' AND status = 'submitted';
CREATE INDEX service_requests_by_resource ON backoffice.service_requests (resource, created_at);

CREATE TABLE backoffice.surveyors (
    phone TEXT NOT NULL,
    name TEXT NOT NULL,
    city TEXT NOT NULL,
    PRIMARY KEY (phone)
);
CREATE INDEX ix_backoffice_surveyors_city ON backoffice.surveyors (city);

CREATE TABLE backoffice.applications (
    application_no TEXT NOT NULL,
    kind TEXT NOT NULL,
    plate TEXT,
    phone TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    quote_no TEXT NOT NULL,
    status TEXT NOT NULL,
    car_key TEXT NOT NULL,
    compulsory JSONB DEFAULT '{}' NOT NULL,
    commercial JSONB,
    vehicle_tax NUMERIC(14, 2) NOT NULL,
    total NUMERIC(14, 2) NOT NULL,
    cashier_token TEXT NOT NULL,
    pay_expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    reference TEXT,
    documents_missing JSONB DEFAULT '{}' NOT NULL,
    data JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (application_no),
    FOREIGN KEY(customer_id) REFERENCES backoffice.customers (id),
    FOREIGN KEY(quote_no) REFERENCES backoffice.quotes (quote_no),
    UNIQUE (cashier_token),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_applications_car_key ON backoffice.applications (car_key);
CREATE INDEX ix_backoffice_applications_customer_id ON backoffice.applications (customer_id);
CREATE INDEX ix_backoffice_applications_phone ON backoffice.applications (phone);
CREATE INDEX ix_backoffice_applications_plate ON backoffice.applications (plate);
CREATE INDEX ix_backoffice_applications_reference ON backoffice.applications (reference);
CREATE INDEX ix_backoffice_applications_status ON backoffice.applications (status);
CREATE UNIQUE INDEX one_unfinished_application_per_car ON backoffice.applications (customer_id, car_key) WHERE paid_at IS NULL AND status IN ('submitted', 'underwriting', 'referred', 'inspection_required', 'awaiting_payment');

CREATE TABLE backoffice.policies (
    policy_no TEXT NOT NULL,
    customer TEXT NOT NULL,
    plate TEXT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    premium NUMERIC(14, 2) NOT NULL,
    vehicle_tax NUMERIC(14, 2),
    covers JSONB,
    at_fault_last_term INTEGER,
    claim_free_years INTEGER,
    insured_years INTEGER,
    claims_last_3y INTEGER,
    application_no TEXT,
    data JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (policy_no),
    CONSTRAINT one_policy_per_application_part UNIQUE (application_no, kind),
    CONSTRAINT policy_kind CHECK (kind in ('compulsory', 'commercial')),
    FOREIGN KEY(customer) REFERENCES backoffice.customers (id),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_policies_customer ON backoffice.policies (customer);
CREATE INDEX ix_backoffice_policies_plate ON backoffice.policies (plate);

CREATE TABLE backoffice.vehicles (
    plate TEXT NOT NULL,
    owner TEXT NOT NULL,
    model TEXT NOT NULL,
    first_registered DATE NOT NULL,
    price NUMERIC(14, 2) NOT NULL,
    seats INTEGER NOT NULL,
    energy TEXT NOT NULL,
    usage TEXT NOT NULL,
    vin TEXT,
    engine_no TEXT,
    inspection_valid_until DATE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (plate),
    FOREIGN KEY(owner) REFERENCES backoffice.customers (id),
    UNIQUE (seq)
);
CREATE INDEX ix_backoffice_vehicles_owner ON backoffice.vehicles (owner);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA backoffice CASCADE")
