from __future__ import annotations

import itertools
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance import tables
from chebao.insurance.money import yuan
from chebao.insurance.products import (
    TERMS,
    NotOffered,
    available,
    check_covers,
    codes_for,
    offered_sums,
    product_name,
    product_of,
    with_default_sums,
)
from chebao.insurance.rating import (
    Car,
    CompulsoryHistory,
    NcdHistory,
    Rating,
    RatingRequest,
    compulsory_premium,
    explain_rating,
    next_history,
    rate,
    vehicle_tax,
)
from chebao.insurance.regions import CITIES, province_of_city, province_of_plate
from chebao.insurance.vehicles import litres_of, present_value

from .demo_cars import COROLLA, CRV, LAVIDA, LEVIN, MODEL_3, TODAY, WULING

PROVINCES = [row["province"] for row in tables.rows("region_groups")]

cars = st.builds(
    Car,
    price=st.integers(20_000, 3_000_000).map(Decimal),
    first_registered=st.none() | st.dates(date(2008, 1, 1), TODAY),
    usage=st.sampled_from(["family", "company", "government", "hire", "ride_hailing"]),
    seats=st.integers(2, 9),
    energy=st.sampled_from(["fuel", "hybrid", "phev", "electric"]),
    litres=st.none() | st.sampled_from([Decimal(x) for x in ("0.9", "1.5", "2.0", "3.0", "5.5")]),
)
ncd_histories = st.builds(
    NcdHistory, insured_years=st.integers(0, 8), claims_last_3y=st.integers(0, 9), transferred=st.booleans()
)
compulsory_histories = st.builds(
    CompulsoryHistory,
    claim_free_years=st.integers(0, 6),
    at_fault_last_term=st.integers(0, 4),
    fatal_last_term=st.booleans(),
    first_cover=st.booleans(),
    transferred=st.booleans(),
)


@st.composite
def requests(draw: st.DrawFn) -> RatingRequest:
    car = draw(cars)
    offered = available(car.energy, "hire" if car.usage == "ride_hailing" else car.usage)
    covers: dict[str, Any] = {"third_party": Decimal(draw(st.sampled_from(offered_sums("third_party"))))}
    if draw(st.booleans()):
        covers["vehicle_damage"] = True
    for code in draw(st.sets(st.sampled_from(offered))) - set(covers):
        terms = TERMS[code]
        if terms.needs and not set(terms.needs) & set(covers):
            continue
        covers[code] = True if terms.unit == "flag" or not terms.sums else Decimal(draw(st.sampled_from(terms.sums)))
        if code == "equipment":
            covers[code] = Decimal(8_000)
    return RatingRequest(
        car, draw(st.sampled_from(PROVINCES)), TODAY, covers, draw(compulsory_histories), draw(ncd_histories)
    )


def values_in(thing: object) -> list[object]:
    if is_dataclass(thing):
        return [value for field in fields(thing) for value in values_in(getattr(thing, field.name))]
    if isinstance(thing, tuple):
        return [value for item in thing for value in values_in(item)]
    return [thing]


@given(requests())
def test_sums_are_exact_in_bands_and_never_float(request: RatingRequest) -> None:
    rating = rate(request)
    main, part, tax = rating.commercial, rating.compulsory, rating.vehicle_tax
    assert main is not None and part is not None and tax is not None
    assert main.premium == sum(line.premium for line in main.lines)
    assert main.base == sum(line.base for line in main.lines)
    assert rating.total == part.premium + tax.total + main.premium
    assert main.pricing.low <= main.pricing.factor <= main.pricing.high
    assert Decimal("0.5") <= main.ncd.factor <= Decimal("2.0")
    assert Decimal("0.5") <= part.accident_factor <= Decimal("1.3")
    assert rating.total > 0
    for value in values_in(rating):
        assert not isinstance(value, float)
    for amount in (rating.total, part.premium, tax.total, main.premium, *(line.premium for line in main.lines)):
        assert amount == amount.quantize(Decimal("0.01"))


@given(requests())
def test_every_line_is_base_times_the_factors_kept_in_the_result(request: RatingRequest) -> None:
    main = rate(request).commercial
    assert main is not None
    for line in main.lines:
        assert abs(line.premium - line.base * main.ncd.factor * main.pricing.factor) <= Decimal("0.005")


@given(requests(), st.sampled_from([code for code, terms in TERMS.items() if terms.sums]))
def test_a_larger_sum_never_costs_less(request: RatingRequest, code: str) -> None:
    if code not in request.covers or code == "absolute_deductible":
        return
    totals = [
        rate(RatingRequest(request.car, request.province, TODAY, {**request.covers, code: Decimal(one)})).total
        for one in offered_sums(code)
    ]
    assert all(smaller < larger for smaller, larger in itertools.pairwise(totals))


@given(cars, st.integers(1, 100), st.integers(1, 100))
def test_vehicle_damage_rises_with_the_insured_value(car: Car, first: int, second: int) -> None:
    low, high = sorted((first, second))
    premiums = []
    for percent in (low, high):
        insured = car.price * percent / 100
        main = rate(RatingRequest(car, "浙江", TODAY, {"vehicle_damage": insured})).commercial
        assert main is not None
        premiums.append(main.premium)
    assert premiums[0] <= premiums[1]


@given(cars, st.integers(0, 8))
def test_more_claims_never_make_it_cheaper(car: Car, years: int) -> None:
    premiums = [
        rate(RatingRequest(car, "广东", TODAY, {"third_party": 1_000_000}, ncd_history=NcdHistory(years, claims))).total
        for claims in range(9)
    ]
    assert premiums == sorted(premiums)


@given(requests())
def test_a_higher_absolute_deductible_is_cheaper(request: RatingRequest) -> None:
    rest = {code: choice for code, choice in request.covers.items() if code != "absolute_deductible"}
    totals = [
        rate(
            RatingRequest(request.car, "北京", TODAY, {**rest, **({"absolute_deductible": rate_} if rate_ else {})})
        ).total
        for rate_ in (0, *offered_sums("absolute_deductible"))
    ]
    assert totals == sorted(totals, reverse=True)
    assert len(set(totals)) == len(totals)


@pytest.mark.parametrize(
    ("car", "province", "history", "premium"),
    [
        (COROLLA, "北京", CompulsoryHistory(claim_free_years=3), "617.50"),
        (MODEL_3, "上海", CompulsoryHistory(at_fault_last_term=1), "950.00"),
        (LEVIN, "广东", CompulsoryHistory(at_fault_last_term=1), "950.00"),
        (CRV, "四川", CompulsoryHistory(at_fault_last_term=1), "950.00"),
        (WULING, "江苏", CompulsoryHistory(at_fault_last_term=1), "1100.00"),
        (LAVIDA, "浙江", CompulsoryHistory(claim_free_years=2), "760.00"),
    ],
)
def test_compulsory_premiums_of_the_demo_policies(
    car: Car, province: str, history: CompulsoryHistory, premium: str
) -> None:
    assert compulsory_premium(car, province, history, TODAY).premium == Decimal(premium)


@pytest.mark.parametrize(
    ("province", "years", "premium"),
    [
        ("内蒙古自治区", 3, "475.00"),
        ("云南", 1, "712.50"),
        ("吉林", 2, "665.00"),
        ("天津市", 3, "617.50"),
        ("四川", 3, "665.00"),
    ],
)
def test_float_by_region_group(province: str, years: int, premium: str) -> None:
    part = compulsory_premium(COROLLA, province, CompulsoryHistory(claim_free_years=years), TODAY)
    assert part.premium == Decimal(premium)


@pytest.mark.parametrize(
    ("history", "premium"),
    [
        (CompulsoryHistory(at_fault_last_term=2), "1045.00"),
        (CompulsoryHistory(at_fault_last_term=1, fatal_last_term=True), "1235.00"),
        (CompulsoryHistory(first_cover=True, at_fault_last_term=2), "950.00"),
        (CompulsoryHistory(claim_free_years=5, transferred=True), "950.00"),
    ],
)
def test_surcharges_and_first_cover(history: CompulsoryHistory, premium: str) -> None:
    assert compulsory_premium(COROLLA, "北京", history, TODAY).premium == Decimal(premium)


def test_floats_before_the_reform_come_from_the_earlier_rows() -> None:
    part = compulsory_premium(COROLLA, "内蒙古", CompulsoryHistory(claim_free_years=3), date(2019, 5, 1))
    assert part.premium == Decimal("665.00")


@pytest.mark.parametrize(
    ("usage", "seats", "base"),
    [
        ("family", 5, 950),
        ("family", 6, 1100),
        ("company", 5, 1000),
        ("company", 7, 1130),
        ("company", 12, 1220),
        ("company", 30, 1270),
        ("government", 5, 950),
        ("government", 20, 1320),
        ("taxi", 5, 1800),
        ("ride_hailing", 5, 1800),
    ],
)
def test_base_premiums(usage: str, seats: int, base: int) -> None:
    car = Car(Decimal(100_000), usage=usage, seats=seats)
    assert compulsory_premium(car, "上海", CompulsoryHistory(first_cover=True), TODAY).base == base


def test_a_use_without_a_table_is_said_in_chinese() -> None:
    with pytest.raises(NotOffered) as caught:
        compulsory_premium(Car(Decimal(300_000), usage="truck"), "上海", CompulsoryHistory(), TODAY)
    assert "人工" in caught.value.message


def test_vehicle_tax() -> None:
    assert vehicle_tax(MODEL_3, "上海", TODAY).total == 0
    assert vehicle_tax(LAVIDA, "浙江", TODAY).total == Decimal("300.00")
    assert vehicle_tax(COROLLA, "北京", TODAY, on_record=Decimal(300)).total == Decimal("300.00")
    new = Car(Decimal(100_000), litres=Decimal("1.5"))
    assert vehicle_tax(new, "浙江", date(2026, 11, 3)).total == Decimal("50.00")
    late = vehicle_tax(LAVIDA, "浙江", TODAY, arrears=Decimal("312.50"))
    assert (late.amount, late.total) == (Decimal("300.00"), Decimal("612.50"))


def test_new_energy_cars_have_their_own_product() -> None:
    assert [product_of(energy) for energy in ("fuel", "hybrid", "phev", "electric")] == ["motor", "motor", "nev", "nev"]
    assert "grid_failure" in available("electric") and "grid_failure" not in available("hybrid")
    assert "engine_water_exclusion" not in available("electric")
    covers = {"vehicle_damage": True, "grid_failure": True, "charger_loss": 5_000}
    main = rate(RatingRequest(MODEL_3, "上海", TODAY, covers)).commercial
    assert main is not None and main.product == "nev"
    with pytest.raises(NotOffered):
        rate(RatingRequest(LEVIN, "广东", TODAY, covers))


@pytest.mark.parametrize(
    "covers",
    [
        {"third_party": 1_234_567},
        {"theft": True},
        {"scratch": 2_000},
        {"vehicle_damage": 10_000_000},
        {"third_party": True},
    ],
)
def test_what_is_not_on_sale_is_refused(covers: dict[str, Any]) -> None:
    with pytest.raises(NotOffered):
        rate(RatingRequest(COROLLA, "北京", TODAY, covers))


def test_a_float_sum_is_a_bug() -> None:
    with pytest.raises(TypeError):
        yuan(cast(Any, 1e6))
    with pytest.raises(TypeError):
        rate(RatingRequest(COROLLA, "北京", TODAY, cast(Any, {"third_party": 1e6})))


def test_depreciation_of_the_demo_policy() -> None:
    assert present_value(COROLLA, date(2025, 12, 13)) == Decimal(101_763)  # 36 months
    assert present_value(Car(Decimal(100_000), date(2000, 1, 1)), TODAY) == Decimal(20_000)


@given(cars, st.dates(date(2022, 1, 1), date(2030, 1, 1)), st.integers(0, 900))
def test_a_car_never_gains_value(car: Car, on: date, later: int) -> None:
    now, then = present_value(car, on), present_value(car, on + timedelta(days=later))
    assert 0 < then <= now <= car.price


def test_compulsory_alone_and_commercial_alone() -> None:
    alone = rate(RatingRequest(COROLLA, "北京", TODAY))
    assert alone.commercial is None and alone.total == Decimal("950.00") + Decimal("360.00")
    commercial = rate(RatingRequest(COROLLA, "北京", TODAY, {"third_party": 1_000_000}, compulsory=False))
    assert commercial.compulsory is None and commercial.vehicle_tax is None


def test_the_explanation_names_the_figures_of_the_result() -> None:
    rating: Rating = rate(
        RatingRequest(COROLLA, "北京", TODAY, {"vehicle_damage": True}, CompulsoryHistory(3), NcdHistory(3))
    )
    text = "".join(explain_rating(rating, COROLLA))
    assert rating.commercial is not None
    for wanted in ("617.50", "-35%", "0.6", str(rating.commercial.pricing.factor), f"{rating.commercial.premium:,.2f}"):
        assert wanted in text


def test_litres_in_a_model_name() -> None:
    assert litres_of("大众朗逸 1.5L") == Decimal("1.5")
    assert litres_of("大众朗逸2023款 1.4T") == Decimal("1.4")
    assert litres_of("特斯拉 Model 3") is None


def test_the_new_energy_product_is_dated() -> None:
    assert product_name("electric", TODAY) != product_name("hybrid", TODAY)
    with pytest.raises(NotOffered):
        product_name("electric", date(2021, 12, 26))


@pytest.mark.parametrize("word", ["theft", "glass", "self_ignition", "flood"])
def test_old_cover_words_mean_vehicle_damage(word: str) -> None:
    assert codes_for(word) == ("vehicle_damage",)


def test_customers_words_and_usual_sums() -> None:
    assert codes_for("passenger") == ("driver", "passengers")
    assert codes_for("compulsory") == codes_for("deductible_waiver") == ()
    wishes = with_default_sums(dict.fromkeys(available("electric"), True))
    assert set(check_covers(wishes, "electric", "family")) == set(available("electric"))


def test_history_moves_on_at_renewal() -> None:
    clean = next_history(CompulsoryHistory(claim_free_years=2), 0)
    assert compulsory_premium(LAVIDA, "浙江", clean, TODAY).premium == Decimal("665.00")
    after_accident = next_history(CompulsoryHistory(claim_free_years=2), 1)
    assert compulsory_premium(LAVIDA, "浙江", after_accident, TODAY).premium == Decimal("950.00")


def test_provinces_of_cities_and_plates() -> None:
    assert [province_of_city(c) for c in ("杭州", "青岛市", "北京", "深圳", "内蒙古自治区")] == [
        "浙江",
        "山东",
        "北京",
        "广东",
        "内蒙古",
    ]
    assert province_of_city("伦敦") is None and province_of_plate("粤B88K66") == "广东"
    assert CITIES.index("长春") < CITIES.index("朝阳")
    assert sorted(CITIES) == sorted(set(CITIES)) and all(province_of_city(city) for city in CITIES)
