"""Schema hub: conversations, their messages (ledger and outbox in one numbered stream), uploads.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_UP = """
CREATE SCHEMA IF NOT EXISTS hub;

CREATE TABLE hub.conversations (
    id                text PRIMARY KEY,
    channel           text NOT NULL,
    account           text NOT NULL,
    peer              text NOT NULL,
    owner             text NOT NULL DEFAULT 'bot' CHECK (owner IN ('bot', 'queued', 'agent', 'closed')),
    epoch             integer NOT NULL DEFAULT 0,
    last_seq          integer NOT NULL DEFAULT 0,
    last_customer_seq integer NOT NULL DEFAULT 0,
    verified          jsonb,
    offered           jsonb,
    handoff           jsonb,
    priority          smallint NOT NULL DEFAULT 0,
    keep_bot          boolean NOT NULL DEFAULT false,
    queued_at         timestamptz,
    noticed           boolean NOT NULL DEFAULT false,
    failures          smallint NOT NULL DEFAULT 0,
    reminded_at       timestamptz,
    busy_by           integer,
    busy_until        timestamptz,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel, account, peer)
);
CREATE INDEX conversations_queue ON hub.conversations (priority DESC, queued_at) WHERE owner = 'queued';
CREATE INDEX conversations_busy ON hub.conversations (busy_by) WHERE busy_by IS NOT NULL;

CREATE TABLE hub.messages (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id text NOT NULL REFERENCES hub.conversations (id) ON DELETE CASCADE,
    seq             integer NOT NULL,
    sender          text NOT NULL CHECK (sender IN ('customer', 'bot', 'agent', 'system')),
    channel         text NOT NULL,
    account         text NOT NULL,
    platform_key    text,
    text            text NOT NULL DEFAULT '',
    payload         jsonb,
    buttons         jsonb,
    image           text,
    custom          jsonb,
    attachments     jsonb,
    location        jsonb,
    epoch           integer NOT NULL,
    turn_of         bigint REFERENCES hub.messages (id) ON DELETE CASCADE,
    state           text CHECK (state IN ('pending', 'answered', 'failed', 'silent')),
    told_at         timestamptz,
    at              timestamptz NOT NULL DEFAULT now(),
    delivered_at    timestamptz,
    UNIQUE (conversation_id, seq),
    CHECK ((sender = 'customer') = (state IS NOT NULL))
);
CREATE UNIQUE INDEX messages_platform_key ON hub.messages (channel, account, platform_key)
    WHERE platform_key IS NOT NULL;
CREATE INDEX messages_pending ON hub.messages (conversation_id, seq) WHERE state = 'pending';
CREATE INDEX messages_undelivered ON hub.messages (conversation_id, seq)
    WHERE delivered_at IS NULL AND sender <> 'customer';
CREATE INDEX messages_turn ON hub.messages (turn_of) WHERE turn_of IS NOT NULL;

CREATE TABLE hub.uploads (
    id              text PRIMARY KEY,
    conversation_id text NOT NULL,
    sha256          text NOT NULL,
    content_type    text NOT NULL,
    bytes           integer NOT NULL,
    width           integer,
    height          integer,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_conversation ON hub.uploads (conversation_id);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP SCHEMA hub CASCADE")
