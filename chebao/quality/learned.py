"""From approved lines to training data: ``data/nlu/learned.yml`` and ``data/articles/learned.yml``.

Both files only grow: what they hold already stays, whichever database it came from.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from chebao.quality.review import Review

SENTENCES: Final = Path("nlu") / "learned.yml"
PHRASINGS: Final = Path("articles") / "learned.yml"

_ANNOTATION: Final = re.compile(r"\[([^]]+)]\(\w+\)")
_HEAD: Final = (
    "# Written by `make export-learned` from reviewed messages of customers, without anything that identifies them.\n"
)


@dataclass
class Export:
    """What an export did.

    Attributes:
        sentences: new training sentences.
        phrasings: new ways to ask for an article.
        conflicts: lines left out, since the training data give the same words another intent.
    """

    sentences: int = 0
    phrasings: int = 0
    conflicts: list[str] = field(default_factory=list)


def names(root: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The intents and the knowledge topics a reviewer may choose from."""
    domain = yaml.safe_load((root / "domain.yml").read_text(encoding="utf-8"))
    intents = (i if isinstance(i, str) else next(iter(i)) for i in domain["intents"])
    return frozenset(intents), frozenset(path.stem for path in (root / "data" / "articles").glob("*.md"))


def entities(root: Path) -> list[str]:
    """The kinds of entities a reviewer may mark, in the order of the domain."""
    domain = yaml.safe_load((root / "domain.yml").read_text(encoding="utf-8"))
    return list(domain["entities"])


def export(data: Path, reviews: Iterable[Review]) -> Export:
    """Adds every approved line to the files under `data`; a second export adds nothing."""
    done = Export()
    taught = _taught(data / "nlu")
    sentences = _read_sentences(data / SENTENCES)
    phrasings = _read_phrasings(data / PHRASINGS)
    for review in reviews:
        text, intent = " ".join(review.text.split()), review.label_intent or ""
        before = taught.setdefault(_squeezed(text), "")
        if before not in ("", intent):
            done.conflicts.append(text)
            continue
        if not before:
            taught[_squeezed(text)] = intent
            sentences[intent].append(_annotated(text, review.label_entities or []))
            done.sentences += 1
        if review.label_topic and text not in phrasings[review.label_topic]:
            phrasings[review.label_topic].append(text)
            done.phrasings += 1
    if done.sentences:
        _write(data / SENTENCES, _as_nlu(sentences))
    if done.phrasings:
        _write(data / PHRASINGS, yaml.safe_dump(dict(sorted(phrasings.items())), allow_unicode=True, width=1000))
    return done


def _taught(folder: Path) -> dict[str, str]:
    """What the training data teach already: squeezed sentence → intent."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.yml")):
        for intent, lines in _read_sentences(path).items():
            found |= {_squeezed(_ANNOTATION.sub(r"\1", line)): intent for line in lines}
    return found


def _squeezed(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[\W_]+", "", folded) or folded


def _annotated(text: str, entities: list[dict[str, str]]) -> str:
    """The sentence with its entities marked as Rasa reads them, ``[京A12345](plate)``."""
    for entity in entities:
        text = text.replace(entity["value"], f"[{entity['value']}]({entity['entity']})", 1)
    return text


def _read_sentences(path: Path) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    if path.exists():
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            found[block["intent"]] += [line.removeprefix("- ") for line in block["examples"].splitlines()]
    return found


def _read_phrasings(path: Path) -> defaultdict[str, list[str]]:
    stored = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return defaultdict(list, stored)


def _as_nlu(sentences: dict[str, list[str]]) -> str:
    blocks = [
        f"- intent: {intent}\n  examples: |\n" + "".join(f"    - {line}\n" for line in lines)
        for intent, lines in sorted(sentences.items())
    ]
    return "\n".join(['version: "3.1"\n\nnlu:', *blocks])


def _write(path: Path, body: str) -> None:
    fresh = path.with_suffix(".tmp")
    fresh.write_text(_HEAD + body, encoding="utf-8")
    fresh.replace(path)
