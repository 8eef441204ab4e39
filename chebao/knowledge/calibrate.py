"""Fits the weighing of the voices and chooses the thresholds: `python -m chebao.knowledge.calibrate FILE…`.

The weights come from our own ways to ask alone, each asked while a fifth of them was hidden from the index. The threshold comes
from the labelled files: the cheapest one where a wrong answer costs 5 and asking back costs 1, among those with at most 4 %
wrong answers. Written: `data/articles/weighing.json` with the curve, and its plot `docs/knowledge-thresholds.svg`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from chebao.knowledge.articles import Article, load_articles, load_phrasings
from chebao.knowledge.encoder import Encoder, Vectors, find_encoder
from chebao.knowledge.index import VOICES, Index, Voices
from chebao.knowledge.other_matters import OTHER_MATTERS
from chebao.knowledge.ranking import Doubles
from chebao.knowledge.search import ours
from chebao.knowledge.understanding import read
from chebao.knowledge.weighing import WEIGHING, Weighing, certainty, likelihoods

ROOT = Path(__file__).resolve().parents[2]
PLOT = ROOT / "docs" / "knowledge-thresholds.svg"
FOLDS = 5
WRONG_COST, ASK_COST = 5.0, 1.0
MOST_WRONG = 0.04
#: One of two choices should be worth a customer's look.
OFFER = 0.5


class Remembered:
    """An encoder that computes each vector once, for the folds."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True)
class Point:
    """One threshold and what it does on the labelled files."""

    certain: float
    right: float
    wrong: float
    asked: float
    cost: float


def hidden_questions(
    articles: Sequence[Article], phrasings: Mapping[str, Sequence[str]], encoder: Encoder
) -> Iterator[tuple[Voices, int]]:
    """Every own way to ask with its article's number, asked of an index that does not know it."""
    place = {article.id: number for number, article in enumerate(articles)}
    for fold in range(FOLDS):
        kept = [replace(a, questions=tuple(q for q in a.questions if _fold(q) != fold)) for a in articles]
        known = {topic: [text for text in texts if _fold(text) != fold] for topic, texts in phrasings.items()}
        others = [text for text in OTHER_MATTERS if _fold(text) != fold]
        index = Index(kept, known, encoder, others=others)
        asked = [(text, place[a.id]) for a in articles for text in (*a.questions, *phrasings.get(a.id, ()))]
        asked += [(text, len(articles)) for text in OTHER_MATTERS]
        for text, number in asked:
            if _fold(text) == fold:
                yield voices_of(index, text), number


def voices_of(index: Index, question: str) -> Voices:
    """What speaks for each article."""
    reading = read(question)
    return index.voices(reading, index.vector(reading.text))


def fit_voices(asked: Sequence[tuple[Voices, int]]) -> tuple[Doubles, tuple[float, float]]:
    """Weights of a conditional logistic model: which of the articles, or none of them, is meant."""
    rows = np.stack([_alternatives(voices) for voices, _ in asked])
    chosen = rows[np.arange(len(asked)), [number for _, number in asked]]
    weights = np.zeros(rows.shape[2])
    before = -np.inf
    for _ in range(40):
        likely = _softmax(rows @ weights)
        mean = np.einsum("nk,nkf->nf", likely, rows)
        slope = (chosen - mean).sum(axis=0) - weights
        spread = (rows * np.sqrt(likely)[:, :, None]).reshape(-1, len(weights))
        step = np.linalg.solve(spread.T @ spread - mean.T @ mean + np.eye(len(weights)), slope)
        size = 1.0
        while (now := _fit_of(rows, chosen, weights + size * step)) < before and size > 1e-4:
            size /= 2
        weights, gained = weights + size * step, now - before
        before = now
        if gained < 1e-3:
            break
    return weights[: len(VOICES)], (float(weights[-2]), float(weights[-1]))


def curve(marks: Sequence[tuple[float, bool]]) -> list[Point]:
    """Right, wrong and cost at each threshold; marks are certainty and rightness, certainty 0 for one never answered."""
    points = []
    for certain in np.round(np.arange(0.3, 0.96, 0.01), 2):
        right = sum(is_right for certainty, is_right in marks if certainty >= certain) / len(marks)
        wrong = sum(not is_right for certainty, is_right in marks if certainty >= certain) / len(marks)
        asked = 1 - right - wrong
        cost = WRONG_COST * wrong + ASK_COST * asked
        points.append(Point(float(certain), *(round(value, 4) for value in (right, wrong, asked, cost))))
    return points


def choose(points: Sequence[Point]) -> Point:
    """The cheapest threshold with few enough wrong answers; of equal ones the lowest, which answers most.

    Where no threshold has few enough wrong answers, the one with the fewest.
    """
    allowed = [point for point in points if point.wrong <= MOST_WRONG]
    if not allowed:
        return min(points, key=lambda point: point.wrong)
    return min(allowed, key=lambda point: (point.cost, point.certain))


def plot(points: Sequence[Point], chosen: Point) -> str:
    """The curve as an SVG picture."""
    width, height, left = 640, 360, 60

    def place(point: Point, value: float) -> str:
        return f"{left + (point.certain - 0.3) / 0.65 * (width - 80):.1f},{height - 40 - value * (height - 70):.1f}"

    drawn = (
        ("answered right", "#1a7f37", [point.right for point in points]),
        ("answered wrong", "#c4261d", [point.wrong for point in points]),
        ("cost a question", "#6639ba", [min(point.cost, 1.0) for point in points]),
    )
    lines = []
    for number, (name, colour, values) in enumerate(drawn):
        path = " ".join(place(point, value) for point, value in zip(points, values, strict=True))
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        lines.append(f'<text x="{left + 10 + 150 * number}" y="20" fill="{colour}">{name}</text>')
    x = place(chosen, 0).split(",")[0]
    lines.append(f'<line x1="{x}" x2="{x}" y1="30" y2="{height - 40}" stroke="#888" stroke-dasharray="4"/>')
    lines.append(f'<text x="{x}" y="{height - 22}" text-anchor="middle">certainty {chosen.certain}</text>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = height - 40 - share * (height - 70)
        lines.append(f'<text x="8" y="{y + 4:.1f}">{share:.0%}</text>')
        lines.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="13">'
    )
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="white"/>', *lines, "</svg>", ""])


def _alternatives(voices: Voices) -> Doubles:
    """Shape (articles + 1, VOICES + 2): the last alternative is that another matter is meant."""
    rows = np.zeros((len(voices.rows) + 1, len(VOICES) + 2))
    rows[:-1, : len(VOICES)] = voices.rows
    rows[-1, -2:] = voices.other, 1
    return rows


def _softmax(scores: Doubles) -> Doubles:
    spread = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Doubles = spread / spread.sum(axis=1, keepdims=True)
    return shares


def _fit_of(rows: Doubles, chosen: Doubles, weights: Doubles) -> float:
    """Log-likelihood less the penalty of large weights."""
    scores = rows @ weights
    best = scores.max(axis=1)
    return float(
        (chosen @ weights - best - np.log(np.exp(scores - best[:, None]).sum(axis=1))).sum() - weights @ weights / 2
    )


def _fold(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % FOLDS


def labelled(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Lines with a decision to check: with topics, or out of scope."""
    rows = [
        json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    return [row for row in rows if row.get("topics") or row.get("in_scope") is False]


def mark(index: Index, weighing: Weighing, row: dict[str, Any], *, gate: bool = True) -> tuple[float, bool]:
    """Certainty of one labelled question, 0 where it may not be answered, and whether the first article is right.

    Args:
        gate: questions that do not speak of motoring are not answered.
    """
    voices = voices_of(index, row["text"])
    scores = weighing.scores(voices)
    best = int(scores[:-1].argmax())
    groups = [article.group for article in index.articles]
    sure = certainty(likelihoods(scores), groups) if not gate or ours(read(row["text"])) else 0.0
    return sure, index.articles[best].id in row["topics"]


def _shown[T](things: Iterable[T], what: str, total: int) -> Iterable[T]:
    """A progress bar on the standard error."""
    return track(things, what, total=total, console=Console(stderr=True))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Fit the weighing and choose the thresholds on labelled JSONL files.")
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--articles", type=Path, default=ROOT / "data" / "articles")
    options = parser.parse_args()
    found = find_encoder()
    if found is None:
        parser.error("the sentence encoder is not installed")
    encoder = Remembered(found)
    articles, phrasings = tuple(load_articles(options.articles).values()), load_phrasings(options.articles)
    own = sum(len(article.questions) + len(phrasings.get(article.id, ())) for article in articles)
    asked = hidden_questions(articles, phrasings, encoder)
    voices, other = fit_voices(list(_shown(asked, "own ways to ask, hidden", own + len(OTHER_MATTERS))))
    weighing = Weighing(voices, other, 1.0, OFFER)
    rows = labelled(options.files)
    index = Index(articles, phrasings, encoder)
    marks = [mark(index, weighing, row) for row in _shown(rows, "labelled questions", len(rows))]
    points = curve(marks)
    chosen = choose(points)
    stored = {
        "voices": dict(zip(VOICES, np.round(weighing.voices, 3).tolist(), strict=True)),
        "other": {"weight": round(weighing.other[0], 3), "bias": round(weighing.other[1], 3)},
        "thresholds": {"certain": chosen.certain, "offer": OFFER},
        "chosen": {
            "on": datetime.now(UTC).date().isoformat(),
            "files": [file.name for file in options.files],
            "lines": len(marks),
            "costs": {"wrong": WRONG_COST, "asked": ASK_COST},
            "most_wrong": MOST_WRONG,
        },
        "curve": [list(vars(point).values()) for point in points],
    }
    text = json.dumps(stored, ensure_ascii=False, indent=1)
    (options.articles / WEIGHING).write_text(text + "\n", encoding="utf-8")
    PLOT.write_text(plot(points, chosen), encoding="utf-8")
    print(chosen)


if __name__ == "__main__":
    main()
