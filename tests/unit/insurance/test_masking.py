from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.masking import mask_bank, mask_id_card, mask_name, mask_phone, mask_plate, mask_text


def test_shapes() -> None:
    assert mask_phone("13812345678") == "138****5678"
    assert mask_id_card("110101198503071234") == "1101**********1234"
    assert mask_name("张志强") == "张*"
    assert mask_bank("6222 0212 3456 1234") == "**** 1234"
    assert mask_plate("京A12345") == "京A***45"


@pytest.mark.parametrize("short", ["", "1", "12", "123"])
def test_short_values_show_nothing(short: str) -> None:
    for mask in (mask_phone, mask_id_card, mask_plate):
        assert mask(short) == "*" * len(short)


def test_free_text() -> None:
    text = "我叫张三，电话138 1234 5678，身份证110101198503070013，卡号6222021234567891234，报案号CL2026000101"
    masked = mask_text(text)
    for secret in ("1234 5678", "19850307", "622202123456"):
        assert secret not in masked
    assert "138****5678" in masked and "CL2026000101" in masked and "**** 1234" in masked


@given(st.from_regex(r"1[3-9]\d{9}", fullmatch=True).filter(str.isascii), st.text("你好，车险。 ", max_size=9))
def test_a_phone_in_a_text_never_survives(phone: str, around: str) -> None:
    assert phone not in mask_text(f"{around}{phone}{around}")
