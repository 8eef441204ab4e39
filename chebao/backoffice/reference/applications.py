"""Applications: one row for one car and term, with a compulsory and a commercial part that do not wait for each other.

Overall status: draft (never listed) → submitted → underwriting → awaiting_payment, referred or inspection_required → paid → issued.
`referred` and `inspection_required` speak of the commercial part alone: the compulsory one can be paid and issued meanwhile.
One function makes each transition, under the row's lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from fastapi import APIRouter, Request
from sqlalchemy import RowMapping, insert, or_, select, update

from chebao.backoffice.reference.application_state import (
    WAITING,
    application_row,
    overall,
    payable_parts,
    save,
    total_of,
)
from chebao.backoffice.reference.http import AsCustomer, Body, FiltersDep, Key, OfficeDep, write
from chebao.backoffice.reference.lists import Condition, equals, not_found, one, page
from chebao.backoffice.reference.people import Person, upsert_customer
from chebao.backoffice.reference.policies import check_overlap, term_of
from chebao.backoffice.reference.quotes import Owner, access_quote
from chebao.backoffice.reference.tables import UNFINISHED, applications, customers, quotes
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import RuleForbids

LINK_LIVES = timedelta(hours=24)
router = APIRouter(prefix="/applications", tags=["applications"])

_FILTERS: dict[str, Condition] = {
    "plate": equals(applications.c.plate),
    "phone": equals(applications.c.phone),
    "customer_id": equals(applications.c.customer_id),
    "as_customer": equals(applications.c.customer_id),
    "status": equals(applications.c.status),
    "reference": equals(applications.c.reference),
    "policy_no": lambda no: or_(
        applications.c.compulsory["policy_no"].astext == no, applications.c.commercial["policy_no"].astext == no
    ),
}


class Policyholder(Body):
    """Who applies and pays."""

    name: str
    phone: str
    id_card: str | None = None
    customer_id: str | None = None


class Acknowledged(Body):
    """Which version of the clauses was shown and in which message it was acknowledged (保险法 17)."""

    version: str
    at_message_id: str | None = None


class ApplicationAsked(Body):
    """The customer's confirmation after the read-back."""

    kind: Literal["new_policy", "renewal"]
    quote_no: str
    policyholder: Policyholder
    insured: Owner | None = None
    owner: Owner | None = None
    relation: str | None = None
    first_beneficiary: str | None = None
    clauses_acknowledged: Acknowledged | None = None
    documents_missing: list[str] | None = None
    documents: list[dict[str, Any]] | None = None
    reference: str | None = None


class Decision(Body):
    """What the underwriter or the inspection found about the commercial part."""

    result: Literal["approved", "declined"]
    reason: str = ""


@router.post("", status_code=201)
async def post_application(request: Request, body: ApplicationAsked, office: OfficeDep, key: Key = None) -> Row:
    """Applies for the quote's cover."""
    return await write(request, office, key, lambda work: create_application(work, body))


@router.get("")
async def list_applications(office: OfficeDep, filters: FiltersDep) -> Row:
    """Applications, newest first."""
    async with office.work() as work:
        return await page(work, applications, filters, _FILTERS, application_row, applications.c.status != "draft")


@router.get("/{application_no}")
async def get_application(application_no: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
    """One application."""
    async with office.work() as work:
        answer: Row = shown(application_row(await access_application(work, application_no, as_customer)))
        return answer


@router.post("/{application_no}/cancel")
async def post_cancel(
    request: Request, application_no: str, office: OfficeDep, as_customer: AsCustomer = None, key: Key = None
) -> Row:
    """Cancels an application that is not paid."""
    return await write(request, office, key, lambda work: cancel(work, application_no, as_customer))


@router.post("/{application_no}/payment-link")
async def post_link(
    request: Request, application_no: str, office: OfficeDep, as_customer: AsCustomer = None, key: Key = None
) -> Row:
    """A new payment link; the old one stops working."""
    return await write(request, office, key, lambda work: renew_link(work, application_no, as_customer))


@router.post("/{application_no}/commercial-decision")
async def post_decision(
    request: Request, application_no: str, body: Decision, office: OfficeDep, key: Key = None
) -> Row:
    """Staff: the outcome of referral or inspection."""
    return await write(request, office, key, lambda work: decide_commercial(work, application_no, body))


async def access_application(
    work: Work, application_no: str, as_customer: str | None, *, lock: bool = False
) -> RowMapping:
    """The application that this customer may see."""
    condition = applications.c.application_no == application_no.strip().upper()
    owner = applications.c.customer_id
    return await one(work, applications, condition, owner, as_customer, what="这份投保单", lock=lock)


async def create_application(work: Work, asked: ApplicationAsked) -> Row:
    """submitted → underwriting → result, in one go; replaces the customer's unfinished application for this car.

    Raises:
        NotFound: no such quote, or somebody else's.
        RuleForbids: `quote_expired`, `clauses_not_acknowledged`, `overlap`, `too_early`, `phone_mismatch`.
    """
    customer = await _policyholder(work, asked.policyholder)
    quote = await access_quote(work, asked.quote_no, customer["id"])
    data: Row = quote["data"]
    car_key = quote["plate"] or data["vehicle"]["vin"] or f"new:{data['vehicle']['model']}"
    await work.serialise(f"car {car_key}")
    check_application(work, asked, quote)
    compulsory, commercial = _parts(data)
    await check_overlap(work, quote["plate"], terms_of({"compulsory": compulsory, "commercial": commercial}))
    await supersede(work, customer["id"], car_key)
    await work.db.execute(update(quotes).where(quotes.c.quote_no == quote["quote_no"]).values(status="applied"))
    return await _store(work, asked, quote, customer["id"], car_key, compulsory, commercial)


async def _store(
    work: Work,
    asked: ApplicationAsked,
    quote: RowMapping,
    customer_id: str,
    car_key: str,
    compulsory: Row,
    commercial: Row | None,
) -> Row:
    number = await work.next_number("application_numbers")
    tax = Decimal(quote["data"]["vehicle_tax"])
    status = overall(compulsory, commercial)
    row = await work.db.execute(
        insert(applications)
        .values(
            application_no=f"A{work.today.year}{number:06d}",
            kind=asked.kind,
            plate=quote["plate"],
            phone=asked.policyholder.phone,
            customer_id=customer_id,
            quote_no=quote["quote_no"],
            status=status,
            car_key=car_key,
            compulsory=shown(compulsory),
            commercial=shown(commercial),
            vehicle_tax=tax,
            total=total_of(compulsory, commercial, tax),
            cashier_token=secrets.token_urlsafe(32),
            pay_expires_at=work.now + LINK_LIVES,
            reference=asked.reference,
            documents_missing=asked.documents_missing or [],
            data=shown(_data(work, asked, quote, status)),
            created_at=work.now,
        )
        .returning(applications)
    )
    return application_row(row.mappings().one())


def check_application(work: Work, asked: ApplicationAsked, quote: RowMapping) -> None:
    """All that the customer's confirmation can fail on before anything is written."""
    if quote["expires_at"] <= work.now:
        raise RuleForbids("这份报价已经过期，需要重新报价。", code="quote_expired")
    if asked.clauses_acknowledged is None or not asked.clauses_acknowledged.version:
        raise RuleForbids("需要先阅读并确认保险条款和责任免除，才能提交投保。", code="clauses_not_acknowledged")


async def _policyholder(work: Work, asked: Policyholder) -> Row:
    """The policyholder's customer row; a new one where name, id card and phone are all given."""
    if asked.customer_id:
        found = (await work.db.execute(select(customers).where(customers.c.id == asked.customer_id))).mappings().first()
        if found is None:
            raise not_found("投保人的信息")
        return dict(found)
    if not asked.id_card:
        raise RuleForbids("需要先核实投保人身份，才能提交投保。", code="policyholder_unknown")
    return await upsert_customer(work, Person(name=asked.name, id_card=asked.id_card, phone=asked.phone))


def _parts(data: Row) -> tuple[Row, Row | None]:
    """The two parts of a new application, from its quote."""
    result = data["underwriting"]
    starts = data["starts"]
    compulsory = _part("awaiting_payment", data["compulsory"]["premium"], starts["compulsory"])
    if data["commercial"] is None:
        return compulsory, None
    status = "awaiting_payment" if result["commercial"] == "approved" else result["commercial"]
    commercial = _part(status, data["commercial"]["premium"], starts["commercial"])
    return compulsory, {**commercial, "reasons": result["reasons"]}


def _part(status: str, price: str, start: Row) -> Row:
    begins, ends = term_of(datetime.fromisoformat(start["at"]))
    return {
        "status": status,
        "price": Decimal(price),
        "start": begins,
        "end": ends,
        "immediate": bool(start["immediate"]),
        "policy_no": None,
    }


def _data(work: Work, asked: ApplicationAsked, quote: RowMapping, status: str) -> Row:
    quoted: Row = quote["data"]
    names = ("vehicle", "city", "covers", "not_covered", "disclosure", "declared", "history")
    commercial = quoted["commercial"] or {}
    return {
        **{name: quoted[name] for name in names},
        "plan": quote["plan"],
        "plan_name": quoted["name"],
        "cover_lines": [{name: line[name] for name in ("code", "name", "sum")} for line in commercial.get("lines", [])],
        "policyholder": {"name": asked.policyholder.name, "customer_id": asked.policyholder.customer_id},
        "insured": _role(asked.insured, asked.policyholder.name),
        "owner": _role(asked.owner, asked.policyholder.name),
        "relation": asked.relation,
        "first_beneficiary": asked.first_beneficiary,
        "clauses_acknowledged": asked.clauses_acknowledged.model_dump() if asked.clauses_acknowledged else None,
        "documents": asked.documents or [],
        "referred_reasons": quoted["underwriting"]["reasons"],
        "inspection": _inspection(quoted),
        "history_of_status": [
            {"status": name, "at": work.now} for name in dict.fromkeys(("submitted", "underwriting", status))
        ],
    }


def _role(person: Owner | None, default: str) -> Row:
    given = person or Owner()
    return {"name": given.name or default, "relation": given.relation}


def _inspection(quoted: Row) -> Row | None:
    if not quoted["commercial"] or not quoted["underwriting"]["needs_inspection"]:
        return None
    return {
        "status": "required",
        "city": quoted["city"],
        "how": "可以在手机上按提示拍摄车辆照片，也可以预约到网点验车；验车通过后商业险即可付款。",
    }


def terms_of(parts: Mapping[str, Row | None]) -> dict[str, tuple[datetime, datetime]]:
    """The terms that are still to be insured."""
    return {
        kind: (part["start"], part["end"])
        for kind, part in parts.items()
        if part is not None and not part["policy_no"] and part["status"] != "declined"
    }


async def supersede(work: Work, customer_id: str, car_key: str) -> None:
    """unfinished and unpaid → superseded: the customer has started again."""
    query = (
        select(applications)
        .where(
            applications.c.customer_id == customer_id,
            applications.c.car_key == car_key,
            applications.c.status.in_(UNFINISHED),
        )
        .with_for_update()
    )
    for row in (await work.db.execute(query)).mappings().all():
        if row["paid_at"] is None:
            await save(work, row, status="superseded")
        else:
            raise RuleForbids(
                "这辆车已有一份付过款的投保单，商业险部分还在审核，有结果会通知您。",
                code="application_open",
                detail={"application_no": row["application_no"]},
            )


async def cancel(work: Work, application_no: str, as_customer: str | None) -> Row:
    """unfinished and unpaid → cancelled."""
    row = await access_application(work, application_no, as_customer, lock=True)
    if row["status"] == "cancelled":
        return application_row(row)
    if row["status"] not in UNFINISHED or row["paid_at"] is not None:
        raise RuleForbids("这份投保单已经付款或结束，不能取消；需要的话可以办理退保。", code="not_cancellable")
    return application_row(await save(work, row, status="cancelled"))


async def renew_link(work: Work, application_no: str, as_customer: str | None) -> Row:
    """A new token and a new day to pay; nothing else changes."""
    row = await access_application(work, application_no, as_customer, lock=True)
    if not payable_parts(row):
        raise RuleForbids("这份投保单现在没有需要支付的款项。", code="nothing_to_pay")
    expires = work.now + LINK_LIVES
    return application_row(await save(work, row, cashier_token=secrets.token_urlsafe(32), pay_expires_at=expires))


async def decide_commercial(work: Work, application_no: str, decision: Decision) -> Row:
    """commercial: referred | inspection_required → awaiting_payment | declined."""
    row = await access_application(work, application_no, None, lock=True)
    part: Row | None = row["commercial"]
    if part is None or part["status"] not in WAITING or row["status"] not in UNFINISHED:
        raise RuleForbids("这份投保单没有等待审核的商业险部分。", code="not_waiting")
    reasons = [decision.reason] if decision.reason else part["reasons"]
    approved = decision.result == "approved"
    part = {**part, "status": "awaiting_payment" if approved else "declined", "reasons": [] if approved else reasons}
    inspection = row["data"]["inspection"]
    data = {
        **row["data"],
        "referred_reasons": part["reasons"],
        "inspection": {**inspection, "status": "passed" if approved else "failed"} if inspection else None,
    }
    changed = {"commercial": part, "data": data, "pay_expires_at": work.now + LINK_LIVES}
    total = total_of(row["compulsory"], part, row["vehicle_tax"])
    return application_row(await save(work, row, status=overall(row["compulsory"], part), total=total, **changed))
