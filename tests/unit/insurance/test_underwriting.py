from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.rating import Car
from chebao.insurance.start_rules import too_early
from chebao.insurance.underwriting import UnderwritingCase, underwrite

from .demo_cars import COROLLA, CRV, LEVIN, TODAY, day

STANDARD: Mapping[str, Any] = {"vehicle_damage": True, "third_party": 2_000_000, "driver": 10_000, "passengers": 10_000}
THIRD = {"third_party": 1_000_000}


def case(car: Car = COROLLA, covers: Mapping[str, Any] = STANDARD, **more: Any) -> UnderwritingCase:
    facts: dict[str, Any] = {"today": TODAY, "start": day(1), "province": "北京", "plate_province": "北京", **more}
    return UnderwritingCase(car, covers, **facts)


def test_the_demo_renewals_come_out_as_expected() -> None:
    wang = case(previous_end=day(20), last_covers=STANDARD, inspection_valid_until=day(39))
    zhang = case(
        LEVIN,
        province="广东",
        plate_province="广东",
        previous_end=day(2),
        claims_last_3y=1,
        inspection_valid_until=day(373),
        last_covers={"vehicle_damage": Decimal(115_000), "third_party": 1_000_000},
    )
    assert underwrite(wang).commercial == "approved"
    assert underwrite(zhang).commercial == "approved"


@pytest.mark.parametrize("covers", [STANDARD, THIRD])
def test_the_lapsed_demo_car_with_overdue_inspection(covers: Mapping[str, Any]) -> None:
    chen = case(
        CRV, covers, province="四川", plate_province="四川", previous_end=day(-3), inspection_valid_until=day(-22)
    )
    found = underwrite(chen)
    assert (found.compulsory, found.commercial) == ("approved", "inspection_required")
    assert any("年检" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("end", "early"),
    [(20, False), (165, True), (2, False), (-3, False), (265, True), (215, True), (60, False), (61, True)],
)
def test_too_early_of_the_demo_policies(end: int, early: bool) -> None:
    earliest = too_early(day(end), TODAY)
    assert (earliest is not None) == early
    if earliest:
        assert earliest == day(end - 60)


def test_an_unknown_declared_family_car_is_approved() -> None:
    assert underwrite(case(Car(Decimal(128_000), date(2023, 5, 1)))).commercial == "approved"


def test_a_switched_car_with_running_cover_is_approved() -> None:
    found = underwrite(case(previous_end=day(1), switching=True))
    assert found.commercial == "approved" and found.reasons == ()


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"previous_end": day(-1)}, "inspection_required"),
        ({"previous_end": day(1), "switching": True, "last_covers": THIRD}, "inspection_required"),
        ({"mid_term": True, "last_covers": THIRD}, "inspection_required"),
        ({"transferred": True}, "inspection_required"),
        ({"plate_province": "河北"}, "inspection_required"),
        ({"inspection_valid_until": day(-1)}, "inspection_required"),
        ({"inspection_valid_until": day(0)}, "approved"),
        ({"car": replace(COROLLA, price=Decimal(900_000))}, "inspection_required"),
        ({"car": replace(COROLLA, price=Decimal(2_500_000))}, "referred"),
        ({"ride_hailing": True}, "referred"),
        ({"modified": True}, "referred"),
        ({"car": replace(COROLLA, usage="truck")}, "referred"),
        ({"car": replace(COROLLA, usage="taxi"), "ride_hailing": True}, "referred"),
        ({"car": replace(COROLLA, first_registered=day(-365 * 11))}, "referred"),
        ({"car": replace(COROLLA, first_registered=day(-365 * 16))}, "declined"),
        ({"claims_last_3y": 4}, "approved"),
        ({"claims_last_3y": 5}, "referred"),
        ({"claims_last_3y": 8}, "declined"),
        ({"claims_last_3y": 8, "previous_end": day(-1)}, "declined"),
    ],
)
def test_commercial_rules(change: dict[str, Any], result: str) -> None:
    found = underwrite(case(**change))
    assert (found.compulsory, found.commercial) == ("approved", result)
    assert bool(found.reasons) == (result != "approved")


def test_without_vehicle_damage_neither_lapse_nor_age_matters() -> None:
    old = replace(COROLLA, first_registered=day(-365 * 16))
    assert underwrite(case(old, THIRD, previous_end=day(-40), transferred=True)).commercial == "approved"


def test_inspection_is_kept_beside_a_graver_result() -> None:
    found = underwrite(case(previous_end=day(-1), ride_hailing=True))
    assert found.commercial == "referred" and found.needs_inspection and "网约车" in found.reasons[0]


@given(
    st.fixed_dictionaries(
        {
            "covers": st.sampled_from([{}, THIRD, STANDARD]),
            "previous_end": st.none() | st.integers(-900, 300).map(day),
            "inspection_valid_until": st.none() | st.integers(-900, 300).map(day),
            "claims_last_3y": st.integers(0, 20),
            "ride_hailing": st.booleans(),
            "modified": st.booleans(),
            "plate_province": st.none() | st.sampled_from(["北京", "西藏"]),
        }
    )
)
def test_the_compulsory_part_is_never_declined_or_delayed(facts: dict[str, Any]) -> None:
    found = underwrite(case(**facts))
    assert found.compulsory == "approved"
    assert (found.commercial is None) == (not facts["covers"])
