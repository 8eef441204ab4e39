"""The agent desk: agents and their logins, hand-off episodes, tickets and clocks, the stream of desk events.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE hub.conversations
    ADD COLUMN agent_id text,
    ADD COLUMN held_at timestamptz,
    ADD COLUMN skill text;
CREATE INDEX conversations_of_agent ON hub.conversations (agent_id) WHERE agent_id IS NOT NULL;

CREATE SCHEMA desk;

CREATE TABLE desk.agents (
    id text PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin')),
    skills text[] NOT NULL DEFAULT '{}',
    licence_no text,
    capacity smallint NOT NULL DEFAULT 5 CHECK (capacity BETWEEN 0 AND 50),
    password_hash text NOT NULL,
    totp_secret text,
    disabled boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'offline' CHECK (state IN ('ready', 'busy', 'break', 'offline')),
    state_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz,
    assigned_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE desk.agent_states (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id text NOT NULL REFERENCES desk.agents,
    state text NOT NULL,
    reason text,
    began_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE UNIQUE INDEX agent_states_open ON desk.agent_states (agent_id) WHERE ended_at IS NULL;

CREATE TABLE desk.logins (
    token_hash bytea PRIMARY KEY,
    agent_id text NOT NULL REFERENCES desk.agents,
    csrf text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    locked_at timestamptz
);

CREATE TABLE desk.socket_tickets (
    ticket_hash bytea PRIMARY KEY,
    login_hash bytea NOT NULL REFERENCES desk.logins ON DELETE CASCADE,
    until timestamptz NOT NULL
);

CREATE TABLE desk.login_failures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    address text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_failures_at ON desk.login_failures (at);

CREATE TABLE desk.episodes (
    id text PRIMARY KEY,
    conversation_id text NOT NULL,
    reason text NOT NULL,
    priority smallint NOT NULL,
    skill text NOT NULL,
    task text,
    summary jsonb NOT NULL DEFAULT '{}',
    slots jsonb NOT NULL DEFAULT '{}',
    edits jsonb NOT NULL DEFAULT '{}',
    emotion text,
    verified jsonb,
    asked_at timestamptz NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    told_wait jsonb,
    offered_at timestamptz,
    agent_id text,
    assigned_at timestamptz,
    first_assigned_at timestamptz,
    first_reply_at timestamptz,
    tried text[] NOT NULL DEFAULT '{}',
    memo text,
    joined text[] NOT NULL DEFAULT '{}',
    ended_at timestamptz,
    end_reason text,
    wrapup jsonb
);
CREATE UNIQUE INDEX episodes_open ON desk.episodes (conversation_id) WHERE ended_at IS NULL;
CREATE INDEX episodes_of_conversation ON desk.episodes (conversation_id, queued_at);
CREATE INDEX episodes_ended ON desk.episodes (ended_at);

CREATE TABLE desk.events (
    id bigint PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    body jsonb,
    actor text,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE SEQUENCE desk.event_numbers;

CREATE TABLE desk.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor text NOT NULL,
    action text NOT NULL,
    conversation_id text,
    reason text,
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX audit_of_conversation ON desk.audit (conversation_id, at);

CREATE TABLE desk.notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id text NOT NULL,
    agent_id text NOT NULL,
    text text NOT NULL,
    whisper boolean NOT NULL DEFAULT false,
    after_seq integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notes_of_conversation ON desk.notes (conversation_id, id);

CREATE TABLE desk.reads (
    agent_id text NOT NULL,
    conversation_id text NOT NULL,
    seq integer NOT NULL,
    PRIMARY KEY (agent_id, conversation_id)
);

CREATE TABLE desk.drafts (
    agent_id text NOT NULL,
    conversation_id text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, conversation_id)
);

CREATE TABLE desk.canned_replies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    shortcut text,
    text text NOT NULL,
    skill text,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE desk.timers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    due_at timestamptz NOT NULL,
    body jsonb NOT NULL DEFAULT '{}',
    UNIQUE (kind, key)
);
CREATE INDEX timers_due ON desk.timers (due_at);

CREATE TABLE desk.tickets (
    number text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('complaint', 'claim', 'callback', 'correction', 'general')),
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 3),
    subject text NOT NULL,
    detail text NOT NULL DEFAULT '',
    state text NOT NULL CHECK (state IN ('open', 'working', 'waiting', 'resolved', 'closed')),
    owner_id text,
    about_agent_id text,
    next_action text,
    next_at timestamptz,
    conversation_id text,
    customer_id text,
    phone text,
    policy_no text,
    claim_no text,
    complaint_no text UNIQUE,
    resolution text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);
CREATE INDEX tickets_of_owner ON desk.tickets (owner_id) WHERE closed_at IS NULL;
CREATE INDEX tickets_of_conversation ON desk.tickets (conversation_id);

CREATE TABLE desk.ticket_steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text NOT NULL REFERENCES desk.tickets,
    actor text NOT NULL,
    kind text NOT NULL,
    text text NOT NULL DEFAULT '',
    told boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ticket_steps_of ON desk.ticket_steps (number, id);

CREATE TABLE desk.clocks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number text REFERENCES desk.tickets,
    claim_no text,
    name text NOT NULL,
    legal boolean NOT NULL,
    source text NOT NULL,
    started_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    warned smallint NOT NULL DEFAULT 0,
    stopped_at timestamptz,
    UNIQUE NULLS NOT DISTINCT (number, claim_no, name)
);
CREATE INDEX clocks_running ON desk.clocks (due_at) WHERE stopped_at IS NULL;

CREATE TABLE desk.settings (
    name text PRIMARY KEY,
    value jsonb NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE desk.surveys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id text NOT NULL,
    about text NOT NULL,
    agent_id text,
    asked_at timestamptz NOT NULL DEFAULT now(),
    score smallint CHECK (score BETWEEN 1 AND 5),
    comment text,
    answered_at timestamptz,
    ticket text,
    UNIQUE (conversation_id, about)
);

CREATE TABLE desk.webhooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url text NOT NULL,
    secret text NOT NULL,
    kinds text[] NOT NULL,
    active boolean NOT NULL DEFAULT true,
    sent_to bigint NOT NULL DEFAULT 0,
    failures smallint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA desk CASCADE")
    op.execute("ALTER TABLE hub.conversations DROP COLUMN agent_id, DROP COLUMN held_at, DROP COLUMN skill")
