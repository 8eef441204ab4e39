"""Where an episode begins in the conversation, and since when it is the supervisor's."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE desk.episodes ADD COLUMN first_seq integer NOT NULL DEFAULT 0, ADD COLUMN escalated_at timestamptz"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE desk.episodes DROP COLUMN first_seq, DROP COLUMN escalated_at")
