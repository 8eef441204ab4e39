"""Delivery to pushed channels: what became of each outgoing message, and who is handing over a conversation's messages.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE hub.messages
    ADD COLUMN delivery text
        CHECK (delivery IN ('queued', 'sending', 'sent', 'delivered', 'failed', 'parked', 'unconfirmed')),
    ADD COLUMN delivery_reason text,
    ADD COLUMN delivery_ref text,
    ADD COLUMN delivery_after integer,
    ADD COLUMN delivery_until timestamptz;
CREATE INDEX messages_to_deliver ON hub.messages (conversation_id, seq)
    WHERE delivery IN ('queued', 'sending', 'parked');

CREATE TABLE hub.deliveries (
    conversation_id text PRIMARY KEY REFERENCES hub.conversations (id) ON DELETE CASCADE,
    busy_by         integer,
    busy_until      timestamptz,
    attempts        integer NOT NULL DEFAULT 0,
    not_before      timestamptz
);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP TABLE hub.deliveries")
    op.execute(
        "ALTER TABLE hub.messages DROP COLUMN delivery, DROP COLUMN delivery_reason, DROP COLUMN delivery_ref,"
        " DROP COLUMN delivery_after, DROP COLUMN delivery_until"
    )
