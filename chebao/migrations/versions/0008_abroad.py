"""Consents that a conversation needs before its messages are worked on, and whether its customer can be reached.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATES = ("pending", "answered", "failed", "silent")


def upgrade() -> None:
    """Adds both columns; what `consents` holds is described in `chebao/conversations/abroad.py`."""
    op.execute("ALTER TABLE hub.conversations ADD COLUMN consents jsonb")
    op.execute("ALTER TABLE hub.messages DROP CONSTRAINT messages_state_check")
    op.execute(f"ALTER TABLE hub.messages ADD CONSTRAINT messages_state_check CHECK (state IN {(*_STATES, 'held')})")
    op.execute("ALTER TABLE hub.conversations ADD COLUMN reachable boolean NOT NULL DEFAULT true")


def downgrade() -> None:
    """Forgets who agreed and who left."""
    op.execute("UPDATE hub.messages SET state = 'silent' WHERE state = 'held'")
    op.execute("ALTER TABLE hub.messages DROP CONSTRAINT messages_state_check")
    op.execute(f"ALTER TABLE hub.messages ADD CONSTRAINT messages_state_check CHECK (state IN {_STATES})")
    op.execute("ALTER TABLE hub.conversations DROP COLUMN consents, DROP COLUMN reachable")
