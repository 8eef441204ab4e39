"""What each part of understanding brings: ``python -m bot.ablate FILE…`` trains with and without it and prints a table.

The files hold labelled messages as `make eval` reads them. Three disturbed copies of all of them show what the parts are for:
in traditional characters, with one character in eight replaced by another of the same sound, and with words of voice typing.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy import sparse

from bot.nlu import encoder, questions, text
from bot.nlu.features import PARTS, Features
from bot.nlu.linear import Linear, fit

VARIANTS: dict[str, dict[str, Any]] = {
    "all": {},
    "without words": {"parts": [p for p in PARTS if p != "words"]},
    "without sounds": {"parts": [p for p in PARTS if p != "sounds"]},
    "without the question": {"parts": [p for p in PARTS if p != "question"]},
    "without encoder": {"encoder": False},
    "without characters": {"parts": [p for p in PARTS if p != "characters"]},
    "without traditional": {"traditional": False},
}
Line = dict[str, Any]
NONE = np.zeros(0, dtype=np.int64)


def sentences() -> Iterator[tuple[str, str, str]]:
    """(text, question, intent) of the project's training sentences."""
    for path in sorted(Path("data/nlu").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            asked = (block.get("metadata") or {}).get("asked", "")
            for line in block["examples"].splitlines():
                yield line.removeprefix("- "), asked, block["intent"]


def disturbed(lines: list[Line], how: str) -> list[Line]:
    """The same lines as they come from another keyboard."""
    from pypinyin import lazy_pinyin
    from zhconv import convert

    chance = random.Random(7)
    alike: dict[str, list[str]] = defaultdict(list)
    for character in sorted({c for said, _, _ in sentences() for c in said if "\u4e00" <= c <= "\u9fff"}):
        alike[lazy_pinyin(character)[0]].append(character)

    def change(said: str) -> str:
        if how == "traditional":
            return str(convert(said, "zh-hant"))
        if how == "voice":
            return chance.choice(["那个，", "嗯，", "就是说，", "呃那个，"]) + said
        places = [i for i, c in enumerate(said) if "\u4e00" <= c <= "\u9fff"]
        changed = list(said)
        for i in chance.sample(places, max(1, len(places) // 8)) if places else []:
            changed[i] = chance.choice(alike[lazy_pinyin(said[i])[0]] or [said[i]])
        return "".join(changed)

    return [{**line, "text": change(line["text"])} for line in lines]


def accuracies(sets: dict[str, list[Line]], variant: dict[str, Any]) -> list[float]:
    """Trains one variant and gives its share of right intents for each set."""
    table = text.SIMPLIFY
    text.SIMPLIFY = table if variant.get("traditional", True) else {}
    for cached in (text.plain, text.for_features):
        cached.cache_clear()
    examples = sorted({(text.for_features(t), asked, intent) for t, asked, intent in sentences()})
    features = Features.fit([t for t, _, _ in examples], variant.get("parts", PARTS))
    more = questions.paired(examples) if features.question else []
    names = sorted({intent for _, _, intent in examples})
    rows = [*examples, *((examples[i][0], asked, examples[i][2]) for i, asked in more)]
    matrix = _matrix(features, [(t, asked) for t, asked, _ in rows], variant)
    labels = np.array([names.index(intent) for _, _, intent in rows])
    model, _ = fit(matrix, labels, 20.0, NONE, np.arange(len(rows)))
    figures = [_accuracy(features, model, names, lines, variant) for lines in sets.values()]
    text.SIMPLIFY = table
    return figures


def _matrix(features: Features, pairs: list[tuple[str, str]], variant: dict[str, Any]) -> sparse.csr_matrix:
    matrix = features.matrix(pairs)
    if not variant.get("encoder", True):
        return matrix
    vectors = np.stack([_vector(t) for t, _ in pairs])
    return sparse.hstack([matrix, sparse.csr_matrix(vectors)]).tocsr()


_vectors: dict[str, np.ndarray] = {}


def _vector(prepared: str) -> np.ndarray:
    if prepared not in _vectors and (found := encoder.vector(prepared)) is not None:
        _vectors[prepared] = found
    return _vectors[prepared]


def _accuracy(features: Features, model: Linear, names: list[str], lines: list[Line], variant: dict[str, Any]) -> float:
    pairs = [(text.for_features(line["text"]), line.get("context") or "") for line in lines]
    best = (_matrix(features, pairs, variant) @ model.weights + model.biases).argmax(axis=1)
    right = [names[i] in (line["intent"], *line.get("alt_intents", ())) for i, line in zip(best, lines, strict=True)]
    return float(np.mean(right))


def main() -> None:
    """Prints one row a variant, in percent."""
    parser = argparse.ArgumentParser(prog="python -m bot.ablate", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    sets = {}
    for file in parser.parse_args().files:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        sets[file.stem] = [line for line in lines if "intent" in line]
    everything = [line for lines in sets.values() for line in lines]
    sets |= {how: disturbed(everything, how) for how in ("traditional", "sounds", "voice")}
    print("| |", " | ".join(sets), "|\n|---|" + "---|" * len(sets))
    for name, variant in VARIANTS.items():
        print(f"| {name} |", " | ".join(f"{100 * a:.1f}" for a in accuracies(sets, variant)), "|", flush=True)


if __name__ == "__main__":
    main()
