"""Service hours with holidays and make-up workdays: known days, and laws that hold for any hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chebao.desk.calendar import Calendar, Day, DayKind, kind_of
from chebao.insurance.dates import SHANGHAI


@dataclass(frozen=True)
class Table:
    """Hours by weekday (Monday first), holidays and make-up days, in the shape that the calendar asks for."""

    week: list[list[tuple[str, str]]]
    holiday: list[tuple[str, str]] = field(default_factory=list)
    makeup: list[tuple[str, str]] = field(default_factory=list)

    def periods(self, day: date, kind: DayKind) -> list[tuple[str, str]]:
        return {"holiday": self.holiday, "makeup": self.makeup}.get(kind, self.week[day.weekday()])


OFFICE = [("09:00", "12:00"), ("13:30", "18:00")]
WORKWEEK = Table(week=[OFFICE] * 5 + [[], []], makeup=OFFICE)
CALENDAR = Calendar(WORKWEEK)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-02-16", Day("holiday", "春节")),
        ("2026-02-14", Day("makeup", "春节")),  # a Saturday
        ("2026-10-10", Day("makeup", "国庆节")),
        ("2026-10-08", Day("workday")),
        ("2026-11-22", Day("weekend")),
    ],
)
def test_days_of_an_arranged_year(day: str, expected: Day) -> None:
    assert kind_of(date.fromisoformat(day)) == expected


def test_a_year_not_arranged_yet_has_its_statutory_days_and_says_so() -> None:
    off = [date(2029, 1, 1) + timedelta(days=n) for n in range(365)]
    festivals = [day for day in off if kind_of(day).kind == "holiday"]
    assert len(festivals) == 13  # 全国年节及纪念日放假办法 (2024) 第二条
    assert {date(2029, 2, 12), date(2029, 2, 15), date(2029, 5, 2), date(2029, 10, 3)} <= set(festivals)
    assert not any(kind_of(day).known for day in off)


@pytest.mark.parametrize(
    ("now", "is_open", "closes", "following"),
    [
        ("2026-11-20T10:00", True, "2026-11-20T12:00", "2026-11-20T13:30"),
        ("2026-11-20T12:00", False, None, "2026-11-20T13:30"),  # the end does not belong to a period
        ("2026-11-20T17:59", True, "2026-11-20T18:00", "2026-11-23T09:00"),  # Friday
        ("2026-10-01T10:00", False, None, "2026-10-08T09:00"),
        ("2026-10-10T09:00", True, "2026-10-10T12:00", "2026-10-10T13:30"),  # a Saturday that is worked
    ],
)
def test_openings(now: str, is_open: bool, closes: str | None, following: str) -> None:
    found = CALENDAR.opening(at(now))
    assert (found.open, found.closes_at, found.next_open) == (is_open, closes and at(closes), at(following))
    assert found == CALENDAR.opening(at(now).astimezone(UTC))


def test_hours_around_midnight_are_one_opening() -> None:
    night = Calendar(Table(week=[[("00:00", "02:00"), ("22:00", "24:00")]] * 7))
    found = night.opening(at("2026-11-24T23:00"))
    assert (found.closes_at, found.next_open) == (at("2026-11-25T02:00"), at("2026-11-25T22:00"))


def test_working_time_skips_lunch_night_and_holidays() -> None:
    assert CALENDAR.add(at("2026-11-20T11:00"), timedelta(hours=2)) == at("2026-11-20T14:30")
    assert CALENDAR.add(at("2026-09-30T17:00"), timedelta(hours=2)) == at("2026-10-08T10:00")
    assert CALENDAR.between(at("2026-09-30T17:00"), at("2026-10-08T10:00")) == timedelta(hours=2)
    assert CALENDAR.last_open(at("2026-11-22T10:00")) == at("2026-11-20T18:00")


def test_always_open_and_never_open() -> None:
    demo = Calendar(WORKWEEK, always=True)
    assert demo.opening(at("2026-10-01T03:00")).open
    assert demo.add(at("2026-10-01T03:00"), timedelta(hours=30)) == at("2026-10-02T09:00")
    never = Calendar(Table(week=[[]] * 7))
    assert never.opening(at("2026-11-20T10:00")).next_open is None
    assert never.add(at("2026-11-20T10:00"), timedelta(hours=1)) == at("2026-11-20T11:00")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@st.composite
def _periods(draw: st.DrawFn) -> list[tuple[str, str]]:
    edges = sorted(draw(st.lists(st.integers(0, 1440), max_size=8, unique=True)))
    return [(_clock(a), _clock(b)) for a, b in zip(edges[::2], edges[1::2], strict=False)]


tables = st.builds(
    Table, week=st.lists(_periods(), min_size=7, max_size=7), holiday=_periods(), makeup=_periods()
).filter(lambda table: any(table.week))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda naive: naive.replace(tzinfo=SHANGHAI))


@settings(max_examples=60, deadline=None)
@given(tables, moments, st.timedeltas(timedelta(minutes=1), timedelta(hours=30)))
def test_what_was_added_lies_between(table: Table, start: datetime, working: timedelta) -> None:
    calendar = Calendar(table)
    end = calendar.add(start, working)
    assert calendar.between(start, end) == working
    assert calendar.last_open(end) == end  # work ends within a period, or at its end


@settings(max_examples=60, deadline=None)
@given(tables, moments)
def test_an_opening_is_what_the_periods_say(table: Table, now: datetime) -> None:
    calendar = Calendar(table)
    found = calendar.opening(now)
    assert found.open == any(start <= now < end for start, end in calendar.periods(now.date()))
    assert found.open == (calendar.next_open(now) == now)
    if found.next_open is None:  # day and night
        return
    assert found.next_open > now and calendar.opening(found.next_open).open
    if found.open:
        assert found.closes_at and found.closes_at <= found.next_open
        assert not calendar.opening(found.closes_at).open
    else:
        assert calendar.between(now, found.next_open) == timedelta()
