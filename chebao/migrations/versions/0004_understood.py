"""What the dialogue understood of a customer's message: intent, confidence, emotion, source.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE hub.messages ADD COLUMN understood jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE hub.messages DROP COLUMN understood")
