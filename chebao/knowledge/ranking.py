"""The parts of the ranking, over plain texts and numpy arrays: terms, BM25 and a least-squares classifier."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


def grams(text: str, sizes: tuple[int, ...] = (1, 2, 3)) -> list[str]:
    """Character n-grams; Chinese words are mostly one to three characters, so no segmenter is needed."""
    return [text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


@dataclass(frozen=True)
class Vocabulary:
    """The terms of a collection with their inverse document frequency.

    Attributes:
        terms: shape (terms,), dtype str.
        idf: shape (terms,).
        size: number of documents that were counted.
    """

    terms: NDArray[np.str_]
    idf: Floats
    size: int

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> Vocabulary:
        frequency = Counter(term for document in documents for term in set(document))
        terms = sorted(frequency)
        idf = np.array([math.log(1 + len(documents) / frequency[term]) for term in terms], dtype=np.float32)
        return cls(np.array(terms), idf, len(documents))


class TermVectors:
    """Turns a list of terms into a sparse unit vector over the vocabulary (TF-IDF)."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._row = {term: row for row, term in enumerate(vocabulary.terms.tolist())}
        self._idf = vocabulary.idf
        self._unseen = math.log(1 + vocabulary.size)

    def rows(self, terms: Iterable[str]) -> tuple[Rows, Floats]:
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


def similarities(vectors: Sequence[tuple[Rows, Floats]], terms: int) -> Floats:
    """Cosines of all pairs of sparse unit vectors, shape (n, n)."""
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


def least_squares(kernel: Floats, classes: Sequence[int], count: int, ridge: float) -> Floats:
    """Dual weights, shape (texts, count), of a classifier whose score is near 1 for a clear member and near 0 otherwise."""
    targets = np.zeros((len(classes), count), dtype=np.float64)
    targets[np.arange(len(classes)), list(classes)] = 1.0
    matrix = kernel.astype(np.float64) + ridge * np.eye(len(classes))
    return np.linalg.solve(matrix, targets).astype(np.float32)


def spread(vectors: Sequence[tuple[Rows, Floats]], dual: Floats, terms: int) -> Floats:
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
