"""What the database says after a run."""

from __future__ import annotations

import json
from collections.abc import Iterable

import psycopg

_SETTLED = ("answered", "failed", "silent")


class Ledger:
    """The app's database, read from outside."""

    def __init__(self, url: str) -> None:
        self._url = url

    def know(self, channel: str, account: str, peers: Iterable[str], *, owner: str = "bot") -> None:
        """Makes conversations whose customers have been greeted and have agreed to the channel."""
        consents = json.dumps({"abroad": {"version": "2026-11", "given": True}})
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO hub.conversations (id, channel, account, peer, owner, epoch, last_seq, last_customer_seq,"
                " priority, keep_bot, noticed, failures, consents)"
                " VALUES (gen_random_uuid()::text, %s, %s, %s, %s, 0, 0, 0, 0, false, true, 0, %s)",
                [(channel, account, peer, owner, consents) for peer in peers],
            )

    def texts(self, channel: str, account: str) -> dict[str, list[str]]:
        """Peer → his messages in the order of the ledger."""
        found: dict[str, list[str]] = {}
        for peer, text in self._rows(
            "SELECT c.peer, m.text FROM hub.messages m JOIN hub.conversations c ON c.id = m.conversation_id"
            " WHERE m.sender = 'customer' AND c.channel = %s AND c.account = %s ORDER BY m.seq",
            channel,
            account,
        ):
            found.setdefault(peer, []).append(text)
        return found

    def outstanding(self) -> int:
        """Messages that wait for their turn, replies that wait to be handed over."""
        [(count,)] = self._rows(
            "SELECT count(*) FROM hub.messages WHERE state IN ('pending', 'held') OR delivery IN ('queued', 'sending')"
        )
        return int(count)

    def unanswered(self, channel: str) -> int:
        """Messages of customers to which nothing was said."""
        [(count,)] = self._rows(
            "SELECT count(*) FROM hub.messages m JOIN hub.conversations c ON c.id = m.conversation_id"
            " WHERE m.sender = 'customer' AND c.channel = %s AND c.owner = 'bot'"
            " AND NOT EXISTS (SELECT FROM hub.messages r WHERE r.turn_of = m.id)",
            channel,
        )
        return int(count)

    def delivered(self, channel: str) -> dict[str, int]:
        """State of delivery → number of replies."""
        return dict(
            self._rows(
                "SELECT coalesce(m.delivery, 'none'), count(*) FROM hub.messages m"
                " JOIN hub.conversations c ON c.id = m.conversation_id"
                " WHERE m.sender <> 'customer' AND c.channel = %s GROUP BY 1",
                channel,
            )
        )

    def forget(self) -> None:
        """An empty ledger for the next phase."""
        with psycopg.connect(self._url) as connection:
            connection.execute("TRUNCATE hub.messages, hub.conversations CASCADE")

    def _rows(self, query: str, *values: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(query.encode(), values).fetchall()
