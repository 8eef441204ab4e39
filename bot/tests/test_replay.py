"""Folding, eviction and restart change no prediction, no action call and no reply (all keepings: bot/tests/replay.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot import model
from bot.run import model_folder
from bot.tests import replay
from bot.tests.conftest import ROOT, Served, environment_of


@pytest.fixture(scope="module")
def archive() -> Path:
    """The assistant's real model, trained where that has not been done."""
    subprocess.run([sys.executable, "-m", "bot.run", "train"], cwd=ROOT, check=True, capture_output=True, timeout=600)
    found = model.trusted(model_folder())
    assert found is not None
    return found


@pytest.mark.timeout(600)
def test_every_story_is_the_same_however_it_is_kept(
    archive: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    conversations = replay.of_stories(together=6)
    player = replay.Player(archive, database_url)
    differing = list(player.differences(conversations, replay.KEEPINGS[2:4]))
    assert not differing, "\n".join(differing)
    assert sum(map(len, conversations.values())) > 900


def test_a_change_would_be_seen(archive: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(replay.history, "KEEP_ACTIONS", 0)
    monkeypatch.setattr(replay.history, "KEEP_SHOWN", 0)
    fold = replay.history.fold

    def forgetful(tracker: object) -> list[object]:
        return [event for event in fold(tracker) if getattr(event, "key", "") != "requested_slot"]

    monkeypatch.setattr("bot.tracker_store.fold", forgetful)
    player = replay.Player(archive, database_url)
    conversation = {"one": replay.of_stories(together=6)["stories-0"]}
    assert list(player.differences(conversation, [replay.Keeping("damaging", 0)]))


def test_what_a_real_run_has_left_is_replayed_by_the_command(
    served: Served, data_folder: Path, database_url: str
) -> None:
    said = ["你好", "我要报案", "在朝阳路", "/greet", "谢谢"]
    for number, text in enumerate(said):
        served.say("told", f"told-{number}", text, metadata={"received_at": "2026-11-22T10:00:00+08:00"})
    served.post({"sender": "told", "message_id": "pressed", "intent": "report_claim", "entities": {}})
    replayed = subprocess.run(
        [sys.executable, "-m", "bot.tests.replay", database_url, "--harshest"],
        env=environment_of(data_folder, PYTHONPATH=str(ROOT)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr[-2000:]
    assert f"1 conversations, {len(said) + 1} turns, 1 keepings: 0 differ" in replayed.stdout
