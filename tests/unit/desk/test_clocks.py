"""Clocks: how much is used, what is promised within service hours, which legal period runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chebao.desk import clocks
from chebao.desk.calendar import Calendar
from chebao.desk.hours import DEFAULT_HOURS
from chebao.insurance.dates import SHANGHAI

HOURS = Calendar(DEFAULT_HOURS)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("level", "received", "due"),
    [
        (1, "2026-11-18T10:00", "2026-11-19T10:00"),
        (2, "2026-11-18T10:00", "2026-11-20T10:00"),
        (3, "2026-11-18T10:00", "2026-11-18T10:00"),
        (1, "2026-11-18T23:00", "2026-11-19T20:00"),  # nobody calls at 23:00: before the day's end
        (1, "2026-11-21T19:00", "2026-11-22T18:00"),  # Saturday evening
    ],
)
def test_a_promise_is_kept_within_service_hours(level: int, received: str, due: str) -> None:
    clock = clocks.service_clock(level, at(received), HOURS)
    assert (clock.due_at, clock.legal) == (at(due), False)


@given(
    level=st.sampled_from((1, 2, 3)),
    received=st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 30)).map(
        lambda naive: naive.replace(tzinfo=SHANGHAI)
    ),
)
def test_a_promise_is_never_later_than_it_says(level: int, received: datetime) -> None:
    due = clocks.service_clock(level, received, HOURS).due_at
    assert received <= due <= received + timedelta(hours={1: 24, 2: 48, 3: 0}[level])


@pytest.mark.parametrize(
    ("rule", "days"), [("complaint_simple", 15), ("complaint_complex", 30), ("complaint_extended", 60)]
)
def test_the_day_of_the_complaint_does_not_count(rule: str, days: int) -> None:
    received = datetime(2026, 11, 18, 17, 30, tzinfo=UTC)  # the 19th in China
    clock = clocks.complaint_clock(received, rule)
    assert clock.due_at == at("2026-11-19T23:59:59") + timedelta(days=days)
    assert clock.legal and "投诉处理管理办法" in clock.source


def test_a_claim_under_both_policies_has_the_clocks_of_both() -> None:
    claim = {"claim_no": "CL1", "policy_no": "P2", "compulsory_policy_no": "P1", "status": "loss_assessed"}
    running = clocks.claim_clocks(claim | {"reported": "2026-11-10", "documents_complete": "2026-11-17"})
    assert {c.name: c.due_at.date().isoformat() for c in running} == {
        "compulsory.decide": "2026-11-22",
        "commercial.decide": "2026-12-17",
        "commercial.advance_certain": "2027-01-16",
    }
    assert [clocks.label(c.name) for c in running] == ["交强险核定", "商业险核定", "商业险先行赔付"]


@pytest.mark.parametrize("ended", [{"status": "withdrawn"}, {"status": "paid", "paid": "2026-11-20"}])
def test_a_claim_that_is_over_has_no_clock(ended: dict[str, Any]) -> None:
    assert clocks.claim_clocks({"policy_no": "P2", "reported": "2026-11-10", **ended}) == []


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(days=3, hours=5), "还剩 3 天"),
        (timedelta(hours=30), "还剩 30 小时"),
        (timedelta(minutes=20), "还剩 20 分钟"),
        (timedelta(hours=-2), "已超 2 小时"),
    ],
)
def test_what_is_left_in_words(after: timedelta, words: str) -> None:
    now = at("2026-11-18T10:00")
    assert clocks.left(now + after, now) == words
