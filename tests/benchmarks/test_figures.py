"""The statistics of the benchmarks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import cost_ratio, percentile, ratio, slope
from benchmarks.layers import LAYERS, layer_of, shares


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_percentile_is_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert sum(v <= found for v in values) >= share * len(values) - 1e-6


def test_slope_does_not_follow_an_outlier() -> None:
    steady = [(n / 10, 300.0 + 2 * n / 10) for n in range(30)]
    assert slope(steady) == pytest.approx(2.0)
    steady[15] = (1.5, 900.0)
    assert slope(steady) == pytest.approx(2.0, abs=0.1)
    assert slope([(0.0, 5.0)]) == 0.0


def test_cost_of_a_late_turn_is_compared_kind_by_kind() -> None:
    early = {0: [10.0, 10.0, 900.0], 1: [2.0, 2.0, 2.0]}
    assert cost_ratio(early, early) == 1.0
    assert cost_ratio({0: [20.0, 20.0, 20.0], 1: [4.0, 4.0, 4.0]}, early) == 2.0


def test_ratio_without_a_whole_is_no_number() -> None:
    assert ratio(1, 4) == 0.25
    assert math.isnan(ratio(1, 0))


@pytest.mark.parametrize(
    ("process", "stack", "layer"),
    [
        ("rasa", "serve (sanic);handle_message (rasa/core/processor.py:9);_run (bot/database.py:90)", "tracker store"),
        ("rasa", "handle_message (rasa/core/processor.py:9);parse_message (rasa/core/processor.py:8)", "understanding"),
        ("rasa", "serve (sanic/server/runners.py:8)", "HTTP and event loop"),
        ("app", "talk (chebao/conversations/door.py:1);accept (chebao/conversations/ledger.py:1)", "ledger: message in"),
        ("app", "_drain (chebao/conversations/turns.py:1);ask (chebao/conversations/rasa.py:7)", "hub asks Rasa"),
        ("actions", "main (actions/server.py:2);run (actions/forms.py:90);find (chebao/insurance/plate.py:1)", "the action's own code"),
        ("actions", "main (actions/server.py:2);_run_server_forever (sanic/server/runners.py:2)", "HTTP and event loop"),
        ("app", "run (anyio);wait (threading.py);Condition.wait (threading.py:359)", None),
    ],
)  # fmt: skip
def test_samples_go_to_their_layers(process: str, stack: str, layer: str | None) -> None:
    assert layer_of(process, stack) == layer


def test_shares_are_of_the_busy_samples_alone() -> None:
    idle = "run (anyio);Condition.wait (threading.py:359) 500"
    found = shares("app", ["a (chebao/backoffice/reference/app.py:1) 3", "b (uvicorn/main.py:1) 1", idle])
    assert found == {"back office": 0.75, "HTTP and event loop": 0.25}
    assert set(LAYERS) == {"rasa", "actions", "app"}
