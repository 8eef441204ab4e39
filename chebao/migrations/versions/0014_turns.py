"""Turns of several messages: up to which message the turn under way goes; conversations are updated in place (HOT).

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE hub.conversations ADD COLUMN turn_seq integer")
    # The lease changes twice a turn: an index on it would make every change a new entry in all indexes of the row.
    op.execute("DROP INDEX hub.conversations_busy")
    op.execute("ALTER TABLE hub.conversations SET (fillfactor = 70)")


def downgrade() -> None:
    op.execute("ALTER TABLE hub.conversations RESET (fillfactor)")
    op.execute("CREATE INDEX conversations_busy ON hub.conversations (busy_by) WHERE busy_by IS NOT NULL")
    op.execute("ALTER TABLE hub.conversations DROP COLUMN turn_seq")
