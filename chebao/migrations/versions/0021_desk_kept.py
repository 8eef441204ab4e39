"""One canned reply per shortcut; why a webhook was not taken; the waits of the last hours are found without reading all.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_UP = """
UPDATE desk.canned_replies later SET shortcut = NULL FROM desk.canned_replies first
WHERE first.shortcut = later.shortcut AND first.id < later.id;
CREATE UNIQUE INDEX canned_shortcuts ON desk.canned_replies (shortcut);

ALTER TABLE desk.webhooks ADD COLUMN problem text;

CREATE INDEX episodes_queued ON desk.episodes (queued_at);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP INDEX desk.episodes_queued")
    op.execute("ALTER TABLE desk.webhooks DROP COLUMN problem")
    op.execute("DROP INDEX desk.canned_shortcuts")
