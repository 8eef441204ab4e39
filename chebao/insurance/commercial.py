"""Commercial premium: Σ over covers of base × NCD × pricing factor, to the fen. Every factor stays in the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.money import ZERO, yuan
from chebao.insurance.ncd import Ncd, NcdHistory, ncd
from chebao.insurance.products import MAIN_COVERS, Choice, NotOffered, check_covers, name_of, product_of
from chebao.insurance.vehicles import Car, age_in_years, present_value, rating_usage, vehicle_class

_REPAIR_DAYS = 30


@dataclass(frozen=True)
class Adjustment:
    """One step that led from the reference to the final pricing factor."""

    name: str
    factor: Decimal


@dataclass(frozen=True)
class PricingFactor:
    """The insurer's own factor inside the band of region, product and date."""

    factor: Decimal
    low: Decimal
    high: Decimal
    reference: Decimal
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True)
class CoverLine:
    """One cover: `premium` = `base` × NCD × pricing factor, to the fen. `sum` is True for covers without a sum."""

    code: str
    name: str
    sum: Decimal | bool
    base: Decimal
    premium: Decimal


@dataclass(frozen=True)
class CommercialPremium:
    """`premium` is exactly the sum of the lines' premiums, `base` of their bases."""

    product: str
    lines: tuple[CoverLine, ...]
    base: Decimal
    ncd: Ncd
    pricing: PricingFactor
    premium: Decimal
    car_age_years: int
    present_value: Decimal


def pricing_factor(car: Car, province: str, claims_last_3y: int, on: date) -> PricingFactor:
    """Reference factor × adjustments, held inside the band in force."""
    row = _band(product_of(car.energy), province, on)
    low, high, reference = (Decimal(row[name]) for name in ("low", "high", "reference"))
    steps = tuple(
        Adjustment(found["name"], Decimal(found["factor"]))
        for found in tables.in_force("pricing_adjustment", on, ("kind", "from"))
        if int(found["from"])
        <= (claims_last_3y if found["kind"] == "claims" else age_in_years(car, on))
        < int(found["below"])
    )
    factor = reference
    for step in steps:
        factor *= step.factor
    return PricingFactor(min(max(factor, low), high).quantize(Decimal("0.0001")), low, high, reference, steps)


def _band(product: str, province: str, on: date) -> tables.Row:
    found = [row for row in tables.in_force("pricing_factor", on, ("province", "product")) if row["product"] == product]
    for wanted in (province, "*"):
        for row in found:
            if row["province"] == wanted:
                return row
    raise LookupError(f"no pricing band for {product} on {on}")


def commercial_premium(
    car: Car, covers: Mapping[str, Choice], province: str, history: NcdHistory, start: date
) -> CommercialPremium:
    """Premium of a choice of covers for a term that begins on `start`.

    Raises:
        NotOffered: a cover or sum is not on sale for this car.
    """
    if rating_usage(car.usage) not in ("family", "company", "government", "hire"):
        raise NotOffered("这类车辆的商业险需要人工为您核算，可以帮您转人工。")
    chosen = check_covers(covers, car.energy, rating_usage(car.usage))
    value = present_value(car, start)
    if "vehicle_damage" in chosen:
        chosen["vehicle_damage"] = _damage_sum(chosen["vehicle_damage"], car, value)
    grade = ncd(history, start)
    pricing = pricing_factor(car, province, history.claims_last_3y, start)
    bases = _bases(car, chosen, start)
    lines = tuple(
        CoverLine(
            code,
            name_of(code),
            True if choice is True else Decimal(choice),
            bases[code],
            yuan(bases[code] * grade.factor * pricing.factor),
        )
        for code, choice in chosen.items()
    )
    return CommercialPremium(
        product=product_of(car.energy),
        lines=lines,
        base=sum((line.base for line in lines), ZERO),
        ncd=grade,
        pricing=pricing,
        premium=sum((line.premium for line in lines), ZERO),
        car_age_years=age_in_years(car, start),
        present_value=value,
    )


def _damage_sum(choice: Choice, car: Car, value: Decimal) -> Decimal:
    """保险法 55: a sum above the car's value is void in the excess, so the new price is the ceiling."""
    if choice is True:
        return value
    amount = Decimal(choice)
    if amount > car.price:
        raise NotOffered("车损险的保额不高于新车购置价，按车辆实际价值投保就够了。")
    return amount


def _bases(car: Car, chosen: Mapping[str, Choice], on: date) -> dict[str, Decimal]:
    bases: dict[str, Decimal] = {}
    for code, choice in chosen.items():
        if code == "vehicle_damage":
            bases[code] = _damage_base(car, Decimal(choice), on)
        elif code == "third_party":
            bases[code] = _third_party_base(car, Decimal(choice), on)
        elif code == "scratch":
            bases[code] = _scratch_base(car, Decimal(choice), on)
        elif code == "absolute_deductible":
            bases[code] = _deductible_base(Decimal(choice), bases, on)
        else:
            bases[code] = _additional_base(car, code, choice, bases, on)
    return bases


def _damage_base(car: Car, insured: Decimal, on: date) -> Decimal:
    age, klass, product = age_in_years(car, on), vehicle_class(car), product_of(car.energy)
    for row in tables.in_force("vehicle_damage", on, ("product", "vehicle_class", "age_from")):
        if (row["product"], row["vehicle_class"]) == (product, klass) and _holds(row, "age", Decimal(age)):
            return yuan(Decimal(row["fixed"]) + insured * Decimal(row["rate_percent"]) / 100)
    raise LookupError(f"no vehicle damage rate for {product} {klass} on {on}")


def _third_party_base(car: Car, insured: Decimal, on: date) -> Decimal:
    klass, product = vehicle_class(car), product_of(car.energy)
    for row in tables.in_force("third_party", on, ("product", "vehicle_class", "sum")):
        if (row["product"], row["vehicle_class"]) == (product, klass) and Decimal(row["sum"]) == insured:
            return yuan(row["premium"])
    raise LookupError(f"no third party rate for {product} {klass} {insured} on {on}")


def _scratch_base(car: Car, insured: Decimal, on: date) -> Decimal:
    age, product = Decimal(age_in_years(car, on)), product_of(car.energy)
    for row in tables.in_force("scratch", on, ("product", "age_from", "price_from", "sum")):
        fits = row["product"] == product and Decimal(row["sum"]) == insured
        if fits and _holds(row, "age", age) and _holds(row, "price", car.price):
            return yuan(row["premium"])
    raise LookupError(f"no scratch rate for {product} {insured} on {on}")


def _deductible_base(rate: Decimal, bases: Mapping[str, Decimal], on: date) -> Decimal:
    for row in tables.in_force("absolute_deductible", on, ("rate",)):
        if Decimal(row["rate"]) == rate:
            mains = sum((bases[code] for code in MAIN_COVERS if code in bases), ZERO)
            return yuan(mains * Decimal(row["percent"]) / 100)
    raise LookupError(f"no absolute deductible {rate} on {on}")


def _additional_base(car: Car, code: str, choice: Choice, bases: Mapping[str, Decimal], on: date) -> Decimal:
    product = product_of(car.energy)
    for row in tables.in_force("additional", on, ("product", "cover")):
        if (row["product"], row["cover"]) == (product, code):
            units = bases[row["of"]] if row["method"] == "share" else Decimal(choice) * _times(row["method"], car)
            return yuan(units * Decimal(row["percent"]) / 100)
    raise LookupError(f"no rate for {product} {code} on {on}")


def _times(method: str, car: Car) -> int:
    """How often a sum is insured: once, for each passenger seat, or for each repair day."""
    return {"per_sum": 1, "per_seat": car.seats - 1, "per_day": _REPAIR_DAYS}[method]


def _holds(row: tables.Row, name: str, value: Decimal) -> bool:
    return Decimal(row[f"{name}_from"]) <= value < Decimal(row[f"{name}_below"])
