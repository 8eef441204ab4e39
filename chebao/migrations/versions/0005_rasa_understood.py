"""What Rasa understood of a message stands beside its replies, so that a repeated message is answered the same."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column; null where the turn is older."""
    op.execute("ALTER TABLE rasa.turns ADD COLUMN understood jsonb")


def downgrade() -> None:
    """Removes the column."""
    op.execute("ALTER TABLE rasa.turns DROP COLUMN understood")
