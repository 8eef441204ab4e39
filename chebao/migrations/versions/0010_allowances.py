"""What platforms let us say: events in the ledger open windows, what was used of them, media kept there for us.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE hub.messages ADD COLUMN event text;

CREATE TABLE hub.allowances (
    conversation_id text NOT NULL REFERENCES hub.conversations (id) ON DELETE CASCADE,
    kind            text NOT NULL,
    seq             integer NOT NULL,
    used            integer NOT NULL,
    PRIMARY KEY (conversation_id, kind)
);

CREATE TABLE hub.platform_media (
    channel  text NOT NULL,
    sha256   text NOT NULL,
    media_id text NOT NULL,
    until    timestamptz NOT NULL,
    PRIMARY KEY (channel, sha256)
);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP TABLE hub.platform_media, hub.allowances")
    op.execute("ALTER TABLE hub.messages DROP COLUMN event")
