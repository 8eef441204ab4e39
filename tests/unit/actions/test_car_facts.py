"""The facts of a car as customers say them."""

from __future__ import annotations

from typing import Any

import pytest

from actions.car_facts import (
    energy_field,
    parse_model,
    parse_price,
    parse_registered,
    parse_vin,
    price_field,
    registered_field,
    seats_field,
    usage_field,
)
from actions.nodes import Miss
from tests.unit.actions.turns import turn


@pytest.mark.parametrize(
    ("said", "month"),
    [
        ("2023年5月", "2023-05"),
        ("23年5月份上的牌", "2023-05"),
        ("二零二三年五月", "2023-05"),
        ("2021-9", "2021-09"),
        ("2019.11", "2019-11"),
        ("2020年", "2020-06"),
        ("3年前", "2023-11"),
        ("开了五年了", "2021-11"),
        ("车龄8年", "2018-11"),
        ("刚上牌", "2026-11"),
    ],
)
def test_first_registration(said: str, month: str) -> None:
    assert parse_registered(turn(said), {}) == month


def test_a_month_to_come_is_explained() -> None:
    assert isinstance(parse_registered(turn("2027年3月"), {}), Miss)


@pytest.mark.parametrize("said", ["不知道", "杭州", "家用"])
def test_no_month(said: str) -> None:
    assert parse_registered(turn(said), {}) is None


def test_registration_in_passing() -> None:
    take = registered_field().take
    assert take(turn("2023年5月上牌的朗逸"), {}) == "2023-05"
    assert take(turn("还没上牌的新车"), {}) is None
    assert take(turn("2023款的朗逸"), {}) is None


@pytest.mark.parametrize(
    ("said", "yuan"), [("十二万八", "128000"), ("15", "150000"), ("大概13.5万", "135000"), ("128000", "128000")]
)
def test_price(said: str, yuan: str) -> None:
    assert parse_price(turn(said), {}) == yuan


@pytest.mark.parametrize(
    ("said", "yuan"), [("新车价格不对，是15万", "150000"), ("当时12万8买的", "128000"), ("三者调到300万", None)]
)
def test_price_in_passing(said: str, yuan: str | None) -> None:
    assert price_field().take(turn(said), {}) == yuan


@pytest.mark.parametrize(
    ("said", "usage"),
    [("家里用的", "family"), ("跑网约车的", "ride_hailing"), ("不跑网约车，自用", "family"), ("嗯", None)],
)
def test_usage_in_passing(said: str, usage: str | None) -> None:
    assert usage_field().take(turn(said), {}) == usage


def test_energy_and_seats() -> None:
    assert energy_field().take(turn("纯电动的"), {}) == "electric"
    assert energy_field().parse(turn("加油的"), {}) == "fuel"
    assert seats_field().parse(turn("七座"), {}) == 7
    assert seats_field().take(turn("座位险提到5万"), {}) is None


@pytest.mark.parametrize(
    ("said", "model"), [("我开的是云途者X9", "云途者X9"), ("大众朗逸 2023款", "大众朗逸 2023款"), ("不知道", None)]
)
def test_model(said: str, model: str | None) -> None:
    assert parse_model(turn(said), {}) == model


def _vin(said: str, **more: Any) -> Any:
    return parse_vin(turn(said, **more), {})


def test_vin() -> None:
    assert _vin("LFMAPE2CXN0000001") == "LFMAPE2CXN0000001"
    assert _vin("手边没有，稍后补") == "later"
    assert _vin("", attachments=({"id": "p1"},)) == "photo"
    assert isinstance(_vin("LFMAPE2CXN00000"), Miss)


def test_a_photo_of_the_vin_is_kept_by_its_number() -> None:
    draft: dict[str, Any] = {}
    photo = {"id": "upload-7", "content_type": "image/jpeg"}
    assert parse_vin(turn("", attachments=[photo]), draft) == "photo"
    assert draft["vin_photo"] == "upload-7"
