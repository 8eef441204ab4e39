"""Three places for a model under ``models/``: the active one, a candidate beside it, and the one before, for the way back.

Rasa serves what lies in the active place and takes up a new one within seconds, without a restart (`bot/reload.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chebao.errors import Conflict, NotFound

ARCHIVE: Final = "chebao.tar.gz"
RECORD: Final = "chebao.json"
REPLAY: Final = "replay.json"
CANDIDATE: Final = "candidate"
PREVIOUS: Final = "previous"


@dataclass(frozen=True)
class Model:
    """A trained archive with the record that was written when it was trained."""

    folder: Path
    sha256: str
    trained_at: str

    @property
    def replay(self) -> dict[str, Any] | None:
        """The report of its replay, if there is one and it is of this very archive."""
        try:
            report: dict[str, Any] = json.loads((self.folder / REPLAY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return report if report.get("sha256") == self.sha256 else None


def find(models: Path, place: str = "") -> Model | None:
    """The model of a place; None where there is none or it is not what was trained."""
    folder = models / place
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        found = hashlib.sha256((folder / ARCHIVE).read_bytes()).hexdigest()
        return Model(folder, found, record.get("trained_at", "")) if record["sha256"] == found else None
    except (OSError, ValueError, KeyError):
        return None


def activate(models: Path, *, force: bool = False) -> Model:
    """Makes the candidate the active model; the active one becomes the previous.

    Raises:
        NotFound: no candidate.
        Conflict: its replay is missing or lost more turns than it gained, and `force` is not given.
    """
    candidate = find(models, CANDIDATE)
    if candidate is None:
        raise NotFound("there is no trained candidate; run `chebao model train` first", code="no_candidate")
    report = candidate.replay
    if not force and report is None:
        raise Conflict("the candidate was not replayed; run `chebao model replay` first", code="not_replayed")
    if not force and report is not None and not report["passed"]:
        raise Conflict(
            f"the candidate lost {report['lost']} turns and gained {report['gained']}; see {candidate.folder / REPLAY}",
            code="replay_failed",
        )
    _move(models, models / PREVIOUS)
    _move(candidate.folder, models)
    return Model(models, candidate.sha256, candidate.trained_at)


def roll_back(models: Path) -> Model:
    """Makes the previous model the active one again; what was active becomes the candidate.

    Raises:
        NotFound: no previous model.
    """
    previous = find(models, PREVIOUS)
    if previous is None:
        raise NotFound("there is no previous model to go back to", code="no_previous")
    _move(models, models / CANDIDATE)
    _move(previous.folder, models)
    return Model(models, previous.sha256, previous.trained_at)


def _move(source: Path, target: Path) -> None:
    """Moves archive and record, the record last: without it, or with another's checksum, an archive is not served."""
    target.mkdir(parents=True, exist_ok=True)
    if (source / REPLAY).exists():
        shutil.move(source / REPLAY, target / REPLAY)
    for name in (ARCHIVE, RECORD):
        if (source / name).exists():
            os.replace(source / name, target / name)
