"""Simulated customers reach their goals on a running stack, and how their conversations are kept changes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from chebao import postgres
from chebao.settings import ROOT
from tests.dialogue.player import play
from tests.running import RunningStack

SCENARIOS: list[tuple[str, dict[str, Any]]] = [
    (f"{file.stem}-{scenario['scenario']}", scenario)
    for file in sorted((Path(__file__).parent / "scenarios").glob("*.yml"))
    for scenario in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    if scenario
]


@pytest.mark.parametrize("scenario", [s for _, s in SCENARIOS], ids=[name for name, _ in SCENARIOS])
def test_goal_is_reached(stack: RunningStack, scenario: dict[str, Any]) -> None:
    outcome = play(stack.url, "demo", scenario)
    assert not outcome.problems, "\n".join([*outcome.problems, *outcome.transcript])


@pytest.mark.timeout(600)
def test_folded_and_restarted_after_every_turn_all_of_them_go_the_same_way(stack: RunningStack) -> None:
    assert not play(stack.url, "demo", SCENARIOS[0][1]).problems  # something to replay where this test runs alone
    url = postgres.start(stack.data / "postgres")
    replayed = subprocess.run(
        [ROOT / "bot/.venv/bin/python", "-m", "bot.tests.replay", url, "--harshest"],
        env=os.environ | {"CHEBAO_DATA": str(stack.data), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert replayed.returncode == 0, replayed.stdout[-4000:] + replayed.stderr[-2000:]
