"""What a car's insurance costs: compulsory part, vehicle tax and commercial part, each with every factor that made it.

Money is Decimal yuan, rounded half up to the fen. Nothing here reads a clock: the caller gives the start day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.commercial import Adjustment, CommercialPremium, CoverLine, PricingFactor, commercial_premium
from chebao.insurance.money import ZERO, show, yuan
from chebao.insurance.ncd import NcdHistory
from chebao.insurance.products import Choice, NotOffered
from chebao.insurance.regions import float_group
from chebao.insurance.vehicles import USAGES, Car, rating_usage

__all__ = [
    "Adjustment",
    "Car",
    "CommercialPremium",
    "CompulsoryHistory",
    "CompulsoryPremium",
    "CoverLine",
    "NcdHistory",
    "NotOffered",
    "PricingFactor",
    "Rating",
    "RatingRequest",
    "VehicleTax",
    "commercial_premium",
    "compulsory_premium",
    "explain_rating",
    "next_history",
    "rate",
    "vehicle_tax",
]


@dataclass(frozen=True)
class CompulsoryHistory:
    """What the float depends on.

    Attributes:
        claim_free_years: years in a row without an at-fault accident, up to now.
        at_fault_last_term: at-fault accidents of the last term (accidents without fault do not count: 条例 8).
        fatal_last_term: one of them was fatal.
        first_cover: never insured before, or nothing found.
        transferred: the car changed hands.
    """

    claim_free_years: int = 0
    at_fault_last_term: int = 0
    fatal_last_term: bool = False
    first_cover: bool = False
    transferred: bool = False


@dataclass(frozen=True)
class CompulsoryPremium:
    """premium = base × (1 + accident_float) × (1 + violation_float)."""

    base: Decimal
    group: str
    code: str
    accident_float: Decimal
    violation_float: Decimal
    premium: Decimal
    reason: str
    source: str

    @property
    def accident_factor(self) -> Decimal:
        """1 + accident float, e.g. 0.65."""
        return 1 + self.accident_float


@dataclass(frozen=True)
class VehicleTax:
    """Collected with the compulsory premium (车船税法 6); illustrative local table, the tax office decides."""

    annual: Decimal
    months: int
    amount: Decimal
    arrears: Decimal
    total: Decimal
    reason: str


@dataclass(frozen=True)
class RatingRequest:
    """Everything a price depends on.

    Attributes:
        province: where the car is registered or is going to be.
        covers: commercial choice; empty means compulsory only.
        tax_on_record: annual vehicle tax known from the last term or the platform; wins over the table.
        compulsory: False when only commercial cover is asked for.
    """

    car: Car
    province: str
    start: date
    covers: Mapping[str, Choice] = field(default_factory=dict)
    compulsory_history: CompulsoryHistory = field(default_factory=lambda: CompulsoryHistory(first_cover=True))
    ncd_history: NcdHistory = field(default_factory=NcdHistory)
    tax_on_record: Decimal | None = None
    tax_arrears: Decimal = ZERO
    compulsory: bool = True


@dataclass(frozen=True)
class Rating:
    """The price with all its factors; `total` is exactly compulsory + commercial + vehicle tax."""

    compulsory: CompulsoryPremium | None
    commercial: CommercialPremium | None
    vehicle_tax: VehicleTax | None
    total: Decimal


def rate(request: RatingRequest) -> Rating:
    """Price of one car and term.

    Raises:
        NotOffered: no table for this use, or a cover or sum is not on sale.
    """
    compulsory = tax = commercial = None
    if request.compulsory:
        compulsory = compulsory_premium(request.car, request.province, request.compulsory_history, request.start)
        tax = vehicle_tax(
            request.car, request.province, request.start, on_record=request.tax_on_record, arrears=request.tax_arrears
        )
    if any(request.covers.values()):
        commercial = commercial_premium(
            request.car, request.covers, request.province, request.ncd_history, request.start
        )
    total = ZERO
    if compulsory:
        total += compulsory.premium
    if commercial:
        total += commercial.premium
    if tax:
        total += tax.total
    return Rating(compulsory, commercial, tax, total)


def next_history(last: CompulsoryHistory, at_fault: int, *, fatal: bool = False) -> CompulsoryHistory:
    """History at renewal: `last` is what the ending term was priced by, `at_fault` its own at-fault accidents."""
    if at_fault:
        return CompulsoryHistory(0, at_fault, fatal)
    return CompulsoryHistory(last.claim_free_years + 1)


def compulsory_premium(
    car: Car, province: str, history: CompulsoryHistory, start: date, violation_float: Decimal = ZERO
) -> CompulsoryPremium:
    """Compulsory premium: base × (1 + accident float) × (1 + violation float where the province has one).

    Raises:
        NotOffered: no table for this use; a person prices it (the part itself is never declined, 条例 10).
    """
    base = _compulsory_base(car, start)
    group, code = float_group(province), float_code(history)
    for row in tables.in_force("compulsory_float", start, ("group", "code")):
        if (row["group"], row["code"]) == (group, code):
            share = Decimal(row["percent"]) / 100
            premium = yuan(base * (1 + share) * (1 + violation_float))
            return CompulsoryPremium(base, group, code, share, violation_float, premium, row["name"], row["source"])
    raise LookupError(f"no compulsory float {group} {code} on {start}")


def float_code(history: CompulsoryHistory) -> str:
    """A1…A6, or `none` for first cover and transfer."""
    if history.first_cover or history.transferred:
        return "none"
    if history.fatal_last_term:
        return "A6"
    if history.at_fault_last_term >= 2:
        return "A5"
    if history.at_fault_last_term == 1:
        return "A4"
    return f"A{min(max(history.claim_free_years, 1), 3)}"


def _compulsory_base(car: Car, on: date) -> Decimal:
    usage = rating_usage(car.usage)
    for row in tables.in_force("compulsory_base", on, ("usage", "seats_from")):
        if row["usage"] == usage and int(row["seats_from"]) <= car.seats <= int(row["seats_to"]):
            return yuan(row["premium"])
    raise NotOffered("这类车辆的保费需要人工为您核算，交强险可以正常投保，可以帮您转人工。")


def vehicle_tax(
    car: Car, province: str, start: date, *, on_record: Decimal | None = None, arrears: Decimal = ZERO
) -> VehicleTax:
    """Vehicle tax of the year, a new car's by months from the month of purchase (实施条例 19), plus arrears."""
    annual, reason = _annual_tax(car, province, start)
    if on_record is not None and annual > 0:
        annual, reason = yuan(on_record), "按上年核定税额"
    months = 12 if car.first_registered else 13 - start.month
    amount = yuan(annual * months / 12)
    if months < 12 and annual > 0:
        reason += f"，新车按{months}个月计"
    arrears = yuan(arrears)
    if arrears:
        reason += f"，另含往年欠缴{show(arrears)}元"
    return VehicleTax(annual, months, amount, arrears, amount + arrears, reason)


def _annual_tax(car: Car, province: str, on: date) -> tuple[Decimal, str]:
    litres = car.litres if car.litres is not None else Decimal("1.6")
    energy = car.energy if car.energy in ("electric", "phev", "fuel_cell", "hybrid") else "fuel"
    found = [
        row
        for row in tables.in_force("vehicle_tax", on, ("province", "energy", "litres_over"))
        if row["energy"] == energy
        and Decimal(row["litres_over"]) < max(litres, Decimal("0.1")) <= Decimal(row["litres_up_to"])
    ]
    for wanted in (province, "*"):
        for row in found:
            if row["province"] == wanted:
                return yuan(row["annual"]), row["note"]
    raise LookupError(f"no vehicle tax for {energy} {litres} in {province} on {on}")


def explain_rating(rating: Rating, car: Car) -> tuple[str, ...]:
    """Chinese sentences that tell how the price came about, from its own factors."""
    told: list[str] = []
    if rating.compulsory:
        told.append(_explain_compulsory(rating.compulsory, car))
    if rating.commercial:
        told.extend(_explain_commercial(rating.commercial))
    tax = rating.vehicle_tax
    if tax:
        told.append(f"车船税{show(tax.total)}元（{tax.reason}），代税务机关收取，以税务机关核定为准。")
    return tuple(told)


def _explain_compulsory(part: CompulsoryPremium, car: Car) -> str:
    usage = USAGES.get(rating_usage(car.usage), "")
    moved = f"，浮动{part.accident_float * 100:+.0f}%" if part.accident_float else ""
    return (
        f"交强险：{usage}{car.seats}座基础保费{show(part.base)}元，{part.reason}{moved}，应交{show(part.premium)}元。"
    )


def _explain_commercial(part: CommercialPremium) -> tuple[str, ...]:
    pricing = part.pricing
    first = (
        f"商业险：各项基准保费合计{show(part.base)}元 × 无赔款优待系数{part.ncd.factor} "
        f"× 自主定价系数{pricing.factor}，逐项计算后合计{show(part.premium)}元。"
    )
    second = f"无赔款优待系数{part.ncd.factor}：{part.ncd.reason}。"
    if any(line.code == "vehicle_damage" for line in part.lines):
        return first, second, f"车辆按折旧计算的实际价值约{part.present_value:,.0f}元（车龄{part.car_age_years}年）。"
    return first, second
