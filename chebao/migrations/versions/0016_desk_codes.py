"""A one-time code of an agent counts once.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE desk.agents ADD COLUMN totp_used bigint")


def downgrade() -> None:
    op.execute("ALTER TABLE desk.agents DROP COLUMN totp_used")
