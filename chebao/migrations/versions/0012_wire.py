"""Which machine was handing a message over, so that its notes can be read after a crash.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; see `chebao/conversations/wire.py`."""
    op.execute("ALTER TABLE hub.messages ADD COLUMN delivery_host text")


def downgrade() -> None:
    """Everything found `sending` is unconfirmed again."""
    op.execute("ALTER TABLE hub.messages DROP COLUMN delivery_host")
