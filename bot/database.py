"""The statements on the schema ``rasa``: load a conversation, append a turn, look up a stored answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2 import errors

_LOAD = """
SELECT seq, data FROM rasa.events
WHERE sender = %(sender)s AND seq >= coalesce(
    (SELECT max(seq) FROM rasa.events WHERE sender = %(sender)s AND name = 'snapshot'), 0)
ORDER BY seq
"""

_EVENTS = """
INSERT INTO rasa.events (sender, seq, name, at, data)
SELECT %(sender)s, %(first)s + n - 1, e ->> 'event', to_timestamp((e ->> 'timestamp')::float8), e
FROM jsonb_array_elements(%(events)s::jsonb) WITH ORDINALITY AS rows (e, n)
"""

_TURN = """
WITH turn AS (
    INSERT INTO rasa.turns (sender, message_id, first_seq, replies, understood)
    VALUES (%(sender)s, %(message_id)s, %(first)s, %(replies)s::jsonb, %(understood)s::jsonb))
"""

_OPTIONS = "-c statement_timeout=3000 -c client_encoding=UTF8 -c synchronous_commit=off"
"""Without waiting for the disk: the hub's own commit of the turn comes later in the same log and waits. What a crash of the
database takes from us it takes from the hub too, which then still has the message to ask."""

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")

_ANSWER = "SELECT replies, understood FROM rasa.turns WHERE sender = %s AND message_id = %s"


@dataclass(frozen=True)
class Answer:
    """A turn's outcome for the hub: what is said, and what was understood (None for turns stored before that was kept)."""

    replies: list[dict[str, Any]]
    understood: dict[str, Any] | None = None


class StaleConversation(Exception):
    """Another process has written this conversation since it was read: nothing was stored."""


class Database:
    """One connection, opened when first needed and again after it broke; every statement is its own transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None

    def load(self, sender: str) -> list[tuple[int, Any]]:
        """Number and data of the rows since the last snapshot."""
        return self._run(_LOAD, {"sender": sender}, fetch=True)

    def answer(self, sender: str, message_id: str) -> Answer | None:
        """What was answered to that message, or None."""
        rows = self._run(_ANSWER, (sender, message_id), fetch=True)
        return Answer(*rows[0]) if rows else None

    def append(
        self,
        sender: str,
        first: int,
        events: list[dict[str, Any]],
        message_id: str | None = None,
        answer: Answer | None = None,
    ) -> None:
        """Stores events from number `first` on, and the answer to `message_id`, both or nothing.

        Raises:
            StaleConversation: where one of the numbers or the message id is taken.
        """
        values = {"sender": sender, "first": first, "events": _json(events)}
        statement = _EVENTS
        if message_id is not None and answer is not None:
            values |= {"message_id": message_id, "replies": _json(answer.replies)}
            values["understood"] = None if answer.understood is None else _json(answer.understood)
            statement = _TURN + _EVENTS
        try:
            self._run(statement, values)
        except errors.UniqueViolation as error:
            raise StaleConversation(sender) from error

    def ping(self) -> None:
        """Fails where the database cannot be reached or the tables are missing."""
        self._run("SELECT 1 FROM rasa.turns LIMIT 1", None, fetch=True)

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, statement: str, values: Any, fetch: bool = False) -> list[Any]:
        """One statement; a connection that turns out to be broken is opened anew once."""
        for attempt in (1, 2):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg2.connect(self._url, connect_timeout=2, options=_OPTIONS)
                    self._connection.autocommit = True
                with self._connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if fetch else []
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self.close()
                if attempt == 2:
                    raise
        return []


def _json(value: Any) -> str:
    """JSON that PostgreSQL takes: the character NUL has no place in it; the same six characters, typed, have."""
    return _NUL.sub(r"\1", json.dumps(value, ensure_ascii=False, default=str))
