"""Chinese numerals."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.numbers_zh import chinese_to_decimal, chinese_to_int, to_chinese


@given(st.integers(0, 10**12 - 1))
def test_round_trip(number: int) -> None:
    assert chinese_to_int(to_chinese(number)) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十二万八", 128000), ("两万五", 25000), ("三百二", 320), ("一千零二", 1002), ("二零二六", 2026), ("廿", None),
        ("十五", 15), ("一百零五", 105), ("两千三百零五", 2305), ("壹仟", 1000), ("万", None), ("百", None), ("一一百", None), ("", None),
    ],
)  # fmt: skip
def test_integers(text: str, value: int | None) -> None:
    assert chinese_to_int(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("一点五", "1.5"), ("十二点八万", "128000"), ("12.8万", "128000"), ("3千5", "3500"), ("12万8千", "128000"),
        ("半", "0.5"), ("3,500", "3500"), ("12万3千5", "123500"), ("3万零5百", "30500"), ("点五", None), ("x", None),
    ],
)  # fmt: skip
def test_decimals(text: str, value: str | None) -> None:
    assert chinese_to_decimal(text) == (None if value is None else Decimal(value))
