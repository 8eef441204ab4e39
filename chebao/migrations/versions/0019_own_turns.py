"""A message of the hub's own may call a turn of the dialogue: it then has a state as a customer's has. Questions of the hub's own.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE hub.messages DROP CONSTRAINT messages_check,"
        " ADD CONSTRAINT messages_state CHECK (CASE sender WHEN 'customer' THEN state IS NOT NULL"
        " WHEN 'system' THEN true ELSE state IS NULL END)"
    )
    op.execute("ALTER TABLE hub.conversations ADD COLUMN asks jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE hub.conversations DROP COLUMN asks")
    op.execute("UPDATE hub.messages SET state = NULL WHERE sender <> 'customer'")
    op.execute(
        "ALTER TABLE hub.messages DROP CONSTRAINT messages_state,"
        " ADD CONSTRAINT messages_check CHECK ((sender = 'customer') = (state IS NOT NULL))"
    )
