"""The parts of the ranking, over plain texts and numpy arrays: terms, BM25 and a least-squares classifier."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]
Sparse = tuple[Rows, Floats]


def grams(text: str, sizes: tuple[int, ...] = (1, 2, 3)) -> list[str]:
    """Character n-grams; Chinese words are mostly one to three characters, so no segmenter is needed."""
    return [text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


@dataclass(frozen=True)
class Vocabulary:
    """The terms of a collection with their inverse document frequency.

    Attributes:
        terms: shape (terms,), dtype str.
        idf: shape (terms,).
    """

    terms: NDArray[np.str_]
    idf: Floats

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> Vocabulary:
        frequency = Counter(term for document in documents for term in set(document))
        terms = sorted(frequency)
        idf = np.array([math.log(1 + len(documents) / frequency[term]) for term in terms], dtype=np.float32)
        return cls(np.array(terms), idf)


class TermVectors:
    """Turns a list of terms into a sparse unit vector over the vocabulary (TF-IDF)."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._row = {term: row for row, term in enumerate(vocabulary.terms.tolist())}
        self._idf = vocabulary.idf
        self._unseen = float(vocabulary.idf.max(initial=1.0))  # as rare as the rarest

    def rows(self, terms: Iterable[str]) -> Sparse:
        """Rows and weights of the known terms; unknown ones still lengthen the vector."""
        count = Counter(terms)
        rows = [self._row[term] for term in count if term in self._row]
        weights = np.array([1 + math.log(count[term]) for term in count if term in self._row], dtype=np.float32)
        weights = weights * self._idf[rows] if rows else weights
        unseen = sum(
            ((1 + math.log(times)) * self._unseen) ** 2 for term, times in count.items() if term not in self._row
        )
        norm = math.sqrt(float(weights @ weights) + unseen) or 1.0
        return np.array(rows, dtype=np.int64), weights * np.float32(1 / norm)


def similarities(vectors: Sequence[Sparse]) -> Floats:
    """Cosines of all pairs of sparse unit vectors, shape (n, n)."""
    terms = max((int(rows.max(initial=-1)) for rows, _ in vectors), default=-1) + 1
    postings: list[list[tuple[int, float]]] = [[] for _ in range(terms)]
    for number, (rows, weights) in enumerate(vectors):
        for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
            postings[row].append((number, weight))
    inverted = [
        (np.array([number for number, _ in entry]), np.array([weight for _, weight in entry], dtype=np.float32))
        for entry in postings
    ]
    result = np.zeros((len(vectors), len(vectors)), dtype=np.float32)
    for number, (rows, weights) in enumerate(vectors):
        line = result[number]
        for row, weight in zip(rows.tolist(), weights, strict=True):
            numbers, others = inverted[row]
            line[numbers] += others * weight
    return result


def least_squares(kernel: Floats, classes: Sequence[int], count: int, ridge: float, balance: float) -> Floats:
    """Dual weights, shape (texts, count), of a classifier whose score is near 1 for a clear member and near 0 otherwise.

    `balance` above 0 gives examples of small classes more say, so that a class does not win by its size.
    """
    numbers = np.array(classes)
    targets = np.zeros((len(numbers), count), dtype=np.float32)
    targets[np.arange(len(numbers)), numbers] = 1
    sizes = np.bincount(numbers, minlength=count)
    weights = (sizes[sizes > 0].mean() / sizes[numbers]) ** balance
    held_back = kernel + np.diag(ridge / weights).astype(np.float32)
    return np.asarray(np.linalg.solve(held_back, targets), dtype=np.float32)


def spread(vectors: Sequence[Sparse], dual: Floats, terms: int) -> Floats:
    """Dual weights of texts turned into weights of terms, shape (terms, classes)."""
    weights = np.zeros((terms, dual.shape[1]), dtype=np.float32)
    for number, (rows, values) in enumerate(vectors):
        weights[rows] += values[:, None] * dual[number]
    return weights


def bm25(documents: Sequence[Sequence[str]], vocabulary: Vocabulary) -> Floats:
    """BM25 weight of every term in every document, shape (terms, documents)."""
    row = {term: number for number, term in enumerate(vocabulary.terms.tolist())}
    mean = sum(len(document) for document in documents) / max(1, len(documents))
    weights = np.zeros((len(row), len(documents)), dtype=np.float32)
    for number, document in enumerate(documents):
        for term, times in Counter(document).items():
            length = 0.25 + 0.75 * len(document) / mean
            weights[row[term], number] = vocabulary.idf[row[term]] * times * 2.2 / (times + 1.2 * length)
    return weights
