from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance.dates import SHANGHAI
from chebao.insurance.start_rules import decide_start, earliest_start, midnight, overlaps

from .demo_cars import day

NOW = datetime(2026, 11, 22, 10, 30, 12, tzinfo=SHANGHAI)


def test_next_day_by_default_and_no_immediate_start_without_a_reason() -> None:
    found = earliest_start(NOW)
    assert (found.at, found.immediate) == (midnight(day(1)), False)


@pytest.mark.parametrize(
    ("end", "start", "immediate"), [(-3, 1, True), (0, 1, True), (1, 1, False), (2, 2, False), (20, 20, False)]
)
def test_start_after_existing_cover(end: int, start: int, immediate: bool) -> None:
    found = earliest_start(NOW, day(end))
    assert (found.at, found.immediate) == (midnight(day(start)), immediate)


def test_the_day_is_counted_in_china() -> None:
    late_evening_utc = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert earliest_start(late_evening_utc).at == midnight(day(2))


def test_immediate_start_only_for_lapsed_or_new_cars() -> None:
    refused = decide_start("immediate", NOW, day(20))
    assert refused.at is None and "2026年12月12日零时" in refused.reason
    agreed = decide_start("immediate", NOW, day(-3))
    assert agreed.immediate and agreed.at == NOW.replace(second=0)
    assert decide_start("immediate", NOW, new_car=True).immediate


def test_wishes() -> None:
    assert decide_start("2026-11-25", NOW).at == midnight(day(3))
    assert decide_start(None, NOW, day(20)).at == midnight(day(20))
    assert decide_start("2026-11-22", NOW).at is None
    assert decide_start(day(19), NOW, day(20)).at is None
    assert decide_start("2028-01-01", NOW).at is None


@given(st.integers(-400, 400), st.booleans(), st.none() | st.integers(-5, 200).map(day) | st.just("immediate"))
def test_a_start_never_overlaps_existing_cover(end: int, new_car: bool, wish: object) -> None:
    found = decide_start(wish, NOW, day(end), new_car=new_car)  # type: ignore[arg-type]
    if found.at is not None:
        assert found.at.date() >= day(end) or day(end) <= day(0)
        assert found.at >= NOW.replace(second=0)


def test_overlaps() -> None:
    assert not overlaps(day(0), day(10), day(10), day(20))
    assert overlaps(day(0), day(11), day(10), day(20))
