"""Customers, their vehicles, the model catalogue and the industry platform's look-up."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import RowMapping, insert, select, update

from chebao.backoffice.reference import catalogue
from chebao.backoffice.reference.facts import History, history_of
from chebao.backoffice.reference.http import AsCustomer, Body, FiltersDep, Key, OfficeDep, write
from chebao.backoffice.reference.lists import Condition, clean_plate, equals, not_found, one, page
from chebao.backoffice.reference.policies import holding_of
from chebao.backoffice.reference.tables import customers, platform_cars, vehicles
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import InputRefused, RuleForbids
from chebao.insurance import idcard
from chebao.insurance.masking import mask_id_card

router = APIRouter(tags=["people"])

_CUSTOMER_FILTERS: dict[str, Condition] = {
    "phone": equals(customers.c.phone),
    "plate": lambda plate: customers.c.id.in_(select(vehicles.c.owner).where(vehicles.c.plate == plate)),
    "customer_id": equals(customers.c.id),
    "as_customer": equals(customers.c.id),
}
_VEHICLE_FILTERS: dict[str, Condition] = {
    "phone": lambda phone: vehicles.c.owner.in_(select(customers.c.id).where(customers.c.phone == phone)),
    "plate": equals(vehicles.c.plate),
    "customer_id": equals(vehicles.c.owner),
    "as_customer": equals(vehicles.c.owner),
}


class Person(Body):
    """A customer as identified in the dialogue."""

    name: str
    id_card: str
    phone: str
    city: str | None = None


class PlatformAsked(Body):
    """The car, and who says to be its owner."""

    plate: str
    owner_name: str | None = None
    id_card: str | None = None
    customer_id: str | None = None


@router.get("/customers")
async def list_customers(office: OfficeDep, filters: FiltersDep) -> Row:
    """Customers, newest first."""
    async with office.work() as work:
        return await page(work, customers, filters, _CUSTOMER_FILTERS, customer_row)


@router.post("/customers", status_code=201)
async def put_customer(request: Request, body: Person, office: OfficeDep, key: Key = None) -> Row:
    """The customer of this id card: made, or brought up to date."""
    return await write(request, office, key, lambda work: upsert_customer(work, body))


@router.get("/customers/{customer_id}")
async def get_customer(customer_id: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
    """One customer."""
    async with office.work() as work:
        row = await one(work, customers, customers.c.id == customer_id, customers.c.id, as_customer, what="这位客户")
        answer: Row = shown(customer_row(row))
        return answer


@router.get("/vehicles")
async def list_vehicles(office: OfficeDep, filters: FiltersDep) -> Row:
    """Vehicles, newest first."""
    async with office.work() as work:
        return await page(work, vehicles, filters, _VEHICLE_FILTERS, vehicle_row)


@router.get("/vehicles/{plate}")
async def get_vehicle(plate: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
    """One vehicle."""
    async with office.work() as work:
        condition = vehicles.c.plate == clean_plate(plate)
        row = await one(work, vehicles, condition, vehicles.c.owner, as_customer, what="这辆车")
        answer: Row = shown(vehicle_row(row))
        return answer


@router.get("/models")
async def list_models(query: Annotated[str, Query(max_length=100)] = "") -> Row:
    """Catalogue search."""
    return {"items": shown(catalogue.search(query))}


@router.post("/platform/lookup")
async def look_up(body: PlatformAsked, office: OfficeDep) -> Row:
    """What the industry platform knows of a car."""
    async with office.work() as work:
        answer: Row = shown(await platform_lookup(work, body))
        return answer


async def upsert_customer(work: Work, person: Person) -> Row:
    """Makes the customer, or changes the name and city of the one with this id card.

    Raises:
        InputRefused: the id card number cannot be right, or belongs to another name.
        RuleForbids: the id card is on file with another phone; changing it here would hand over somebody's policies.
    """
    id_card = person.id_card.upper().replace(" ", "")
    if not idcard.is_valid(id_card):
        raise InputRefused("身份证号码的校验位不对，请再核对一下。", code="id_card_invalid")
    await work.serialise(f"id card {id_card}")
    found = (await work.db.execute(select(customers).where(customers.c.id_card == id_card))).mappings().one_or_none()
    if found is None:
        return await _new_customer(work, person, id_card)
    if found["phone"] != person.phone:
        raise RuleForbids(
            "这张身份证登记的是另一个手机号，请用登记的手机号验证，或联系人工更改。", code="phone_mismatch"
        )
    if found["name"] != person.name:
        raise InputRefused("姓名和身份证号不一致，请再核对一下。", code="name_mismatch")
    changed = update(customers).where(customers.c.id == found["id"]).values(city=person.city or found["city"])
    return customer_row((await work.db.execute(changed.returning(customers))).mappings().one())


async def _new_customer(work: Work, person: Person, id_card: str) -> Row:
    number = await work.next_number("customer_numbers")
    row = await work.db.execute(
        insert(customers)
        .values(
            id=f"C{number}",
            name=person.name,
            id_card=id_card,
            phone=person.phone,
            city=person.city,
            tier="senior" if idcard.needs_care(id_card, work.today) else "standard",
            created_at=work.now,
        )
        .returning(customers)
    )
    return customer_row(row.mappings().one())


async def platform_lookup(work: Work, asked: PlatformAsked) -> Row:
    """The car and its history; our own cars answer to their owner only.

    Raises:
        NotFound: unknown to the platform, or one of ours with another owner.
    """
    plate = clean_plate(asked.plate)
    own = (await work.db.execute(select(vehicles).where(vehicles.c.plate == plate))).mappings().one_or_none()
    if own is not None and await _is_owner(work, own["owner"], asked):
        held = await holding_of(work, plate, own["owner"])
        return {"vehicle": vehicle_row(own), "history": history_of(held).model_dump(), "source": "platform"}
    query = select(platform_cars).where(platform_cars.c.plate == plate)
    found = (await work.db.execute(query)).mappings().one_or_none()
    if found is None:
        raise not_found("这辆车的平台信息")
    history: dict[str, Any] = History.model_validate(found["history"]).model_dump()
    return {"vehicle": {"plate": plate, **found["vehicle"]}, "history": history, "source": "platform"}


async def _is_owner(work: Work, owner: str, asked: PlatformAsked) -> bool:
    if asked.customer_id:
        return asked.customer_id == owner
    if not asked.id_card and not asked.owner_name:
        return False
    person = (await work.db.execute(select(customers).where(customers.c.id == owner))).mappings().one()
    if asked.id_card and asked.id_card.upper() != person["id_card"]:
        return False
    return not asked.owner_name or asked.owner_name == person["name"]


def customer_row(found: RowMapping) -> Row:
    """The row as the API shows it."""
    row: Row = {name: found[name] for name in ("id", "name", "id_card", "phone", "city", "tier", "created_at")}
    return {**row, "customer_id": found["id"], "id_card_masked": mask_id_card(found["id_card"])}


def vehicle_row(found: RowMapping) -> Row:
    """The row as the API shows it."""
    return {name: found[name] for name in found if name != "seq"}
