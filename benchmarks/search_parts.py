"""What each part of the search is worth: ``python -m benchmarks.search_parts FILE…``.

A table over labelled questions: the first article right, and answered right and wrong by the search alone. Each part is taken away
by itself: the classifier is learned anew without it, the weights of the others stay, and the threshold is the cheapest one then.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from chebao.knowledge.articles import Article, load_articles, load_phrasings
from chebao.knowledge.calibrate import Remembered, choose, curve, labelled, mark
from chebao.knowledge.encoder import find_encoder
from chebao.knowledge.index import VOICES, Index, Kernel
from chebao.knowledge.other_matters import OTHER_MATTERS
from chebao.knowledge.weighing import WEIGHING, Weighing
from chebao.settings import ROOT

_ARTICLES = ROOT / "data" / "articles"


@dataclass(frozen=True)
class Without:
    """A search that lacks something.

    Attributes:
        silent: voices that are not heard.
        kernel: what the classifier compares by.
        phrasings: whether it learns from the ways to ask beside those in the articles.
        others: whether it learns from questions about other matters.
        gate: whether words of motoring and of other lines of insurance decide what may be answered.
    """

    silent: tuple[str, ...] = ()
    kernel: Kernel = field(default_factory=Kernel)
    phrasings: bool = True
    others: bool = True
    gate: bool = True


PARTS = {
    "all": Without(),
    "without sentence vectors": Without(("vectors", "nearest"), Kernel(vectors=0.0)),
    "without the nearest way to ask": Without(("nearest",)),
    "without letters": Without(("letters",), Kernel(letters=0.0)),
    "without marks (facets, cues learned)": Without(("marks",), Kernel(marks=0.0)),
    "without words (BM25)": Without(("words",)),
    "without cues": Without(("cue", "more_cues", "decisive")),
    "without the reserve towards `more`": Without(("more_group",)),
    "without the other matters": Without(others=False),
    "without the word gate": Without(gate=False),
    "without phrasings": Without(phrasings=False),
}


@dataclass(frozen=True)
class Search:
    """What the search is made of."""

    articles: tuple[Article, ...]
    phrasings: Mapping[str, Sequence[str]]
    encoder: Remembered
    weighing: Weighing

    def measure(self, part: Without, rows: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
        """Share of first articles right among lines with a topic, and of all lines answered right and wrong."""
        index = Index(
            self.articles,
            self.phrasings if part.phrasings else {},
            self.encoder,
            kernel=part.kernel,
            others=OTHER_MATTERS if part.others else (),
        )
        voices = self.weighing.voices.copy()
        voices[[VOICES.index(name) for name in part.silent]] = 0
        weighing = replace(self.weighing, voices=voices)
        marks = [mark(index, weighing, row, gate=part.gate) for row in rows]
        first = [right for (_, right), row in zip(marks, rows, strict=True) if row["topics"]]
        chosen = choose(curve(marks))
        return sum(first) / len(first), chosen.right, chosen.wrong


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    found = find_encoder()
    if found is None:
        parser.error("the sentence encoder is not installed")
    search = Search(
        tuple(load_articles(_ARTICLES).values()),
        load_phrasings(_ARTICLES),
        Remembered(found),
        Weighing.read(_ARTICLES / WEIGHING),
    )
    rows = labelled(options.files)
    measured = {
        name: search.measure(part, rows)
        for name, part in track(PARTS.items(), "parts of the search", console=Console(stderr=True))
    }
    print("| search | top1 | right | wrong |\n|---|---|---|---|")
    for name, (first, right, wrong) in measured.items():
        print(f"| {name} | {first:.3f} | {right:.3f} | {wrong:.3f} |")


if __name__ == "__main__":
    main()
