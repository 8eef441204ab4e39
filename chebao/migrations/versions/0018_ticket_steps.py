"""Tickets: what is still to be told, who a ticket was escalated to, what it came from, and the numbers of a day.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_UP = """
ALTER TABLE desk.ticket_steps ADD COLUMN tell boolean NOT NULL DEFAULT false;
CREATE INDEX ticket_steps_to_tell ON desk.ticket_steps (id) WHERE tell AND NOT told;

ALTER TABLE desk.tickets
    ADD COLUMN escalated_to text,
    ADD COLUMN origin text UNIQUE;
CREATE INDEX tickets_of_claim ON desk.tickets (claim_no) WHERE claim_no IS NOT NULL;
CREATE INDEX tickets_of_customer ON desk.tickets (customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE desk.ticket_days (
    day date PRIMARY KEY,
    last integer NOT NULL
);
"""


def upgrade() -> None:
    op.execute(_UP)


def downgrade() -> None:
    op.execute("DROP TABLE desk.ticket_days")
    op.execute("ALTER TABLE desk.tickets DROP COLUMN escalated_to, DROP COLUMN origin")
    op.execute("DROP INDEX desk.tickets_of_claim")
    op.execute("ALTER TABLE desk.ticket_steps DROP COLUMN tell")
