"""When cover may begin and when a renewal may be made; ends are exclusive, cover ends at 24:00 of the day before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from chebao.insurance import tables
from chebao.insurance.dates import SHANGHAI, say_day


@dataclass(frozen=True)
class EarliestStart:
    """`at` is the default start; `immediate` tells whether cover from the minute of payment may be agreed."""

    at: datetime
    immediate: bool
    reason: str


@dataclass(frozen=True)
class StartDecision:
    """`at` is None when the wish cannot be met; `immediate` starts have the minute of the decision as `at`."""

    at: datetime | None
    immediate: bool
    reason: str


def midnight(day: date) -> datetime:
    """00:00 of a local day."""
    return datetime.combine(day, time(), SHANGHAI)


def is_lapsed(previous_end: date | None, today: date) -> bool:
    """Cover existed and has ended."""
    return previous_end is not None and previous_end <= today


def days_left(end: date, today: date) -> int:
    """Days of cover left, today included; negative or 0 when over."""
    return (end - today).days


def earliest_renewal(end: date) -> date:
    """First day on which a policy that ends on `end` may be renewed."""
    return end - timedelta(days=tables.limit("renewal_window_days", end))


def too_early(end: date, today: date) -> date | None:
    """The earliest day when it is too early to renew today, else None."""
    earliest = earliest_renewal(end)
    return earliest if today < earliest else None


def earliest_start(now: datetime, previous_end: date | None = None, *, new_car: bool = False) -> EarliestStart:
    """Earliest start: after existing cover; else next day 00:00, at once by agreement for a lapsed or new car."""
    local = now.astimezone(SHANGHAI)
    tomorrow = local.date() + timedelta(days=1)
    if previous_end is not None and previous_end > tomorrow:
        last_day = say_day(previous_end - timedelta(days=1))
        return EarliestStart(
            midnight(previous_end), False, f"现有保障到{last_day}24时，新保单接着从{say_day(previous_end)}零时生效。"
        )
    lapsed = is_lapsed(previous_end, local.date())
    if new_car or lapsed:
        why = "这是新车" if new_car and not lapsed else "原来的保障已经到期"
        text = f"{why}，默认{say_day(tomorrow)}零时生效；也可以约定付款并核保通过后即时生效。"
        return EarliestStart(midnight(tomorrow), True, text)
    return EarliestStart(midnight(tomorrow), False, f"默认{say_day(tomorrow)}零时生效。")


def decide_start(
    wish: date | str | None, now: datetime, previous_end: date | None = None, *, new_car: bool = False
) -> StartDecision:
    """Start for a wish: a day, its ISO text, "immediate", or None for the default."""
    earliest = earliest_start(now, previous_end, new_car=new_car)
    if wish is None or wish == "":
        return StartDecision(earliest.at, False, earliest.reason)
    if wish == "immediate":
        if not earliest.immediate:
            return StartDecision(None, False, f"即时生效用于新车或已到期的车辆。{earliest.reason}")
        at = now.astimezone(SHANGHAI).replace(second=0, microsecond=0)
        return StartDecision(at, True, f"约定{say_day(at.date())}{at:%H:%M}起生效，以付款并出单的时间为准。")
    day = wish if isinstance(wish, date) else date.fromisoformat(wish)
    if day < earliest.at.date():
        return StartDecision(None, False, f"这个日期太早了。{earliest.reason}")
    latest = now.astimezone(SHANGHAI).date() + timedelta(days=tables.limit("latest_start_days", day))
    if day > latest and day > earliest.at.date():
        return StartDecision(None, False, f"起保日期最晚可以选{say_day(latest)}。")
    return StartDecision(midnight(day), False, f"{say_day(day)}零时生效。")


def overlaps(start: date, end: date, other_start: date, other_end: date) -> bool:
    """Two terms with exclusive ends share a day."""
    return start < other_end and other_start < end
