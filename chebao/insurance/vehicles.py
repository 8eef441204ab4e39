"""The car as the rules see it: its class, age and present value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from chebao.insurance import tables
from chebao.insurance.dates import full_months

USAGES = {"family": "家庭自用", "company": "企业非营业", "government": "机关非营业", "hire": "出租、租赁（含网约车）"}
"""Uses with a table. Trucks, motorcycles and special vehicles have none here and go to a person."""

_HIRE_WORDS = frozenset({"hire", "taxi", "ride_hailing", "rental"})


@dataclass(frozen=True)
class Car:
    """A car to be rated.

    Attributes:
        price: price of the car as new, in yuan.
        first_registered: None for a car that is not yet registered.
        energy: fuel | hybrid | phev | electric | fuel_cell.
        litres: engine displacement, None when not known.
    """

    price: Decimal
    first_registered: date | None = None
    usage: str = "family"
    seats: int = 5
    energy: str = "fuel"
    litres: Decimal | None = None


def rating_usage(usage: str) -> str:
    """The use by which tables are read: taxi, rental and ride-hailing are all `hire`."""
    return "hire" if usage in _HIRE_WORDS else usage


def vehicle_class(car: Car) -> str:
    """Class of the commercial tables, e.g. `family_small`."""
    return f"{rating_usage(car.usage)}_{'small' if car.seats < 6 else 'large'}"


def age_in_months(car: Car, on: date) -> int:
    """Whole months since first registration; 0 for a new car."""
    return full_months(car.first_registered, on) if car.first_registered else 0


def age_in_years(car: Car, on: date) -> int:
    """Whole years since first registration; 0 for a new car."""
    return age_in_months(car, on) // 12


def monthly_depreciation(car: Car, on: date) -> Decimal:
    """Share of the new price that the car loses a month, e.g. 0.006."""
    group = _depreciation_group(car)
    for row in tables.in_force("depreciation", on, ("group", "price_from")):
        if row["group"] == group and Decimal(row["price_from"]) <= car.price < Decimal(row["price_below"]):
            return Decimal(row["monthly_percent"]) / 100
    raise LookupError(f"no depreciation rate for {group} on {on}")


def present_value(car: Car, on: date) -> Decimal:
    """New price less monthly depreciation, whole yuan, never under the floor of the table."""
    kept = 1 - monthly_depreciation(car, on) * age_in_months(car, on)
    floor = Decimal(tables.limit("depreciation_floor_percent", on)) / 100
    return (car.price * max(kept, floor)).quantize(Decimal(1), rounding=ROUND_HALF_UP)


def litres_of(model: str) -> Decimal | None:
    """Displacement read from a model name: `大众朗逸 1.5L` → 1.5."""
    match = re.search(r"(?<![\d.])(\d\.\d)\s*[LlTt升]", model)
    return Decimal(match.group(1)) if match else None


def _depreciation_group(car: Car) -> str:
    if rating_usage(car.usage) == "hire":
        return "hire"
    if car.energy in ("electric", "fuel_cell"):
        return "electric"
    if car.energy == "phev":
        return "phev"
    return "company_large" if car.seats >= 10 else "fuel"
