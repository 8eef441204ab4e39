"""Covers as customers name them."""

from __future__ import annotations

import pytest

from chebao.insurance.covers import COVERS, CUSTOMER_WORDS_ONLY, find_coverages


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("三者险200万，车损险，座位险", "third_party vehicle_damage passenger"), ("交强和商业都买", "compulsory commercial"), ("交强险", "compulsory"),
        ("全险", "full"), ("不计免赔", "deductible_waiver"), ("绝对免赔额", "absolute_deductible"), ("第三者责任险", "third_party"), ("三者", "third_party"),
        ("商业三者险300万", "third_party"), ("医保外用药", "medical_extra"), ("节假日翻倍", "holiday_double"), ("驾乘险", "driver_accident"),
        ("盗抢险", "theft"), ("涉水险", "flood"), ("自燃险", "self_ignition"), ("玻璃险", "glass"), ("划痕险", "scratch"), ("车轮险", "wheel"),
        ("新增设备险", "equipment"), ("修理期间费用补偿险", "repair_period"), ("车上货物责任险", "cargo"), ("精神损害抚慰金", "mental_distress"),
        ("发动机进水除外", "engine_water_exclusion"), ("外部电网故障", "grid_failure"), ("充电桩损失险", "charger_loss"), ("充电桩责任险", "charger_liability"),
        ("车损坏了", ""), ("前保险杠和左大灯坏了", ""), ("车被划了", ""), ("玻璃碎了", ""),
    ],
)  # fmt: skip
def test_coverages(text: str, codes: str) -> None:
    assert " ".join(found.value for found in find_coverages(text)) == codes


def test_old_names_are_known_and_flagged() -> None:
    assert set(COVERS) >= CUSTOMER_WORDS_ONLY
    assert {"theft", "glass", "self_ignition", "flood", "deductible_waiver"} == CUSTOMER_WORDS_ONLY
