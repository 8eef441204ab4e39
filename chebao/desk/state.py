"""The state of a desk: all rows of the moment that an agent may see, and which events keep it up to date.

``{kind: {key: row}}``; an event is applied by ``state[kind][key] = body``, or by removing the key where the body is None.
"""

from __future__ import annotations

from typing import Any

from chebao.db import Connection
from chebao.desk import events, rows, ticket_views
from chebao.desk.agents import Agent
from chebao.desk.events import Event

type Rows = dict[str, dict[str, Any]]

KINDS = ("conversation", "agent", "ticket", "note")


def visible(agent: Agent | None, kind: str, body: dict[str, Any]) -> bool:
    """Whether the agent may see the row; another system (None) sees all, a supervisor all but complaints about himself.

    An agent sees the queue of his skills, what is his, where he was called in, and tickets as `ticket_views` says.
    """
    if agent is None or kind == "agent":
        return True
    if kind == "ticket":
        return ticket_views.visible(agent, body)
    if agent.supervises:
        return True
    if kind == "conversation":
        waits_for_him = body["owner"] == "queued" and body["skill"] in agent.skills
        return waits_for_him or body["agent_id"] == agent.id or agent.id in body["joined"]
    return agent.id in body["agents"] or body["skill"] in agent.skills


async def fresh(connection: Connection, agent: Agent | None) -> tuple[int, dict[str, Rows]]:
    """The number of the newest event, and the state with exactly the events up to it applied.

    Args:
        connection: without a transaction under way.
    """
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        number = await events.newest(connection)
        state: dict[str, Rows] = {kind: {} for kind in KINDS}
        for kind, query in rows.ALL.items():
            found = await (await connection.execute(query)).fetchall()
            state[kind] = {row["key"]: row["body"] for row in found}
        state["ticket"] = await ticket_views.open_rows(connection)
    return number, {
        kind: {key: body for key, body in of_kind.items() if visible(agent, kind, body)}
        for kind, of_kind in state.items()
    }


def apply(state: dict[str, Rows], event: Event) -> None:
    """Brings a state up to date, in place."""
    if event.body is None:
        state[event.kind].pop(event.key, None)
    else:
        state[event.kind][event.key] = event.body


class View:
    """What one agent's page is told of the stream: a row that goes out of his sight is gone for him.

    Args:
        seen: the rows that he sees now, by kind; empty for one who comes back with an event number.
    """

    def __init__(self, agent: Agent | None, seen: dict[str, Rows] | None = None) -> None:
        self._agent = agent
        self._seen = {(kind, key) for kind, of_kind in (seen or {}).items() for key in of_kind}
        self._knows = seen is not None
        self._told_gone: set[tuple[str, str]] = set()

    def see(self, event: Event) -> Event | None:
        """The event as this page gets it; None where it does not concern it."""
        place = (event.kind, event.key)
        if event.body is not None and visible(self._agent, event.kind, event.body):
            self._seen.add(place)
            self._told_gone.discard(place)
            return event
        if place in self._told_gone or (self._knows and place not in self._seen):
            return None
        self._seen.discard(place)
        self._told_gone.add(place)
        return event.without_body()
