"""N-gram TF-IDF, fitted and applied without scikit-learn, so that a served model is plain arrays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

START, END = "\x02", "\x03"


def grams(units: Sequence[str], longest: int) -> Counter[str]:
    """All n-grams of 1 to `longest` units (characters or words), with marks for the beginning and the end."""
    padded = [START, *units, END]
    counts: Counter[str] = Counter()
    for size in range(1, longest + 1):
        counts.update("".join(padded[i : i + size]) for i in range(len(padded) - size + 1))
    for mark in (START, END, START + END):
        counts.pop(mark, None)
    return counts


class NgramVectors:
    """Sublinear TF-IDF over a fixed vocabulary, of a given length."""

    def __init__(self, vocabulary: dict[str, int], idf: np.ndarray, longest: int, weight: float) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self.longest = longest
        self.weight = weight

    @classmethod
    def fit(cls, texts: Iterable[Sequence[str]], *, longest: int, rare: int, weight: float = 1.0) -> NgramVectors:
        """Takes every n-gram of up to `rare` characters, longer ones when seen in at least two texts."""
        frequency: Counter[str] = Counter()
        total = 0
        for text in texts:
            frequency.update(grams(text, longest).keys())
            total += 1
        kept = sorted(g for g, n in frequency.items() if len(g) <= rare or n >= 2)
        idf = np.array([math.log((1 + total) / (1 + frequency[g])) + 1 for g in kept], dtype=np.float32)
        return cls({g: i for i, g in enumerate(kept)}, idf, longest, weight)

    def sparse(self, text: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Column numbers and weights of one text."""
        found = [(i, n) for g, n in grams(text, self.longest).items() if (i := self.vocabulary.get(g)) is not None]
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        columns = np.array([i for i, _ in found], dtype=np.int64)
        weights = (1 + np.log(np.array([n for _, n in found], dtype=np.float32))) * self.idf[columns]
        return columns, (weights * (self.weight / np.linalg.norm(weights))).astype(np.float32)
