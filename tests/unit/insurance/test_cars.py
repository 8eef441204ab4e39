"""The catalogue of cars, and cars named in a message."""

from __future__ import annotations

import pytest

from chebao.insurance.cars import MODELS, find_car_models, lookup


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("大众朗逸 2023款 1.5L", "大众朗逸 2023款"), ("2023款大众朗逸", "2023款大众朗逸"), ("我开的特斯拉Model 3", "特斯拉Model 3"), ("model y", "model y"),
        ("丰田卡罗拉 1.8L", "丰田卡罗拉"), ("对方是辆白色大众", "大众"), ("比亚迪秦PLUS DM-i", "比亚迪秦PLUS DM-i"), ("本田CR-V", "本田CR-V"),
        ("奥迪A6L", "奥迪A6L"), ("宝马3系", "宝马3系"), ("理想L9", "理想L9"), ("小米SU7", "小米SU7"), ("北京现代伊兰特", "北京现代伊兰特"),
        ("启源Q07", "启源Q07"), ("尚界H5", "尚界H5"), ("吉利银河M9", "吉利银河M9"), ("极越07", "极越07"), ("鸿蒙智行的问界M9", "鸿蒙智行|问界M9"),
        ("迈巴赫", "迈巴赫"), ("猎豹汽车", "猎豹汽车"), ("说曹操曹操到", ""), ("银河系", ""), ("在黄海路", ""), ("昆仑山", ""), ("华泰证券", ""),
        ("我的理想", ""), ("现代社会", ""), ("京A12345", ""), ("海豚", ""), ("比亚迪海豚", "比亚迪海豚"), ("沪AD12345", ""), ("2026年10月", ""),
    ],
)  # fmt: skip
def test_names(text: str, words: str) -> None:
    assert "|".join(found.value for found in find_car_models(text)) == words


@pytest.mark.parametrize(
    ("text", "brand", "series"),
    [
        ("奔驰C260L 2021款", "奔驰", "C级"),
        ("大众朗逸 1.5L", "大众", "朗逸"),
        ("五菱宏光", "五菱", "五菱宏光S"),
        ("雷凌双擎", "丰田", "雷凌双擎"),
    ],
)
def test_lookup(text: str, brand: str, series: str) -> None:
    model = lookup(text)
    assert model is not None
    assert (model.brand, model.series) == (brand, series)


def test_the_catalogue_is_complete_and_plausible() -> None:
    assert len(MODELS) >= 150
    assert len({(model.brand, model.series) for model in MODELS}) == len(MODELS)
    assert {model.energy for model in MODELS} == {"fuel", "hybrid", "phev", "electric"}
    assert all(2 <= model.seats <= 9 and 20_000 < model.price < 10_000_000 for model in MODELS)
    assert lookup("没有这种车") is None
