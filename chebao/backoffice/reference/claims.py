"""Claims: a report always gets a number; a second report of the same event joins the first one.

Status: reported → surveying → (documents_missing) → loss_assessed → adjudicating → agreed → paid, or refused, or withdrawn.
The row keeps the days that legal clocks count from; the clocks themselves are computed where they are told.
What staff note (fraud signs) is kept apart and is in no row that customers' dialogues read.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ConfigDict
from sqlalchemy import RowMapping, insert, or_, select

from chebao.backoffice.reference import events
from chebao.backoffice.reference.claim_steps import (
    OPEN,
    Dispute,
    Documents,
    Move,
    access_claim,
    add_documents,
    claim_row,
    dispute,
    move,
    save_claim,
    withdraw,
)
from chebao.backoffice.reference.http import AsCustomer, Body, FiltersDep, Key, OfficeDep, write
from chebao.backoffice.reference.lists import Condition, clean_plate, equals, page
from chebao.backoffice.reference.policies import Holding, in_force_at
from chebao.backoffice.reference.tables import claims, surveyors, vehicles
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import InputRefused
from chebao.insurance.accidents import ACCIDENT_TYPES
from chebao.insurance.dates import SHANGHAI
from chebao.insurance.plate import city_of

SAME_EVENT = timedelta(hours=2)
_OWN_DAMAGE = frozenset(
    {"single_vehicle", "scratch", "parked_hit", "flood", "fire", "glass", "falling_object", "animal", "theft"}
)
_THIRD_PARTY = frozenset({"rear_end", "collision", "sideswipe", "pedestrian", "injury"})

router = APIRouter(prefix="/claims", tags=["claims"])

_FILTERS: dict[str, Condition] = {
    "plate": equals(claims.c.plate),
    "phone": equals(claims.c.phone),
    "policy_no": lambda no: or_(claims.c.policy_no == no, claims.c.compulsory_policy_no == no),
    "claim_no": equals(claims.c.claim_no),
    "customer_id": equals(claims.c.customer_id),
    "as_customer": equals(claims.c.customer_id),
    "status": equals(claims.c.status),
    "reference": equals(claims.c.reference),
}


class Reporter(Body):
    """Who reports; identity is light, an unidentified caller is fine."""

    name: str | None = None
    phone: str | None = None
    customer_id: str | None = None


class ClaimReport(Body):
    """What the customer told of the accident; further names are kept as they are."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=True, str_max_length=20_000)

    plate: str | None = None
    vin: str | None = None
    reporter: Reporter = Reporter()
    occurred_at: str
    occurred_precision: str | None = None
    place: str | None = None
    accident_type: str | None = None
    description: str | None = None
    photos: list[Any] | None = None
    staff_notes: list[Any] | None = None
    reference: str | None = None


@router.post("", status_code=201)
async def post_claim(request: Request, body: ClaimReport, office: OfficeDep, key: Key = None) -> Row:
    """Reports an accident."""
    return await write(request, office, key, lambda work: report_claim(work, body))


@router.get("")
async def list_claims(office: OfficeDep, filters: FiltersDep) -> Row:
    """Claims, newest first."""
    async with office.work() as work:
        return await page(work, claims, filters, _FILTERS, claim_row)


@router.get("/{claim_no}")
async def get_claim(claim_no: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
    """One claim."""
    async with office.work() as work:
        answer: Row = shown(claim_row(await access_claim(work, claim_no, as_customer)))
        return answer


@router.get("/{claim_no}/staff-notes")
async def get_staff_notes(claim_no: str, office: OfficeDep) -> Row:
    """Staff: what was noted beside the report; never for customers."""
    async with office.work() as work:
        row = await access_claim(work, claim_no, None)
        return {"claim_no": row["claim_no"], "notes": row["staff"].get("notes", [])}


@router.post("/{claim_no}/documents")
async def post_documents(
    request: Request,
    claim_no: str,
    body: Documents,
    office: OfficeDep,
    as_customer: AsCustomer = None,
    key: Key = None,
) -> Row:
    """Adds documents to a claim."""
    return await write(request, office, key, lambda work: add_documents(work, claim_no, body, as_customer))


@router.post("/{claim_no}/withdraw")
async def post_withdraw(
    request: Request, claim_no: str, office: OfficeDep, as_customer: AsCustomer = None, key: Key = None
) -> Row:
    """Withdraws a claim that is not decided."""
    return await write(request, office, key, lambda work: withdraw(work, claim_no, as_customer))


@router.post("/{claim_no}/dispute")
async def post_dispute(
    request: Request,
    claim_no: str,
    body: Dispute,
    office: OfficeDep,
    as_customer: AsCustomer = None,
    key: Key = None,
) -> Row:
    """Records a disagreement."""
    return await write(request, office, key, lambda work: dispute(work, claim_no, body, as_customer))


@router.post("/{claim_no}/status")
async def post_status(request: Request, claim_no: str, body: Move, office: OfficeDep, key: Key = None) -> Row:
    """Staff: moves a claim on; the customer's conversation hears of it."""
    return await write(request, office, key, lambda work: move(work, claim_no, body))


async def report_claim(work: Work, report: ClaimReport) -> Row:
    """→ reported, or joins the open claim of the same event."""
    occurred = check_report(work, report)
    plate = await _plate_of(work, report)
    if plate:
        await work.serialise(f"claim {plate}")
        same = await _same_event(work, plate, occurred, report.occurred_precision)
        if same is not None:
            return {**claim_row(await _join(work, same, report)), "joined": True}
    held = await in_force_at(work, plate, occurred) if plate else Holding(None, None)
    owner = await _owner_of(work, plate, held) or report.reporter.customer_id
    surveyor = await _surveyor_for(work, report.place, plate)
    number = await work.next_number("claim_numbers")
    row = await work.db.execute(
        insert(claims)
        .values(
            claim_no=f"CL{work.today.year}{number:06d}",
            policy_no=held.known("commercial", "policy_no"),
            compulsory_policy_no=held.known("compulsory", "policy_no"),
            customer_id=owner,
            plate=plate,
            phone=report.reporter.phone,
            status="reported",
            accident_type=report.accident_type,
            occurred_at=occurred,
            occurred_precision=report.occurred_precision or "minute",
            place=report.place,
            reported=work.today,
            surveyor=surveyor["name"] if surveyor else None,
            surveyor_phone=surveyor["phone"] if surveyor else None,
            reference=report.reference,
            data=_data(work, report, coverage_notice(report, held)),
            staff={"notes": report.staff_notes or []},
            created_at=work.now,
        )
        .returning(claims)
    )
    reported = claim_row(row.mappings().one())
    await events.emit(work, "claim_reported", report.reference, {"claim_no": reported["claim_no"]})
    return reported


def check_report(work: Work, report: ClaimReport) -> datetime:
    """The moment of the accident.

    Raises:
        InputRefused: no time, one to come, or an accident type that does not exist.
    """
    if report.accident_type and report.accident_type not in ACCIDENT_TYPES:
        raise InputRefused("事故类型不在列表里，请换一种说法。", code="accident_type_unknown")
    try:
        # A range "a/b" counts from its beginning, a month from its first day.
        text = report.occurred_at.split("/", 1)[0]
        occurred = datetime.fromisoformat(text + "-01" if len(text) == 7 else text)
    except ValueError as error:
        raise InputRefused("请告诉我事故发生的日期和大概时间。", code="occurred_at_invalid") from error
    if occurred.tzinfo is None:
        occurred = occurred.replace(tzinfo=SHANGHAI)
    if occurred > work.now + timedelta(minutes=5):
        raise InputRefused("事故时间不能晚于现在，请再核对一下。", code="occurred_in_future")
    return occurred


async def _plate_of(work: Work, report: ClaimReport) -> str | None:
    if report.plate:
        return clean_plate(report.plate)
    if report.vin:
        found = await work.db.scalar(select(vehicles.c.plate).where(vehicles.c.vin == report.vin.upper()))
        return str(found) if found else None
    return None


async def _same_event(work: Work, plate: str, occurred: datetime, precision: str | None) -> RowMapping | None:
    """An open claim of this car at nearly the same time; where one of the two knows only the day, of the same day."""
    query = select(claims).where(
        claims.c.plate == plate,
        claims.c.status.in_(OPEN),
        claims.c.occurred_at.between(occurred - timedelta(days=1), occurred + timedelta(days=1)),
    )
    for row in (await work.db.execute(query.order_by(claims.c.seq.desc()).with_for_update())).mappings().all():
        only_days = "day" in (precision, row["occurred_precision"])
        same_day = row["occurred_at"].astimezone(SHANGHAI).date() == occurred.astimezone(SHANGHAI).date()
        if (only_days and same_day) or abs(row["occurred_at"] - occurred) <= SAME_EVENT:
            return row
    return None


async def _join(work: Work, row: RowMapping, report: ClaimReport) -> RowMapping:
    """Appends the report; what the claim did not know yet is filled in, nothing is overwritten."""
    data: Row = row["data"]
    told = _told(report)
    joined = {
        **data,
        **{name: value for name, value in told.items() if data.get(name) in (None, "", [])},
        "reports": [*data["reports"], {"at": shown(work.now), **told}],
        "documents": [*data["documents"], *_photos(work, report)],
    }
    notes = [*row["staff"].get("notes", []), *(report.staff_notes or [])]
    values: Row = {"data": joined, "staff": {"notes": notes}}
    for name, value in (
        ("place", report.place),
        ("accident_type", report.accident_type),
        ("phone", report.reporter.phone),
        ("reference", report.reference),
    ):
        values[name] = row[name] or value
    return await save_claim(work, row, **values)


async def _owner_of(work: Work, plate: str | None, held: Holding) -> str | None:
    for part in (held.commercial, held.compulsory):
        if part is not None:
            return str(part["customer"])
    if plate is None:
        return None
    found = await work.db.scalar(select(vehicles.c.owner).where(vehicles.c.plate == plate))
    return str(found) if found else None


async def _surveyor_for(work: Work, place: str | None, plate: str | None) -> RowMapping | None:
    """The surveyor of the city where it happened, else of the car's city, else the one on duty (`*`)."""
    found = (await work.db.execute(select(surveyors).order_by(surveyors.c.phone))).mappings().all()
    by_city = {row["city"]: row for row in reversed(found)}
    for city, row in by_city.items():
        if place and city in place:
            return row
    home = city_of(plate) if plate else None
    return by_city.get(home or "") or by_city.get("*")


def coverage_notice(report: ClaimReport, held: Holding) -> str | None:
    """A neutral word where the cover may be missing; only for the identified holder, others learn nothing of the policy."""
    customer = report.reporter.customer_id
    parts = [part for part in (held.compulsory, held.commercial) if part is not None]
    if not customer or any(part["customer"] != customer for part in parts):
        return None
    if not parts:
        return "暂时没有查到出险当天有效的保单，是否在保障内要等核实；已为您登记，由理赔员核定。"
    covers = (held.commercial["covers"] or {}) if held.commercial is not None else {}
    if report.accident_type in _THIRD_PARTY | {None} and not covers.get("third_party"):
        return "这份保单没有第三者责任险，超出交强险限额的部分可能不在保障内；已为您登记，由理赔员核定。"
    if not covers.get("vehicle_damage") and (
        report.accident_type in _OWN_DAMAGE or report.accident_type != "pedestrian"
    ):
        return "这份保单没有车损险，本车损失可能不在保障内；已为您登记，由理赔员核定。"
    return None


def _told(report: ClaimReport) -> Row:
    """The report without what staff noted."""
    told = report.model_dump(mode="json", exclude={"staff_notes", "photos"})
    return {name: value for name, value in told.items() if value is not None}


def _photos(work: Work, report: ClaimReport) -> list[Row]:
    at = shown(work.now)
    return [{**(photo if isinstance(photo, dict) else {"id": str(photo)}), "at": at} for photo in report.photos or []]


def _data(work: Work, report: ClaimReport, notice: str | None) -> Row:
    told = _told(report)
    return {
        **told,
        "coverage_notice": notice,
        "history": [{"status": "reported", "at": shown(work.now)}],
        "reports": [{"at": shown(work.now), **told}],
        "documents": _photos(work, report),
        "missing": [],
        "disputes": [],
    }
