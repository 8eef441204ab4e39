"""Character n-gram TF-IDF, fitted and applied without scikit-learn, so that a served model is plain arrays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

LONGEST = 4


def grams(text: str) -> Counter[str]:
    """All character n-grams of 1 to 4, with marks for the beginning and the end of the text."""
    padded = f"\x02{text}\x03"
    counts: Counter[str] = Counter()
    for size in range(1, LONGEST + 1):
        counts.update(padded[i : i + size] for i in range(len(padded) - size + 1))
    del counts["\x02"], counts["\x03"]
    counts.pop("\x02\x03", None)
    return counts


class NgramVectors:
    """Sublinear TF-IDF over a fixed vocabulary, L2-normalised."""

    def __init__(self, vocabulary: dict[str, int], idf: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.idf = idf

    @classmethod
    def fit(cls, texts: Iterable[str]) -> NgramVectors:
        """Takes every n-gram up to 2, longer ones when seen in at least two texts."""
        frequency: Counter[str] = Counter()
        total = 0
        for text in texts:
            frequency.update(grams(text).keys())
            total += 1
        kept = sorted(g for g, n in frequency.items() if len(g) <= 2 or n >= 2)
        idf = np.array([math.log((1 + total) / (1 + frequency[g])) + 1 for g in kept], dtype=np.float32)
        return cls({g: i for i, g in enumerate(kept)}, idf)

    def sparse(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Column numbers and weights of one text."""
        found = [(i, n) for g, n in grams(text).items() if (i := self.vocabulary.get(g)) is not None]
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        columns = np.array([i for i, _ in found], dtype=np.int64)
        weights = (1 + np.log(np.array([n for _, n in found], dtype=np.float32))) * self.idf[columns]
        return columns, weights / np.linalg.norm(weights)
