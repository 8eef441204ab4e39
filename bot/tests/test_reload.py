"""A newly activated model is taken up by the running server."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from bot.tests.conftest import TOY, Served, command
from bot.tests.fake_actions import FakeActions

NEW_WORDS = "吉祥如意万事顺遂"


@pytest.fixture
def own_data(data_folder: Path, tmp_path: Path) -> Path:
    """A data folder whose model this test may replace."""
    shutil.copytree(data_folder, tmp_path / "data")
    return tmp_path / "data"


def test_an_activated_candidate_answers_without_restart_and_a_damaged_one_never(
    own_data: Path, actions: FakeActions, database_url: str, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(TOY, project)
    sentences = project / "data" / "nlu.yml"
    told = sentences.read_text(encoding="utf-8").replace("      - 你好\n", f"      - 你好\n      - {NEW_WORDS}\n", 1)
    sentences.write_text(told, encoding="utf-8")
    trained = command("train", own_data, "--candidate", CHEBAO_BOT_PROJECT=str(project))
    assert trained.returncode == 0, trained.stdout + trained.stderr
    models = own_data / "models"
    server = Served(own_data, actions.url, database_url).start()
    try:
        (models / "chebao.json").touch()
        before = server.post({"sender": "a", "message_id": "1", "text": NEW_WORDS}).json()["understood"]
        for name in ("chebao.tar.gz", "chebao.json"):
            os.replace(models / "candidate" / name, models / name)
        until = time.monotonic() + 40
        number, after = 1, before
        while after == before and time.monotonic() < until:
            time.sleep(0.5)
            number += 1
            after = server.post({"sender": "a", "message_id": str(number), "text": NEW_WORDS}).json()["understood"]
        assert after["intent"] == "greet" and after["confidence"] > before["confidence"]
        assert server.process and server.process.poll() is None
    finally:
        server.kill()


def test_production_keeps_the_active_model_when_only_sentences_changed(own_data: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(TOY, project)
    (project / "data" / "nlu").mkdir()
    more = f'version: "3.1"\nnlu:\n  - intent: greet\n    examples: |\n      - {NEW_WORDS}\n'
    (project / "data" / "nlu" / "more.yml").write_text(more, encoding="utf-8")
    kept = command("train", own_data, CHEBAO_BOT_PROJECT=str(project), CHEBAO_MODE="production")
    assert kept.returncode == 0 and "the active model stays" in kept.stdout, kept.stdout + kept.stderr
