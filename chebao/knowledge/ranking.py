"""The parts of the ranking, over plain texts: character n-grams, BM25 and a kernel classifier. In memory, numpy only."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


def grams(text: str) -> list[str]:
    """Character 1- to 3-grams; Chinese words are one to three characters, so no segmenter is needed."""
    return [text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1)]


class TermIndex:
    """Weighted terms of a list of documents, as postings. Cosine (TF-IDF) or BM25 of a query against all of them."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self.size = len(documents)
        counts = [Counter(document) for document in documents]
        frequency = Counter(term for count in counts for term in count)
        self._idf = {term: math.log(1 + self.size / seen) for term, seen in frequency.items()}
        self._unseen = math.log(1 + self.size)
        lengths = [max(1, sum(count.values())) for count in counts]
        mean = sum(lengths) / max(1, self.size)
        cosine: dict[str, tuple[list[int], list[float]]] = {}
        bm25: dict[str, list[float]] = {}
        for number, count in enumerate(counts):
            norm = self._norm(count)
            for term, times in count.items():
                numbers, weights = cosine.setdefault(term, ([], []))
                numbers.append(number)
                weights.append(self._weight(term, times) / norm)
                saturated = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * lengths[number] / mean))
                bm25.setdefault(term, []).append(saturated * self._idf[term])
        self._postings = {
            term: (np.array(numbers), np.array(weights, dtype=np.float32), np.array(bm25[term], dtype=np.float32))
            for term, (numbers, weights) in cosine.items()
        }

    def cosine(self, terms: Iterable[str]) -> Scores:
        """Cosine of the query with every document, shape (size,)."""
        query = Counter(terms)
        norm = self._norm(query)
        scores = np.zeros(self.size, dtype=np.float32)
        for term, times in query.items():
            if term in self._postings:
                numbers, weights, _ = self._postings[term]
                scores[numbers] += weights * (self._weight(term, times) / norm)
        return scores

    def bm25(self, terms: Iterable[str]) -> Scores:
        """BM25 of the query over every document, shape (size,), divided by the number of query terms."""
        query = set(terms)
        scores = np.zeros(self.size, dtype=np.float32)
        for term in query:
            if term in self._postings:
                numbers, _, weights = self._postings[term]
                scores[numbers] += weights
        return scores * np.float32(1 / max(1, len(query)))

    def _weight(self, term: str, times: int) -> float:
        return (1 + math.log(times)) * self._idf.get(term, self._unseen)

    def _norm(self, count: Counter[str]) -> float:
        return math.sqrt(sum(self._weight(term, times) ** 2 for term, times in count.items())) or 1.0


class KernelClassifier:
    """Regularised least squares on a kernel: one score per class, near 1 for a clear member and near 0 otherwise."""

    def __init__(self, kernel: Scores, classes: Sequence[int], count: int, ridge: float) -> None:
        targets = np.zeros((len(classes), count), dtype=np.float64)
        targets[np.arange(len(classes)), list(classes)] = 1.0
        matrix = kernel.astype(np.float64) + ridge * np.eye(len(classes))
        self._weights = np.linalg.solve(matrix, targets).astype(np.float32)

    def scores(self, row: Scores) -> Scores:
        """`row`: kernel of the query with every training text."""
        result: Scores = row @ self._weights
        return result
