"""Legal and service clocks: dated rules with their source, and the due dates they give for one claim or complaint.

Days are natural days; the day of the event itself does not count (民法典 201).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from chebao.insurance import tables
from chebao.insurance.complaints import SERVICE_HOURS
from chebao.insurance.dates import local_day, say_day


@dataclass(frozen=True)
class Clock:
    """One dated rule. `scope`: commercial | compulsory | any | complaint | records."""

    rule: str
    scope: str
    days: int
    day_type: str
    text: str
    source: str
    in_force_from: date


@dataclass(frozen=True)
class Due:
    """A clock that runs for one claim or complaint; `since` is the day it counts from."""

    clock: Clock
    since: date
    on: date
    sentence: str


def clock(rule: str, scope: str, on: date) -> Clock:
    """The rule in force on a day."""
    for row in tables.in_force("clocks", on, ("rule", "scope")):
        if (row["rule"], row["scope"]) == (rule, scope):
            return Clock(
                rule,
                scope,
                int(row["days"]),
                row["day_type"],
                row["text"],
                row["source"],
                date.fromisoformat(row["in_force_from"]),
            )
    raise LookupError(f"no clock {rule}/{scope} in force on {on}")


def due(rule: str, scope: str, since: date) -> Due:
    """When a clock that began on `since` runs out."""
    found = clock(rule, scope, since)
    on = since + timedelta(days=found.days)
    return Due(found, since, on, f"{found.text}（最晚{say_day(on)}）")


_SETTLED = frozenset({"paid", "refused", "withdrawn"})


def claim_dues(kind: str, claim: Mapping[str, Any]) -> tuple[Due, ...]:
    """The clocks that now run for a claim of one insurance.

    Args:
        kind: compulsory | commercial.
        claim: a claim row; read are `status` and the dates (date, datetime or ISO text, None when not reached)
            `reported`, `notice_sent`, `documents_complete`, `decided`, `agreed`, `paid`.
    """
    days = {name: local_day(claim[name]) for name in _DATES if claim.get(name)}
    status = claim.get("status")
    if status == "refused" and "decided" in days and "notice_sent" not in days:
        return (due("refusal_notice", "commercial", days["decided"]),)
    if status in _SETTLED or "paid" in days:
        return ()
    if "agreed" in days:
        return (due("pay", kind, days["agreed"]),)
    if "documents_complete" in days and "decided" not in days:
        running = [due("decide", kind, days["documents_complete"])]
        if kind == "commercial":
            running.append(due("advance_certain", kind, days["documents_complete"]))
        return tuple(running)
    if "reported" in days and "documents_complete" not in days and "notice_sent" not in days:
        return (due("documents_notice", kind, days["reported"]),)
    return ()


_DATES = ("reported", "notice_sent", "documents_complete", "decided", "agreed", "paid")


def claim_clocks(kind: str, claim: Mapping[str, Any]) -> list[str]:
    """What happens next with its latest date, for the customer; an outline of the law where no clock runs yet.

    `kind`: compulsory | commercial.
    """
    name = "交强险" if kind == "compulsory" else "商业险"
    told = [f"{name}：{one.sentence}。" for one in claim_dues(kind, claim)]
    if not told and claim.get("status") not in _SETTLED:
        told = [f"{name}：{_outline(kind, claim)}"]
    return told


def _outline(kind: str, claim: Mapping[str, Any]) -> str:
    if claim.get("decided"):
        return "已经核定，和您确认金额后十日内付款。"
    if kind == "compulsory":
        return "材料收齐后五日内核定，达成协议后十日内付款。"
    return "材料收齐后会及时核定，情形复杂的最长三十日；达成协议后十日内付款。"


def complaint_dues(received: date, *, complex_case: bool = False, extended: bool = False) -> tuple[Due, ...]:
    """Legal dates of a complaint, the one that binds now first."""
    rules = ("complaint_simple", "complaint_complex", "complaint_extended")
    first = 2 if extended else 1 if complex_case else 0
    return tuple(due(rule, "complaint", received) for rule in rules[first:])


def complaint_clocks(received: date, *, complex_case: bool = False) -> list[str]:
    """The legal date of a complaint for the customer."""
    return [f"{complaint_dues(received, complex_case=complex_case)[0].sentence}。"]


def service_due(level: int, received: datetime) -> datetime:
    """When the service promise of a complaint level runs out; level 3: at once."""
    return received + timedelta(hours=SERVICE_HOURS[level])
