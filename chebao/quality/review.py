"""The review list: messages that were not answered, were answered beside the point, or were voted down."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.errors import Conflict, InputRefused, NotFound
from chebao.quality.anonymous import anonymous
from chebao.quality.tables import reviews

Reason = Literal["unanswered", "clarified", "corrected", "downvoted"]

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NOT_THIS: Final = re.compile(
    r"答非所问|(不是|没)(在)?问(你)?(这个|这些|的这)|不是这个(意思|问题)|(理解|听|弄|搞)(错|反)了|没(听|看)懂我|"
    r"我(问|说)的(是|不是)|你(没|不)(明白|懂)|文不对题|(这|你)(说|答)的(什么|啥)(呀|啊)?$"
)
"""How customers say that the answer before was to another question."""

# A message's successors may still come: the next run looks again at all that is younger than this.
_CANDIDATES = text(
    """
    SELECT m.id, m.conversation_id, m.at, m.text, m.understood ->> 'intent' AS intent,
           (m.understood ->> 'confidence')::real AS confidence,
           answer.kind, answer.topic, answer.voted_down, coalesce(asked.text, '') AS context,
           following.text AS following, following.payload -> 'entities' ->> 'topic' AS chosen
    FROM hub.messages m
    LEFT JOIN LATERAL (
        SELECT max(r.custom -> 'knowledge' ->> 'kind') AS kind, max(r.custom -> 'knowledge' ->> 'topic') AS topic,
               coalesce(bool_or(r.helpful IS FALSE), false) AS voted_down
        FROM hub.messages r WHERE r.turn_of = m.id) answer ON true
    LEFT JOIN LATERAL (
        SELECT b.text FROM hub.messages b
        WHERE b.conversation_id = m.conversation_id AND b.seq < m.seq AND b.sender = 'bot'
        ORDER BY b.seq DESC LIMIT 1) asked ON true
    LEFT JOIN LATERAL (
        SELECT n.text, n.payload FROM hub.messages n
        WHERE n.conversation_id = m.conversation_id AND n.seq > m.seq AND n.sender = 'customer'
        ORDER BY n.seq LIMIT 1) following ON true
    WHERE m.sender = 'customer' AND m.state = 'answered' AND m.payload IS NULL AND m.text <> ''
      AND (m.id > (SELECT last_message_id FROM quality.collected)
           OR m.id IN (SELECT turn_of FROM hub.messages WHERE helpful IS FALSE))
      AND NOT EXISTS (SELECT FROM quality.reviews q WHERE q.message_id = m.id)
    ORDER BY m.id
    """
)
_ADVANCE = text(
    "UPDATE quality.collected SET last_message_id = greatest(last_message_id, coalesce("
    "(SELECT max(id) FROM hub.messages WHERE at < now() - interval '30 minutes'), 0))"
)


class State(StrEnum):
    """Where a line of the list stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Verdict:
    """What a reviewer says a message meant.

    Args:
        intent: the right intent.
        topic: the article that answers it, for a knowledge question.
        entities: ``[{"entity", "value"}]``, each value a substring of the message.
    """

    intent: str
    topic: str | None = None
    entities: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Review:
    """One line of the list; `text` and `context` are anonymous."""

    id: int
    conversation_id: str
    at: datetime
    reasons: list[Reason]
    text: str
    context: str
    intent: str | None
    confidence: float | None
    topic: str | None
    suggested_topic: str | None
    state: State
    label_intent: str | None
    label_topic: str | None
    label_entities: list[dict[str, str]] | None
    reviewer: str | None
    reviewed_at: datetime | None


_FIELDS = tuple(reviews.c[name] for name in Review.__dataclass_fields__)


def reasons_of(row: Row[Any]) -> list[Reason]:
    """Why a message belongs on the list; empty for one that was answered well as far as can be seen."""
    found: list[Reason] = []
    if row.kind == "none" or row.intent == "nlu_fallback":
        found.append("unanswered")
    if row.kind == "choices" and row.chosen:
        found.append("clarified")
    if row.following and _NOT_THIS.search(row.following):
        found.append("corrected")
    if row.voted_down:
        found.append("downvoted")
    return found


async def collect(engine: AsyncEngine) -> int:
    """Puts every message since the last run that went wrong on the list, once; returns how many."""
    async with engine.begin() as connection:
        await connection.execute(text("SELECT last_message_id FROM quality.collected FOR UPDATE"))
        rows = [_new(row) for row in await connection.execute(_CANDIDATES) if reasons_of(row)]
        if rows:
            await connection.execute(insert(reviews).on_conflict_do_nothing(index_elements=["message_id"]), rows)
        await connection.execute(_ADVANCE)
    return len(rows)


def _new(row: Row[Any]) -> dict[str, Any]:
    now = row.at.astimezone(_SHANGHAI)
    return {
        "message_id": row.id,
        "conversation_id": row.conversation_id,
        "at": row.at,
        "reasons": reasons_of(row),
        "text": anonymous(row.text, now),
        "context": anonymous(row.context, now),
        "intent": row.intent,
        "confidence": row.confidence,
        "topic": row.topic,
        "suggested_topic": row.chosen,
        "state": State.OPEN,
    }


async def find(engine: AsyncEngine, state: State, *, limit: int = 50, before: int | None = None) -> list[Review]:
    """The list, newest first; `before` is the last id of the page before."""
    wanted = select(*_FIELDS).where(reviews.c.state == state).order_by(reviews.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(reviews.c.id < before)
    async with engine.connect() as connection:
        return [_review(row) for row in await connection.execute(wanted)]


async def approve(
    engine: AsyncEngine, review_id: int, verdict: Verdict, reviewer: str, *, intents: Collection[str],
    topics: Collection[str],
) -> Review:  # fmt: skip
    """Writes down what the message meant; a second verdict replaces the first.

    Raises:
        NotFound: no such line.
        InputRefused: an intent, topic or entity that does not exist.
    """
    if verdict.intent not in intents:
        raise InputRefused(f"没有“{verdict.intent}”这个意图。", code="unknown_intent")
    if verdict.topic is not None and verdict.topic not in topics:
        raise InputRefused(f"没有“{verdict.topic}”这个知识主题。", code="unknown_topic")
    async with engine.begin() as connection:
        review = await _lock(connection, review_id)
        for entity in verdict.entities:
            if entity["value"] not in review.text:
                raise InputRefused(f"“{entity['value']}”不在这句话里。", code="entity_not_in_text")
        labels = {f"label_{name}": value for name, value in asdict(verdict).items()}
        return await _decide(connection, review_id, State.APPROVED, reviewer, labels)


async def reject(engine: AsyncEngine, review_id: int, reviewer: str) -> Review:
    """Takes a line off the list: nothing is to be learnt from it.

    Raises:
        NotFound: no such line.
        Conflict: already approved.
    """
    async with engine.begin() as connection:
        if (await _lock(connection, review_id)).state == State.APPROVED:
            raise Conflict("这一条已经审核通过，不能再驳回。", code="already_approved")
        return await _decide(connection, review_id, State.REJECTED, reviewer, {})


async def approved(engine: AsyncEngine) -> Sequence[Review]:
    """All lines that may be learnt from, oldest first."""
    async with engine.connect() as connection:
        found = await connection.execute(
            select(*_FIELDS).where(reviews.c.state == State.APPROVED).order_by(reviews.c.id)
        )
        return [_review(row) for row in found]


def _review(row: Row[Any]) -> Review:
    return Review(**{**row._mapping, "state": State(row.state)})


async def _lock(connection: AsyncConnection, review_id: int) -> Review:
    found = await connection.execute(select(*_FIELDS).where(reviews.c.id == review_id).with_for_update())
    row = found.one_or_none()
    if row is None:
        raise NotFound("没有这条待审核的消息。")
    return _review(row)


async def _decide(
    connection: AsyncConnection, review_id: int, state: State, reviewer: str, labels: dict[str, Any]
) -> Review:
    changed = await connection.execute(
        update(reviews)
        .where(reviews.c.id == review_id)
        .values(state=state, reviewer=reviewer, reviewed_at=func.now(), **labels)
        .returning(*_FIELDS)
    )
    return _review(changed.one())
