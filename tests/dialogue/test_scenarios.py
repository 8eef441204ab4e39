"""Simulated customers reach their goals on a running stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dialogue.player import play
from tests.running import RunningStack

SCENARIOS = [
    pytest.param(scenario, id=f"{file.stem}-{scenario['scenario']}")
    for file in sorted((Path(__file__).parent / "scenarios").glob("*.yml"))
    for scenario in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    if scenario
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_goal_is_reached(stack: RunningStack, scenario: dict[str, Any]) -> None:
    outcome = play(stack.url, "demo", scenario)
    assert not outcome.problems, "\n".join([*outcome.problems, *outcome.transcript])
