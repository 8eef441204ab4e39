"""Lists of conversations: those that wait or are served, and those that a person has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from chebao.db import Connection
from chebao.desk import rows, state
from chebao.desk.agents import Agent

type LiveView = Literal["mine", "queue", "open", "watch"]

_WATCH_PRIORITY = 7
_UPSET = {"angry", "distressed", "anxious"}

# The shape of a live row (`rows`), for the last episode of a conversation that is over.
_ENDED = """
SELECT e.ended_at, jsonb_build_object(
    'id', c.id, 'channel', c.channel, 'owner', c.owner, 'epoch', c.epoch,
    'agent_id', e.agent_id, 'agent_name', a.name, 'held', false, 'priority', e.priority, 'reason', e.reason, 'skill', e.skill,
    'task', e.task, 'emotion', e.emotion, 'queued_at', e.queued_at, 'assigned_at', e.assigned_at, 'escalated', false,
    'waiting_since', NULL, 'last', (
        SELECT jsonb_build_object('seq', m.seq, 'from', m.sender, 'at', m.at, 'text', left(m.text, 80))
        FROM hub.messages m WHERE m.conversation_id = c.id AND m.sender <> 'system' ORDER BY m.seq DESC LIMIT 1),
    'last_customer_seq', c.last_customer_seq,
    'customer', jsonb_build_object(
        'name', CASE WHEN c.verified ->> 'name' <> '' THEN left(c.verified ->> 'name', 1) || '*' END,
        'verified', c.verified IS NOT NULL, 'verified_until', c.verified -> 'until',
        'vip', coalesce((c.verified ->> 'vip')::boolean, false), 'care', coalesce((c.verified ->> 'care')::boolean, false)),
    'window', NULL, 'episode_id', e.id, 'joined', '[]'::jsonb,
    'ended_at', e.ended_at, 'end_reason', e.end_reason, 'wrapup', e.wrapup) AS body
FROM desk.episodes e JOIN hub.conversations c ON c.id = e.conversation_id LEFT JOIN desk.agents a ON a.id = e.agent_id
"""
_CLOSED = (
    _ENDED
    + """
WHERE e.ended_at IS NOT NULL AND (%(all)s OR e.agent_id = %(agent)s)
    AND (%(before)s::timestamptz IS NULL OR e.ended_at < %(before)s)
    AND (%(q)s = '' OR c.id = %(q)s OR EXISTS (
        SELECT FROM hub.messages m WHERE m.conversation_id = c.id AND strpos(m.text, %(q)s) > 0))
ORDER BY e.ended_at DESC LIMIT %(limit)s
"""
)
_LAST = _ENDED + " WHERE e.conversation_id = %s ORDER BY e.queued_at DESC LIMIT 1"
_BARE = """
SELECT jsonb_build_object('id', c.id, 'channel', c.channel, 'owner', c.owner, 'epoch', c.epoch, 'agent_id', NULL,
    'agent_name', NULL, 'held', false, 'last_customer_seq', c.last_customer_seq, 'joined', '[]'::jsonb) AS body
FROM hub.conversations c WHERE c.id = %s
"""
_FOUND = """
SELECT id FROM hub.conversations c WHERE c.id = ANY(%(ids)s) AND (c.id = %(q)s OR EXISTS (
    SELECT FROM hub.messages m WHERE m.conversation_id = c.id AND strpos(m.text, %(q)s) > 0))
"""


async def live(connection: Connection, agent: Agent | None, view: LiveView, *, q: str, limit: int) -> dict[str, Any]:
    """Conversations that wait or are served, the most urgent first."""
    found = await (await connection.execute(rows.ALL["conversation"])).fetchall()
    bodies = [row["body"] for row in found if state.visible(agent, "conversation", row["body"])]
    bodies = [body for body in bodies if _belongs(view, agent, body)]
    if q:
        ids = [body["id"] for body in bodies]
        hits = await (await connection.execute(_FOUND, {"ids": ids, "q": q})).fetchall()
        wanted = {row["id"] for row in hits}
        bodies = [body for body in bodies if body["id"] in wanted]
    bodies.sort(key=lambda body: (-body["priority"], body["queued_at"] or body["assigned_at"] or ""))
    return {"rows": bodies[:limit], "next": None}


def _belongs(view: LiveView, agent: Agent | None, body: dict[str, Any]) -> bool:
    if view == "mine":
        return agent is not None and (body["agent_id"] == agent.id or agent.id in body["joined"])
    if view == "queue":
        return bool(body["owner"] == "queued")
    if view == "watch":
        return body["priority"] >= _WATCH_PRIORITY or body["emotion"] in _UPSET or body["escalated"]
    return True


async def closed(
    connection: Connection, agent: Agent | None, *, q: str, before: datetime | None, limit: int
) -> dict[str, Any]:
    """Conversations that a person has ended, the last first; an agent's own, a supervisor's all."""
    values = {
        "all": agent is None or agent.supervises,
        "agent": agent.id if agent else None,
        "before": before,
        "q": q,
        "limit": limit + 1,
    }
    found = await (await connection.execute(_CLOSED, values)).fetchall()
    more = found[limit - 1]["ended_at"].isoformat() if len(found) > limit else None
    return {"rows": [row["body"] for row in found[:limit]], "next": more}


async def row(connection: Connection, conversation_id: str) -> dict[str, Any]:
    """A conversation's row, whoever has it."""
    found = await (await connection.execute(rows.ONE["conversation"], {"conversation": [conversation_id]})).fetchone()
    if found is None or found["body"] is None:
        found = await (await connection.execute(_LAST, (conversation_id,))).fetchone()
    if found is None:
        found = await (await connection.execute(_BARE, (conversation_id,))).fetchone()
    assert found is not None  # the caller knows that it exists
    body: dict[str, Any] = found["body"]
    return body
