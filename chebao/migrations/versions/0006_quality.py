"""Votes on answers, and the review list of schema quality.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE hub.messages ADD COLUMN helpful boolean;
CREATE INDEX messages_voted_down ON hub.messages (turn_of) WHERE helpful IS FALSE;

CREATE SCHEMA IF NOT EXISTS quality;

CREATE TABLE quality.reviews (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      bigint NOT NULL UNIQUE REFERENCES hub.messages (id) ON DELETE CASCADE,
    conversation_id text NOT NULL,
    at              timestamptz NOT NULL,
    reasons         text[] NOT NULL,
    text            text NOT NULL,
    context         text NOT NULL,
    intent          text,
    confidence      real,
    topic           text,
    suggested_topic text,
    state           text NOT NULL CHECK (state IN ('open', 'approved', 'rejected')),
    label_intent    text,
    label_topic     text,
    label_entities  jsonb,
    reviewer        text,
    reviewed_at     timestamptz,
    CHECK (state <> 'approved' OR label_intent IS NOT NULL)
);
CREATE INDEX reviews_by_state ON quality.reviews (state, id);

CREATE TABLE quality.collected (last_message_id bigint NOT NULL);
INSERT INTO quality.collected VALUES (0);
"""

_DOWN = """
DROP SCHEMA quality CASCADE;
ALTER TABLE hub.messages DROP COLUMN helpful;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
