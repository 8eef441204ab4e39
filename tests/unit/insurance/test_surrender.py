from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.surrender import COMPULSORY_REASONS, surrender_estimate

from .demo_cars import TODAY, day


def test_before_start_less_a_fee() -> None:
    found = surrender_estimate("commercial", Decimal("2000.00"), day(5), day(370), TODAY)
    assert (found.allowed, found.refund, found.fee) == (True, Decimal("1940.00"), Decimal("60.00"))
    assert "1,940.00" in found.formula_text


def test_after_start_pro_rata() -> None:
    found = surrender_estimate("commercial", Decimal("3650.00"), day(-100), day(265), TODAY)
    assert found.refund == Decimal("2650.00")
    assert "265天" in found.formula_text and "365天" in found.formula_text


def test_ended_policies_return_nothing() -> None:
    found = surrender_estimate("commercial", Decimal("900.00"), day(-400), day(-35), TODAY)
    assert not found.allowed and found.refund == 0


@pytest.mark.parametrize("reason", [None, "sold", "other_insurer"])
def test_compulsory_cover_stays_without_a_lawful_reason(reason: str | None) -> None:
    found = surrender_estimate("compulsory", Decimal("950.00"), day(-100), day(265), TODAY, reason=reason)
    assert not found.allowed and found.refund == 0
    assert all(text in found.reason for text in COMPULSORY_REASONS.values())


@pytest.mark.parametrize("reason", sorted(COMPULSORY_REASONS))
def test_compulsory_cover_with_a_lawful_reason(reason: str) -> None:
    found = surrender_estimate("compulsory", Decimal("950.00"), day(-100), day(265), TODAY, reason=reason)
    assert found.allowed and found.refund == Decimal("689.73")


@given(st.decimals("1", "99999", places=2), st.integers(-10, 364))
def test_a_refund_shrinks_day_by_day_and_stays_within_the_premium(premium: Decimal, used: int) -> None:
    start, end = TODAY, TODAY + timedelta(days=365)
    first = surrender_estimate("commercial", premium, start, end, start + timedelta(days=used)).refund
    later = surrender_estimate("commercial", premium, start, end, start + timedelta(days=used + 1)).refund
    assert Decimal(0) <= first <= premium
    if used >= 0:
        assert later <= first
