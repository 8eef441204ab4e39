from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.plans import (
    TermFacts,
    explain_change,
    make_plan,
    not_covered,
    renewal_covers,
    standard_plans,
    suggest,
    term_facts,
)
from chebao.insurance.products import Choice
from chebao.insurance.rating import Car, CompulsoryHistory, NcdHistory, RatingRequest, rate

from .demo_cars import COROLLA, CRV, LEVIN, MODEL_3, TODAY, WULING, day


@given(st.sampled_from([COROLLA, MODEL_3, LEVIN, CRV, WULING, Car(Decimal(99_000), usage="taxi")]))
def test_three_plans_can_be_rated_and_cost_more_the_more_they_hold(car: Car) -> None:
    plans = standard_plans(car, TODAY, has_charger=True)
    assert [plan.code for plan in plans] == ["basic", "standard", "full"]
    totals = [rate(RatingRequest(car, "上海", TODAY, plan.covers)).total for plan in plans]
    assert totals[0] < totals[1] < totals[2]


def test_a_plan_names_what_it_leaves_out() -> None:
    basic, standard, _full = standard_plans(COROLLA, TODAY)
    assert "车损险" in basic.not_covered and "车损险" not in standard.not_covered
    assert "车身划痕损失险" in standard.not_covered
    assert "外部电网故障损失险" not in basic.not_covered
    assert "外部电网故障损失险" in standard_plans(MODEL_3, TODAY)[0].not_covered


def test_scratch_is_not_proposed_for_an_old_car_nor_charger_covers_without_a_charger() -> None:
    assert "scratch" in standard_plans(COROLLA, TODAY)[2].covers
    assert "scratch" not in standard_plans(CRV, TODAY)[2].covers
    assert "charger_loss" not in standard_plans(MODEL_3, TODAY)[2].covers


def test_renewal_takes_last_years_choice_at_the_present_value() -> None:
    last: dict[str, Choice] = {
        "vehicle_damage": Decimal(101_763),
        "third_party": 2_000_000,
        "driver": 10_000,
        "passengers": 10_000,
    }
    assert renewal_covers(last) == {**last, "vehicle_damage": True}


def test_suggestions_carry_the_whole_choice_and_a_reason() -> None:
    covers = {"vehicle_damage": True, "third_party": 1_000_000, "scratch": 5_000}
    texts = {suggestion.text: suggestion.covers for suggestion in suggest(covers, CRV, TODAY)}
    raised = [choice for choice in texts.values() if choice.get("third_party") == 2_000_000]
    dropped = [choice for choice in texts.values() if "scratch" not in choice]
    assert raised and dropped and dropped[0]["third_party"] == 1_000_000
    for choice in texts.values():
        rate(RatingRequest(CRV, "四川", TODAY, choice))


def test_nothing_is_suggested_where_the_choice_fits() -> None:
    covers = {"vehicle_damage": True, "third_party": 3_000_000, "medical_extra": 20_000, "scratch": 2_000}
    assert suggest(covers, COROLLA, TODAY) == ()


def test_the_change_is_told_from_what_is_known() -> None:
    covers = {"vehicle_damage": True, "third_party": 2_000_000}
    before = RatingRequest(COROLLA, "北京", day(-345), covers, CompulsoryHistory(2), NcdHistory(2))
    after = RatingRequest(COROLLA, "北京", day(20), covers, CompulsoryHistory(3), NcdHistory(3, 1))
    changes = {change.field: change for change in explain_change(term_facts(rate(before)), term_facts(rate(after)))}
    assert changes["compulsory"].before == "712.50" and changes["compulsory"].after == "617.50"
    assert "折旧" in changes["vehicle_damage"].reason
    assert "commercial" in changes
    assert "ncd" not in changes


def test_unknown_factors_of_last_year_are_not_invented() -> None:
    now = term_facts(
        rate(RatingRequest(COROLLA, "北京", TODAY, {"third_party": 2_000_000}, ncd_history=NcdHistory(3, 1)))
    )
    changes = explain_change(TermFacts(commercial_premium=Decimal("2380.50")), now)
    assert [change.field for change in changes] == ["commercial"]
    assert changes[0].before == "2,380.50" and "近3年出险1次" in changes[0].reason


def test_equal_terms_have_no_change() -> None:
    facts = term_facts(rate(RatingRequest(COROLLA, "北京", TODAY, {"third_party": 2_000_000})))
    assert explain_change(facts, facts) == ()


def test_free_choice() -> None:
    plan = make_plan("custom", {"third_party": 1_000_000}, COROLLA)
    assert plan.name == "自选方案" and plan.not_covered == not_covered({"third_party": 1_000_000}, COROLLA)
