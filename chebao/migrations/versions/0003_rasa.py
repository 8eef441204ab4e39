"""Rasa's conversations: one row an event, and the replies to each message id."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the schema ``rasa``; `bot/database.py` holds every statement on it."""
    op.execute("CREATE SCHEMA IF NOT EXISTS rasa")
    op.execute(
        """
        CREATE TABLE rasa.events (
            sender text NOT NULL,
            seq bigint NOT NULL,
            name text NOT NULL,
            at timestamptz NOT NULL,
            data jsonb NOT NULL,
            PRIMARY KEY (sender, seq)
        )
        """
    )
    op.execute("CREATE INDEX events_snapshots ON rasa.events (sender, seq) WHERE name = 'snapshot'")
    op.execute("CREATE INDEX events_at ON rasa.events USING brin (at)")
    op.execute(
        """
        CREATE TABLE rasa.turns (
            sender text NOT NULL,
            message_id text NOT NULL,
            first_seq bigint NOT NULL,
            replies jsonb NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (sender, message_id)
        )
        """
    )


def downgrade() -> None:
    """Removes the schema with all conversations."""
    op.execute("DROP SCHEMA rasa CASCADE")
