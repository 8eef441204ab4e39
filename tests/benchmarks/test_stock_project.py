"""The stock project is made of our own data."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.stock import project
from chebao.settings import ROOT


def _read(path: Path) -> dict:  # type: ignore[type-arg]
    return yaml.safe_load(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_every_sentence_story_and_rule_is_there(tmp_path: Path) -> None:
    project.write(tmp_path / "stock")
    for kind in ("rules", "stories", "nlu"):
        for ours in (ROOT / "data" / kind).glob("*.yml"):
            theirs = _read(tmp_path / "stock" / "data" / kind / ours.name)
            if kind != "nlu":
                assert theirs == _read(ours)
                continue
            for mine, other in zip(_read(ours)["nlu"], theirs["nlu"], strict=True):
                assert len(mine["examples"].splitlines()) == len(other["examples"].splitlines())


def test_domain_differs_in_the_fallback_only(tmp_path: Path) -> None:
    project.write(tmp_path / "stock")
    theirs, mine = _read(tmp_path / "stock" / "domain.yml"), _read(ROOT / "domain.yml")
    assert set(mine["actions"]) - set(theirs["actions"]) == {"action_default_fallback"}
    assert set(theirs["responses"]) - set(mine["responses"]) == {"utter_default"}
    assert theirs["slots"] == mine["slots"] and theirs["forms"] == mine["forms"]


def test_entities_are_annotated_where_they_stand() -> None:
    assert project.annotated("我是浙A66K12,刚才出了事故").startswith("我是[浙A66K12](plate)")
    assert project.annotated("你好") == "你好"


def test_fingerprint_follows_the_data(tmp_path: Path) -> None:
    first = project.write(tmp_path / "a")
    assert project.write(tmp_path / "b") == first
    (tmp_path / "b" / "domain.yml").write_text("version: '3.1'\n", encoding="utf-8")
    assert project._fingerprint(tmp_path / "b") != first
