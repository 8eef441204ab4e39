"""What was seen on customers' pictures: where they were taken, why they will not do, what a licence says.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE hub.uploads ADD COLUMN place jsonb, ADD COLUMN flaw text, ADD COLUMN facts jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE hub.uploads DROP COLUMN place, DROP COLUMN flaw, DROP COLUMN facts")
