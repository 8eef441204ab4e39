"""What customers agreed to be told while no window is open.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_UP = """
CREATE TABLE hub.notice_consents (
    channel  text NOT NULL,
    account  text NOT NULL,
    peer     text NOT NULL,
    template text NOT NULL,
    key      text NOT NULL,
    given_at timestamptz NOT NULL,
    ended_at timestamptz,
    used_by  bigint,
    PRIMARY KEY (channel, account, peer, template, key)
);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP TABLE hub.notice_consents")
