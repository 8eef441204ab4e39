"""The live wall: who waits, who serves, and how well the promises of today were kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from chebao.db import Connection
from chebao.insurance.dates import SHANGHAI

ANSWER_WITHIN = timedelta(seconds=60)
"""The service level counts first words of a person within this time of queueing."""


class Waiting(BaseModel):
    """One skill's queue; `since` is when its longest-waiting customer came."""

    skill: str
    count: int
    since: datetime


class AgentNow(BaseModel):
    """An agent's state: in `state` since `since`, for the `reason` he gave."""

    id: str
    name: str
    role: str
    skills: list[str]
    state: str
    since: datetime
    reason: str | None
    load: int
    held: int
    capacity: int


class Told(BaseModel):
    """Waits as they were told against what happened, over today's answered episodes that were told one.

    Attributes:
        within: answered inside the range; `sooner` before it, `later` after it.
        told_median: seconds, the upper end of the range.
        real_median: seconds.
    """

    within: int
    sooner: int
    later: int
    told_median: float | None
    real_median: float | None


class Hour(BaseModel):
    """One hour of today in Shanghai."""

    hour: int
    asked: int
    answered: int
    abandoned: int


class Today(BaseModel):
    """Episodes queued since midnight in Shanghai.

    Attributes:
        service_level: share answered within `ANSWER_WITHIN`, of those answered, abandoned, or waiting longer; None before the first.
        median_wait: seconds from queueing to a person's first word; `slowest_tenth` at the 90th percentile.
    """

    asked: int
    answered: int
    abandoned: int
    service_level: float | None
    median_wait: float | None
    slowest_tenth: float | None
    told: Told
    hours: list[Hour]


class Wall(BaseModel):
    """All of it at one moment."""

    at: datetime
    answer_within: int
    waiting: int
    waiting_since: datetime | None
    queues: list[Waiting]
    serving: int
    held: int
    agents: list[AgentNow]
    today: Today


async def figures(connection: Connection, now: datetime) -> Wall:
    """The wall at `now`."""
    start = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    queues = [Waiting(**row) for row in await _rows(connection, _QUEUES, {})]
    agents = [AgentNow(**row) for row in await _rows(connection, _AGENTS, {})]
    [counts] = await _rows(connection, _SERVING, {})
    values = {"start": start, "now": now, "target": ANSWER_WITHIN}
    [today] = await _rows(connection, _TODAY, values)
    told = {name: today.pop(name) for name in Told.model_fields}
    hours = [Hour(**row) for row in await _rows(connection, _HOURS, values)]
    return Wall(
        at=now,
        answer_within=int(ANSWER_WITHIN.total_seconds()),
        waiting=sum(queue.count for queue in queues),
        waiting_since=min((queue.since for queue in queues), default=None),
        queues=queues,
        serving=counts["serving"],
        held=counts["held"],
        agents=agents,
        today=Today(**today, told=Told(**told), hours=hours),
    )


async def _rows(connection: Connection, query: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    return await (await connection.execute(query.encode(), values)).fetchall()


_QUEUES = """
SELECT coalesce(skill, 'general') AS skill, count(*) AS count, min(queued_at) AS since
FROM hub.conversations WHERE owner = 'queued' AND queued_at IS NOT NULL GROUP BY 1 ORDER BY 3
"""

_SERVING = """
SELECT count(*) FILTER (WHERE held_at IS NULL) AS serving, count(held_at) AS held
FROM hub.conversations WHERE owner = 'agent'
"""

_AGENTS = """
SELECT a.id, a.name, a.role, a.skills, a.state, a.state_at AS since, s.reason, a.capacity,
       coalesce(l.load, 0) AS load, coalesce(l.held, 0) AS held
FROM desk.agents a
LEFT JOIN desk.agent_states s ON s.agent_id = a.id AND s.ended_at IS NULL
LEFT JOIN (SELECT agent_id, count(*) FILTER (WHERE held_at IS NULL) AS load, count(held_at) AS held
           FROM hub.conversations WHERE owner = 'agent' GROUP BY agent_id) l ON l.agent_id = a.id
WHERE NOT a.disabled ORDER BY array_position(ARRAY['ready', 'busy', 'break', 'offline'], a.state), a.name, a.id
"""

# An episode that ended without a person's word was given up. What a supervisor took from the assistant never waited.
_EPISODES = """
WITH e AS (
    SELECT queued_at, first_reply_at, ended_at, first_reply_at - queued_at AS wait,
           make_interval(secs => 60 * (told_wait ->> 'low')::float) AS low,
           make_interval(secs => 60 * (told_wait ->> 'high')::float) AS high,
           first_reply_at IS NULL AND ended_at IS NOT NULL AS abandoned
    FROM desk.episodes WHERE queued_at >= %(start)s AND reason <> 'takeover')
"""

_TODAY = (
    _EPISODES
    + """
SELECT count(*) AS asked, count(first_reply_at) AS answered, count(*) FILTER (WHERE abandoned) AS abandoned,
       count(*) FILTER (WHERE wait <= %(target)s)::float / nullif(count(*) FILTER (
           WHERE first_reply_at IS NOT NULL OR abandoned OR %(now)s - queued_at > %(target)s), 0) AS service_level,
       extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY wait))::float AS median_wait,
       extract(epoch FROM percentile_cont(0.9) WITHIN GROUP (ORDER BY wait))::float AS slowest_tenth,
       count(*) FILTER (WHERE wait BETWEEN low AND high) AS within,
       count(*) FILTER (WHERE wait < low) AS sooner, count(*) FILTER (WHERE wait > high) AS later,
       extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY high)
           FILTER (WHERE wait IS NOT NULL))::float AS told_median,
       extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY wait)
           FILTER (WHERE high IS NOT NULL))::float AS real_median
FROM e
"""
)

_HOURS = (
    _EPISODES
    + """
SELECT extract(hour FROM queued_at AT TIME ZONE 'Asia/Shanghai')::int AS hour, count(*) AS asked,
       count(first_reply_at) AS answered, count(*) FILTER (WHERE abandoned) AS abandoned
FROM e GROUP BY 1 ORDER BY 1
"""
)
