"""No-claim discount (无赔款优待, NCD) of the commercial part.

Grade = claims paid in the last up to three consecutive policy years − number of those years (at most three),
capped at +5; −4 only after four or more consecutive years without a claim. A new or transferred car, or no earlier
policy: 0. After a lapse of 3–6 months the grade may only rise; of over 6 months it starts again at 0. The history
is read from the industry platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.dates import add_months

LOWEST, HIGHEST = -4, 5


@dataclass(frozen=True)
class NcdHistory:
    """What the platform knows of earlier commercial cover.

    Attributes:
        insured_years: consecutive policy years up to now.
        claims_last_3y: claims paid in the last up to three of them.
        previous_end: first day without the earlier cover; None when none was found or cover simply goes on.
        previous_grade: grade of the last policy, where the platform tells it.
        transferred: the car changed hands since.
    """

    insured_years: int = 0
    claims_last_3y: int = 0
    previous_end: date | None = None
    previous_grade: int | None = None
    transferred: bool = False


@dataclass(frozen=True)
class Ncd:
    """Grade, factor and the reason in Chinese."""

    grade: int
    factor: Decimal
    reason: str
    insured_years: int
    claims: int
    lapse: str


def lapse_of(previous_end: date | None, start: date) -> str:
    """How long the car was without cover: none | short (up to 3 months) | months_3_6 | over_6_months."""
    if previous_end is None or start <= previous_end:
        return "none"
    if start > add_months(previous_end, 6):
        return "over_6_months"
    if start > add_months(previous_end, 3):
        return "months_3_6"
    return "short"


def factor_of(grade: int, on: date) -> Decimal:
    """Factor of a grade −4…+5 by the table in force."""
    for row in tables.in_force("ncd", on, ("grade",)):
        if int(row["grade"]) == grade:
            return Decimal(row["factor"])
    raise LookupError(f"no NCD factor for grade {grade} on {on}")


def grade_of(insured_years: int, claims_last_3y: int) -> int:
    """Grade of an unbroken history."""
    if insured_years <= 0:
        return 0
    if insured_years >= 4 and claims_last_3y == 0:
        return LOWEST
    return min(claims_last_3y - min(insured_years, 3), HIGHEST)


def ncd(history: NcdHistory, start: date) -> Ncd:
    """Grade and factor for a term that begins on `start`."""
    lapse = lapse_of(history.previous_end, start)
    grade, reason = _grade_and_reason(history, lapse)
    return Ncd(grade, factor_of(grade, start), reason, history.insured_years, history.claims_last_3y, lapse)


def _grade_and_reason(history: NcdHistory, lapse: str) -> tuple[int, str]:
    if history.transferred:
        return 0, "车辆过户后重新开始累计，无赔款优待系数按1.0计算"
    if history.insured_years <= 0:
        return 0, "首次投保或没有查到以往商业险记录，无赔款优待系数按1.0计算"
    if lapse == "over_6_months":
        return 0, "商业险中断超过6个月，重新开始累计，无赔款优待系数按1.0计算"
    grade = grade_of(history.insured_years, history.claims_last_3y)
    years = min(history.insured_years, 3)
    claims = history.claims_last_3y
    told = f"近{years}年出险{claims}次" if claims else f"连续{history.insured_years}年没有出险"
    if lapse == "months_3_6":
        floor = history.previous_grade if history.previous_grade is not None else 0
        if grade < floor:
            return floor, f"{told}；商业险中断了3到6个月，这段情况下优待等级不再下浮"
    return grade, told
