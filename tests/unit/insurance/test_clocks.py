from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from chebao.insurance import tables
from chebao.insurance.clocks import claim_clocks, claim_dues, complaint_dues, service_due
from chebao.insurance.complaints import level_of
from chebao.insurance.dates import SHANGHAI

from .demo_cars import day


@pytest.mark.parametrize(
    ("kind", "claim", "expected"),
    [
        (
            "commercial",
            {"reported": day(-12), "documents_complete": day(-5), "status": "loss_assessed"},
            [("decide", day(25)), ("advance_certain", day(55))],
        ),
        (
            "compulsory",
            {"reported": day(-12), "documents_complete": day(-5), "status": "loss_assessed"},
            [("decide", day(0))],
        ),
        ("compulsory", {"reported": day(0), "status": "reported"}, [("documents_notice", day(1))]),
        ("commercial", {"reported": day(-6), "notice_sent": day(-5), "status": "documents_missing"}, []),
        (
            "commercial",
            {
                "reported": day(-9),
                "documents_complete": day(-8),
                "decided": day(-2),
                "agreed": day(-1),
                "status": "agreed",
            },
            [("pay", day(9))],
        ),
        ("commercial", {"reported": day(-40), "agreed": day(-24), "paid": day(-20), "status": "paid"}, []),
        ("commercial", {"decided": day(-1), "status": "refused"}, [("refusal_notice", day(2))]),
        ("commercial", {"decided": day(-70), "notice_sent": day(-69), "status": "refused"}, []),
    ],
)
def test_running_clocks(kind: str, claim: dict[str, Any], expected: list[tuple[str, date]]) -> None:
    assert [(one.clock.rule, one.on) for one in claim_dues(kind, claim)] == expected


def test_sentences_carry_the_date_and_the_right_insurance() -> None:
    claim = {"reported": "2026-11-20T20:00:00+08:00", "documents_complete": "2026-11-21T23:30:00+08:00"}
    assert claim_clocks("compulsory", claim) == ["交强险：收到齐全材料后五日内作出核定（最晚2026年11月26日）。"]
    assert "三十日" in claim_clocks("commercial", claim)[0]


def test_the_day_of_a_utc_time_is_the_day_in_china() -> None:
    claim = {"agreed": "2026-11-21T17:00:00Z", "status": "agreed"}
    assert claim_dues("commercial", claim)[0].on == date(2026, 12, 2)


def test_a_new_report_hears_the_outline_where_no_clock_runs() -> None:
    waiting = {"reported": day(-6), "notice_sent": day(-5), "status": "documents_missing"}
    assert "五日内核定" in claim_clocks("compulsory", waiting)[0]
    assert claim_clocks("commercial", {"status": "withdrawn", "reported": day(-6)}) == []


def test_complaint_clocks() -> None:
    received = date(2026, 11, 22)
    assert [one.on for one in complaint_dues(received)] == [date(2026, 12, 7), date(2026, 12, 22), date(2027, 1, 21)]
    assert complaint_dues(received, complex_case=True)[0].on == date(2026, 12, 22)
    assert complaint_dues(received, extended=True)[0].on == date(2027, 1, 21)


def test_service_promises() -> None:
    at = datetime(2026, 11, 22, 10, 0, tzinfo=SHANGHAI)
    assert [service_due(level, at).isoformat()[:13] for level in (1, 2, 3)] == [
        "2026-11-23T10",
        "2026-11-24T10",
        "2026-11-22T10",
    ]


def test_every_table_row_has_source_and_start() -> None:
    for path in sorted(tables.FOLDER.glob("*.csv")):
        for row in tables.rows(path.stem):
            assert row["source"].strip(), path.name
            assert date.fromisoformat(row["in_force_from"]) <= date(2026, 11, 22), path.name


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("定损员说话很冲，态度太差", 1),
        ("网点的停车位太少了", 1),
        ("理赔一直没人处理，拖了半个月", 2),
        ("当初销售误导我买的", 2),
        ("凭什么拒赔", 2),
        ("再不解决我就打12378", 3),
        ("我要找律师起诉你们", 3),
        ("发到抖音上让大家看看", 3),
        ("你们泄露我的个人信息", 3),
        ("逼得我不想活了", 3),
    ],
)
def test_complaint_levels(text: str, level: int) -> None:
    assert level_of(text) == level
