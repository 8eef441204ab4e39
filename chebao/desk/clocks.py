"""Clocks of tickets and claims: the service promise and the legal periods, stored with what was warned of, right over restarts.

A clock runs from `started_at` to `due_at`; a legal period ends with its last day (民法典 201). It is warned of at 50, 80 and 100 %
of its time. What a row shows of its share is the last warning, so that a row changes only when something happened to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

from chebao.db import Connection
from chebao.desk.calendar import Calendar
from chebao.insurance import clocks as rules
from chebao.insurance.complaints import SERVICE_HOURS
from chebao.insurance.dates import SHANGHAI, local_day

type Warned = Literal[50, 80, 100]

SERVICE: Final = "service"
COMPLAINT: Final = "complaint"
CALLBACK: Final = "callback"
PERIODS: Final = ("complaint_simple", "complaint_complex", "complaint_extended")
"""Legal periods of a complaint, each longer than the one before: 15 days, 30 days, 30 more with approval and notice."""

LABELS: Final[Mapping[str, str]] = {
    SERVICE: "首次联系",
    COMPLAINT: "处理决定",
    CALLBACK: "约定回电",
    "documents_notice": "告知所需材料",
    "decide": "核定",
    "pay": "付款",
    "refusal_notice": "拒赔书面说明",
    "advance_certain": "先行赔付",
}
_INSURANCE: Final = {"compulsory": "交强险", "commercial": "商业险"}


@dataclass(frozen=True)
class Clock:
    """One clock; `name` is unique within its ticket or claim, `source` says what it rests on."""

    name: str
    legal: bool
    source: str
    started_at: datetime
    due_at: datetime


def label(name: str) -> str:
    """How colleagues read a clock's name: ``compulsory.decide`` → ``交强险核定``."""
    kind, _, rule = name.rpartition(".")
    return f"{_INSURANCE.get(kind, '')}{LABELS.get(rule, rule)}"


def service_clock(level: int, started: datetime, calendar: Calendar) -> Clock:
    """Until the customer hears from a colleague: 24 h, 48 h, at once. A promise that ends outside service hours must be kept before."""
    due = rules.service_due(level, started)
    reachable = calendar.last_open(due)
    if reachable is not None and started < reachable:
        due = reachable
    hours = SERVICE_HOURS[level]
    return Clock(SERVICE, False, f"服务标准：{hours} 小时内联系" if hours else "服务标准：主管立即联系", started, due)


def complaint_clock(received: datetime, rule: str) -> Clock:
    """The legal clock of a complaint by one of `PERIODS`."""
    due = rules.due(rule, "complaint", local_day(received))
    return Clock(COMPLAINT, True, due.clock.source, received, end_of(due.on))


def callback_clock(booked: datetime, at: datetime) -> Clock:
    """Until the call that was arranged, and a little longer."""
    return Clock(CALLBACK, False, "与客户约定的时间", booked, at + _LATE)


_LATE: Final = timedelta(minutes=15)
"""How much later than arranged a call is still in time."""


def claim_clocks(claim: Mapping[str, Any]) -> list[Clock]:
    """The legal clocks that now run for a claim, for each insurance that it touches."""
    kinds = [kind for kind, column in _POLICY.items() if claim.get(column)] or ["compulsory"]
    return [
        Clock(f"{kind}.{due.clock.rule}", True, due.clock.source, _start_of(due.since), end_of(due.on))
        for kind in kinds
        for due in rules.claim_dues(kind, claim)
    ]


_POLICY: Final = {"compulsory": "compulsory_policy_no", "commercial": "policy_no"}


def end_of(day: date) -> datetime:
    """The last second of a day in China."""
    return datetime.combine(day, time(23, 59, 59), SHANGHAI)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


# --- stored ---------------------------------------------------------------------------------------------------------

_START = (
    "INSERT INTO desk.clocks (number, claim_no, name, legal, source, started_at, due_at)"
    " VALUES (%(number)s, %(claim_no)s, %(name)s, %(legal)s, %(source)s, %(started_at)s, %(due_at)s)"
    " ON CONFLICT (number, claim_no, name) DO UPDATE SET source = excluded.source, started_at = excluded.started_at,"
    " due_at = excluded.due_at, stopped_at = NULL,"
    " warned = CASE WHEN desk.clocks.due_at = excluded.due_at THEN desk.clocks.warned ELSE 0 END"
)
_STOP = "UPDATE desk.clocks SET stopped_at = %(now)s WHERE stopped_at IS NULL AND"
_SHOWN = (
    "SELECT t.number AS ticket, c.name, c.legal, c.source, c.started_at, c.due_at, c.warned, c.stopped_at"
    " FROM desk.tickets t JOIN desk.clocks c ON c.number = t.number OR (c.number IS NULL AND c.claim_no = t.claim_no)"
    " WHERE t.number = ANY(%s) ORDER BY c.legal, c.due_at, c.name"
)


async def start(
    connection: Connection, clocks: Iterable[Clock], *, number: str | None = None, claim_no: str | None = None
) -> None:
    """Starts clocks of a ticket, or of a claim; one that is there gets the new times, and new warnings where it is due otherwise."""
    for clock in clocks:
        await connection.execute(_START, {"number": number, "claim_no": claim_no, **clock.__dict__})


async def stop(connection: Connection, number: str, now: datetime, *, names: Sequence[str] | None = None) -> None:
    """Stops clocks of a ticket, all of them or those named."""
    values = {"now": now, "number": number, "names": list(names or ())}
    chosen = " AND name = ANY(%(names)s)" if names else ""
    await connection.execute(f"{_STOP} number = %(number)s{chosen}", values)


async def follow_claim(connection: Connection, claim: Mapping[str, Any], now: datetime) -> None:
    """Brings the clocks of a claim to what its row says: those that run now are started, all others of it stopped."""
    running = claim_clocks(claim)
    values = {"now": now, "claim_no": claim["claim_no"], "names": [clock.name for clock in running]}
    await connection.execute(f"{_STOP} number IS NULL AND claim_no = %(claim_no)s AND name <> ALL(%(names)s)", values)
    await start(connection, running, claim_no=claim["claim_no"])


async def resume(connection: Connection, number: str) -> None:
    """A ticket goes on after all: its legal clocks run as if they had never been stopped."""
    await connection.execute("UPDATE desk.clocks SET stopped_at = NULL WHERE number = %s AND legal", (number,))


async def shown(connection: Connection, numbers: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The clocks of tickets as rows: ``{name, code, legal, source, started_at, due_at, share, stopped}``."""
    rows = await (await connection.execute(_SHOWN, (list(numbers),))).fetchall()
    found: dict[str, list[dict[str, Any]]] = {number: [] for number in numbers}
    for row in rows:
        found[row["ticket"]].append(
            {
                "name": label(row["name"]),
                "code": row["name"],
                "legal": row["legal"],
                "source": row["source"],
                "started_at": row["started_at"].astimezone(SHANGHAI).isoformat(),
                "due_at": row["due_at"].astimezone(SHANGHAI).isoformat(),
                "share": row["warned"] / 100,
                "stopped": row["stopped_at"] is not None,
            }
        )
    return found


@dataclass(frozen=True)
class Mark:
    """A clock that has just passed 50, 80 or 100 % of its time."""

    clock_id: int
    number: str | None
    claim_no: str | None
    name: str
    legal: bool
    due_at: datetime
    percent: Warned


# A clock is due at once where it has no length. What was passed while we did not run is told once, by its highest mark.
_PASSED = """
SELECT id, number, claim_no, name, legal, due_at, percent FROM (
    SELECT c.*, CASE WHEN %(now)s >= due_at THEN 100
                     WHEN %(now)s >= started_at + (due_at - started_at) * 0.8 THEN 80
                     WHEN %(now)s >= started_at + (due_at - started_at) * 0.5 THEN 50
                     ELSE 0 END AS percent
    FROM desk.clocks c WHERE stopped_at IS NULL AND warned < 100
) passed WHERE percent > warned ORDER BY due_at, id LIMIT %(limit)s
"""
_WARN = "UPDATE desk.clocks SET warned = %(percent)s WHERE id = %(id)s AND warned < %(percent)s AND stopped_at IS NULL RETURNING id"


async def marks(connection: Connection, now: datetime, limit: int = 100) -> list[Mark]:
    """Clocks with a mark that was not told yet, the most urgent first; read without locks, so `take` decides."""
    rows = await (await connection.execute(_PASSED, {"now": now, "limit": limit})).fetchall()
    return [Mark(r["id"], r["number"], r["claim_no"], r["name"], r["legal"], r["due_at"], r["percent"]) for r in rows]


async def take(connection: Connection, mark: Mark) -> bool:
    """Takes a mark; False where another process took it, or the clock was stopped meanwhile."""
    taken = await connection.execute(_WARN, {"id": mark.clock_id, "percent": mark.percent})
    return await taken.fetchone() is not None


def left(due_at: datetime, now: datetime) -> str:
    """How much time a clock has left, in words: ``还剩 3 小时``, ``已超 2 天``."""
    late, span = due_at < now, abs(due_at - now)
    if span >= timedelta(days=2):
        words = f"{span.days} 天"
    elif span >= timedelta(hours=1):
        words = f"{int(span.total_seconds() // 3600)} 小时"
    else:
        words = f"{int(span.total_seconds() // 60)} 分钟"
    return f"已超 {words}" if late else f"还剩 {words}"
