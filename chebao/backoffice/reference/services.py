"""The small services: endorsements, surrenders, appointments, rescues, invoices, complaints. One table, one row shape.

Every row has ``<thing>_no, status, created_at, phone, plate, policy_no, claim_no, customer_id, reference`` and what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import ConfigDict
from sqlalchemy import ColumnElement, RowMapping, insert, select

from chebao.backoffice.reference import events
from chebao.backoffice.reference.facts import check_city
from chebao.backoffice.reference.http import AsCustomer, Body, FiltersDep, Key, OfficeDep, write
from chebao.backoffice.reference.lists import Condition, clean_plate, equals, not_found, one, page
from chebao.backoffice.reference.policies import access_policy, holding_of
from chebao.backoffice.reference.tables import service_requests as requests
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import InputRefused, RuleForbids
from chebao.insurance import clocks, complaints, surrender
from chebao.insurance.dates import SHANGHAI, local_day

router = APIRouter(tags=["services"])


class Asked(Body):
    """What all requests may say of whom and what they concern; further names are kept."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=True, str_max_length=20_000)

    customer_id: str | None = None
    plate: str | None = None
    phone: str | None = None
    policy_no: str | None = None
    claim_no: str | None = None
    reference: str | None = None


class EndorsementAsked(Asked):
    """A change to a policy."""

    type: Literal["transfer", "plate", "phone", "address", "beneficiary", "add_cover", "remove_cover"]
    new_value: Any = None


class SurrenderAsked(Asked):
    """Giving up a policy; for compulsory cover `reason` is one of the three legal ones."""

    policy_no: str
    reason: str = ""


class InvoiceAsked(Asked):
    """An electronic invoice."""

    policy_no: str
    title: str
    tax_no: str | None = None
    email: str


class RescueAsked(Asked):
    """A roadside rescue."""

    place: str
    kind: Literal["tow", "jump_start", "tyre", "fuel", "other"] = "other"


class AppointmentAsked(Asked):
    """A visit, a call or a survey."""

    kind: Literal["branch", "callback", "survey"]
    city: str | None = None
    at: str


class ComplaintAsked(Asked):
    """A complaint; taken before identity, never refused."""

    text: str
    level: Literal[1, 2, 3] | None = None
    wants: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Resource:
    """One of the services: its number's prefix and the name of that number."""

    path: str
    number: str
    prefix: str


ENDORSEMENTS = Resource("endorsements", "endorsement_no", "EN")
SURRENDERS = Resource("surrenders", "surrender_no", "SU")
APPOINTMENTS = Resource("appointments", "appointment_no", "AP")
RESCUES = Resource("rescues", "rescue_no", "RS")
INVOICES = Resource("invoices", "invoice_no", "IN")
COMPLAINTS = Resource("complaints", "complaint_no", "TS")
RESOURCES = (ENDORSEMENTS, SURRENDERS, APPOINTMENTS, RESCUES, INVOICES, COMPLAINTS)

_FILTERS: dict[str, Condition] = {
    name: equals(requests.c[name])
    for name in ("plate", "phone", "policy_no", "claim_no", "customer_id", "status", "reference")
} | {"as_customer": equals(requests.c.customer_id)}
_BY_PATH = {resource.path: resource for resource in RESOURCES}


def _add_reading(resource: Resource) -> None:
    """`GET /things` and `GET /things/{no}` of one resource."""
    of_this: ColumnElement[bool] = requests.c.resource == resource.path

    @router.get(f"/{resource.path}", name=f"list_{resource.path}")
    async def list_rows(office: OfficeDep, filters: FiltersDep) -> Row:
        """Rows, newest first."""
        async with office.work() as work:
            return await page(work, requests, filters, _FILTERS, request_row, of_this)

    @router.get(f"/{resource.path}/{{no}}", name=f"get_{resource.path}")
    async def get_row(no: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
        """One row."""
        async with office.work() as work:
            found = await one(work, requests, of_this & (requests.c.no == no), requests.c.customer_id, as_customer)
            answer: Row = shown(request_row(found))
            return answer


for _resource in RESOURCES:
    _add_reading(_resource)


@router.post("/endorsements", status_code=201)
async def post_endorsement(
    request: Request, body: EndorsementAsked, office: OfficeDep, as_customer: AsCustomer = None, key: Key = None
) -> Row:
    """Asks for a change to a policy."""
    return await write(request, office, key, lambda work: create_endorsement(work, body, as_customer))


@router.post("/surrenders", status_code=201)
async def post_surrender(
    request: Request, body: SurrenderAsked, office: OfficeDep, as_customer: AsCustomer = None, key: Key = None
) -> Row:
    """Asks to give up a policy."""
    return await write(request, office, key, lambda work: create_surrender(work, body, as_customer))


@router.get("/policies/{policy_no}/surrender-estimate")
async def get_surrender_estimate(
    policy_no: str, office: OfficeDep, as_customer: AsCustomer = None, reason: str | None = None
) -> Row:
    """What giving up the policy today would return."""
    async with office.work() as work:
        answer: Row = shown(_estimate(work, await access_policy(work, policy_no, as_customer), reason))
        return answer


@router.post("/invoices", status_code=201)
async def post_invoice(
    request: Request, body: InvoiceAsked, office: OfficeDep, as_customer: AsCustomer = None, key: Key = None
) -> Row:
    """Issues an electronic invoice."""
    return await write(request, office, key, lambda work: create_invoice(work, body, as_customer))


@router.post("/rescues", status_code=201)
async def post_rescue(request: Request, body: RescueAsked, office: OfficeDep, key: Key = None) -> Row:
    """Sends roadside help."""
    return await write(request, office, key, lambda work: create_rescue(work, body))


@router.post("/appointments", status_code=201)
async def post_appointment(request: Request, body: AppointmentAsked, office: OfficeDep, key: Key = None) -> Row:
    """Books a visit, a call or a survey."""
    return await write(request, office, key, lambda work: create_appointment(work, body))


@router.post("/complaints", status_code=201)
async def post_complaint(request: Request, body: ComplaintAsked, office: OfficeDep, key: Key = None) -> Row:
    """Takes a complaint."""
    return await write(request, office, key, lambda work: create_complaint(work, body))


async def _store(work: Work, resource: Resource, asked: Asked, status: str, **more: Any) -> Row:
    """Writes a row; `more` may set columns (policy_no, plate, customer_id) and any further data."""
    columns = ("customer_id", "plate", "phone", "policy_no", "claim_no", "reference")
    values = {name: more.pop(name, None) or getattr(asked, name) for name in columns}
    if values["plate"]:
        values["plate"] = clean_plate(values["plate"])
    data = asked.model_dump(mode="json", exclude=set(columns))
    number = await work.next_number("service_numbers")
    row = await work.db.execute(
        insert(requests)
        .values(
            no=f"{resource.prefix}{work.today.year}{number:06d}",
            resource=resource.path,
            status=status,
            **values,
            data=shown({**data, **more}),
            created_at=work.now,
        )
        .returning(requests)
    )
    return request_row(row.mappings().one())


async def create_endorsement(work: Work, asked: EndorsementAsked, as_customer: str | None) -> Row:
    """→ submitted, for a policy that is this customer's."""
    policy = await _policy_of(work, asked, as_customer or asked.customer_id)
    return await _store(
        work,
        ENDORSEMENTS,
        asked,
        "submitted",
        policy_no=policy["policy_no"],
        plate=asked.plate or policy["plate"],
        customer_id=policy["customer"],
    )


async def _policy_of(work: Work, asked: Asked, customer_id: str | None) -> RowMapping:
    """The policy by its number, or the car's commercial one, else its compulsory one."""
    if asked.policy_no:
        return await access_policy(work, asked.policy_no, customer_id)
    held = await holding_of(work, clean_plate(asked.plate), customer_id) if asked.plate else None
    if held is None or not held.any:
        raise not_found("这份保单")
    policy = held.commercial if held.commercial is not None else held.compulsory
    assert policy is not None
    return policy


async def create_surrender(work: Work, asked: SurrenderAsked, as_customer: str | None) -> Row:
    """→ submitted, with the refund as of today; at most one open request for a policy.

    Raises:
        RuleForbids: the law or the policy's end stands against it, or a request is already open.
    """
    policy = await access_policy(work, asked.policy_no, as_customer or asked.customer_id, lock=True)
    estimate = _estimate(work, policy, asked.reason)
    if not estimate["allowed"]:
        raise RuleForbids(estimate["reason"], code="surrender_forbidden")
    open_one = await work.db.scalar(
        select(requests.c.no).where(
            requests.c.resource == SURRENDERS.path,
            requests.c.policy_no == policy["policy_no"],
            requests.c.status == "submitted",
        )
    )
    if open_one is not None:
        raise RuleForbids("这份保单的退保申请已经在办理中。", code="surrender_open", detail={"surrender_no": open_one})
    return await _store(
        work,
        SURRENDERS,
        asked,
        "submitted",
        policy_no=policy["policy_no"],
        plate=policy["plate"],
        customer_id=policy["customer"],
        refund=estimate["refund"],
        formula_text=estimate["formula_text"],
    )


def _estimate(work: Work, policy: RowMapping, reason: str | None) -> Row:
    if policy["status"] != "issued":
        return {
            "policy_no": policy["policy_no"],
            "allowed": False,
            "refund": Decimal("0.00"),
            "formula_text": "",
            "reason": "这份保单已经不在有效状态。",
        }
    days = local_day(policy["starts_at"]), local_day(policy["ends_at"])
    told = surrender.surrender_estimate(policy["kind"], policy["premium"], *days, work.today, reason=reason)
    return {
        "policy_no": policy["policy_no"],
        "kind": policy["kind"],
        "allowed": told.allowed,
        "refund": told.refund,
        "fee": told.fee,
        "formula_text": told.formula_text,
        "reason": told.reason,
        "days_used": told.days_used,
        "days_total": told.days_total,
    }


async def create_invoice(work: Work, asked: InvoiceAsked, as_customer: str | None) -> Row:
    """→ issued, over premium and collected tax of the policy."""
    if "@" not in asked.email:
        raise InputRefused("邮箱地址看起来不完整，请再核对一下。", code="email_invalid")
    policy = await access_policy(work, asked.policy_no, as_customer or asked.customer_id)
    return await _store(
        work,
        INVOICES,
        asked,
        "issued",
        policy_no=policy["policy_no"],
        plate=policy["plate"],
        customer_id=policy["customer"],
        amount=policy["premium"] + (policy["vehicle_tax"] or 0),
    )


async def create_rescue(work: Work, asked: RescueAsked) -> Row:
    """→ dispatched."""
    eta = "救援师傅会先给您打电话确认位置，市区一般30到60分钟到达，高速和郊区会久一些。"
    return await _store(work, RESCUES, asked, "dispatched", eta=eta, hotline=work.settings.hotline)


async def create_appointment(work: Work, asked: AppointmentAsked) -> Row:
    """→ booked.

    Raises:
        InputRefused: a time gone by or no time.
        RuleForbids: no branch in that city.
    """
    try:
        at = datetime.fromisoformat(asked.at)
    except ValueError as error:
        raise InputRefused("请告诉我想约哪一天、几点。", code="at_invalid") from error
    whole_day = len(asked.at) == 10
    at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
    if at + timedelta(days=1 if whole_day else 0) <= work.now:
        raise InputRefused("预约时间已经过去了，请换一个时间。", code="at_past")
    if asked.kind == "branch":
        await check_city(work, asked.city, asked.plate)
    row = await _store(work, APPOINTMENTS, asked, "booked", at=asked.at if whole_day else at)
    await events.emit(work, "appointment_booked", asked.reference, row)
    return row


async def create_complaint(work: Work, asked: ComplaintAsked) -> Row:
    """→ received, with level and due dates; what it names is not checked, because nobody is turned away."""
    level = max(asked.level or 1, complaints.level_of(asked.text))
    dues = clocks.complaint_dues(work.today, complex_case=level >= 2)
    row = await _store(
        work,
        COMPLAINTS,
        asked,
        "received",
        level=level,
        respond_by=clocks.service_due(level, work.local_now),
        decide_by=dues[0].on,
        promise=complaints.promise_of(level),
    )
    await events.emit(work, "complaint_received", asked.reference, row)
    return row


def request_row(found: RowMapping) -> Row:
    """The row as the API shows it, its number under the resource's own name."""
    columns = ("status", "customer_id", "plate", "phone", "policy_no", "claim_no", "reference", "created_at")
    number = _BY_PATH[found["resource"]].number
    return {**found["data"], number: found["no"], **{name: found[name] for name in columns}}
