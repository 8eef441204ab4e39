"""Whose a ticket becomes: by skill, then by how many open ones a colleague has; never the person complained about."""

from __future__ import annotations

from collections.abc import Sequence

from chebao.db import Connection

# Supervisors get what no agent may have, and level 3. Who is away gets nothing while somebody else is there.
_CHOOSE = """
SELECT a.id FROM desk.agents a
LEFT JOIN LATERAL (
    SELECT count(*) AS open, max(t.created_at) AS last FROM desk.tickets t WHERE t.owner_id = a.id AND t.closed_at IS NULL
) load ON true
WHERE NOT a.disabled AND a.id <> ALL(%(never)s)
  AND (a.role = 'supervisor' OR (NOT %(supervisor)s AND a.role = 'agent' AND %(skill)s = ANY(a.skills)))
ORDER BY a.role = 'supervisor', a.state = 'offline', load.open, load.last NULLS FIRST, a.id
LIMIT 1
"""
_SERVED = """
SELECT DISTINCT agent FROM desk.episodes e CROSS JOIN LATERAL unnest(array_append(e.tried, e.agent_id)) agent
WHERE e.conversation_id = %s AND agent IS NOT NULL AND e.queued_at > now() - interval '30 days'
"""


async def choose(
    connection: Connection, *, skill: str, supervisor: bool = False, never: Sequence[str] = ()
) -> str | None:
    """The agent who is to have a new ticket; None where nobody may have it."""
    values = {"skill": skill, "supervisor": supervisor, "never": list(never)}
    row = await (await connection.execute(_CHOOSE, values)).fetchone()
    return row["id"] if row else None


async def served(connection: Connection, conversation_id: str | None) -> list[str]:
    """Colleagues who lately served the conversation: a complaint made in it may well be about them."""
    if conversation_id is None:
        return []
    rows = await (await connection.execute(_SERVED, (conversation_id,))).fetchall()
    return [row["agent"] for row in rows]
