"""The two commercial products and what can be chosen in each.

Fuel and ordinary hybrid cars (HEV) take the `motor` product. Battery-electric, plug-in, range-extended and
fuel-cell cars have taken their own product `nev` since 2021-12-27, with add-ons of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.covers import COVERS
from chebao.insurance.money import show_sum, yuan

MAIN_COVERS = ("vehicle_damage", "third_party", "driver", "passengers")
NEV_ENERGIES = frozenset({"electric", "phev", "fuel_cell"})

Choice = Decimal | int | str | bool
"""A chosen sum insured, or True for a cover without a sum (and for vehicle_damage at the car's present value)."""


class NotOffered(ValueError):
    """A cover or sum that this product does not hold; the message is Chinese and may be shown."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class CoverTerms:
    """What may be chosen for one cover.

    Attributes:
        unit: total | seat (sum for each seat) | day (sum for each day) | percent | flag (no sum).
        sums: the sums on offer; empty means any sum up to `ceiling`.
        needs: at least one of these covers must be chosen too.
        products: where the cover is sold.
        usages: uses that may take it; empty means all.
    """

    unit: str
    sums: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()
    products: tuple[str, ...] = ("motor", "nev")
    usages: tuple[str, ...] = ()
    ceiling: int = 0


_LIABILITY = ("third_party", "driver", "passengers")
_SEAT_SUMS = (10_000, 20_000, 30_000, 50_000, 100_000, 200_000)
_MILLION = 1_000_000

TERMS: dict[str, CoverTerms] = {
    "vehicle_damage": CoverTerms("total", ceiling=100 * _MILLION),
    "third_party": CoverTerms(
        "total",
        (100_000, 200_000, 300_000, 500_000, _MILLION, 1_500_000, *(n * _MILLION for n in (2, 3, 4, 5, 6, 8, 10))),
    ),
    "driver": CoverTerms("seat", _SEAT_SUMS),
    "passengers": CoverTerms("seat", _SEAT_SUMS),
    "scratch": CoverTerms("total", (2_000, 5_000, 10_000, 20_000), ("vehicle_damage",), usages=("family", "company")),
    "wheel": CoverTerms("total", (1_000, 2_000, 5_000, 10_000), ("vehicle_damage",)),
    "equipment": CoverTerms("total", needs=("vehicle_damage",), ceiling=200_000),
    "repair_period": CoverTerms("day", (100, 200, 300, 500), ("vehicle_damage",)),
    "engine_water_exclusion": CoverTerms("flag", needs=("vehicle_damage",), products=("motor",)),
    "medical_extra": CoverTerms("total", (10_000, 20_000, 50_000, 100_000, 200_000), _LIABILITY),
    "mental_distress": CoverTerms("total", (10_000, 20_000, 50_000, 100_000), _LIABILITY),
    "holiday_double": CoverTerms("flag", needs=("third_party",), usages=("family",)),
    "cargo": CoverTerms("total", (10_000, 20_000, 50_000, 100_000), ("third_party",), usages=("company", "hire")),
    "absolute_deductible": CoverTerms("percent", (5, 10, 15, 20), MAIN_COVERS),
    "grid_failure": CoverTerms("flag", needs=("vehicle_damage",), products=("nev",)),
    "charger_loss": CoverTerms("total", (2_000, 5_000, 10_000, 20_000), ("vehicle_damage",), products=("nev",)),
    "charger_liability": CoverTerms("total", (50_000, 100_000, 200_000, 500_000), ("third_party",), products=("nev",)),
}
"""Every commercial cover on sale, in the order in which a policy lists them."""


_DEFAULT_SUMS = {
    "third_party": 2_000_000,
    "driver": 10_000,
    "passengers": 10_000,
    "scratch": 5_000,
    "wheel": 2_000,
    "equipment": 10_000,
    "repair_period": 200,
    "medical_extra": 20_000,
    "mental_distress": 20_000,
    "cargo": 20_000,
    "absolute_deductible": 10,
    "charger_loss": 5_000,
    "charger_liability": 100_000,
}
_WORDS = {
    "passenger": ("driver", "passengers"),
    "theft": ("vehicle_damage",),
    "glass": ("vehicle_damage",),
    "self_ignition": ("vehicle_damage",),
    "flood": ("vehicle_damage",),
}


def codes_for(word: str) -> tuple[str, ...]:
    """Covers on sale that answer to a customer's word (a `coverage` entity value); empty where none is.

    Theft, glass, self-ignition and flood are inside vehicle_damage; `passenger` means both kinds of seat.
    """
    return _WORDS.get(word, (word,) if word in TERMS else ())


def with_default_sums(covers: Mapping[str, Choice]) -> dict[str, Choice]:
    """Covers named without a sum (True) get the usual one; the rest stays."""
    return {
        code: Decimal(_DEFAULT_SUMS[code]) if choice is True and code in _DEFAULT_SUMS else choice
        for code, choice in covers.items()
    }


def product_of(energy: str) -> str:
    """`nev` for cars of the new-energy product, else `motor`; an HEV counts as `motor`."""
    return "nev" if energy in NEV_ENERGIES else "motor"


def product_name(energy: str, on: date) -> str:
    """Name of the product on sale on a day.

    Raises:
        NotOffered: new-energy cars had no product of their own before 2021-12-27.
    """
    for row in tables.in_force("products", on, ("product",)):
        if row["product"] == product_of(energy):
            return row["name"]
    raise NotOffered("这个日期还没有适用的商业险产品。")


def name_of(code: str) -> str:
    """Chinese name of a cover."""
    return COVERS.get(code, code)


def available(energy: str, usage: str = "family") -> tuple[str, ...]:
    """Codes that may be chosen for a car, in policy order."""
    product = product_of(energy)
    return tuple(
        code
        for code, terms in TERMS.items()
        if product in terms.products and (not terms.usages or usage in terms.usages)
    )


def offered_sums(code: str) -> tuple[int, ...]:
    """Sums that may be chosen, smallest first; empty for covers without a fixed list."""
    return TERMS[code].sums if code in TERMS else ()


def nearest_sum(code: str, wish: Decimal) -> Decimal:
    """The offered sum next to a wish, the larger of two equally near ones."""
    sums = offered_sums(code)
    return Decimal(min(sums, key=lambda s: (abs(s - wish), -s))) if sums else wish


def show_choice(code: str, choice: Choice) -> str:
    """A choice in words: `200万元`, `1万元/座`, `已投保`."""
    terms = TERMS.get(code)
    if terms is None or isinstance(choice, bool) or terms.unit == "flag":
        return "按车辆实际价值" if code == "vehicle_damage" else "已选"
    amount = Decimal(choice)
    if terms.unit == "percent":
        return f"{amount:.0f}%"
    ending = {"seat": "/座", "day": "/天"}.get(terms.unit, "")
    return show_sum(amount) + ending


def check_covers(covers: Mapping[str, Choice], energy: str, usage: str) -> dict[str, Choice]:
    """The choice in policy order with Decimal sums; covers marked False or None are left out.

    Raises:
        NotOffered: unknown cover, wrong product, sum not on offer, or a main cover missing.
    """
    chosen = {code: value for code, value in covers.items() if value is not False and value is not None}
    offered = available(energy, usage)
    for code in chosen:
        if code not in offered:
            raise NotOffered(f"这辆车的商业险里没有“{name_of(code)}”这一项，可以换一项看看。")
    return {code: _check_one(code, chosen[code], chosen) for code in offered if code in chosen}


def _check_one(code: str, value: Choice, chosen: Mapping[str, Choice]) -> Choice:
    terms = TERMS[code]
    if terms.needs and not any(need in chosen for need in terms.needs):
        needed = "或".join(name_of(need) for need in terms.needs)
        raise NotOffered(f"“{name_of(code)}”是附加险，需要先选上{needed}。")
    if terms.unit == "flag":
        return True
    if isinstance(value, bool):
        if code == "vehicle_damage":
            return True
        raise NotOffered(f"请选一个“{name_of(code)}”的保额。")
    amount = yuan(value)
    if terms.sums and amount not in terms.sums:
        choices = "、".join(show_choice(code, Decimal(s)) for s in terms.sums)
        raise NotOffered(f"“{name_of(code)}”可选的保额有：{choices}。")
    if amount <= 0 or (terms.ceiling and amount > terms.ceiling):
        raise NotOffered(f"“{name_of(code)}”的保额超出了可选范围。")
    return amount
