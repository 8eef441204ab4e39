"""When people serve: hours by weekday, Chinese public holidays and the weekend days that are worked to make up for them.

Holidays are arranged each November for the year after. A year that the library does not know yet falls back to the statutory
days of 全国年节及纪念日放假办法, without bridging days and make-up workdays; `Day.known` says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, Protocol

import chinese_calendar

from chebao.insurance import holidays_zh
from chebao.insurance.dates import SHANGHAI, local_day
from chebao.logs import line

log = logging.getLogger(__name__)

type DayKind = Literal["workday", "weekend", "holiday", "makeup"]

_STATUTORY = {
    "元旦": (0, 1),
    "春节": (-1, 4),
    "清明": (0, 1),
    "劳动节": (0, 2),
    "端午": (0, 1),
    "中秋": (0, 1),
    "国庆": (0, 3),
}
"""Festival → first day off counted from it, and how many (放假办法 2024, in force since 2025)."""

_HORIZON = 400
"""Days after which we stop looking for an opening: the hours have none."""


@dataclass(frozen=True)
class Day:
    """What a date is; `name` of the holiday, `known` is False where its year's arrangement is not published yet."""

    kind: DayKind
    name: str | None = None
    known: bool = True


@dataclass(frozen=True)
class Opening:
    """Whether people serve now, until when, and when the next period begins (None: never, or always open)."""

    open: bool
    next_open: datetime | None
    closes_at: datetime | None = None
    known: bool = True


class Hours(Protocol):
    """Periods of a day in Shanghai time as ``("09:00", "12:00")``, in order; "24:00" is the day's end."""

    def periods(self, day: date, kind: DayKind) -> Sequence[tuple[str, str]]: ...


@lru_cache(maxsize=1024)
def kind_of(day: date) -> Day:
    """Workday, weekend, public holiday, or a weekend day that is worked for one."""
    weekend = day.weekday() >= 5
    try:
        off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        _tell_unknown(day.year)
        festival = _festival(day)
        return Day("holiday" if festival else "weekend" if weekend else "workday", festival, known=False)
    chinese = chinese_calendar.Holiday(name).chinese if name else None
    if off:
        return Day("holiday", chinese) if chinese else Day("weekend")
    return Day("makeup", chinese) if weekend else Day("workday")


def _festival(day: date) -> str | None:
    for name, (first, days) in _STATUTORY.items():
        festival = holidays_zh.date_of(name, day.year)
        if festival and 0 <= (day - festival).days - first < days:
            return name
    return None


@lru_cache
def _tell_unknown(year: int) -> None:
    log.warning(line("holidays_not_arranged", year=year, hint="update chinesecalendar, or set own days in the hours"))


class Calendar:
    """Working time by `hours`; all moments are aware, answers in Shanghai time. Where the hours have no period at all, all time counts.

    Args:
        always: people serve at all hours (demo mode).
    """

    def __init__(self, hours: Hours, *, always: bool = False) -> None:
        self._hours = hours
        self._always = always

    def periods(self, day: date) -> list[tuple[datetime, datetime]]:
        """The periods of a date in order; their end no longer belongs to them."""
        if self._always:
            return [(_at(day, "00:00"), _at(day, "24:00"))]
        told = self._hours.periods(day, kind_of(day).kind)
        return [(_at(day, start), _at(day, end)) for start, end in told]

    def opening(self, now: datetime) -> Opening:
        """Whether people serve at a moment, and when the next period begins."""
        known = kind_of(local_day(now)).known
        if self._always:
            return Opening(True, None, None, known)
        current = None
        for start, end in self._periods_from(now):
            if start <= now:
                current = end
            elif current is None or start > current:  # a period that follows without a gap is the same opening
                return Opening(current is not None, start, current, known)
            else:
                current = end
        return Opening(current is not None, None, current, known)

    def next_open(self, moment: datetime) -> datetime:
        """`moment` itself where people serve then, else the beginning of the next period."""
        start = next((start for start, _ in self._periods_from(moment)), moment)
        return max(start, moment.astimezone(SHANGHAI))

    def last_open(self, moment: datetime) -> datetime | None:
        """`moment` itself where people serve then or just stopped, else the end of the last period before; None within a month."""
        day = local_day(moment)
        for back in range(31):
            for start, end in reversed(self.periods(day - timedelta(days=back))):
                if start <= moment:
                    return min(end, moment.astimezone(SHANGHAI))
        return None

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The moment at which `working` time has passed since `start`."""
        left = working
        for opens, closes in self._periods_from(start):
            begin = max(opens, start)
            if closes - begin >= left:
                return (begin + left).astimezone(SHANGHAI)
            left -= closes - begin
        return (start + working).astimezone(SHANGHAI)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; none where `end` is not later."""
        total = timedelta()
        day = local_day(start)
        while day <= local_day(end):
            for opens, closes in self.periods(day):
                total += max(min(closes, end) - max(opens, start), timedelta())
            day += timedelta(days=1)
        return total

    def _periods_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Periods that end after `moment`, in order."""
        first = local_day(moment)
        for ahead in range(_HORIZON):
            for start, end in self.periods(first + timedelta(days=ahead)):
                if end > moment:
                    yield start, end


def _at(day: date, clock: str) -> datetime:
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)
