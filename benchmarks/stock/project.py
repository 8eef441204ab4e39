"""Writes the stock Rasa project: our own domain, rules, stories and sentences, as far as stock Rasa can take them."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from chebao.insurance.entities import find_all
from chebao.settings import ROOT

HERE = Path(__file__).parent
_FALLBACK = "action_default_fallback"
_UNDERSTOOD_AS = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""Sentences name moments relative to now; the spans do not depend on it."""

_PATTERNS = {
    "plate": "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z][·\\s]?[A-Za-z0-9]{5,6}",
    "phone": "1[3-9]\\d{9}",
    "id_card": "\\d{17}[\\dXx]",
    "vin": "[A-HJ-NPR-Z0-9]{17}",
}


def write(folder: Path) -> str:
    """Makes the project in the new folder `folder` and returns the fingerprint of all that its model depends on."""
    folder.mkdir(parents=True)
    for name in ("config.yml", "credentials.yml", "endpoints.yml"):
        shutil.copy(HERE / name, folder / name)
    (folder / "lexicon").mkdir()
    for words in sorted((ROOT / "bot" / "lexicon").glob("*.txt")):
        lines = [w for w in words.read_text(encoding="utf-8").splitlines() if w and not w.startswith("#")]
        (folder / "lexicon" / words.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    _dump(_domain(_load(ROOT / "domain.yml")), folder / "domain.yml")
    for kind in ("rules", "stories"):
        for source in sorted((ROOT / "data" / kind).glob("*.yml")):
            _copy(source, folder / "data" / kind / source.name)
    for source in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        _dump(_annotated(_load(source)), folder / "data" / "nlu" / source.name)
    _dump(
        {"version": "3.1", "nlu": [_pattern(*p) for p in _PATTERNS.items()]}, folder / "data" / "nlu" / "patterns.yml"
    )
    return _fingerprint(folder)


def _domain(ours: dict[str, Any]) -> dict[str, Any]:
    """Our domain with Rasa's own fallback action in the place of ours, which stock Rasa would run in a circle."""
    ours["actions"].remove(_FALLBACK)
    ours["responses"]["utter_default"] = [{"text": "不好意思，这句我没听明白，能换个说法吗？"}]
    return ours


def _annotated(file: dict[str, Any]) -> dict[str, Any]:
    """Training sentences with the entities that our parsers find in them, for DIET to learn."""
    for block in file["nlu"]:
        if "intent" not in block:
            continue
        lines = [line.removeprefix("- ") for line in block["examples"].splitlines() if line.strip()]
        block["examples"] = "".join(f"- {annotated(line)}\n" for line in lines)
    return file


def annotated(sentence: str) -> str:
    """``[words](entity)`` around every entity of `sentence`."""
    if any(mark in sentence for mark in "[](){}"):
        return sentence
    for found in sorted(find_all(sentence, _UNDERSTOOD_AS), key=lambda f: f.start, reverse=True):
        words = sentence[found.start : found.end]
        sentence = f"{sentence[: found.start]}[{words}]({found.entity}){sentence[found.end :]}"
    return sentence


def _pattern(entity: str, pattern: str) -> dict[str, str]:
    return {"regex": entity, "examples": f"- {pattern}\n"}


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256((HERE / "uv.lock").read_bytes())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _dump(content: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = yaml.dump(content, allow_unicode=True, sort_keys=False, default_style=None, width=1000)
    path.write_text(text, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
