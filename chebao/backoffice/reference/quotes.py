"""Estimates (nothing stored), formal quotes for one car, and what a renewal would be like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import RowMapping, insert

from chebao.backoffice.reference import facts as car_facts
from chebao.backoffice.reference import pricing
from chebao.backoffice.reference.facts import CarAsked, CarFacts
from chebao.backoffice.reference.http import AsCustomer, Body, FiltersDep, Key, OfficeDep, write
from chebao.backoffice.reference.lists import Condition, clean_plate, equals, not_found, one, page
from chebao.backoffice.reference.people import vehicle_row
from chebao.backoffice.reference.policies import (
    Holding,
    access_policy,
    check_overlap,
    holding_of,
    policy_row,
    term_of,
)
from chebao.backoffice.reference.tables import quotes
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import NotFound
from chebao.insurance import plans, start_rules, tables
from chebao.insurance.money import yuan
from chebao.insurance.plans import Change, TermFacts
from chebao.insurance.rating import Rating
from chebao.insurance.start_rules import StartDecision

router = APIRouter(tags=["quotes"])

_FILTERS: dict[str, Condition] = {
    "plate": equals(quotes.c.plate),
    "customer_id": equals(quotes.c.customer_id),
    "as_customer": equals(quotes.c.customer_id),
    "status": equals(quotes.c.status),
    "reference": equals(quotes.c.reference),
}

Covers = dict[str, bool | Decimal | None]


class EstimateAsked(CarAsked):
    """A price without obligations; `covers` asks for exactly those instead of the three plans."""

    covers: Covers | None = None
    last_year_policy_no: str | None = None


class Owner(Body):
    """The car's owner."""

    name: str | None = None
    id_card: str | None = None
    relation: str | None = None


class Disclosure(Body):
    """What was asked and answered (保险法 16: only what is asked counts)."""

    ride_hailing: bool | None = None
    modified: bool | None = None
    modification_text: str | None = None
    loan: bool | None = None
    transferred: bool | None = None


class QuoteAsked(EstimateAsked):
    """A formal quote."""

    owner: Owner | None = None
    disclosure: Disclosure | None = None
    plan: str | None = None
    start: str | None = None
    reference: str | None = None


@router.post("/estimates")
async def post_estimate(body: EstimateAsked, office: OfficeDep) -> Row:
    """Prices; nothing is stored."""
    async with office.work() as work:
        answer: Row = shown(await estimate(work, body))
        return answer


@router.get("/renewals")
async def get_renewal(
    office: OfficeDep,
    policy_no: Annotated[str | None, Query()] = None,
    plate: Annotated[str | None, Query()] = None,
    as_customer: AsCustomer = None,
) -> Row:
    """What renewing a car's policies would be like."""
    async with office.work() as work:
        answer: Row = shown(await renewal_options(work, policy_no, plate, as_customer))
        return answer


@router.post("/quotes", status_code=201)
async def post_quote(request: Request, body: QuoteAsked, office: OfficeDep, key: Key = None) -> Row:
    """A formal quote with expiry, underwriting result and every factor."""
    return await write(request, office, key, lambda work: create_quote(work, body))


@router.get("/quotes")
async def list_quotes(office: OfficeDep, filters: FiltersDep) -> Row:
    """Quotes, newest first."""
    async with office.work() as work:
        return await page(work, quotes, filters, _FILTERS, quote_row)


@router.get("/quotes/{quote_no}")
async def get_quote(quote_no: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
    """One quote."""
    async with office.work() as work:
        row = await one(work, quotes, quotes.c.quote_no == quote_no, quotes.c.customer_id, as_customer, what="这份报价")
        answer: Row = shown(quote_row(row))
        return answer


async def estimate(work: Work, asked: EstimateAsked) -> Row:
    """The three plans, or the one that was composed freely, or last year's."""
    holder = await _holder(work, asked)
    facts = await car_facts.gather(work, asked.model_copy(update=holder), trust_history=True)
    start = pricing.default_start(work, facts)
    if asked.covers is not None:
        chosen = [pricing.choose(facts, "custom", asked.covers, start)]
    elif asked.last_year_policy_no and facts.last_covers is not None:
        chosen = [pricing.last_year_plan(facts)]
    else:
        chosen = list(plans.standard_plans(facts.car, start))
    return {
        "plans": [pricing.priced(facts, plan, start) for plan in chosen],
        "notes": [*facts.notes, pricing.NOTICE],
        "declared": facts.declared,
        "source": facts.source,
    }


async def _holder(work: Work, asked: EstimateAsked) -> Row:
    """Who names last year's policy of this very car is priced from its record, without a customer id too."""
    if asked.customer_id or not asked.last_year_policy_no or not asked.plate:
        return {}
    try:
        policy = await access_policy(work, asked.last_year_policy_no, None)
    except NotFound:
        return {}
    return {"customer_id": policy["customer"]} if policy["plate"] == clean_plate(asked.plate) else {}


async def create_quote(work: Work, asked: QuoteAsked) -> Row:
    """Prices and underwrites one car and stores the result.

    Raises:
        RuleForbids: `no_branch`, `too_early`, `overlap`, `start_too_late`.
        InputRefused: `not_offered`, `plan_unknown`, `price_missing`, `city_missing`, …
    """
    facts = await car_facts.gather(work, asked)
    if asked.disclosure and asked.disclosure.transferred:
        facts = facts.of_a_new_owner()
    pricing.check_window(work, facts)
    starts, moved = pricing.part_starts(work, facts, asked.start)
    start = _day(starts["compulsory"])
    plan = pricing.choose(facts, asked.plan, asked.covers, start)
    rating = pricing.price(facts, plan.covers, start)
    await _check_overlap(work, facts, starts, commercial=rating.commercial is not None)
    data = _quote_data(work, asked, facts, plan, rating, starts)
    data["start_note"] = moved
    return await _store(work, asked, facts, plan.code, rating.total, data)


async def _check_overlap(work: Work, facts: CarFacts, starts: Mapping[str, StartDecision], *, commercial: bool) -> None:
    terms = {kind: term_of(one.at) for kind, one in starts.items() if one.at and (kind == "compulsory" or commercial)}
    await check_overlap(work, facts.plate, terms)


def _quote_data(
    work: Work,
    asked: QuoteAsked,
    facts: CarFacts,
    plan: plans.Plan,
    rating: Rating,
    starts: Mapping[str, StartDecision],
) -> Row:
    """All factors of the quote, so that "why is it dearer" is answered from data."""
    start = _day(starts["compulsory"])
    disclosure = {name: value or False for name, value in (asked.disclosure or Disclosure()).model_dump().items()}
    decision = pricing.decide(work, facts, _sums(rating), start, disclosure)
    shown_plan = pricing.plan_row(plan, rating, facts)
    earliest = [start_rules.earliest_start(work.now, end, new_car=pricing.is_new(facts)) for end in _ends(facts)]
    return {
        **{
            name: shown_plan[name]
            for name in ("name", "covers", "compulsory", "commercial", "vehicle_tax", "not_covered")
        },
        "explanation": shown_plan["explanation"],
        "earliest_start": max(one.at for one in earliest),
        "immediate_allowed": any(one.immediate for one in earliest),
        "start": start,
        "starts": {part: {"at": one.at, "immediate": one.immediate} for part, one in starts.items()},
        "declared": facts.declared,
        "underwriting": {
            "compulsory": decision.compulsory,
            "commercial": decision.commercial,
            "reasons": list(decision.reasons),
            "needs_inspection": decision.needs_inspection,
        },
        "changes": [vars(change) for change in changes(facts.holding, rating)],
        "suggestions": [vars(one) for one in plans.suggest(plan.covers, facts.car, start)],
        "notes": list(facts.notes),
        "vehicle": _vehicle(facts),
        "city": facts.city,
        "province": facts.province,
        "owner": asked.owner.model_dump() if asked.owner else None,
        "disclosure": disclosure,
        "history": _next_history(facts),
    }


def _vehicle(facts: CarFacts) -> Row:
    return {
        "plate": facts.plate,
        "model": facts.model,
        "vin": facts.vin,
        "price": facts.car.price,
        "first_registered": facts.car.first_registered,
        "seats": facts.car.seats,
        "energy": facts.car.energy,
        "usage": facts.car.usage,
    }


async def _store(work: Work, asked: QuoteAsked, facts: CarFacts, plan: str, total: Decimal, data: Row) -> Row:
    number = await work.next_number("quote_numbers")
    row = await work.db.execute(
        insert(quotes)
        .values(
            quote_no=f"Q{work.today.year}{number:06d}",
            customer_id=asked.customer_id,
            plate=facts.plate,
            status="quoted",
            plan=plan,
            total=total,
            expires_at=work.now + timedelta(days=tables.limit("quote_valid_days", work.today)),
            reference=asked.reference,
            data=shown(data),
            created_at=work.now,
        )
        .returning(quotes)
    )
    return quote_row(row.mappings().one())


async def access_quote(work: Work, quote_no: str, customer_id: str | None) -> RowMapping:
    """The quote if it is this customer's, or nobody's yet."""
    row = await one(work, quotes, quotes.c.quote_no == quote_no.strip(), quotes.c.customer_id, None, what="这份报价")
    if row["customer_id"] and row["customer_id"] != customer_id:
        raise not_found("这份报价")
    return row


async def renewal_options(work: Work, policy_no: str | None, plate: str | None, as_customer: str | None) -> Row:
    """The car, its latest policies, and what the new term would cost.

    Raises:
        NotFound: no such policy or car, or somebody else's.
    """
    held = await _held(work, policy_no, plate, as_customer)
    part = held.commercial if held.commercial is not None else held.compulsory
    assert part is not None
    vehicle = await car_facts.own_vehicle(work, part["plate"], part["customer"])
    if vehicle is None:
        raise not_found("这辆车")
    facts = await car_facts.gather(work, CarAsked(plate=part["plate"], customer_id=part["customer"]))
    opens = pricing.renewal_opens(work, facts)
    start = pricing.default_start(work, facts)
    offered, suggestions = _renewal_plans(facts, start)
    rating = pricing.price(facts, offered[0].covers, start)
    shown_policies = [_with_days_left(work, one) for one in (held.compulsory, held.commercial) if one is not None]
    return {
        "vehicle": vehicle_row(vehicle),
        "city": facts.city,
        "history": car_facts.history_of(held).model_dump(),
        "policies": shown_policies,
        "lapsed": any(one["lapsed"] for one in shown_policies),
        "too_early": {"earliest": opens} if opens else None,
        "earliest_start": start,
        "plans": [pricing.priced(facts, plan, start) for plan in offered],
        "changes": [vars(change) for change in changes(held, rating)],
        "suggestions": suggestions,
    }


async def _held(work: Work, policy_no: str | None, plate: str | None, as_customer: str | None) -> Holding:
    if policy_no:
        named = await access_policy(work, policy_no, as_customer)
        held = await holding_of(work, named["plate"], named["customer"]) if named["plate"] else Holding(None, None)
    else:
        held = await holding_of(work, clean_plate(plate), as_customer) if plate else Holding(None, None)
    if not held.any:
        raise not_found("可以续保的保单")
    return held


def _renewal_plans(facts: CarFacts, start: date) -> tuple[list[plans.Plan], list[Row]]:
    """Last year's plan and the same with the first suggestion; the standard ones where there was no commercial cover."""
    last = pricing.last_year_plan(facts)
    if not last.covers:
        return [last, *plans.standard_plans(facts.car, start)], []
    found = plans.suggest(last.covers, facts.car, start)
    offered = [last]
    if found:
        suggested = plans.make_plan("custom", found[0].covers, facts.car)
        offered.append(plans.Plan("suggested", "建议方案", suggested.covers, suggested.not_covered, found[0].text))
    return offered, [{"text": one.text, "covers": dict(one.covers)} for one in found]


def _with_days_left(work: Work, found: RowMapping) -> Row:
    row = policy_row(found)
    left = start_rules.days_left(row["end"], work.today)
    return {**row, "days_left": left, "lapsed": left <= 0}


def changes(held: Holding, rating: Rating) -> tuple[Change, ...]:
    """What differs from last year's policies; nothing for a car that was not with us."""
    if not held.any:
        return ()
    covers = held.known("commercial", "covers")
    last = TermFacts(
        compulsory_premium=held.known("compulsory", "premium"),
        vehicle_tax=held.known("compulsory", "vehicle_tax"),
        commercial_premium=held.known("commercial", "premium"),
        covers={code: one if isinstance(one, bool) else yuan(str(one)) for code, one in covers.items()}
        if covers
        else None,
    )
    return plans.explain_change(last, plans.term_facts(rating))


def quote_row(found: RowMapping) -> Row:
    """The row as the API shows it."""
    columns = ("quote_no", "customer_id", "plate", "status", "plan", "total", "expires_at", "reference", "created_at")
    return {**found["data"], **{name: found[name] for name in columns}}


def _sums(rating: Rating) -> Mapping[str, Decimal | bool]:
    return {line.code: line.sum for line in rating.commercial.lines} if rating.commercial else {}


def _ends(facts: CarFacts) -> list[date | None]:
    return list(facts.ends.values()) or [None]


def _day(decision: StartDecision) -> date:
    assert decision.at is not None
    return decision.at.date()


def _next_history(facts: CarFacts) -> dict[str, Any]:
    """What the new policies will carry: the compulsory history that they are priced by, and the commercial one with this year."""
    return {
        "insured_years": facts.ncd_history.insured_years + 1,
        "claims_last_3y": facts.claims_last_3y,
        "at_fault_last_term": facts.compulsory_history.at_fault_last_term,
        "claim_free_years": facts.compulsory_history.claim_free_years,
    }
