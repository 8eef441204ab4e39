"""All finders together: overlaps, hostile input, speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.accidents import find_accident_types
from chebao.insurance.amounts import find_amounts
from chebao.insurance.cars import find_car_models
from chebao.insurance.covers import find_coverages
from chebao.insurance.entities import find_all
from chebao.insurance.found import Found
from chebao.insurance.idcard import find_id_cards
from chebao.insurance.moments import find_moments
from chebao.insurance.people import find_person_names
from chebao.insurance.phone import find_phones
from chebao.insurance.places import find_locations
from chebao.insurance.plate import find_plates
from chebao.insurance.policy_numbers import find_claim_nos, find_policy_nos
from chebao.insurance.vin import find_vins

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=8)))
FINDERS: dict[str, Callable[[str], list[Found]]] = {
    "accidents": find_accident_types,
    "amounts": find_amounts,
    "cars": find_car_models,
    "covers": find_coverages,
    "id_cards": find_id_cards,
    "moments": lambda text: find_moments(text, NOW),
    "names": find_person_names,
    "phones": find_phones,
    "places": find_locations,
    "plates": find_plates,
    "policies": find_policy_nos,
    "claims": find_claim_nos,
    "vins": find_vins,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "我叫孙浩然，车牌浙A3K9P7，昨晚八点多在北三环西路追尾了，修车花了两千八",
            "person_name=孙浩然 plate=浙A3K9P7 datetime=2026-11-21T20:00 location=北三环西路 accident_type=rear_end amount=2800",
        ),
        ("身份证330106199203145017，电话13700000088", "id_card=330106199203145017 phone=13700000088"),
        ("报案号CL2026000101，定损6800元太低了", "claim_no=CL2026000101 amount=6800"),
        ("三者险200万，车损险要不要买", "coverage=third_party amount=2000000 coverage=vehicle_damage"),
        (
            "VIN是LFMAPE2CXN0000001，大众朗逸 2023款 1.5L，十二万八买的",
            "vin=LFMAPE2CXN0000001 car_model=大众朗逸 2023款 amount=128000",
        ),
        ("保单P20260001明天到期", "policy_no=P20260001 datetime=2026-11-23"),
        ("刚才京A12345在京沪高速被后车追尾", "plate=京A12345 location=京沪高速 accident_type=rear_end"),
        ("划痕险要买吗", "coverage=scratch"),
        ("涉水险", "coverage=flood"),
        ("330106199203145018", ""),
        ("你好", ""),
    ],
)
def test_messages(text: str, expected: str) -> None:
    assert " ".join(f"{one.entity}={one.value}" for one in find_all(text, NOW)) == expected


@given(st.text(max_size=200))
def test_any_text_gives_ordered_disjoint_spans(text: str) -> None:
    end = 0
    for one in find_all(text, NOW):
        assert end <= one.start < one.end <= len(text)
        end = one.end


PIECES = [
    "京A",
    "1",
    "8",
    "年",
    "月",
    "号",
    "点",
    "半",
    "万",
    "千",
    "撞",
    "停",
    "被",
    "了",
    "路",
    "区",
    "在",
    "大众",
    "我叫",
    "王",
    "险",
    "-",
    " ",
    "到",
    "L",
    "上",
    "一",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_building_blocks_in_any_order(text: str) -> None:
    for name, finder in FINDERS.items():
        for one in finder(text):
            assert 0 <= one.start < one.end <= len(text), name


LONG = [
    "撞了车",
    "1",
    "A",
    "一",
    "停",
    "中",
    "京A",
    "在路",
    "我是王",
    "大众",
    "上海市",
    "1月",
    "万",
    "充电",
    "被",
    " ",
    "1,",
    "三点",
    "保单号",
    "跟",
    "把",
    "和人",
]


@pytest.mark.parametrize("name", FINDERS)
def test_twenty_thousand_characters_take_no_time(name: str) -> None:
    worst = ("", 0.0)
    for piece in LONG:
        text = (piece * 20_000)[:20_000]
        took = min(_seconds(FINDERS[name], text) for _ in range(2))
        worst = max(worst, (piece, took), key=lambda pair: pair[1])
    assert worst[1] < 0.15, worst  # CPU seconds, three times the promise of 50 ms: test machines are shared


def _seconds(finder: Callable[[str], list[Found]], text: str) -> float:
    started = time.thread_time()
    finder(text)
    return time.thread_time() - started
