"""The benchmark's last line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import report
from benchmarks.speed import Results, Round


def _side(*, turns_a_second: float, ms: float, late: float) -> Results:
    def one(users: int) -> Round:
        measured: dict[str, Any] = {
            "turns": 100, "all_turns": 120, "seconds": 100 / turns_a_second, "latencies_ms": [ms] * 99 + [ms * 9],
            "cpu_s": 0.5, "wall_s": 10.0,
        }  # fmt: skip
        return Round(users, measured, {"rasa": 0.6, "app": 1.2}, 9)

    return Results(
        rounds=[one(users) for _ in range(2) for users in (1, 16, 64)],
        acks_ms=[3.0] * 98 + [40.0, 70.0],
        early_ms={0: [10.0], 1: [20.0]},
        late_ms={0: [10.0 * late], 1: [20.0 * late]},
        nlu_ms=[1.0, 2.0, 3.0],
        memory={"loaded": {"rasa": {"rss_mb": 333.0, "pss_mb": 300.0}, "app": {"rss_mb": 90.0, "pss_mb": 80.0}}},
        facts={
            "training_s": 30.0, "rasa_ready_s": 8.04, "rasa_ready_rss_mb": 250.0, "stack_ready_s": 14.0, "idle_pss_mb": 801.26,
        },
    )  # fmt: skip


@pytest.fixture
def ours() -> Results:
    return _side(turns_a_second=100, ms=20, late=1.1)


@pytest.fixture
def stock() -> Results:
    return _side(turns_a_second=20, ms=200, late=9.0)


def test_last_line_holds_every_figure(ours: Results, stock: Results, capsys: pytest.CaptureFixture[str]) -> None:
    report.show(ours, stock, busy=0.0)
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    expected = {
        "turns_per_s_ratio": 5.0,
        "p95_ratio": 0.1,
        "turn200_over_turn5": 1.1,
        "rasa_ready_s": 8.0,
        "rasa_rss_mb": 333.0,
        "idle_pss_mb": 801.3,
        "ack_p99_ms": 40.0,
        "cpu_ms_per_turn": 15.0,
        "failures": 0,
    }
    assert {key: line[key] for key in expected} == expected
    assert line["stock"]["users"]["64"]["turns_per_s"] == 20
    assert line["ours"]["users"]["16"]["p95_ms"] == 20


def test_failures_are_told(ours: Results, stock: Results, capsys: pytest.CaptureFixture[str]) -> None:
    ours.failures.update({"empty_reply": 2})
    report.show(ours, stock, busy=0.0)
    said = capsys.readouterr().out
    assert "Failures, ours" in said and "empty_reply" in said
    assert json.loads(said.splitlines()[-1])["failures"] == 2


def test_the_worse_of_both_waiting_lines_counts(ours: Results, stock: Results) -> None:
    for done in ours.rounds:
        if done.users == 16:
            done.measured["latencies_ms"] = [100.0] * 100
    found = report.summary(report.figures_of(ours), report.figures_of(stock))
    assert found["p95_ratio"] == 0.5


def test_a_quick_run_without_long_stock_conversations_prints_too(
    ours: Results, stock: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    stock.late_ms, stock.early_ms = {}, {}
    report.show(ours, stock, busy=0.0)
    assert "turn200_over_turn5" in capsys.readouterr().out


def test_a_side_that_fails_is_not_compared(ours: Results, stock: Results) -> None:
    assert report.show(ours, stock, busy=0.0)
    stock.failures["empty_reply"] = 8  # of 720 turns
    assert not report.show(ours, stock, busy=0.0)
