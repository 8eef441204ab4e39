"""How satisfied customers are: asked once after each human episode and each finished task, low scores opened for follow-up."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import BaseModel

from chebao.db import Connection
from chebao.desk.tickets import open_ticket

LOW = 2
"""A score up to here opens a ticket."""

ANSWER_WITHIN = timedelta(days=3)
"""A number that comes later answers something else."""

_COMMENT = 1000

_FIELDS = (
    "s.id, s.conversation_id, c.channel, s.about, s.agent_id, a.name AS agent_name, s.asked_at, s.score, s.comment, "
    "s.answered_at, s.ticket, t.state AS ticket_state"
)
_FROM = (
    "FROM desk.surveys s LEFT JOIN hub.conversations c ON c.id = s.conversation_id "
    "LEFT JOIN desk.agents a ON a.id = s.agent_id LEFT JOIN desk.tickets t ON t.number = s.ticket"
)


class Survey(BaseModel):
    """One question and its answer.

    Attributes:
        about: an episode's id, or ``task:<task>:<number>``.
        ticket: the follow-up of a low score.
    """

    id: int
    conversation_id: str
    channel: str | None
    about: str
    agent_id: str | None
    agent_name: str | None
    asked_at: datetime
    score: int | None
    comment: str | None
    answered_at: datetime | None
    ticket: str | None
    ticket_state: str | None


class Summary(BaseModel):
    """The scores of a stretch of time.

    Attributes:
        scores: how many gave 1, 2, 3, 4 and 5.
        mean: None where nobody answered.
    """

    asked: int
    answered: int
    mean: float | None
    scores: list[int]


async def ask(connection: Connection, conversation_id: str, about: str, *, agent_id: str | None = None) -> bool:
    """Notes that the question is asked; false where it was asked about this before, and must not be again."""
    done = await connection.execute(
        "INSERT INTO desk.surveys (conversation_id, about, agent_id) VALUES (%s, %s, %s) "
        "ON CONFLICT (conversation_id, about) DO NOTHING RETURNING id",
        (conversation_id, about, agent_id),
    )
    return await done.fetchone() is not None


async def answer(
    connection: Connection, conversation_id: str, score: int, *, about: str | None = None, comment: str | None = None
) -> Survey | None:
    """Stores a customer's score, once; a low one opens a follow-up ticket.

    Args:
        about: which question; the newest open one of the conversation where not given.

    Returns:
        The survey, or None where none waits for an answer.
    """
    row = await (
        await connection.execute(
            "UPDATE desk.surveys SET score = %(score)s, comment = %(comment)s, answered_at = now() WHERE id = ("
            "SELECT id FROM desk.surveys WHERE conversation_id = %(id)s AND score IS NULL AND asked_at > now() - %(within)s "
            "AND (%(about)s::text IS NULL OR about = %(about)s) ORDER BY id DESC LIMIT 1 FOR UPDATE) RETURNING id",
            {
                "id": conversation_id,
                "score": score,
                "comment": comment[:_COMMENT] if comment else None,
                "about": about,
                "within": ANSWER_WITHIN,
            },
        )
    ).fetchone()
    if row is None:
        return None
    survey = await _get(connection, row["id"])
    return await _follow_up(connection, survey) if score <= LOW else survey


async def find(
    connection: Connection, *, low: bool = False, before: int | None = None, limit: int = 50
) -> list[Survey]:
    """Answered surveys, newest first; `low` only those that need a follow-up."""
    rows = await connection.execute(
        f"SELECT {_FIELDS} {_FROM} WHERE s.score IS NOT NULL AND (NOT %(low)s OR s.score <= %(bad)s) "
        "AND (%(before)s::bigint IS NULL OR s.id < %(before)s) ORDER BY s.id DESC LIMIT %(limit)s",
        {"low": low, "bad": LOW, "before": before, "limit": limit},
    )
    return [Survey(**row) for row in await rows.fetchall()]


async def summary(connection: Connection, since: datetime) -> Summary:
    """The scores of questions asked since a moment."""
    row = await (
        await connection.execute(
            "SELECT count(*) AS asked, count(score) AS answered, avg(score)::float AS mean, "
            "array(SELECT count(*) FILTER (WHERE score = n AND asked_at >= %(since)s) "
            "FROM generate_series(1, 5) n LEFT JOIN desk.surveys ON true GROUP BY n ORDER BY n) AS scores "
            "FROM desk.surveys WHERE asked_at >= %(since)s",
            {"since": since},
        )
    ).fetchone()
    assert row is not None
    return Summary(**row)


async def _get(connection: Connection, survey_id: int) -> Survey:
    found = await connection.execute(f"SELECT {_FIELDS} {_FROM} WHERE s.id = %s", (survey_id,))
    row = await found.fetchone()
    assert row is not None
    return Survey(**row)


async def _follow_up(connection: Connection, survey: Survey) -> Survey:
    """Somebody other than the person judged calls back."""
    what = (
        f"{survey.agent_name}的人工服务" if survey.agent_name else "人工服务" if survey.agent_id else "助手办理的业务"
    )
    ticket = await open_ticket(
        connection,
        kind="callback",
        subject=f"低分回访：{what}，客户打了 {survey.score} 分",
        detail=f"客户留言：{survey.comment}" if survey.comment else "",
        signs=frozenset({"lowest_score" if survey.score == 1 else "low_score"}),
        conversation_id=survey.conversation_id,
        about_agent_id=survey.agent_id,
        created_by="survey",
        origin=f"survey:{survey.id}",
    )
    await connection.execute("UPDATE desk.surveys SET ticket = %s WHERE id = %s", (ticket.number, survey.id))
    return await _get(connection, survey.id)
