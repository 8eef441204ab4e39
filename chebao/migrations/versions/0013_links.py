"""Which conversations are one customer's, and what he began in each."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE hub.links (
    conversation_id text PRIMARY KEY REFERENCES hub.conversations (id) ON DELETE CASCADE,
    customer_id     text,
    phone           text,
    linked_at       timestamptz NOT NULL
);
CREATE INDEX links_by_customer ON hub.links (customer_id);
CREATE INDEX links_by_phone ON hub.links (phone);

ALTER TABLE hub.conversations ADD COLUMN begun jsonb;
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("ALTER TABLE hub.conversations DROP COLUMN begun; DROP TABLE hub.links")
