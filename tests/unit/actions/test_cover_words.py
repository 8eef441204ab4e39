"""Changing a plan in the customer's own words."""

from __future__ import annotations

from typing import Any

import pytest

from actions.cover_words import find_wish
from actions.plans_talk import named_plan, take_plan
from tests.unit.actions.turns import turn

BASE: dict[str, Any] = {
    "vehicle_damage": 89600,
    "third_party": 2_000_000,
    "driver": 10_000,
    "passengers": 10_000,
    "scratch": 5_000,
}


@pytest.mark.parametrize(
    ("said", "changed"),
    [
        ("三者调到300万", {"third_party": 3_000_000}),
        ("第三者改成三百万吧", {"third_party": 3_000_000}),
        ("三者险保到500万", {"third_party": 5_000_000}),
        ("三者再高一点", {"third_party": 3_000_000}),
        ("三者降一点", {"third_party": 1_500_000}),
        ("座位险提到5万", {"driver": 50_000, "passengers": 50_000}),
        ("司机座位2万就行，要改", {"driver": 20_000}),
        ("乘客提到2万", {"passengers": 20_000}),
        ("加个医保外", {"medical_extra": 20_000}),
        ("不要划痕", {"scratch": None}),
        ("划痕险去掉吧", {"scratch": None}),
        ("取消座位险", {"driver": None, "passengers": None}),
        ("不要划痕，三者提到300万", {"scratch": None, "third_party": 3_000_000}),
        ("去掉划痕险、司机座位险，三者提到300万", {"scratch": None, "driver": None, "third_party": 3_000_000}),
    ],
)
def test_named_covers_change_and_the_rest_stays(said: str, changed: dict[str, int | None]) -> None:
    wish = find_wish(said, BASE)
    assert wish is not None
    expected = {**BASE, **changed}
    assert wish.covers == {code: amount for code, amount in expected.items() if amount is not None}


def test_addons_go_with_their_main_cover() -> None:
    wish = find_wish("不要车损", BASE)
    assert wish is not None
    assert set(wish.covers) == {"third_party", "driver", "passengers"}
    assert wish.dropped == ("车身划痕损失险",)


@pytest.mark.parametrize("said", ["只买交强险", "就上个交强险", "不要商业险", "单交强就行"])
def test_compulsory_only(said: str) -> None:
    wish = find_wish(said, BASE)
    assert wish is not None
    assert wish.covers == {}


def test_old_covers_are_inside_vehicle_damage() -> None:
    wish = find_wish("再加个玻璃险", BASE)
    assert wish is not None
    assert wish.covers == BASE
    assert wish.included == ("玻璃单独破碎险",)


@pytest.mark.parametrize("said", ["标准方案", "都没有", "好的", "就这样"])
def test_nothing_about_covers_changes_nothing(said: str) -> None:
    assert find_wish(said, BASE) is None


def _draft(*codes: str) -> dict[str, Any]:
    return {"plans": [{"code": code, "name": code, "covers": BASE} for code in codes]}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("第一个", "basic"),
        ("第二个吧", "standard"),
        ("最后一个", "full"),
        ("便宜的那个", "basic"),
        ("推荐的", "standard"),
        ("买全险", "full"),
    ],
)
def test_plans_by_word_and_place(said: str, code: str) -> None:
    assert named_plan(said, _draft("basic", "standard", "full")) == code


def test_place_counts_as_shown() -> None:
    assert named_plan("第一个", _draft("custom", "basic", "standard", "full")) == "custom"


@pytest.mark.parametrize("said", ["标准方案赔什么？", "三者险要不要买", "划痕险是什么"])
def test_a_question_chooses_nothing(said: str) -> None:
    assert take_plan(turn(said), _draft("basic", "standard", "full")) is None


def test_a_wish_put_as_a_question_is_a_wish() -> None:
    taken = take_plan(turn("能把三者调到300万吗"), _draft("basic", "standard", "full"))
    assert taken["covers"]["third_party"] == 3_000_000


def test_the_same_wish_again_accepts_the_adjusted_plan() -> None:
    draft = _draft("custom", "standard")
    draft["plans"][0]["covers"] = {**BASE, "third_party": "3000000.00"}
    assert take_plan(turn("三者调到300万"), draft) == "custom"
