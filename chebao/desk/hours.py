"""The hours in which people serve, as supervisors set them."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from chebao.db import Connection
from chebao.desk.calendar import Calendar, DayKind

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


_OFFICE: list[tuple[str, str]] = [("08:30", "12:00"), ("13:00", "20:00")]
_WEEKEND: list[tuple[str, str]] = [("09:00", "12:00"), ("13:30", "18:00")]
DEFAULT_HOURS = Hours(
    week={"1": _OFFICE, "2": _OFFICE, "3": _OFFICE, "4": _OFFICE, "5": _OFFICE, "6": _WEEKEND, "7": _WEEKEND},
    holiday=[("09:00", "17:00")],
    makeup=_OFFICE,
)


async def in_force(connection: Connection) -> Hours:
    """The working hours in force."""
    found = await connection.execute("SELECT value FROM desk.settings WHERE name = 'hours'")
    row = await found.fetchone()
    return Hours.model_validate(row["value"]) if row else DEFAULT_HOURS


async def calendar(connection: Connection) -> Calendar:
    """Working time by the hours in force."""
    return Calendar(await in_force(connection))
