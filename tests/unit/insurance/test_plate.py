"""Number plates as customers type and say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.plate import city_of, find_plates, is_nev, meant_plate, normalise_plate, province_of
from chebao.insurance.plate_regions import CITIES, PROVINCES


@pytest.mark.parametrize(
    ("text", "plates"),
    [
        ("京A12345", "京A12345"),
        ("京 a-123·45", "京A12345"),
        ("京A·12345", "京A12345"),
        ("京A.12345", "京A12345"),
        ("浙Ａ３Ｋ９Ｐ７", "浙A3K9P7"),
        ("沪AD12345，你好", "沪AD12345"),
        ("苏E12345D", "苏E12345D"),
        ("京A一二三四五", "京A12345"),
        ("京A幺二三四五", "京A12345"),
        ("京AD一二三四五", "京AD12345"),
        ("粤Z1234港", "粤Z1234港"),
        ("冀B1234挂", "冀B1234挂"),
        ("京A1234警", "京A1234警"),
        ("鲁B1234学", "鲁B1234学"),
        ("我的车京A12345一辆", "京A12345"),
        ("川A6T88P和沪AD12345", "川A6T88P 沪AD12345"),
        ("京A123456", ""),
        ("京A12345678", ""),
        ("京AO1234", ""),
        ("京AI2345", ""),
        ("新ABCDEF", ""),
        ("京A1234", ""),
        ("P20260001", ""),
    ],
)
def test_plates(text: str, plates: str) -> None:
    assert " ".join(found.value for found in find_plates(text)) == plates


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("京AO1234", "京A01234"),
        ("京A12O45", "京A12045"),
        ("我的车是浙a66ki2", "浙A66K12"),
        ("沪A·I2345", "沪A12345"),
        ("苏E1234OD", "苏E12340D"),
        ("经A12345", "京A12345"),
        ("户AD12345", "沪AD12345"),
        ("京A12345", None),
        ("京A123456", None),
        ("京A1234", None),
        ("车A12345", None),
        ("报案号CL2026000101", None),
        ("保单P20260001", None),
    ],
)
def test_one_wrong_sign_is_seen_but_never_taken(text: str, plate: str | None) -> None:
    assert meant_plate(text) == plate
    assert plate is None or find_plates(text) == []


@pytest.mark.parametrize(
    ("text", "plate"), [(" 京a·12345 ", "京A12345"), ("车牌京A12345", None), ("12345", None), ("", None)]
)
def test_normalise(text: str, plate: str | None) -> None:
    assert normalise_plate(text) == plate


def test_new_energy() -> None:
    assert is_nev("沪AD12345")
    assert is_nev("苏E12345D")
    assert not is_nev("京A12345")


@pytest.mark.parametrize(
    ("plate", "city"),
    [
        ("浙A", "杭州"),
        ("沪AD12345", "上海"),
        ("京N12345", "北京"),
        ("粤B88K66", "深圳"),
        ("苏E", "苏州"),
        ("鲁U", "青岛"),
        ("藏X", None),
    ],
)
def test_city(plate: str, city: str | None) -> None:
    assert city_of(plate) == city


def test_every_province_has_its_capital() -> None:
    assert len(PROVINCES) == 31
    assert all(city_of(sign + "A") for sign in PROVINCES)
    assert all(len(head) == 2 and head[0] in PROVINCES and "A" <= head[1] <= "Z" for head in CITIES)
    assert province_of("浙A66K12") == "浙江"


SIGNS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@given(
    st.sampled_from(sorted(PROVINCES)),
    st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ"),
    st.text(SIGNS, min_size=4, max_size=4),
    st.sampled_from("0123456789"),
    st.sampled_from(["", " ", "·", "-", ". "]),
    st.booleans(),
)
def test_noise_inside_a_plate_does_not_matter(
    province: str, letter: str, signs: str, digit: str, noise: str, lower: bool
) -> None:
    plate = province + letter + signs + digit
    written = noise.join(plate)
    assert normalise_plate(written.lower() if lower else written) == plate
