"""What the desk tells the hub about people's service: hours, waiting, call-backs, messages, satisfaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chebao.conversations.api import Booked, Conversation, Hub, Wait
from chebao.db import Connection
from chebao.desk import callbacks, hours, surveys, tickets, triggers
from chebao.desk.calendar import Opening
from chebao.desk.estimate import estimate
from chebao.handoff import closed_of, label_of, skill_of

_EPISODE = "SELECT id, first_reply_at FROM desk.episodes WHERE conversation_id = %s ORDER BY queued_at DESC LIMIT 1"


def install(hub: Hub, *, always_open: bool) -> None:
    """Answers the hub's questions from now on.

    Args:
        always_open: the queue has no hours, as in demo mode.
    """
    service = hub.service
    service.opening = None if always_open else _opening
    service.estimate, service.rule = _wait, triggers.rule
    service.book, service.times, service.leave, service.alert = _book, _times, _leave, _alert
    service.ask, service.score = _ask, _score


async def _opening(connection: Connection, now: datetime) -> Opening:
    return (await hours.calendar(connection)).opening(now)


async def _wait(connection: Connection, conversation: Conversation) -> Wait:
    found = await estimate(connection, conversation.id, conversation.skill or "general")
    return Wait(found.place, found.low, found.high, found.present)


async def _book(
    connection: Connection, conversation: Conversation, words: str, phone: str | None, now: datetime
) -> Booked:
    about = ((conversation.handoff or {}).get("summary") or {}).get("wants", "")
    ticket = await callbacks.book(connection, conversation, words, now, about=str(about)[:60], phone=phone)
    return Booked(False, ticket) if isinstance(ticket, str) else Booked(True, callbacks.booked(ticket))


async def _times(connection: Connection, now: datetime) -> list[str]:
    return [tickets.say_time(at) for at in callbacks.choices(now, await hours.calendar(connection))]


async def _leave(connection: Connection, conversation: Conversation, text: str) -> str:
    known = conversation.identity(datetime.now(UTC)) or {}
    ticket = await tickets.open_ticket(
        connection,
        kind="general",
        subject="客户留言",
        detail=text,
        created_by="customer",
        conversation_id=conversation.id,
        customer_id=known.get("customer_id"),
        phone=known.get("phone"),
    )
    return f"留言已经记下，工单号 {ticket.number}，客服上班后第一时间处理，并在这里回复您。"


async def _alert(
    connection: Connection, conversation: Conversation, reason: str, summary: Mapping[str, Any], key: str
) -> None:
    """A grave complaint has the ticket of its record in the back office already."""
    if reason == "complaint_grave":
        return
    known = conversation.identity(datetime.now(UTC)) or {}
    facts = "；".join(f"{label}：{value}" for label, value in summary.get("known") or ())
    await tickets.open_ticket(
        connection,
        kind="claim" if skill_of(reason, None) == "claims" else "general",
        subject=f"{label_of(reason)}：{summary.get('wants') or '客户需要人工'}",
        detail="\n".join(part for part in (facts, str(summary.get("open") or "")) if part),
        level=3 if closed_of(reason) == "alert" else 1,
        created_by="assistant",
        conversation_id=conversation.id,
        customer_id=known.get("customer_id"),
        phone=known.get("phone"),
        origin=f"handoff:{key}",
    )


async def _ask(connection: Connection, conversation: Conversation, about: str, agent_id: str | None) -> str | None:
    if about == "episode":
        row = await (await connection.execute(_EPISODE, (conversation.id,))).fetchone()
        if row is None or row["first_reply_at"] is None:  # nobody has said anything that could be judged
            return None
        about = str(row["id"])
    return about if await surveys.ask(connection, conversation.id, about, agent_id=agent_id) else None


async def _score(connection: Connection, conversation: Conversation, about: str, score: int) -> bool:
    return await surveys.answer(connection, conversation.id, score, about=about or None) is not None
