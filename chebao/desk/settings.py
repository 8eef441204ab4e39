"""What supervisors set at the desk, above all the service hours. Each change is checked and kept in the audit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb
from pydantic import BaseModel, ValidationError

from chebao.db import Connection
from chebao.desk import hours
from chebao.desk.calendar import Calendar, kind_of
from chebao.desk.hours import Hours
from chebao.errors import InputRefused
from chebao.insurance.dates import local_day

type Name = Literal["hours", "triggers"]

AHEAD = timedelta(days=60)
"""How far the calendar beside the hours goes."""


class Changed(BaseModel):
    """Who changed a setting last, and when."""

    by: str
    at: datetime


class DayAhead(BaseModel):
    """One of the next days as it will be.

    Attributes:
        name: the holiday, or the insurer's own note.
        known: False where its year's holidays are not published yet.
    """

    date: date
    kind: Literal["workday", "weekend", "holiday", "makeup", "own"]
    name: str
    periods: list[tuple[str, str]]
    known: bool


class HoursPage(BaseModel):
    """The hours with what they mean for the next days; `open` is now."""

    hours: Hours
    days: list[DayAhead]
    open: bool
    changed_by: str | None
    changed_at: datetime | None


async def hours_page(connection: Connection, now: datetime, *, always: bool = False) -> HoursPage:
    """The service hours in force, the days ahead, and who changed them last; `always`: the queue is open at all hours (demo)."""
    in_force, last = await hours.in_force(connection), await changed(connection, "hours")
    first = local_day(now)
    days = [_ahead(in_force, first + timedelta(days=number)) for number in range(AHEAD.days)]
    return HoursPage(
        hours=in_force,
        days=days,
        open=Calendar(in_force, always=always).opening(now).open,
        changed_by=last.by if last else None,
        changed_at=last.at if last else None,
    )


def _ahead(in_force: Hours, day: date) -> DayAhead:
    kind, note = kind_of(day), in_force.note(day)
    return DayAhead(
        date=day,
        kind=kind.kind if note is None else "own",
        name=note or kind.name or "",
        periods=in_force.periods(day, kind.kind),
        known=kind.known,
    )


async def put_hours(connection: Connection, value: Any, actor: str) -> Hours:
    """Sets the service hours.

    Raises:
        InputRefused: the detail names each wrong place in Chinese.
    """
    try:
        wanted = Hours.model_validate(value)
    except ValidationError as error:
        raise refused(error, "服务时间没有保存，请改好标出的地方。") from error
    await write(connection, "hours", wanted.model_dump(mode="json"), actor)
    return wanted


async def changed(connection: Connection, name: Name) -> Changed | None:
    """The last change of a setting; None where it stands at its default."""
    found = await connection.execute("SELECT changed_by, changed_at FROM desk.settings WHERE name = %s", (name,))
    row = await found.fetchone()
    return Changed(by=row["changed_by"], at=row["changed_at"]) if row else None


async def read(connection: Connection, name: Name) -> Any:
    """A setting's value; None where it was never set."""
    found = await connection.execute("SELECT value FROM desk.settings WHERE name = %s", (name,))
    row = await found.fetchone()
    return row["value"] if row else None


async def write(connection: Connection, name: Name, value: dict[str, Any], actor: str) -> None:
    """Stores a checked value, with what stood before in the audit."""
    before = await read(connection, name)
    if before == value:
        return
    await connection.execute(
        "INSERT INTO desk.settings (name, value, changed_by) VALUES (%s, %s, %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()",
        (name, Jsonb(value), actor),
    )
    await connection.execute(
        "INSERT INTO desk.audit (actor, action, detail) VALUES (%s, %s, %s)",
        (actor, f"settings.{name}", Jsonb({"before": before, "after": value})),
    )


def refused(error: ValidationError, message: str) -> InputRefused:
    """The places that are wrong, by their path in the body, with our own Chinese reasons where we gave them."""
    detail = {}
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        words = str(cause) if isinstance(cause, ValueError) else "这里填得不对。"
        detail[".".join(str(part) for part in problem["loc"]) or "hours"] = words
    return InputRefused(message, detail=detail)
