"""Signs in a claim report that staff should look at: recorded with the claim, never shown, never an accusation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class ReportFacts:
    """What the report and the files tell; None where not known.

    Attributes:
        occurred_changes: how often the customer corrected time or place while reporting.
        recent_endorsements: changes of the policy in the last 90 days.
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
    claims_last_12m: int = 0
    reported_elsewhere: bool = False


@dataclass(frozen=True)
class Sign:
    """One sign: machine name and a neutral Chinese note for staff."""

    code: str
    note: str


_CASH = re.compile(
    r"(?:只要|直接|就要|赶紧|先)[^，。]{0,6}(?:现金|打钱|转账|赔钱)|不(?:用|想)?修(?:车)?[^，。]{0,4}(?:给|赔|折)[^，。]{0,3}(?:钱|现金)|折现"
)
_OLD_DAMAGE = re.compile(r"以前(?:就)?(?:有|撞|刮)|老伤|旧伤|上次(?:撞|刮|的伤)|原来就(?:有|坏)")
_VAGUE = re.compile(r"记不(?:清|得)|忘了|不太清楚|好像是|大概是吧|说不清")
_NEW_COVER_DAYS = 15
_LATE_HOURS = 48


def signs(facts: ReportFacts) -> tuple[Sign, ...]:
    """Signs in the order of the manual; empty for most reports."""
    found: list[Sign] = []

    def note(hit: object, code: str, text: str) -> None:
        if hit:
            found.append(Sign(code, text))

    note(facts.occurred_changes >= 2, "changing_story", f"报案过程中时间或地点更正了{facts.occurred_changes}次")
    note(len(_VAGUE.findall(facts.description)) >= 2, "vague", "事故经过描述较模糊")
    note(
        facts.injury and facts.accident_type in ("scratch", "glass", "parked_hit"),
        "injury_mismatch",
        "人伤与事故类型不相称",
    )
    occurred = facts.occurred_at.date() if facts.occurred_at else None
    if occurred:
        began = max((day for day in (facts.policy_start, facts.cover_added_on) if day), default=None)
        note(
            began and 0 <= (occurred - began).days <= _NEW_COVER_DAYS,
            "soon_after_inception",
            f"保障生效{_NEW_COVER_DAYS}天内出险",
        )
        note(facts.policy_end and 0 <= (facts.policy_end - occurred).days <= 3, "shortly_before_end", "临近到期出险")
    if facts.occurred_at and facts.reported_at:
        late = (facts.reported_at - facts.occurred_at).total_seconds() > _LATE_HOURS * 3600
        note(late, "late_report", f"出险超过{_LATE_HOURS}小时后报案")
        night = facts.occurred_at.hour < 5 and facts.accident_type in ("single_vehicle", "fire")
        note(night and not facts.police_reported, "night_single", "深夜单方事故且未报警")
    note(_CASH.search(facts.description), "insists_on_cash", "反复要求现金赔付")
    note(_OLD_DAMAGE.search(facts.description), "old_damage", "描述中提到旧伤")
    note(facts.recent_endorsements >= 2, "frequent_changes", f"近90天保单变更{facts.recent_endorsements}次")
    note(facts.claims_last_12m >= 3, "many_claims", f"近12个月已报案{facts.claims_last_12m}次")
    note(facts.reported_elsewhere, "several_insurers", "同一损失可能已向其他保险公司报案")
    return tuple(found)


def staff_notes(found: Sequence[Sign]) -> list[str]:
    """Notes for the claim's `staff_notes`."""
    return [f"[{sign.code}] {sign.note}" for sign in found]
