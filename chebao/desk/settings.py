"""What supervisors set at the desk, above all the working hours. Each change is checked and kept in the audit."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from psycopg.types.json import Jsonb
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from chebao.db import Connection
from chebao.errors import InputRefused

type DayKind = Literal["workday", "weekend", "holiday", "makeup"]
type Name = Literal["hours", "triggers"]

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def _periods(periods: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """In order, each with a beginning before its end, none touching another."""
    for start, end in periods:
        if not (_TIME.fullmatch(start) and _TIME.fullmatch(end)):
            raise ValueError("时间要写成 09:00 这样。")
        if start >= end:
            raise ValueError(f"{start} 到 {end}：结束要晚于开始。")
    ordered = sorted(periods)
    for (_, end), (start, _) in pairwise(ordered):
        if start < end:
            raise ValueError(f"{start} 开始的时段和前一段重叠了。")
    return ordered


type Periods = Annotated[list[tuple[str, str]], Field(max_length=6), AfterValidator(_periods)]
"""Hours of one day, ``[["09:00", "12:00"], …]`` in Shanghai time; "24:00" is the end of the day."""


class OwnDay(BaseModel):
    """A date with hours of its own, stronger than weekday and holiday."""

    date: date
    note: str = Field(default="", max_length=40)
    periods: Periods = []


class Hours(BaseModel):
    """When people serve.

    Attributes:
        week: hours by weekday, "1" is Monday.
        holiday: hours on statutory holidays.
        makeup: hours on the weekend days that are worked to make up for a holiday.
        own: the insurer's own exceptions.
    """

    week: dict[Literal["1", "2", "3", "4", "5", "6", "7"], Periods]
    holiday: Periods = []
    makeup: Periods = []
    own: list[OwnDay] = Field(default=[], max_length=200)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len(self.week) != 7:
            raise ValueError("一周七天都要有，休息的那天留空。")
        dates = [day.date for day in self.own]
        if len(dates) != len(set(dates)):
            raise ValueError("同一个日期写了两次。")
        self.own.sort(key=lambda day: day.date)
        return self

    def periods(self, day: date, kind: DayKind) -> list[tuple[str, str]]:
        """The hours of a day whose kind the calendar knows."""
        for own in self.own:
            if own.date == day:
                return own.periods
        if kind == "holiday":
            return self.holiday
        if kind == "makeup":
            return self.makeup
        return self.week[_weekday(day)]

    def note(self, day: date) -> str | None:
        """What the insurer wrote beside a date of its own; None for any other date."""
        return next((own.note for own in self.own if own.date == day), None)


def _weekday(day: date) -> Literal["1", "2", "3", "4", "5", "6", "7"]:
    names: list[Literal["1", "2", "3", "4", "5", "6", "7"]] = ["1", "2", "3", "4", "5", "6", "7"]
    return names[day.weekday()]


def inside(periods: list[tuple[str, str]], moment: time) -> bool:
    """Whether a time of day in Shanghai falls into one of the periods; their end no longer does."""
    now = f"{moment:%H:%M}"
    return any(start <= now < end for start, end in periods)


_OFFICE: list[tuple[str, str]] = [("08:30", "12:00"), ("13:00", "20:00")]
_WEEKEND: list[tuple[str, str]] = [("09:00", "12:00"), ("13:30", "18:00")]
DEFAULT_HOURS = Hours(
    week={"1": _OFFICE, "2": _OFFICE, "3": _OFFICE, "4": _OFFICE, "5": _OFFICE, "6": _WEEKEND, "7": _WEEKEND},
    holiday=[("09:00", "17:00")],
    makeup=_OFFICE,
)


class Changed(BaseModel):
    """Who changed a setting last, and when."""

    by: str
    at: datetime


async def hours(connection: Connection) -> Hours:
    """The working hours in force."""
    value = await read(connection, "hours")
    return DEFAULT_HOURS if value is None else Hours.model_validate(value)


async def put_hours(connection: Connection, value: Any, actor: str) -> Hours:
    """Sets the working hours.

    Raises:
        InputRefused: the detail names each wrong place in Chinese.
    """
    try:
        wanted = Hours.model_validate(value)
    except ValidationError as error:
        raise refused(error, "工作时间没有保存，请改好标出的地方。") from error
    await write(connection, "hours", wanted.model_dump(mode="json"), actor)
    return wanted


async def changed(connection: Connection, name: Name) -> Changed | None:
    """The last change of a setting; None where it stands at its default."""
    row = await (
        await connection.execute("SELECT changed_by, changed_at FROM desk.settings WHERE name = %s", (name,))
    ).fetchone()
    return Changed(by=row["changed_by"], at=row["changed_at"]) if row else None


async def read(connection: Connection, name: Name) -> Any:
    """A setting's value; None where it was never set."""
    row = await (await connection.execute("SELECT value FROM desk.settings WHERE name = %s", (name,))).fetchone()
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
