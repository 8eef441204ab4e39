from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.ncd import NcdHistory, grade_of, lapse_of, ncd

START = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("years", "claims", "grade", "factor"),
    [
        (3, 1, -2, "0.7"),
        (3, 0, -3, "0.6"),
        (4, 0, -4, "0.5"),
        (9, 0, -4, "0.5"),
        (4, 1, -2, "0.7"),
        (1, 0, -1, "0.8"),
        (1, 1, 0, "1.0"),
        (1, 3, 2, "1.4"),
        (2, 7, 5, "2.0"),
        (1, 20, 5, "2.0"),
        (0, 0, 0, "1.0"),
    ],
)
def test_grades(years: int, claims: int, grade: int, factor: str) -> None:
    found = ncd(NcdHistory(years, claims), START)
    assert (found.grade, found.factor) == (grade, Decimal(factor))


def test_a_transferred_car_starts_again() -> None:
    assert ncd(NcdHistory(5, 0, transferred=True), START).grade == 0


@pytest.mark.parametrize(
    ("previous_end", "lapse"),
    [
        (None, "none"),
        (date(2026, 12, 1), "none"),
        (date(2026, 11, 22), "none"),
        (date(2026, 11, 20), "short"),
        (date(2026, 8, 22), "short"),
        (date(2026, 8, 21), "months_3_6"),
        (date(2026, 5, 22), "months_3_6"),
        (date(2026, 5, 21), "over_6_months"),
    ],
)
def test_lapse(previous_end: date | None, lapse: str) -> None:
    assert lapse_of(previous_end, START) == lapse


def test_after_three_to_six_months_the_grade_may_only_rise() -> None:
    gap = date(2026, 7, 1)
    assert ncd(NcdHistory(3, 0, gap, previous_grade=-2), START).grade == -2
    assert ncd(NcdHistory(3, 4, gap, previous_grade=-2), START).grade == 1
    assert ncd(NcdHistory(3, 0, gap), START).grade == 0


def test_after_six_months_the_grade_starts_at_zero_even_with_claims() -> None:
    assert ncd(NcdHistory(3, 9, date(2025, 1, 1)), START).grade == 0


@given(st.integers(0, 30), st.integers(0, 30))
def test_grade_stays_on_the_scale_and_rises_with_claims(years: int, claims: int) -> None:
    assert -4 <= grade_of(years, claims) <= grade_of(years, claims + 1) <= 5
