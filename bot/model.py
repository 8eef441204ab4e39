"""Which model may be served: the archive whose checksum we wrote down when we trained it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from chebao.quality.models import ARCHIVE, RECORD


def fingerprint(project: Path, root: Path, *, sentences: bool = True) -> str:
    """Hash of all that a model depends on: configuration, domain, data, components, lexicon, parsers and locked versions.

    Args:
        sentences: false leaves the training sentences out; a model with the same rest still fits the software.
    """
    files = [project / "config.yml", *sorted(project.glob("domain.y*ml")), *sorted((project / "domain").rglob("*.yml"))]
    for folder in (*(("nlu", "emotions") if sentences else ()), "stories", "rules"):
        files += sorted((project / "data" / folder).rglob("*.yml"))
    files += sorted((project / "data").glob("*.yml"))
    files += sorted((root / "bot" / "nlu").rglob("*.py")) + sorted((root / "bot" / "lexicon").glob("*.txt"))
    files += [root / "bot" / "uv.lock"]
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def trusted(folder: Path, wanted: str | None = None, *, fits: str | None = None) -> Path | None:
    """The archive in `folder` if its checksum is the recorded one, else None.

    Args:
        wanted: only one that was trained from all this.
        fits: only one that was trained for this software, on whatever sentences.
    """
    archive, record = folder / ARCHIVE, folder / RECORD
    try:
        facts = json.loads(record.read_text(encoding="utf-8"))
        if wanted is not None and facts["fingerprint"] != wanted:
            return None
        if fits is not None and facts.get("software") != fits:
            return None
        return archive if facts["sha256"] == _sha256(archive) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def problem(folder: Path) -> str:
    """Why `trusted` gives no archive, in one line for the operator."""
    for path in (folder / ARCHIVE, folder / RECORD):
        if not path.is_file():
            return f"{path}: not found; run `make train`"
    return f"{folder / ARCHIVE}: damaged, or not the model recorded in {RECORD}; run `make train`"


def train(project: Path, folder: Path, root: Path) -> Path | None:
    """Trains a model and records its checksum; None where the training failed, the old model then stays."""
    from rasa.model_training import train as rasa_train

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        domain = project / "domain.yml"
        result = rasa_train(
            domain=str(domain if domain.exists() else project / "domain"),
            config=str(project / "config.yml"),
            training_files=[str(project / "data" / name) for name in _training_folders(project)],
            output=scratch,
            force_training=True,
            fixed_model_name="chebao",
        )
        if result.code != 0 or result.model is None:
            return None
        made = Path(result.model)
        facts = {
            "sha256": _sha256(made),
            "fingerprint": fingerprint(project, root),
            "software": fingerprint(project, root, sentences=False),
            "trained_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        os.replace(made, folder / ARCHIVE)
    temporary = folder / f".{RECORD}"
    temporary.write_text(json.dumps(facts), encoding="utf-8")
    os.replace(temporary, folder / RECORD)
    return folder / ARCHIVE


def _training_folders(project: Path) -> list[str]:
    """Folders and files of training data; `data/articles` is no training data."""
    data = project / "data"
    return [p.name for p in sorted(data.iterdir()) if p.name in ("nlu", "stories", "rules") or p.suffix == ".yml"]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
