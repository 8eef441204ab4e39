"""Sums of money."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.amounts import find_amounts, parse_amount
from chebao.insurance.numbers_zh import to_chinese


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("十二万八", "128000"), ("12.8万", "128000"), ("12万8千", "128000"), ("两万五", "25000"), ("八千多", "8000"), ("一千二", "1200"),
        ("3,500元", "3500"), ("200块", "200"), ("¥3500.50", "3500.5"), ("三者200万", "2000000"), ("5w", "50000"), ("20多万", "200000"),
        ("赔了5000", "5000"), ("定损6800太低", "6800"), ("修车花了一千八百六", "1860"), ("一百八十块五", "180.5"), ("３５００元", "3500"),
        ("几百块", ""), ("十几万", ""), ("大概三四千", ""), ("两三万", ""), ("好几千", ""), ("一二十万", ""), ("5000", ""),
        ("十二万公里", ""), ("八万多公里", ""), ("2023年", ""), ("万一", ""), ("千万别", ""), ("百分之三十", ""), ("30%", ""),
        ("1.5T", ""), ("15:30", ""), ("P20260001", ""), ("京A12345", ""), ("一块玻璃", ""), ("13800000001", ""),
    ],
)  # fmt: skip
def test_amounts(text: str, values: str) -> None:
    assert " ".join(found.value for found in find_amounts(text)) == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5000", "5000"),
        ("十二万八", "128000"),
        ("大概八千多吧", "8000"),
        ("十二万公里", None),
        ("不知道", None),
        ("几百块", None),
        ("两万或者三万元", None),
    ],
)
def test_answers(text: str, value: str | None) -> None:
    assert parse_amount(text) == (None if value is None else Decimal(value))


@given(st.integers(100, 10**9))
def test_any_numeral_with_yuan(number: int) -> None:
    for text in (f"{number}元", f"{number:,}元", to_chinese(number) + "元"):
        assert [found.value for found in find_amounts(text)] == [str(number)]
