"""Three plans and free choice, suggestions with their reason, and why this year's price differs from last year's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.money import show
from chebao.insurance.products import TERMS, Choice, available, name_of, show_choice
from chebao.insurance.rating import Rating
from chebao.insurance.vehicles import Car, age_in_years, rating_usage

PLAN_NAMES = {
    "basic": "基础方案",
    "standard": "标准方案",
    "full": "全面方案",
    "last_year": "去年的方案",
    "custom": "自选方案",
}

_SELDOM = frozenset({"engine_water_exclusion", "absolute_deductible"})
"""They narrow the cover for a lower price, so a plan without them lacks nothing."""


@dataclass(frozen=True)
class Plan:
    """A choice of commercial covers; every plan also holds the compulsory part and collects the vehicle tax."""

    code: str
    name: str
    covers: Mapping[str, Choice]
    not_covered: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Suggestion:
    """A change to a choice of covers, with its reason; never a push. `covers` is the whole choice after the change."""

    text: str
    covers: Mapping[str, Choice]


@dataclass(frozen=True)
class Change:
    """One thing that differs from last year. `reason` is a whole Chinese sentence."""

    field: str
    before: str
    after: str
    reason: str


def standard_plans(car: Car, start: date, *, has_charger: bool = False) -> tuple[Plan, ...]:
    """The three plans for a car, cheapest first."""
    choices = (_basic(), _standard(), _full(car, start, has_charger=has_charger))
    allowed = available(car.energy, rating_usage(car.usage))
    return tuple(
        make_plan(code, {cover: choice for cover, choice in chosen.items() if cover in allowed}, car)
        for code, chosen in zip(("basic", "standard", "full"), choices, strict=True)
    )


def make_plan(code: str, covers: Mapping[str, Choice], car: Car) -> Plan:
    """A plan of any choice, e.g. `last_year` or `custom`."""
    notes = {
        "basic": "赔对方的人和物，以及本车人员的基本保障；自己的车损不在内。",
        "standard": "在基础方案上加了自己车的损失和医保外用药。",
        "full": "保额更高，常用的附加险也在内。",
        "last_year": "保障和去年一样，价格按今年的情况重新计算。",
        "custom": "按您自己选的险种和保额。",
    }
    return Plan(code, PLAN_NAMES[code], dict(covers), not_covered(covers, car), notes[code])


def not_covered(covers: Mapping[str, Choice], car: Car) -> tuple[str, ...]:
    """Names of the covers on sale for this car that the choice leaves out."""
    offered = available(car.energy, rating_usage(car.usage))
    return tuple(name_of(code) for code in offered if code not in _SELDOM and not covers.get(code))


def renewal_covers(last: Mapping[str, Choice]) -> dict[str, Choice]:
    """Last year's choice for the new term: vehicle damage moves to the car's present value, the rest stays."""
    return {
        code: True if code == "vehicle_damage" else choice for code, choice in last.items() if code in TERMS and choice
    }


def suggest(covers: Mapping[str, Choice], car: Car, start: date) -> tuple[Suggestion, ...]:
    """Suggestions for a choice, most useful first; an empty tuple where it fits."""
    found: list[Suggestion] = []
    third, advised = covers.get("third_party"), Decimal(tables.limit("third_party_advice", start))
    if third is None or (not isinstance(third, bool) and Decimal(third) < advised):
        found.append(_suggest_third_party(covers, advised))
    age = age_in_years(car, start)
    if covers.get("scratch") and age >= tables.limit("scratch_age_advice", start):
        rest = {code: choice for code, choice in covers.items() if code != "scratch"}
        found.append(
            Suggestion(
                f"车龄已有{age}年，划痕险价格会比新车高，漆面修补的花费相对有限，可以考虑不再保。按您的意愿来就好。",
                rest,
            )
        )
    if covers.get("third_party") and not covers.get("medical_extra"):
        wider = {**covers, "medical_extra": Decimal(50_000)}
        found.append(
            Suggestion(
                "伤者用到医保目录外的药品时，三者险通常不赔这部分，医保外医疗费用责任险可以补上。需要再加就行。", wider
            )
        )
    if car.energy in ("electric", "phev") and covers.get("vehicle_damage") and not covers.get("grid_failure"):
        wider = {**covers, "grid_failure": True}
        found.append(
            Suggestion("充电时因外部电网故障造成的损失不在车损险内，外部电网故障损失险可以补上。需要再加就行。", wider)
        )
    return tuple(found)


def _suggest_third_party(covers: Mapping[str, Choice], advised: Decimal) -> Suggestion:
    held = covers.get("third_party")
    now = f"现在的三者险是{show_choice('third_party', held)}" if held else "现在的方案里没有三者险"
    text = f"{now}，如今人伤赔偿金额较高，可以考虑{show_choice('third_party', advised)}，保费差得不多。保持不变也可以。"
    return Suggestion(text, {**covers, "third_party": advised})


def _basic() -> dict[str, Choice]:
    return {"third_party": Decimal(1_000_000), "driver": Decimal(10_000), "passengers": Decimal(10_000)}


def _standard() -> dict[str, Choice]:
    return {
        "vehicle_damage": True,
        "third_party": Decimal(2_000_000),
        "driver": Decimal(10_000),
        "passengers": Decimal(10_000),
        "medical_extra": Decimal(20_000),
    }


def _full(car: Car, start: date, *, has_charger: bool) -> dict[str, Choice]:
    covers: dict[str, Choice] = {
        "vehicle_damage": True,
        "third_party": Decimal(3_000_000),
        "driver": Decimal(50_000),
        "passengers": Decimal(50_000),
        "medical_extra": Decimal(50_000),
        "holiday_double": True,
        "wheel": Decimal(2_000),
        "grid_failure": True,
    }
    if age_in_years(car, start) < tables.limit("scratch_age_advice", start):
        covers["scratch"] = Decimal(5_000)
    if has_charger:
        covers["charger_loss"] = Decimal(5_000)
        covers["charger_liability"] = Decimal(100_000)
    return {code: covers[code] for code in TERMS if code in covers}


@dataclass(frozen=True)
class TermFacts:
    """What is known of one term's price. Last year's factors are None where only the premium was kept."""

    compulsory_premium: Decimal | None = None
    accident_float: Decimal | None = None
    float_reason: str | None = None
    vehicle_tax: Decimal | None = None
    commercial_premium: Decimal | None = None
    covers: Mapping[str, Choice] | None = None
    ncd_factor: Decimal | None = None
    ncd_reason: str | None = None
    claims: int | None = None
    pricing_factor: Decimal | None = None
    car_age_years: int | None = None


def term_facts(rating: Rating) -> TermFacts:
    """The facts of a rating of ours."""
    part, tax, main = rating.compulsory, rating.vehicle_tax, rating.commercial
    return TermFacts(
        compulsory_premium=part.premium if part else None,
        accident_float=part.accident_float if part else None,
        float_reason=part.reason if part else None,
        vehicle_tax=tax.total if tax else None,
        commercial_premium=main.premium if main else None,
        covers={line.code: line.sum for line in main.lines} if main else None,
        ncd_factor=main.ncd.factor if main else None,
        ncd_reason=main.ncd.reason if main else None,
        claims=main.ncd.claims if main else None,
        pricing_factor=main.pricing.factor if main else None,
        car_age_years=main.car_age_years if main else None,
    )


def explain_change(last: TermFacts, now: TermFacts) -> tuple[Change, ...]:
    """What differs from last year and why; only what is known of both years is compared."""
    changes: list[Change] = []
    changes += _compulsory_change(last, now)
    changes += _money_change("vehicle_tax", "车船税", last.vehicle_tax, now.vehicle_tax, "按今年的应纳税额代收。")
    changes += _ncd_change(last, now)
    changes += _cover_changes(last.covers or {}, now.covers or {})
    changes += _money_change(
        "commercial", "商业险", last.commercial_premium, now.commercial_premium, _commercial_reason(last, now)
    )
    return tuple(changes)


def _money_change(field: str, name: str, before: Decimal | None, after: Decimal | None, why: str) -> list[Change]:
    if before is None or after is None or before == after:
        return []
    word = "高" if after > before else "低"
    text = f"{name}比去年{word}{show(abs(after - before))}元：{why}"
    return [Change(field, show(before), show(after), text)]


def _compulsory_change(last: TermFacts, now: TermFacts) -> list[Change]:
    why = (
        f"{now.float_reason}，费率按规定浮动{(now.accident_float or Decimal(0)) * 100:+.0f}%。"
        if now.float_reason
        else ""
    )
    return _money_change("compulsory", "交强险", last.compulsory_premium, now.compulsory_premium, why)


def _ncd_change(last: TermFacts, now: TermFacts) -> list[Change]:
    if last.ncd_factor is None or now.ncd_factor is None or last.ncd_factor == now.ncd_factor:
        return []
    word = "升" if now.ncd_factor > last.ncd_factor else "降"
    text = f"无赔款优待系数从{last.ncd_factor}{word}到{now.ncd_factor}：{now.ncd_reason}。"
    return [Change("ncd", str(last.ncd_factor), str(now.ncd_factor), text)]


def _cover_changes(last: Mapping[str, Choice], now: Mapping[str, Choice]) -> list[Change]:
    changes = []
    for code in TERMS:
        before, after = last.get(code), now.get(code)
        if not before or not after or isinstance(before, bool) or isinstance(after, bool):
            continue
        old, new = show_choice(code, Decimal(before)), show_choice(code, Decimal(after))
        if old == new:
            continue
        why = "车又折旧了一年，保额按实际价值调整" if code == "vehicle_damage" else "按您这次的选择"
        changes.append(Change(code, old, new, f"{name_of(code)}保额从{old}变为{new}：{why}。"))
    return changes


def _commercial_reason(last: TermFacts, now: TermFacts) -> str:
    told = []
    if now.ncd_reason and now.ncd_factor is not None and last.ncd_factor != now.ncd_factor:
        told.append(f"{now.ncd_reason}，无赔款优待系数为{now.ncd_factor}")
    both = last.covers is not None and now.covers is not None
    if both and (now.covers or {}).get("vehicle_damage") and (last.covers or {}).get("vehicle_damage"):
        told.append("车辆折旧后车损险保额降低")
    if set(now.covers or {}) != set(last.covers or {}) and both:
        told.append("选的险种和去年不同")
    if now.pricing_factor is not None and last.pricing_factor is not None and now.pricing_factor != last.pricing_factor:
        told.append(f"自主定价系数从{last.pricing_factor}变为{now.pricing_factor}")
    return "；".join(told or ["按今年的费率重新计算"]) + "。"
