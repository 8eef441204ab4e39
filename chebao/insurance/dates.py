"""Calendar arithmetic in local days; terms end at 24:00 of the day before their exclusive end date."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one time and no summer time; a fixed offset needs no tz database on either Python."""


def add_months(day: date, months: int) -> date:
    """Same day of a later month, its last day where that month is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def full_months(since: date, until: date) -> int:
    """Whole months from `since` to `until`, never negative."""
    months = (until.year - since.year) * 12 + until.month - since.month
    if until.day < since.day and until.day != calendar.monthrange(until.year, until.month)[1]:
        months -= 1
    return max(months, 0)


def one_year_after(start: date) -> date:
    """Exclusive end of a one-year term."""
    return add_months(start, 12)


def local_day(value: date | datetime | str) -> date:
    """The day in China of a date, an aware or local datetime, or an ISO string of either."""
    if isinstance(value, str):
        utc = value.endswith("Z")  # Python 3.10 does not read it
        value = datetime.fromisoformat(f"{value[:-1]}+00:00" if utc else value)
    if isinstance(value, datetime):
        return (value.astimezone(SHANGHAI) if value.tzinfo else value).date()
    return value


def say_day(day: date) -> str:
    """`2026年11月22日`."""
    return f"{day.year}年{day.month}月{day.day}日"
