"""Plans and their prices as the API shows them; all rules are those of `chebao.insurance`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from chebao.backoffice.reference.facts import CarFacts
from chebao.backoffice.reference.work import Row, Work
from chebao.errors import InputRefused, RuleForbids
from chebao.insurance import plans, start_rules
from chebao.insurance.dates import say_day
from chebao.insurance.money import ZERO
from chebao.insurance.plans import Plan
from chebao.insurance.products import Choice, NotOffered
from chebao.insurance.rating import Rating, RatingRequest, explain_rating, rate
from chebao.insurance.regions import province_of_city
from chebao.insurance.start_rules import StartDecision
from chebao.insurance.underwriting import Underwriting, UnderwritingCase, underwrite

NOTICE = "以上为估算价格，以平台查询和核保结果为准。"
PARTS = ("compulsory", "commercial")

_NOT_COMMERCIAL = frozenset({"compulsory", "commercial", "full"})


def price(facts: CarFacts, covers: Mapping[str, Choice], start: date) -> Rating:
    """The rating of a choice of covers.

    Raises:
        InputRefused: ``not_offered``: a cover, sum or use that is not on sale.
    """
    request = RatingRequest(
        car=facts.car,
        province=facts.province,
        start=start,
        covers={code: choice for code, choice in covers.items() if code not in _NOT_COMMERCIAL},
        compulsory_history=facts.compulsory_history,
        ncd_history=facts.ncd_history,
        tax_on_record=facts.tax_on_record,
        tax_arrears=facts.tax_arrears,
    )
    try:
        return rate(request)
    except NotOffered as error:
        raise InputRefused(error.message, code="not_offered") from error


def plan_row(plan: Plan, rating: Rating, facts: CarFacts) -> Row:
    """A plan with its price and every factor that made it."""
    compulsory, commercial, tax = rating.compulsory, rating.commercial, rating.vehicle_tax
    return {
        "code": plan.code,
        "name": plan.name,
        "note": plan.note,
        "covers": {line.code: line.sum for line in commercial.lines} if commercial else {},
        "compulsory": {
            "base": compulsory.base,
            "accident_factor": compulsory.accident_factor,
            "violation_factor": 1 + compulsory.violation_float,
            "premium": compulsory.premium,
            "reason": compulsory.reason,
            "source": compulsory.source,
        }
        if compulsory
        else None,
        "commercial": {
            "product": commercial.product,
            "lines": [
                {"code": one.code, "name": one.name, "sum": one.sum, "base": one.base, "premium": one.premium}
                for one in commercial.lines
            ],
            "base": commercial.base,
            "ncd": commercial.ncd.factor,
            "ncd_grade": commercial.ncd.grade,
            "ncd_reason": commercial.ncd.reason,
            "pricing_factor": commercial.pricing.factor,
            "pricing_band": [commercial.pricing.low, commercial.pricing.high],
            "premium": commercial.premium,
        }
        if commercial
        else None,
        "vehicle_tax": tax.total if tax else ZERO,
        "total": rating.total,
        "not_covered": list(plan.not_covered),
        "explanation": list(explain_rating(rating, facts.car)),
    }


def priced(facts: CarFacts, plan: Plan, start: date) -> Row:
    """`plan_row` of a plan that is still to be rated."""
    return plan_row(plan, price(facts, plan.covers, start), facts)


def choose(facts: CarFacts, code: str | None, covers: Mapping[str, Choice | None] | None, start: date) -> Plan:
    """The plan that was asked for: explicit covers win, then a plan code, then the standard plan.

    Raises:
        InputRefused: ``plan_unknown``.
    """
    if covers is not None:
        wanted = {name: choice for name, choice in covers.items() if name not in _NOT_COMMERCIAL and choice}
        return plans.make_plan(code if code in plans.PLAN_NAMES else "custom", wanted, facts.car)
    if code == "last_year":
        return last_year_plan(facts)
    for plan in plans.standard_plans(facts.car, start):
        if plan.code == (code or "standard"):
            return plan
    raise InputRefused("没有这个方案，请从列出的方案里选一个。", code="plan_unknown")


def last_year_plan(facts: CarFacts) -> Plan:
    """Last year's covers for the new term; compulsory only when there was no commercial policy."""
    if facts.last_covers is None:
        raise InputRefused("没有查到这辆车去年在我们这里的保单。", code="plan_unknown")
    return plans.make_plan("last_year", plans.renewal_covers(facts.last_covers), facts.car)


def default_start(work: Work, facts: CarFacts) -> date:
    """The day on which a new term would begin if nothing is said."""
    earliest = start_rules.earliest_start(work.now, facts.previous_end, new_car=is_new(facts))
    return earliest.at.date()


def is_new(facts: CarFacts) -> bool:
    """A car that is not registered yet."""
    return facts.car.first_registered is None


def check_window(work: Work, facts: CarFacts) -> None:
    """Refuses what is too early to renew, and tells the earliest day.

    Raises:
        RuleForbids: ``too_early`` with ``earliest`` in the detail.
    """
    earliest = renewal_opens(work, facts)
    if earliest is not None:
        raise RuleForbids(
            f"现有保障还有较长时间才到期，{say_day(earliest)}起可以办理续保。",
            code="too_early",
            detail={"earliest": earliest.isoformat()},
        )


def renewal_opens(work: Work, facts: CarFacts) -> date | None:
    """The first day on which the part that ends first may be renewed; None when that day has come."""
    ends = [end for end in facts.ends.values() if end is not None]
    return start_rules.too_early(min(ends), work.today) if ends else None


def part_starts(work: Work, facts: CarFacts, wish: str | None) -> tuple[dict[str, StartDecision], str | None]:
    """The start of each part for one wish, and a sentence when the wish had to be moved behind existing cover.

    Raises:
        InputRefused: no date.
        RuleForbids: too far ahead.
    """
    starts: dict[str, StartDecision] = {}
    moved: str | None = None
    for part in PARTS:
        end = facts.ends.get(part)
        earliest = start_rules.earliest_start(work.now, end, new_car=is_new(facts))
        try:
            decision = start_rules.decide_start(wish, work.now, end, new_car=is_new(facts))
        except ValueError as error:
            raise InputRefused("起保日期请按年月日告诉我，例如2026-12-01。", code="start_invalid") from error
        if decision.at is None:
            if wish != "immediate" and wish and date.fromisoformat(wish) > earliest.at.date():
                raise RuleForbids(decision.reason, code="start_too_late")
            moved = decision.reason
            decision = StartDecision(earliest.at, False, earliest.reason)
        starts[part] = decision
    return starts, moved


def decide(
    work: Work, facts: CarFacts, covers: Mapping[str, Decimal | bool], start: date, disclosure: Mapping[str, object]
) -> Underwriting:
    """What underwriting says."""
    return underwrite(
        UnderwritingCase(
            car=facts.car,
            covers=covers,
            today=work.today,
            start=start,
            province=province_of_city(facts.city) or facts.province,
            plate_province=facts.plate_province,
            previous_end=facts.previous_end,
            last_covers=facts.last_covers,
            switching=facts.source == "platform",
            inspection_valid_until=facts.inspection_valid_until,
            claims_last_3y=facts.claims_last_3y,
            transferred=bool(disclosure.get("transferred")),
            ride_hailing=bool(disclosure.get("ride_hailing")),
            modified=bool(disclosure.get("modified")),
            modification_text=str(disclosure.get("modification_text") or ""),
        )
    )
