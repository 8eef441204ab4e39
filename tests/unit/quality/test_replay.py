"""The gate: what counts as gained and lost, and that a model passes or not accordingly."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from chebao.errors import Conflict, NotFound
from chebao.quality import models
from chebao.quality.replay import Turn, compare, judge

AT = datetime(2026, 11, 22, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def turn(review: str | None = None, label: str | None = None, text: str = "京B12312剐了") -> Turn:
    return Turn(text, "", AT, review, label)


@pytest.mark.parametrize(
    ("review", "label", "before", "after", "outcome"),
    [
        (None, None, "faq", "faq", "same"),
        (None, None, "faq", "renewal", "lost"),
        ("open", None, "faq", "renewal", "open"),
        ("rejected", None, "faq", "renewal", "open"),
        ("approved", "renewal", "faq", "renewal", "gained"),
        ("approved", "renewal", "renewal", "faq", "lost"),
        ("approved", "renewal", "faq", "greet", "same"),
    ],
)
def test_turn_is_judged_by_label_else_by_what_went_well(
    review: str | None, label: str | None, before: str, after: str, outcome: str
) -> None:
    assert judge(turn(review, label), before, after) == outcome


def test_report_counts_and_is_anonymous() -> None:
    turns = [turn("approved", "report_claim"), turn(), turn()]
    report = compare("abc", turns, ["faq", "faq", "faq"], ["report_claim", "faq", "renewal"])
    assert (report.turns, report.gained, report.lost, report.open, report.passed) == (3, 1, 1, 0, True)
    assert [c.text for c in report.changed] == ["京A12345剐了", "京A12345剐了"]
    worse = compare("abc", turns, ["faq", "faq", "faq"], ["report_claim", "greet", "renewal"])
    assert (worse.gained, worse.lost, worse.passed) == (1, 2, False)


def trained(folder: Path, content: str) -> str:
    import hashlib

    folder.mkdir(parents=True, exist_ok=True)
    (folder / models.ARCHIVE).write_text(content, encoding="utf-8")
    sha = hashlib.sha256(content.encode()).hexdigest()
    (folder / models.RECORD).write_text(json.dumps({"sha256": sha, "trained_at": "t"}), encoding="utf-8")
    return sha


def replayed(folder: Path, sha256: str, lost: int) -> None:
    report = compare(sha256, [turn()] * max(1, lost), ["a"] * max(1, lost), ["b" if lost else "a"] * max(1, lost))
    (folder / models.REPLAY).write_text(report.as_json(), encoding="utf-8")


def test_only_a_replayed_candidate_is_activated_and_there_is_a_way_back(tmp_path: Path) -> None:
    old = trained(tmp_path, "old")
    with pytest.raises(NotFound):
        models.activate(tmp_path)
    new = trained(tmp_path / models.CANDIDATE, "new")
    with pytest.raises(Conflict, match="not replayed"):
        models.activate(tmp_path)
    replayed(tmp_path / models.CANDIDATE, new, lost=2)
    with pytest.raises(Conflict, match="lost 2"):
        models.activate(tmp_path)
    replayed(tmp_path / models.CANDIDATE, new, lost=0)
    assert models.activate(tmp_path).sha256 == new
    active, previous = models.find(tmp_path), models.find(tmp_path, models.PREVIOUS)
    assert active and previous and (active.sha256, previous.sha256) == (new, old)
    assert models.roll_back(tmp_path).sha256 == old
    candidate = models.find(tmp_path, models.CANDIDATE)
    assert candidate and candidate.sha256 == new and candidate.replay is not None


def test_a_report_of_another_archive_does_not_count(tmp_path: Path) -> None:
    trained(tmp_path, "old")
    trained(tmp_path / models.CANDIDATE, "new")
    replayed(tmp_path / models.CANDIDATE, "0" * 64, lost=0)
    with pytest.raises(Conflict, match="not replayed"):
        models.activate(tmp_path)


def test_a_damaged_archive_is_no_model(tmp_path: Path) -> None:
    trained(tmp_path / models.CANDIDATE, "new")
    (tmp_path / models.CANDIDATE / models.ARCHIVE).write_text("other", encoding="utf-8")
    assert models.find(tmp_path, models.CANDIDATE) is None
