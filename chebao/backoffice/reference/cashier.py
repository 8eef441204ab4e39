"""The hosted cashier page of the demo: shows what is to be paid, takes the (pretended) payment and issues the policies.

The token in the address is the only key to a page: 256 random bits, gone with a new link. Outside demo mode nothing can be paid here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import RowMapping, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from chebao.backoffice.reference import events
from chebao.backoffice.reference.application_state import (
    overall,
    payable,
    payable_parts,
    payment_lines,
    save,
    told_start,
)
from chebao.backoffice.reference.applications import terms_of
from chebao.backoffice.reference.http import OfficeDep
from chebao.backoffice.reference.lists import not_found
from chebao.backoffice.reference.policies import IN_FORCE, check_overlap, term_of
from chebao.backoffice.reference.tables import UNFINISHED, applications, policies, vehicles
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import ChebaoError, RuleForbids
from chebao.insurance.dates import SHANGHAI
from chebao.insurance.masking import mask_name, mask_plate
from chebao.insurance.money import show
from chebao.insurance.products import show_choice
from chebao.insurance.start_rules import midnight

_PAGES = Path(__file__).parent / "pages"
_templates = Environment(loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined)

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}

router = APIRouter(include_in_schema=False)


@router.get("/cashier.css")
async def style() -> Response:
    """The page's only style sheet."""
    return Response((_PAGES / "cashier.css").read_text("utf-8"), media_type="text/css")


@router.get("/cashier/{token}")
async def get_page(token: str, office: OfficeDep) -> Response:
    """The page in whatever state the application is."""
    try:
        async with office.work() as work:
            row = await _by_token(work, token)
            view = _view(work, row)
    except ChebaoError:
        return _page({"state": "unknown", "company": office.settings.company, "hotline": office.settings.hotline}, 404)
    return _page(view)


@router.post("/cashier/{token}")
async def post_payment(request: Request, token: str, office: OfficeDep) -> Response:
    """Pays once; a second press leads to the same page, which then says paid."""
    try:
        async with office.work() as work:
            await pay(work, token)
    except ChebaoError as error:
        base = {"company": office.settings.company, "hotline": office.settings.hotline}
        return _page({"state": "refused", "message": error.message, **base}, 409)
    office.tell_written()
    return RedirectResponse(request.url.path, status_code=303, headers=_HEADERS)


async def pay(work: Work, token: str) -> None:
    """awaiting_payment → paid → issued for each part that can be paid; paying again changes nothing.

    Raises:
        NotFound: no such link.
        RuleForbids: link run out, application ended, or the car was insured meanwhile.
    """
    if not work.settings.demo:
        raise RuleForbids("这里是演示收银台，不能收款。", code="demo_only")
    row = await _by_token(work, token, lock=True)
    parts = payable_parts(row)
    if not parts:
        if row["paid_at"] is not None:
            return
        raise RuleForbids("这份投保单已经结束，不需要支付。", code="application_ended")
    if row["pay_expires_at"] <= work.now:
        raise RuleForbids("付款链接已过期，请在对话里说“重新发付款链接”。", code="link_expired")
    await work.serialise(f"car {row['car_key']}")
    amount = payable(row)
    begun = {part: _begin(work, row[part]) for part in parts}
    await check_overlap(work, row["plate"], terms_of(begun))
    row = await save(work, row, status="paid", paid_at=row["paid_at"] or work.now)
    await events.emit(
        work,
        "application_paid",
        row["reference"],
        {"application_no": row["application_no"], "plate": row["plate"], "amount": amount},
    )
    await issue(work, row, begun)


def _begin(work: Work, part: Row) -> Row:
    """The part with its real start: never before the payment, and an agreed immediate start is the minute of it."""
    start = datetime.fromisoformat(part["start"])
    if part["immediate"]:
        start = (work.local_now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    elif start <= work.now:
        start = midnight(work.today + timedelta(days=1))
    start, end = term_of(start.astimezone(SHANGHAI))
    return {**part, "start": start, "end": end}


async def issue(work: Work, row: RowMapping, begun: dict[str, Row]) -> None:
    """paid → issued: a policy with a number of its own for each paid part, and the event that tells the numbers."""
    await _keep_vehicle(work, row)
    issued: dict[str, Row] = {}
    for kind, part in begun.items():
        number = await work.next_number("policy_numbers")
        policy_no = f"P{work.today.year}{number:04d}"
        await work.db.execute(insert(policies).values(**_policy(work, row, kind, part), policy_no=policy_no))
        issued[kind] = {**part, "status": "issued", "policy_no": policy_no}
    compulsory = issued.get("compulsory", row["compulsory"])
    commercial = issued.get("commercial", row["commercial"])
    status = overall(compulsory, commercial)
    row = await save(work, row, status=status, **{kind: shown(part) for kind, part in issued.items()})
    await events.emit(work, "application_issued", row["reference"], _told(row, issued))


def _policy(work: Work, row: RowMapping, kind: str, part: Row) -> Row:
    data: Row = row["data"]
    history: Row = data["history"]
    own = ("at_fault_last_term", "claim_free_years") if kind == "compulsory" else ("insured_years", "claims_last_3y")
    return {
        "customer": row["customer_id"],
        "plate": row["plate"],
        "kind": kind,
        "status": IN_FORCE,
        "starts_at": part["start"],
        "ends_at": part["end"],
        "premium": part["price"],
        "vehicle_tax": row["vehicle_tax"] if kind == "compulsory" else None,
        "covers": data["covers"] if kind == "commercial" else None,
        **{name: history[name] for name in own},
        "application_no": row["application_no"],
        "data": {name: data[name] for name in ("policyholder", "insured", "owner", "first_beneficiary")},
        "created_at": work.now,
    }


async def _keep_vehicle(work: Work, row: RowMapping) -> None:
    """A registered car that we did not know becomes one of our vehicles."""
    told: Row = row["data"]["vehicle"]
    if not told["plate"] or not told["first_registered"]:
        return
    values = {
        name: told[name] for name in ("plate", "model", "vin", "price", "first_registered", "seats", "energy", "usage")
    }
    await work.db.execute(
        upsert(vehicles).values(**values, owner=row["customer_id"], created_at=work.now).on_conflict_do_nothing()
    )


def _told(row: RowMapping, issued: dict[str, Row]) -> Row:
    """The event's data: the parts just issued, and a commercial part that still waits."""
    lines = row["data"]["cover_lines"]
    told: Row = {"application_no": row["application_no"], "plate": row["plate"], "status": row["status"]}
    for kind, part in issued.items():
        covers = [{"name": line["name"], "sum": _say_sum(line)} for line in lines] if kind == "commercial" else []
        told[kind] = {**part, "premium": part["price"], "covers": covers}
    waiting = row["commercial"]
    if "commercial" not in issued and waiting is not None and waiting["status"] not in ("declined", "issued"):
        told["commercial"] = waiting
    return told


def _say_sum(line: Row) -> str:
    return "已包含" if line["sum"] is True else show_choice(line["code"], Decimal(line["sum"]))


async def _by_token(work: Work, token: str, *, lock: bool = False) -> RowMapping:
    query = select(applications).where(applications.c.cashier_token == token)
    row = (await work.db.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    if row is None:
        raise not_found("这个付款链接")
    return row


def _view(work: Work, row: RowMapping) -> Row:
    parts = payable_parts(row)
    if parts:
        state = "open" if row["pay_expires_at"] > work.now else "expired"
    else:
        state = "paid" if row["paid_at"] is not None else "ended"
    names = {"compulsory": "交强险", "commercial": "商业险"}
    held = [(names[kind], row[kind]) for kind in names if row[kind] is not None]
    now_due = {names[part] for part in parts} | ({"车船税（代收）"} if "compulsory" in parts else set())
    return {
        "state": state,
        "demo": work.settings.demo,
        "company": work.settings.company,
        "hotline": work.settings.hotline,
        "application_no": row["application_no"],
        "plate": mask_plate(row["plate"]) if row["plate"] else "新车（未上牌）",
        "payer": mask_name(row["data"]["policyholder"]["name"]),
        "lines": [
            (line["name"], show(Decimal(line["amount"]))) for line in payment_lines(row) if line["name"] in now_due
        ],
        "total": show(payable(row)),
        "starts": [
            (name, told_start(datetime.fromisoformat(part["start"])))
            for name, part in held
            if part["status"] != "declined"
        ],
        "policies": [(name, part["policy_no"]) for name, part in held if part["policy_no"]],
        "waiting": row["status"] in UNFINISHED
        and row["commercial"] is not None
        and row["commercial"]["status"] in ("referred", "inspection_required"),
    }


def _page(view: Row, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_templates.get_template("cashier.html").render(view), status_code=status, headers=_HEADERS)
