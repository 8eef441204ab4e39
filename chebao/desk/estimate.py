"""How long a customer will wait, as a range that holds: out of how fast his queue moved lately.

A range is told only where there is something to base it on. What was told stands in the episode beside what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from statistics import quantiles
from typing import Any

from chebao.db import Connection

_LATELY = "4 hours"
_MOST = 60
_LEAST = 6
"""Waits below which there is nothing to base a range on."""

_QUEUE = """
SELECT
    1 + (SELECT count(*) FROM hub.conversations o
         WHERE o.owner = 'queued' AND o.id <> c.id AND coalesce(o.skill, 'general') = %(skill)s
           AND (o.priority > c.priority OR (o.priority = c.priority AND o.queued_at < coalesce(c.queued_at, now())))) AS place,
    (SELECT count(*) FROM desk.agents a WHERE a.state <> 'offline' AND NOT a.disabled AND %(skill)s = ANY(a.skills)) AS present,
    (SELECT count(*) FROM desk.agents a WHERE a.state = 'ready' AND NOT a.disabled AND %(skill)s = ANY(a.skills)
       AND a.capacity > (SELECT count(*) FROM hub.conversations h
                         WHERE h.agent_id = a.id AND h.owner = 'agent' AND h.held_at IS NULL)) AS free
FROM hub.conversations c WHERE c.id = %(id)s
"""

# Seconds of a wait for each place that was to be waited for, the latest first; waits that are still going on count too,
# or an hour in which nobody is served would look like the good hour before it.
_PACE = f"""
SELECT extract(epoch FROM coalesce(first_assigned_at, now()) - queued_at)::float / (told_wait ->> 'place')::float AS pace
FROM desk.episodes
WHERE skill = %(skill)s AND queued_at > now() - interval '{_LATELY}' AND conversation_id <> %(id)s
  AND (told_wait ->> 'place')::int > 0 AND (first_assigned_at IS NOT NULL OR ended_at IS NULL)
ORDER BY coalesce(first_assigned_at, now()) DESC LIMIT {_MOST}
"""


@dataclass(frozen=True)
class Estimate:
    """The place in the queue of a skill, and how many minutes it takes; no range where that is not known.

    Attributes:
        low: minutes; 0 means at once.
        present: whether anybody who could come is there at all.
    """

    place: int
    low: int | None
    high: int | None
    present: bool

    def told(self) -> dict[str, Any]:
        """As it is kept with the episode."""
        return {"place": self.place, "low": self.low, "high": self.high}


async def estimate(connection: Connection, conversation_id: str, skill: str) -> Estimate:
    """What can honestly be told of a conversation that waits, or is about to."""
    wanted = {"id": conversation_id, "skill": skill}
    queue = await (await connection.execute(_QUEUE, wanted)).fetchone()
    assert queue is not None
    place, free = int(queue["place"]), int(queue["free"])
    if place <= free:
        return Estimate(place, 0, 1, present=True)
    if not queue["present"]:
        return Estimate(place, None, None, present=False)
    paces = [row["pace"] for row in await (await connection.execute(_PACE, wanted)).fetchall()]
    low, high = span(paces, place) or (None, None)
    return Estimate(place, low, high, present=True)


def span(paces: list[float], place: int) -> tuple[int, int] | None:
    """The range in minutes within which four waits of five would have ended; None without enough to go by."""
    if len(paces) < _LEAST:
        return None
    tenths = quantiles(paces, n=10, method="inclusive")
    return floor(tenths[0] * place / 60), max(1, ceil(tenths[-1] * place / 60))
