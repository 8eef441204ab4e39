"""What is known of a car when it is priced: from our own records, from the industry platform, or only declared.

Own records count for their owner only; for anybody else the car is as unknown as any other. The no-claim grade comes from
records, never from the customer's word: a declared car has grade 0, and what is declared of claims can only raise the price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field, model_validator
from sqlalchemy import RowMapping, func, or_, select

from chebao.backoffice.reference.catalogue import best_model
from chebao.backoffice.reference.http import Body
from chebao.backoffice.reference.lists import clean_plate
from chebao.backoffice.reference.policies import Holding, covers_of, holding_of
from chebao.backoffice.reference.tables import branches, claims, platform_cars, vehicles
from chebao.backoffice.reference.work import Work
from chebao.errors import InputRefused, RuleForbids
from chebao.insurance.money import ZERO, yuan
from chebao.insurance.plate import city_of, is_nev
from chebao.insurance.rating import Car, CompulsoryHistory, NcdHistory, next_history
from chebao.insurance.regions import province_of_city, province_of_plate
from chebao.insurance.vehicles import litres_of


class History(Body):
    """A car's insurance history as the platform tells it or the customer declares it."""

    insured_years: int = Field(default=0, ge=0, le=50)
    claims_last_3y: int = Field(default=0, ge=0, le=99)
    at_fault_last_term: int = Field(default=0, ge=0, le=99)
    claim_free_years: int = Field(default=0, ge=0, le=50)
    previous_end: date | None = None
    tax_arrears: Decimal = Field(default=ZERO, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, told: Any) -> Any:
        """A null is as good as nothing said."""
        return {name: value for name, value in told.items() if value is not None} if isinstance(told, dict) else told


class CarAsked(Body):
    """The car of an estimate or quote; what we hold in records wins over it."""

    plate: str | None = None
    city: str | None = None
    usage: str | None = None
    model: str | None = None
    price: Decimal | None = None
    first_registered: str | None = None
    seats: int | None = None
    energy: str | None = None
    vin: str | None = None
    history: History | None = None
    customer_id: str | None = None


@dataclass(frozen=True)
class CarFacts:
    """The car as pricing and underwriting see it.

    Attributes:
        source: own | platform | declared.
        ends: first day without cover, per part.
        last_covers: covers of the last commercial policy; None when not known.
        notes: Chinese sentences on what was assumed.
    """

    source: str
    plate: str | None
    model: str
    vin: str | None
    car: Car
    city: str
    province: str
    compulsory_history: CompulsoryHistory
    ncd_history: NcdHistory
    claims_last_3y: int
    tax_on_record: Decimal | None = None
    tax_arrears: Decimal = ZERO
    ends: Mapping[str, date | None] = field(default_factory=dict)
    last_covers: Mapping[str, Decimal | bool] | None = None
    inspection_valid_until: date | None = None
    holding: Holding = field(default_factory=lambda: Holding(None, None))
    notes: tuple[str, ...] = ()

    @property
    def declared(self) -> bool:
        """Nothing but the customer's own data."""
        return self.source == "declared"

    @property
    def previous_end(self) -> date | None:
        """The later end of the last known cover."""
        return max((end for end in self.ends.values() if end), default=None)

    def of_a_new_owner(self) -> CarFacts:
        """The same car after it has changed hands: its record does not follow it, for better or worse."""
        return replace(self, compulsory_history=CompulsoryHistory(first_cover=True), ncd_history=NcdHistory())

    @property
    def plate_province(self) -> str | None:
        """Where the plate belongs."""
        return province_of_plate(self.plate) if self.plate else None


async def gather(work: Work, asked: CarAsked, *, trust_history: bool = False) -> CarFacts:
    """All that is known of the car that is asked about.

    Args:
        trust_history: an estimate may count with the history that it was told; a quote may not.

    Raises:
        RuleForbids: ``no_branch``: we have no branch in that city.
        InputRefused: city or price is missing.
    """
    plate = clean_plate(asked.plate) if asked.plate else None
    city = await check_city(work, asked.city, plate)
    if plate:
        own = await own_vehicle(work, plate, asked.customer_id)
        if own is not None:
            return await _own_facts(work, own, city)
        found = (await work.db.execute(select(platform_cars).where(platform_cars.c.plate == plate))).mappings().first()
        if found is not None:
            return _platform_facts(found, asked, city)
    return _declared_facts(plate, asked, city, trust_history=trust_history)


async def check_city(work: Work, city: str | None, plate: str | None) -> str:
    """The city of sale, by the plate when none is named.

    Raises:
        RuleForbids: no branch there.
    """
    named = (city or "").strip().removesuffix("市") or (city_of(plate) if plate else None)
    if not named:
        raise InputRefused("请告诉我车辆在哪个城市使用。", code="city_missing")
    if await work.db.scalar(select(branches.c.city).where(branches.c.city == named)) is None:
        raise RuleForbids(
            f"我们在{named}暂时没有分支机构，还不能承保那里的车辆。", code="no_branch", detail={"city": named}
        )
    return named


async def own_vehicle(work: Work, plate: str, customer_id: str | None) -> RowMapping | None:
    """The car of this customer in our records; None without a customer."""
    if not customer_id:
        return None
    query = select(vehicles).where(vehicles.c.plate == plate, vehicles.c.owner == customer_id)
    return (await work.db.execute(query)).mappings().one_or_none()


async def _own_facts(work: Work, own: RowMapping, city: str) -> CarFacts:
    held = await holding_of(work, own["plate"], own["owner"])
    history = history_of(held)
    car = Car(own["price"], own["first_registered"], own["usage"], own["seats"], own["energy"], litres_of(own["model"]))
    return CarFacts(
        source="own",
        plate=own["plate"],
        model=own["model"],
        vin=own["vin"],
        car=car,
        city=city,
        province=_province(own["plate"], city),
        compulsory_history=await _after_this_term(work, held, history),
        ncd_history=_ncd_history(history, held.end("commercial")),
        claims_last_3y=history.claims_last_3y,
        tax_on_record=held.known("compulsory", "vehicle_tax"),
        ends={"compulsory": held.end("compulsory"), "commercial": held.end("commercial") or held.end("compulsory")},
        last_covers=covers_of(held.commercial) if held.any else None,
        inspection_valid_until=own["inspection_valid_until"],
        holding=held,
    )


async def _after_this_term(work: Work, held: Holding, history: History) -> CompulsoryHistory:
    """The compulsory history at renewal: what the ending term was priced by, moved on by that term's own accidents."""
    if held.compulsory is None:
        return CompulsoryHistory(first_cover=True)
    numbers = [part["policy_no"] for part in (held.compulsory, held.commercial) if part is not None]
    at_fault = await work.db.scalar(
        select(func.count())
        .select_from(claims)
        .where(
            or_(claims.c.compulsory_policy_no.in_(numbers), claims.c.policy_no.in_(numbers)),
            claims.c.occurred_at >= held.compulsory["starts_at"],
            # Any share of fault counts for the float, an accident without fault does not (条例 8).
            claims.c.fault.is_not(None),
            claims.c.fault != "none",
            claims.c.status.not_in(("withdrawn", "refused")),
        )
    )
    return next_history(_compulsory_history(history), at_fault or 0)


def history_of(held: Holding) -> History:
    """The history that our own latest policies tell."""
    return History(
        insured_years=held.known("commercial", "insured_years", 0),
        claims_last_3y=held.known("commercial", "claims_last_3y", 0),
        at_fault_last_term=held.known("compulsory", "at_fault_last_term", 0),
        claim_free_years=held.known("compulsory", "claim_free_years", 0),
        previous_end=held.last_end,
    )


def _platform_facts(found: RowMapping, asked: CarAsked, city: str) -> CarFacts:
    told, history = found["vehicle"], History.model_validate(found["history"])
    known = CarAsked(
        model=told["model"],
        first_registered=told["first_registered"],
        seats=told["seats"],
        energy=told["energy"],
        price=asked.price,
        usage=asked.usage,
    )
    car, notes = _declared_car(known, found["plate"])
    return CarFacts(
        source="platform",
        plate=found["plate"],
        model=told["model"],
        vin=told["vin"],
        car=car,
        city=city,
        province=_province(found["plate"], city),
        compulsory_history=_compulsory_history(history),
        ncd_history=_ncd_history(history, history.previous_end),
        claims_last_3y=history.claims_last_3y,
        tax_arrears=history.tax_arrears,
        ends={"compulsory": history.previous_end, "commercial": history.previous_end},
        notes=notes,
    )


def _declared_facts(plate: str | None, asked: CarAsked, city: str, *, trust_history: bool) -> CarFacts:
    car, notes = _declared_car(asked, plate)
    said = asked.history or History()
    trusted = trust_history and asked.history is not None
    first_cover = not trusted and said.at_fault_last_term < 2
    return CarFacts(
        source="declared",
        plate=plate,
        model=(asked.model or "").strip(),
        vin=asked.vin,
        car=car,
        city=city,
        province=_province(plate, city),
        compulsory_history=CompulsoryHistory(said.claim_free_years, said.at_fault_last_term, first_cover=first_cover),
        ncd_history=_ncd_history(said, said.previous_end)
        if trusted
        else NcdHistory(claims_last_3y=said.claims_last_3y),
        claims_last_3y=said.claims_last_3y,
        ends={"compulsory": said.previous_end, "commercial": said.previous_end},
        notes=(*notes, "车辆信息按您的说明填写，以平台查询结果为准。"),
    )


def _declared_car(asked: CarAsked, plate: str | None) -> tuple[Car, tuple[str, ...]]:
    notes: list[str] = []
    listed = best_model(asked.model) if asked.model else None
    price = asked.price if asked.price is not None else (listed.price if listed else None)
    if price is None:
        raise InputRefused("请告诉我车型，或者新车购置价是多少。", code="price_missing")
    if not 1_000 <= price <= 100_000_000:
        raise InputRefused("购置价看起来不太对，请按元再核对一下。", code="price_invalid")
    if asked.price is None:
        notes.append(f"新车购置价按{listed.model if listed else ''}的参考价{price:,.0f}元估算。")
    seats = asked.seats or (listed.seats if listed else 5)
    energy = asked.energy or (listed.energy if listed else ("electric" if plate and is_nev(plate) else "fuel"))
    # Without a plate the car is new, whatever month the customer names for it.
    registered = _registered(asked.first_registered) if plate else None
    if registered is None and plate:
        notes.append("没有登记日期，暂按新车估算。")
    litres = litres_of(asked.model) if asked.model else None
    return Car(yuan(price), registered, asked.usage or "family", seats, energy, litres), tuple(notes)


def _registered(text: str | None) -> date | None:
    """`2023-05-17`, `2023-05` or `2023`; a year alone counts from its middle."""
    if not text:
        return None
    try:
        parts = [int(part) for part in text[:10].split("-")]
        return date(parts[0], parts[1] if len(parts) > 1 else 7, parts[2] if len(parts) > 2 else 1)
    except (ValueError, IndexError) as error:
        raise InputRefused("请告诉我初次登记的年份和月份，例如2023年5月。", code="first_registered_invalid") from error


def _province(plate: str | None, city: str) -> str:
    return (province_of_plate(plate) if plate else None) or province_of_city(city) or city


def _compulsory_history(history: History) -> CompulsoryHistory:
    return CompulsoryHistory(claim_free_years=history.claim_free_years, at_fault_last_term=history.at_fault_last_term)


def _ncd_history(history: History, previous_end: date | None) -> NcdHistory:
    return NcdHistory(history.insured_years, history.claims_last_3y, previous_end)
