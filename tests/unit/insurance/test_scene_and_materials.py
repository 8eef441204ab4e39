from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from chebao.insurance import tables
from chebao.insurance.accidents import ACCIDENT_TYPES
from chebao.insurance.dates import SHANGHAI
from chebao.insurance.fraud import ReportFacts, calls_for_person, signs, staff_notes
from chebao.insurance.materials import materials_for
from chebao.insurance.scene import SITUATIONS, SceneFacts, scene_advice, situations_of
from tests.forbidden import PHRASES

from .demo_cars import day

FORBIDDEN = [*PHRASES, "负全责", "一定赔", "保证赔"]
ADMITTING = ("您的责任", "对方的责任", "负全责", "肯定能赔")


def advice(accident: str | None = None, *told: str, **more: Any) -> Any:
    return scene_advice(SceneFacts(accident, situations=frozenset(told), **more))


def test_injury_comes_first() -> None:
    found = advice("rear_end", injury=True)
    assert "120" in found.lines[0] and "122" in found.lines[0]
    assert found.must_call_police and found.keep_scene and found.needs_person and not found.quick_settlement
    assert set(found.numbers) >= {"120", "122"}


@pytest.mark.parametrize(
    "situation", ["drunk", "drugged", "unlicensed", "wrong_licence", "no_plate", "hit_and_run", "overloaded", "staging"]
)
def test_keep_the_scene_and_call(situation: str) -> None:
    found = advice("collision", situation)
    assert found.must_call_police and found.keep_scene and not found.quick_settlement
    assert "122" in "".join(found.lines) and "移到路边" not in "".join(found.lines)


@pytest.mark.parametrize("situation", ["no_inspection_mark", "no_insurance_mark", "facility_hit", "infrastructure_hit"])
def test_move_then_call(situation: str) -> None:
    found = advice("single_vehicle", situation)
    text = "".join(found.lines)
    assert found.must_call_police and not found.keep_scene
    assert text.index("拍照") < text.index("移到") < text.index("122")


def test_a_dispute_goes_to_the_police() -> None:
    found = advice("sideswipe", "dispute")
    assert found.must_call_police and not found.quick_settlement


def test_property_only_without_dispute_may_be_settled_quickly() -> None:
    found = advice("collision", injury=False, drivable=True)
    text = "".join(found.lines)
    assert found.quick_settlement and not found.must_call_police
    assert "互碰自赔" in text and "12123" in text and "放弃" in text
    assert "互碰自赔" not in "".join(advice("rear_end").lines)


def test_a_car_that_cannot_move_means_police() -> None:
    found = advice("rear_end", drivable=False)
    assert found.must_call_police and "50到100米" in "".join(found.lines)


@pytest.mark.parametrize("accident", ["flood", "glass", "falling_object", "parked_hit", "fire"])
def test_a_car_that_stands_anyway_is_no_case_for_the_police(accident: str) -> None:
    assert not advice(accident, "immovable", drivable=False).must_call_police


def test_expressway() -> None:
    text = "".join(advice("rear_end", expressway=True, drivable=False).lines)
    assert "150米" in text and "护栏外" in text and "50到100米" not in text


def test_flood_fire_charging_theft() -> None:
    assert "别启动发动机" in "".join(advice("flood").lines)
    electric = "".join(advice("flood", energy="electric").lines)
    assert "离车" in electric and "119" in electric
    assert "119" in advice("fire").lines[0] and "复燃" in "".join(advice("fire", energy="electric").lines)
    assert "119" in advice("charging").lines[0]
    theft = advice("theft")
    assert theft.must_call_police and not theft.keep_scene and "110" in theft.lines[0]


def test_a_later_report_hears_nothing_of_moving_the_car() -> None:
    text = "".join(advice("collision", injury=False, on_scene=False).lines)
    assert "移到" not in text


def test_already_reported_is_not_told_to_call_again() -> None:
    text = "".join(advice("collision", "dispute", police_reported=True).lines)
    assert "122" not in text


def test_unknown_situations_are_a_bug() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        advice("collision", "nonsense")


def test_all_advice_is_short_and_free_of_forbidden_words() -> None:
    for accident, situation, injury, express in product(
        [None, *ACCIDENT_TYPES], [None, *sorted(SITUATIONS)], (True, False), (True, False)
    ):
        told = frozenset({situation}) if situation else frozenset()
        facts = SceneFacts(accident, injury, told, expressway=express, energy="electric", private_settlement=True)
        for line in scene_advice(facts).lines:
            assert len(line) <= 60, line
            assert not any(word in line for word in (*FORBIDDEN, *ADMITTING)), line


def test_no_text_of_the_rules_holds_a_forbidden_phrase() -> None:
    rules = [
        "clocks",
        "complaints",
        "fraud",
        "materials",
        "ncd",
        "plans",
        "products",
        "rating",
        "scene",
        "start_rules",
        "surrender",
        "underwriting",
    ]
    for path in [*(tables.FOLDER.parent / f"{rule}.py" for rule in rules), *tables.FOLDER.glob("*.csv")]:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in FORBIDDEN if word in text], path.name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("我昨晚喝了点酒，撞到护栏了", {"drunk", "facility_hit"}),
        ("没有喝酒，也没人受伤", set()),
        ("我没喝酒", set()),
        ("我从不喝酒", set()),
        ("拍完照我把车开走了", set()),
        ("手边没有驾驶证照片", set()),
        ("撞我的车开走了", {"hit_and_run"}),
        ("对方跑了", {"hit_and_run"}),
        ("对方不承认，各说各的理", {"dispute"}),
        ("他没有驾驶证", {"unlicensed"}),
        ("车动不了了", {"immovable"}),
        ("撞倒了路边的电线杆", {"infrastructure_hit"}),
        ("前车急刹，我没刹住追尾了", set()),
        ("怀疑是碰瓷", {"staging"}),
    ],
)
def test_situations_in_the_customers_words(text: str, told: set[str]) -> None:
    assert situations_of(text) == told


def test_materials_fit_the_accident() -> None:
    rear_end = materials_for("rear_end", third_party=True)
    assert any("协议书" in one for one in rear_end) and not any("病历" in one for one in rear_end)
    hurt = materials_for("rear_end", injury=True, third_party=True)
    assert any("认定书" in one for one in hurt) and any("病历" in one for one in hurt)
    assert not any("协议书" in one for one in hurt)
    theft = materials_for("theft")
    assert any("立案" in one for one in theft) and not any("维修" in one for one in theft)
    assert any("消防" in one for one in materials_for("fire"))
    assert not any("认定书" in one or "对方" in one for one in materials_for("glass"))


@pytest.mark.parametrize("accident", sorted(ACCIDENT_TYPES))
def test_every_type_has_a_list_without_repeats(accident: str) -> None:
    for injury, third, police in product((True, False), repeat=3):
        needed = materials_for(accident, injury, third, police, property_hit=True)
        assert 4 <= len(needed) == len(set(needed))


def test_fraud_signs() -> None:
    at = datetime(2026, 11, 22, 2, 0, tzinfo=SHANGHAI)
    facts = ReportFacts(
        "我只要现金，不修车直接给钱，右边是老伤",
        "single_vehicle",
        at,
        at + timedelta(hours=60),
        policy_start=day(-5),
        occurred_changes=3,
    )
    codes = {sign.code for sign in signs(facts)}
    assert codes == {
        "changing_story",
        "soon_after_inception",
        "late_report",
        "night_single",
        "insists_on_cash",
        "old_damage",
    }
    assert all("骗" not in note for note in staff_notes(signs(facts)))
    assert calls_for_person(signs(facts))


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"policy_start": day(0)}, "just_after_inception"),
        ({"policy_start": day(1)}, "before_inception"),
        ({"cover_added_on": day(-1), "policy_start": day(-200)}, "just_after_inception"),
        ({"occurred_changes": 2}, "changing_story"),
        ({"claims_last_month": 3}, "several_claims"),
        ({"reported_elsewhere": True}, "several_insurers"),
    ],
)
def test_one_grave_sign_calls_for_a_person(known: dict[str, Any], code: str) -> None:
    at = datetime(2026, 11, 22, 15, 0, tzinfo=SHANGHAI)
    found = signs(ReportFacts("前车急刹，我没刹住追尾了", "rear_end", at, at, **known))
    assert [sign.code for sign in found] == [code] and calls_for_person(found)


@pytest.mark.parametrize("known", [{"policy_start": day(-5)}, {"policy_end": day(2)}, {"claims_last_12m": 3}])
def test_a_light_sign_is_only_noted(known: dict[str, Any]) -> None:
    at = datetime(2026, 11, 22, 15, 0, tzinfo=SHANGHAI)
    found = signs(ReportFacts("前车急刹，我没刹住追尾了", "rear_end", at, at, **known))
    assert len(found) == 1 and not calls_for_person(found)


def test_a_plain_report_has_no_sign() -> None:
    at = datetime(2026, 11, 22, 15, 0, tzinfo=SHANGHAI)
    plain = ReportFacts(
        "前车急刹，我没刹住追尾了",
        "rear_end",
        at,
        at + timedelta(minutes=20),
        policy_start=day(-345),
        policy_end=day(20),
    )
    assert signs(plain) == ()
