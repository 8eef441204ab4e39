"""How customers tell an accident, and what kind it is."""

from __future__ import annotations

import pytest

from chebao.insurance.accidents import ACCIDENT_TYPES, accident_type_of, find_accident_types


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("追尾了", "rear_end"),
        ("前车急刹，我没刹住追尾了", "rear_end"),
        ("我被后车追尾", "rear_end"),
        ("后面的车撞了我", "rear_end"),
        ("停路边被人刮了", "parked_hit"),
        ("车停在小区里被人撞了", "parked_hit"),
        ("停车场停着，回来发现被撞了", "parked_hit"),
        ("撞护栏了", "single_vehicle"),
        ("撞到墙上了", "single_vehicle"),
        ("倒车撞柱子了", "single_vehicle"),
        ("倒车的时候蹭到墙了", "single_vehicle"),
        ("车子被水淹了", "flood"),
        ("发动机进水了", "flood"),
        ("被冰雹砸了", "falling_object"),
        ("树枝掉下来砸到车顶", "falling_object"),
        ("撞到行人了", "pedestrian"),
        ("撞人了", "pedestrian"),
        ("不小心碰到一个老太太", "pedestrian"),
        ("撞了个骑电动车的人", "pedestrian"),
        ("撞到电动车了", "collision"),
        ("撞到一只狗", "animal"),
        ("被猫抓花了引擎盖", "animal"),
        ("前挡风玻璃碎了", "glass"),
        ("挡风玻璃被石子崩裂了", "glass"),
        ("充电的时候起火了", "charging"),
        ("我的车自燃了", "fire"),
        ("车被偷了", "theft"),
        ("变道的时候跟旁边的车蹭了一下", "sideswipe"),
        ("发生了剐蹭", "sideswipe"),
        ("车门被人用钥匙划了", "scratch"),
        ("车身有划痕", "scratch"),
        ("有人受伤了", "injury"),
        ("两车相撞", "collision"),
        ("我撞了一辆货车", "collision"),
        ("没有人受伤", None),
        ("人没事", None),
        ("划痕险多少钱", None),
        ("涉水险要买吗", None),
        ("盗抢险", None),
        ("你好", None),
        ("我要续保", None),
        ("追尾了，没有人受伤", "rear_end"),
        ("追尾了，有人受伤", "rear_end"),
        ("车翻到沟里了", "single_vehicle"),
        ("高速上撞了隔离带", "single_vehicle"),
        ("被高空抛物砸到", "falling_object"),
        ("被人撞了，对方跑了", "parked_hit"),
        ("倒车蹭到别人车了", "sideswipe"),
        ("有人撞了我的车", "collision"),
        ("剐蹭", "sideswipe"),
        ("碰撞", "collision"),
        ("车被刮了", "scratch"),
        ("停车的时候撞墙了", "single_vehicle"),
        ("路口直行被左转的车撞了", "collision"),
        ("前保险杠和左大灯坏了", None),
        ("还能开", None),
        ("停车位上被蹭了", "parked_hit"),
        ("别人追了我的尾", "rear_end"),
        ("出车祸了", "collision"),
        ("车停楼下被砸了", "falling_object"),
    ],
)
def test_type_of_free_text(text: str, code: str | None) -> None:
    assert accident_type_of(text) == code
    assert code is None or code in ACCIDENT_TYPES


def test_the_parked_car_is_not_also_a_scratch() -> None:
    assert [one.value for one in find_accident_types("停路边被人刮了")] == ["parked_hit"]


def test_nobody_hurt_is_no_injury() -> None:
    assert [one.value for one in find_accident_types("追尾了，没有人受伤")] == ["rear_end"]
