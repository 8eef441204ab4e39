"""Writes down what happens to conversations while people have them: episodes, timers, events; in the hub's own transaction.

What happens with every message is SQL without a look at its result: it rides in the hub's pipeline and costs no round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb

from chebao.conversations.api import Change, Conversation, Unit, score_due
from chebao.desk import events, timers
from chebao.desk.config import DeskSettings

LIVE = ("queued", "agent")
"""Owners under whom a conversation is in an episode, and on the desk."""

_WITHOUT_HANDOFF = "takeover"

_BEGIN = """
INSERT INTO desk.episodes (id, conversation_id, reason, priority, skill, task, summary, slots, emotion, verified, told_wait,
    first_seq, asked_at, queued_at, escalated_at)
VALUES (%(id)s, %(conversation_id)s, %(reason)s, %(priority)s, %(skill)s, %(task)s, %(summary)s, %(slots)s, %(emotion)s,
    %(verified)s, %(told_wait)s, %(first_seq)s,
    coalesce((SELECT at FROM hub.messages WHERE conversation_id = %(conversation_id)s AND seq = %(first_seq)s), %(now)s),
    %(now)s, %(escalated_at)s)
ON CONFLICT (conversation_id) WHERE ended_at IS NULL DO NOTHING
"""

_GREW = """
UPDATE desk.episodes SET reason = %(reason)s, priority = %(priority)s, skill = %(skill)s, task = %(task)s,
    summary = %(summary)s, slots = %(slots)s, emotion = %(emotion)s, verified = %(verified)s,
    told_wait = coalesce(told_wait, %(told_wait)s)
WHERE conversation_id = %(conversation_id)s AND ended_at IS NULL
"""

_GIVEN = """
UPDATE desk.episodes SET agent_id = %(agent_id)s, assigned_at = %(now)s,
    first_assigned_at = coalesce(first_assigned_at, %(now)s)
WHERE conversation_id = %(conversation_id)s AND ended_at IS NULL
"""
_LAST_GIVEN = "UPDATE desk.agents SET assigned_at = %s WHERE id = %s"

_BACK_IN_QUEUE = """
UPDATE desk.episodes SET agent_id = NULL, assigned_at = NULL, skill = %(skill)s, tried = %(tried)s
WHERE conversation_id = %(conversation_id)s AND ended_at IS NULL
"""

_ENDED = """
UPDATE desk.episodes SET ended_at = %(now)s, end_reason = %(reason)s
WHERE conversation_id = %(conversation_id)s AND ended_at IS NULL
"""

_REPLIED = """
UPDATE desk.episodes SET first_reply_at = %(now)s
WHERE conversation_id = %(conversation_id)s AND ended_at IS NULL AND first_reply_at IS NULL
"""


class Recorder:
    """An observer of the hub."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings

    async def changed(self, unit: Unit, change: Change) -> None:
        """Keeps the desk's rows in step with the conversation."""
        before, conversation = change.before, unit.conversation
        if before.owner not in LIVE and conversation.owner not in LIVE:
            return
        moved = (before.owner, before.agent_id) != (conversation.owner, conversation.agent_id)
        if moved:
            await self._moved(unit, before)
        elif conversation.handoff != before.handoff:
            await unit.connection.execute(_GREW, _case(unit))
        await self._said(unit, change.messages)
        await self._publish(unit, before, moved=moved)

    async def _moved(self, unit: Unit, before: Conversation) -> None:
        conversation, connection = unit.conversation, unit.connection
        values: dict[str, Any] = {"conversation_id": conversation.id, "now": unit.now}
        if before.owner not in LIVE and conversation.owner in LIVE:
            await connection.execute(_BEGIN, _case(unit))
        if conversation.owner == "agent":
            await connection.execute(_GIVEN, values | {"agent_id": conversation.agent_id})
            await connection.execute(_LAST_GIVEN, (unit.now, conversation.agent_id))
            due = unit.now + timedelta(seconds=self._settings.answer_seconds)
            body = {"agent_id": conversation.agent_id, "epoch": conversation.epoch}
            await timers.arm(connection, "unanswered", conversation.id, due, body)
        elif conversation.owner == "queued" and before.owner == "agent":
            tried = list((conversation.handoff or {}).get("exclude", ()))
            await connection.execute(_BACK_IN_QUEUE, values | {"skill": skill_of(conversation), "tried": tried})
        elif before.owner in LIVE and conversation.owner not in LIVE:
            await connection.execute(_ENDED, values | {"reason": unit.reason})
        if conversation.owner != "agent":
            await timers.disarm(connection, conversation.id)
        if score_due(conversation):
            due = unit.now + timedelta(minutes=self._settings.idle_ask_minutes)
            since = {"seq": conversation.last_customer_seq, "since": unit.now.isoformat()}
            await timers.arm(connection, "score", conversation.id, due, since)

    async def _said(self, unit: Unit, messages: Sequence[dict[str, Any]]) -> None:
        """The first words of a person, and the clock of a customer who does not answer them."""
        conversation = unit.conversation
        spoken = [row["seq"] for row in messages if row["sender"] == "agent"]
        if not spoken or conversation.owner != "agent":
            return
        values = {"conversation_id": conversation.id, "now": unit.now}
        await unit.connection.execute(_REPLIED, values)
        due = unit.now + timedelta(minutes=self._settings.idle_ask_minutes)
        await timers.arm(unit.connection, "idle_ask", conversation.id, due, {"seq": spoken[-1]})

    async def _publish(self, unit: Unit, before: Conversation, *, moved: bool) -> None:
        conversation = unit.conversation
        held = (before.held_at is None) != (conversation.held_at is None)
        sought = moved or conversation.skill != before.skill
        agents = {a for a in (before.agent_id, conversation.agent_id) if a} if moved or held else set()
        waits = conversation.owner == "queued" and sought
        freed = bool(before.agent_id) and (moved or held)
        seen_by_others = sought and before.owner in LIVE
        await events.publish_rows(
            unit.connection,
            {"conversation": [conversation.id], "agent": agents},
            notes_of=conversation.id if seen_by_others else None,
            work=waits or freed,
        )


def skill_of(conversation: Conversation) -> str:
    """What the conversation calls for."""
    return conversation.skill or "general"


def _case(unit: Unit) -> dict[str, Any]:
    """The hand-off as the episode keeps it."""
    conversation = unit.conversation
    handoff = conversation.handoff or {}
    summary = handoff.get("summary") or {}
    return {
        "id": uuid4().hex,
        "conversation_id": conversation.id,
        "reason": handoff.get("reason") or _WITHOUT_HANDOFF,
        "priority": conversation.priority,
        "skill": skill_of(conversation),
        "task": handoff.get("task"),
        "summary": Jsonb(summary if isinstance(summary, dict) else {"wants": summary}),
        "slots": Jsonb(handoff.get("slots") or {}),
        "emotion": handoff.get("emotion"),
        "verified": Jsonb(conversation.identity(unit.now)),
        "told_wait": Jsonb(handoff["told_wait"]) if handoff.get("told_wait") else None,
        "first_seq": conversation.last_customer_seq,
        "escalated_at": unit.now if handoff.get("alerted") else None,
        "now": unit.now,
    }
