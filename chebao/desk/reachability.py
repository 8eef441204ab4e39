"""How reachable people were in a month: from the first "转人工" to a person's first word, in turns and seconds; as CSV for the file.

Counted from the ledger, not from what was meant to happen: the first request is the customer's own message, even where it did not lead
to the queue. Rows carry no personal data.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chebao.db import Connection
from chebao.errors import InputRefused
from chebao.insurance.dates import SHANGHAI, add_months

_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Episode:
    """One customer who was to reach a person.

    Attributes:
        by_customer: he asked for one himself; else the assistant called a colleague.
        turns: his messages from the first request up to the one that put him into the queue; 1 is the promise.
        seconds: from the first request to a person's first word; None where there was none.
        wait: seconds from queueing to a person's first word.
        low: lower end of the wait that he was told, in seconds.
        high: upper end of it.
        abandoned: it ended without a person's word.
    """

    day: date
    id: str
    channel: str
    reason: str
    by_customer: bool
    turns: int | None
    seconds: float | None
    wait: float | None
    low: float | None
    high: float | None
    abandoned: bool


@dataclass(frozen=True)
class Refused:
    """Requests for a person that did not lead to the queue within the day, by day."""

    day: date
    count: int


def month_of(value: str) -> tuple[datetime, datetime]:
    """Beginning and end of a month written 2026-11, in Shanghai.

    Raises:
        InputRefused: no month.
    """
    if not _MONTH.fullmatch(value):
        raise InputRefused("月份要写成 2026-11 这样。")
    first = date.fromisoformat(f"{value}-01")
    last = add_months(first, 1)
    return (datetime(first.year, first.month, 1, tzinfo=SHANGHAI), datetime(last.year, last.month, 1, tzinfo=SHANGHAI))


async def episodes(connection: Connection, month: str) -> list[Episode]:
    """The month's episodes, oldest first."""
    since, until = month_of(month)
    found = await connection.execute(_EPISODES, {"since": since, "until": until})
    return [Episode(**row) for row in await found.fetchall()]


async def refused(connection: Connection, month: str) -> list[Refused]:
    """The month's requests that led nowhere."""
    since, until = month_of(month)
    found = await connection.execute(_REFUSED, {"since": since, "until": until})
    return [Refused(**row) for row in await found.fetchall()]


async def by_day(connection: Connection, month: str) -> str:
    """One line a day and one for the month."""
    all_of_it = await episodes(connection, month)
    led_nowhere = {row.day: row.count for row in await refused(connection, month)}
    days = sorted({episode.day for episode in all_of_it} | set(led_nowhere))
    lines = [
        [day.isoformat(), *_figures([e for e in all_of_it if e.day == day], led_nowhere.get(day, 0))] for day in days
    ]
    lines.append([f"{month} 合计", *_figures(all_of_it, sum(led_nowhere.values()))])
    return _csv(["日期", *_DAY_COLUMNS], lines)


async def by_episode(connection: Connection, month: str) -> str:
    """One line per episode, to check the figures by."""
    lines = [[value(episode) for value in _EPISODE_COLUMNS.values()] for episode in await episodes(connection, month)]
    return _csv(list(_EPISODE_COLUMNS), lines)


_EPISODE_COLUMNS: dict[str, Callable[[Episode], Any]] = {
    "日期": lambda e: e.day.isoformat(),
    "编号": lambda e: e.id,
    "渠道": lambda e: e.channel,
    "原因": lambda e: e.reason,
    "客户主动要求": lambda e: _yes(e.by_customer),
    "轮数": lambda e: e.turns,
    "到人工首句（秒）": lambda e: _round(e.seconds),
    "排队（秒）": lambda e: _round(e.wait),
    "告知下限（秒）": lambda e: _round(e.low),
    "告知上限（秒）": lambda e: _round(e.high),
    "放弃": lambda e: _yes(e.abandoned),
}
_DAY_COLUMNS: dict[str, Callable[[Sequence[Episode], int], Any]] = {
    "客户要求人工（次）": lambda of, nowhere: sum(e.by_customer for e in of) + nowhere,
    "其中未进入排队（次）": lambda of, nowhere: nowhere,
    "助手主动转接（次）": lambda of, nowhere: sum(not e.by_customer for e in of),
    "接通（次）": lambda of, nowhere: sum(e.wait is not None for e in of),
    "放弃（次）": lambda of, nowhere: sum(e.abandoned for e in of),
    "放弃占比": lambda of, nowhere: _share(sum(e.abandoned for e in of), len(of)),
    "到排队轮数中位": lambda of, nowhere: _quantile([e.turns for e in of], 0.5),
    "到排队轮数最多": lambda of, nowhere: _quantile([e.turns for e in of], 1),
    "到人工首句中位（秒）": lambda of, nowhere: _quantile([e.seconds for e in of], 0.5),
    "到人工首句90分位（秒）": lambda of, nowhere: _quantile([e.seconds for e in of], 0.9),
    "告知等待上限中位（秒）": lambda of, nowhere: _quantile([e.high for e in of if e.wait is not None], 0.5),
    "实际等待中位（秒）": lambda of, nowhere: _quantile([e.wait for e in of if e.high is not None], 0.5),
    "实际不超过告知上限的占比": lambda of, nowhere: _kept(of),
}


def _figures(of: Sequence[Episode], nowhere: int) -> list[Any]:
    return [figure(of, nowhere) for figure in _DAY_COLUMNS.values()]


def _kept(of: Sequence[Episode]) -> str:
    told = [(e.wait, e.high) for e in of if e.wait is not None and e.high is not None]
    return _share(sum(wait <= high for wait, high in told), len(told))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _quantile(values: Sequence[float | None], share: float) -> float | None:
    """The nearest value at a share of the ordered values: a wait that somebody really had."""
    known = sorted(value for value in values if value is not None)
    return _round(known[max(0, math.ceil(share * len(known)) - 1)]) if known else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value)


def _yes(value: bool) -> str:
    return "是" if value else ""


def _csv(head: list[str], lines: list[list[Any]]) -> str:
    """With the mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue()


_WISHES = "('customer_request', 'vip', 'care')"
"""Reasons under which a customer's own wish stands."""

# A request older than a day, or before the end of the last episode, was another matter.
_ASKED = "m.sender = 'customer' AND 'human_agent' IN (m.understood ->> 'intent', m.payload ->> 'intent')"

_EPISODES = f"""
SELECT (e.queued_at AT TIME ZONE 'Asia/Shanghai')::date AS day, e.id, c.channel, e.reason,
       e.reason IN {_WISHES} AS by_customer,
       CASE WHEN e.reason IN {_WISHES} THEN (
           SELECT count(*) FROM hub.messages m WHERE m.conversation_id = e.conversation_id AND m.sender = 'customer'
           AND m.at >= first.at AND m.at <= e.queued_at) END AS turns,
       extract(epoch FROM e.first_reply_at - first.at)::float AS seconds,
       extract(epoch FROM e.first_reply_at - e.queued_at)::float AS wait,
       60 * (e.told_wait ->> 'low')::float AS low, 60 * (e.told_wait ->> 'high')::float AS high,
       e.first_reply_at IS NULL AND e.ended_at IS NOT NULL AS abandoned
FROM desk.episodes e
JOIN hub.conversations c ON c.id = e.conversation_id
LEFT JOIN LATERAL (
    SELECT max(b.ended_at) AS at FROM desk.episodes b
    WHERE b.conversation_id = e.conversation_id AND b.queued_at < e.queued_at) before ON true
CROSS JOIN LATERAL (
    SELECT least(e.asked_at, min(m.at)) AS at FROM hub.messages m
    WHERE m.conversation_id = e.conversation_id AND {_ASKED} AND m.at <= e.queued_at
    AND m.at > greatest(before.at, e.queued_at - interval '1 day')) first
WHERE e.queued_at >= %(since)s AND e.queued_at < %(until)s AND e.reason <> 'takeover'
ORDER BY e.queued_at, e.id
"""

_REFUSED = f"""
SELECT day, count(*) AS count FROM (
    SELECT DISTINCT m.conversation_id, (m.at AT TIME ZONE 'Asia/Shanghai')::date AS day FROM hub.messages m
    WHERE m.at >= %(since)s AND m.at < %(until)s AND {_ASKED} AND NOT EXISTS (
        SELECT FROM desk.episodes e WHERE e.conversation_id = m.conversation_id
        AND e.queued_at < m.at + interval '1 day' AND coalesce(e.ended_at, 'infinity') > m.at)) asked
GROUP BY day ORDER BY day
"""
