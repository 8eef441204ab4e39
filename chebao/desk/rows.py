"""The rows of the desk's state, built by PostgreSQL: the same SQL makes a fresh state and the bodies of events.

Nothing in a row depends on the moment at which it is built, so that a state kept up to date by events equals a fresh one.
"""

from __future__ import annotations

import json
from typing import Final

from chebao.handoff import REASONS

_LABELS = json.dumps(
    {reason: known.label for reason, known in REASONS.items()} | {"takeover": "主管接管"}, ensure_ascii=False
)

_CONVERSATION = f"""
SELECT c.id AS key, jsonb_build_object(
    'id', c.id, 'channel', c.channel, 'owner', c.owner, 'epoch', c.epoch,
    'agent_id', c.agent_id, 'agent_name', a.name, 'held', c.held_at IS NOT NULL,
    'priority', c.priority, 'reason', e.reason,
    'reason_label', coalesce('{_LABELS}'::jsonb ->> e.reason, e.reason), 'skill', coalesce(c.skill, e.skill), 'task', e.task,
    'emotion', e.emotion, 'queued_at', c.queued_at, 'assigned_at', e.assigned_at,
    'escalated', e.escalated_at IS NOT NULL,
    'waiting_since', (
        SELECT min(m.at) FROM hub.messages m
        WHERE m.conversation_id = c.id AND m.sender = 'customer' AND m.event IS NULL AND m.seq >= e.first_seq
          AND m.seq > coalesce((SELECT max(g.seq) FROM hub.messages g
              WHERE g.conversation_id = c.id AND g.sender = 'agent' AND g.seq >= e.first_seq), 0)),
    'last', (
        SELECT jsonb_build_object('seq', m.seq, 'from', m.sender, 'at', m.at, 'text', CASE
            WHEN m.text <> '' THEN left(m.text, 80) WHEN m.attachments IS NOT NULL OR m.image IS NOT NULL THEN '[图片]'
            WHEN m.location IS NOT NULL THEN '[位置]' ELSE '' END)
        FROM hub.messages m WHERE m.conversation_id = c.id AND m.sender <> 'system' ORDER BY m.seq DESC LIMIT 1),
    'last_customer_seq', c.last_customer_seq,
    'customer', jsonb_build_object(
        'name', CASE WHEN c.verified ->> 'name' <> '' THEN left(c.verified ->> 'name', 1) || '*' END,
        'verified', c.verified IS NOT NULL, 'verified_until', c.verified -> 'until',
        'vip', coalesce((c.verified ->> 'vip')::boolean, false) OR e.reason = 'vip',
        'care', coalesce((c.verified ->> 'care')::boolean, false) OR e.reason = 'care'),
    'window', CASE WHEN c.channel = 'wechat' THEN (
        SELECT jsonb_build_object('left', greatest(0, 5 - coalesce(w.used, 0)), 'until', m.at + interval '48 hours')
        FROM hub.messages m
        LEFT JOIN hub.allowances w ON w.conversation_id = c.id AND w.kind = 'message' AND w.seq = m.seq
        WHERE m.conversation_id = c.id AND m.sender = 'customer' AND m.event IS NULL
        ORDER BY m.seq DESC LIMIT 1) END,
    'episode_id', e.id, 'joined', e.joined) AS body
FROM hub.conversations c
JOIN desk.episodes e ON e.conversation_id = c.id AND e.ended_at IS NULL
LEFT JOIN desk.agents a ON a.id = c.agent_id
WHERE c.owner IN ('queued', 'agent')
"""

_AGENT = """
SELECT a.id AS key, jsonb_build_object(
    'id', a.id, 'name', a.name, 'role', a.role, 'skills', a.skills, 'licensed', a.licence_no IS NOT NULL,
    'state', a.state, 'state_at', a.state_at, 'capacity', a.capacity,
    'load', (SELECT count(*) FROM hub.conversations c
             WHERE c.agent_id = a.id AND c.owner = 'agent' AND c.held_at IS NULL)) AS body
FROM desk.agents a
WHERE NOT a.disabled
"""

# Beside the note: who of the agents may see it besides supervisors (`agents`, and all of `skill` where it is set).
_NOTE = """
SELECT n.id::text AS key, jsonb_build_object(
    'id', n.id, 'conversation_id', n.conversation_id, 'agent_id', n.agent_id, 'agent_name', a.name, 'text', n.text,
    'whisper', n.whisper, 'after_seq', n.after_seq, 'at', n.at,
    'agents', CASE WHEN c.agent_id IS NULL THEN e.joined ELSE e.joined || c.agent_id END,
    'skill', CASE WHEN c.owner = 'queued' THEN coalesce(c.skill, e.skill) END) AS body
FROM desk.notes n
JOIN desk.episodes e ON e.conversation_id = n.conversation_id AND e.ended_at IS NULL AND n.at >= e.queued_at
JOIN hub.conversations c ON c.id = n.conversation_id AND c.owner IN ('queued', 'agent')
LEFT JOIN desk.agents a ON a.id = n.agent_id
WHERE true
"""

ALL: Final[dict[str, str]] = {"conversation": _CONVERSATION, "agent": _AGENT, "note": _NOTE}
"""By kind, the query of all rows of the state: `key` and `body`."""

_KEYS = {
    "conversation": ("c.id", "unnest(%(conversation)s::text[])"),
    "agent": ("a.id", "unnest(%(agent)s::text[])"),
    "note": ("n.id::text", "unnest(%(note)s::text[])"),
    "notes_of": (
        "n.id::text",
        "(SELECT n.id::text FROM desk.notes n WHERE n.conversation_id = ANY(%(notes_of)s) AND n.at >= ("
        "SELECT max(p.queued_at) FROM desk.episodes p WHERE p.conversation_id = n.conversation_id))",
    ),
}
KIND: Final[dict[str, str]] = {"conversation": "conversation", "agent": "agent", "note": "note", "notes_of": "note"}

ONE: Final[dict[str, str]] = {
    name: f"SELECT k.key, (SELECT r.body FROM ({ALL[KIND[name]]} AND {key} = k.key) r) AS body FROM {keys} k(key)"
    for name, (key, keys) in _KEYS.items()
}
"""The rows of given keys, a parameter of the kind's name; a body is null where the key has no row any more.

`notes_of`: all notes of the last episode of these conversations.
"""
