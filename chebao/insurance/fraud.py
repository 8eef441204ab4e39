"""Signs in a claim report that staff should look at: recorded with the claim, never shown, never an accusation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final


@dataclass(frozen=True)
class ReportFacts:
    """What the report and the files tell; None where not known.

    Attributes:
        occurred_changes: how often the customer corrected time or place while reporting.
        recent_endorsements: changes of the policy in the last 90 days.
        claims_last_month: earlier claims on the car in the last 30 days.
        claims_last_12m: earlier claims on the car in the last 12 months.
    """

    description: str
    accident_type: str | None = None
    occurred_at: datetime | None = None
    reported_at: datetime | None = None
    policy_start: date | None = None
    cover_added_on: date | None = None
    policy_end: date | None = None
    injury: bool | None = None
    drivable: bool | None = None
    police_reported: bool | None = None
    occurred_changes: int = 0
    recent_endorsements: int = 0
    claims_last_month: int = 0
    claims_last_12m: int = 0
    reported_elsewhere: bool = False

    @property
    def days_covered(self) -> int | None:
        """Days from the beginning of the cover to the accident; negative where it came first."""
        began = max((day for day in (self.policy_start, self.cover_added_on) if day), default=None)
        return (self.occurred_at.date() - began).days if began and self.occurred_at else None

    @property
    def days_left(self) -> int | None:
        """Days from the accident to the end of the cover."""
        return (self.policy_end - self.occurred_at.date()).days if self.policy_end and self.occurred_at else None

    @property
    def late(self) -> timedelta:
        """From the accident to the report."""
        return self.reported_at - self.occurred_at if self.reported_at and self.occurred_at else timedelta()


@dataclass(frozen=True)
class Rule:
    """One line of the table.

    Attributes:
        code: machine name.
        note: for staff, neutral.
        holds: whether the facts show it.
        grave: it alone calls for a person to look at the case.
    """

    code: str
    note: str
    holds: Callable[[ReportFacts], bool]
    grave: bool = False


@dataclass(frozen=True)
class Sign:
    """One sign: machine name and a neutral Chinese note for staff."""

    code: str
    note: str
    grave: bool = False


_CASH = re.compile(
    r"(?:只要|直接|就要|赶紧|先)[^，。]{0,6}(?:现金|打钱|转账|赔钱)|不(?:用|想)?修(?:车)?[^，。]{0,4}(?:给|赔|折)[^，。]{0,3}(?:钱|现金)|折现"
)
_OLD_DAMAGE = re.compile(r"以前(?:就)?(?:有|撞|刮)|老伤|旧伤|上次(?:撞|刮|的伤)|原来就(?:有|坏)")
_VAGUE = re.compile(r"记不(?:清|得)|忘了|不太清楚|好像是|大概是吧|说不清")
_SMALL = ("scratch", "glass", "parked_hit")
_ALONE = ("single_vehicle", "fire")


def _within(days: int | None, first: int, last: int) -> bool:
    return days is not None and first <= days <= last


def _at_night_alone(facts: ReportFacts) -> bool:
    at_night = facts.occurred_at is not None and facts.occurred_at.hour < 5
    return at_night and facts.accident_type in _ALONE and not facts.police_reported


RULES: Final = (
    # what alone calls for a look
    Rule(
        "before_inception",
        "出险时间早于保障生效，不满一周后投保",
        lambda f: _within(f.days_covered, -7, -1),
        grave=True,
    ),
    Rule("just_after_inception", "保障生效2天内出险", lambda f: _within(f.days_covered, 0, 1), grave=True),
    Rule("changing_story", "报案过程中时间或地点更正了2次以上", lambda f: f.occurred_changes >= 2, grave=True),
    Rule("several_claims", "近30天同一辆车已报案3次以上", lambda f: f.claims_last_month >= 3, grave=True),
    Rule("several_insurers", "同一损失可能已向其他保险公司报案", lambda f: f.reported_elsewhere, grave=True),
    # what adds up
    Rule("soon_after_inception", "保障生效15天内出险", lambda f: _within(f.days_covered, 2, 15)),
    Rule("shortly_before_end", "临近到期出险", lambda f: _within(f.days_left, 0, 3)),
    Rule("many_claims", "近12个月已报案3次以上", lambda f: f.claims_last_12m >= 3),
    Rule("frequent_changes", "近90天保单变更2次以上", lambda f: f.recent_endorsements >= 2),
    Rule("vague", "事故经过描述较模糊", lambda f: len(_VAGUE.findall(f.description)) >= 2),
    Rule("injury_mismatch", "人伤与事故类型不相称", lambda f: bool(f.injury) and f.accident_type in _SMALL),
    Rule("late_report", "出险超过48小时后报案", lambda f: f.late > timedelta(hours=48)),
    Rule("night_single", "深夜单方事故且未报警", _at_night_alone),
    Rule("insists_on_cash", "反复要求现金赔付", lambda f: bool(_CASH.search(f.description))),
    Rule("old_damage", "描述中提到旧伤", lambda f: bool(_OLD_DAMAGE.search(f.description))),
)
"""All signs; to change one, change its line."""

_MANY = 3
"""Signs that together call for a person to look at the case, where none of them does alone."""


def signs(facts: ReportFacts) -> tuple[Sign, ...]:
    """Signs in the order of the table; none for most reports."""
    return tuple(Sign(rule.code, rule.note, rule.grave) for rule in RULES if rule.holds(facts))


def calls_for_person(found: Sequence[Sign]) -> bool:
    """Whether a person should look at the case now, beside the note that stays with the claim."""
    return len(found) >= _MANY or any(sign.grave for sign in found)


def staff_notes(found: Sequence[Sign]) -> list[str]:
    """Notes for the claim's `staff_notes`."""
    return [f"[{sign.code}] {sign.note}" for sign in found]
