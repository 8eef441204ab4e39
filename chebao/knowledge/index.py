"""Scores of all articles for one question: what is learned from the articles, kept as a few matrices.

Three voices are added per article: a least-squares classifier over the ways to ask (sentence vectors, character n-grams,
facets and cues), BM25 over the whole article, and the article's own cues. All of it is linear, so that at a question
only the rows of its terms are added up. The matrices are made when articles or code change, and cached.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chebao.knowledge import ranking, understanding
from chebao.knowledge.articles import LAST_SECTION, Article, Section
from chebao.knowledge.encoder import Encoder, Vectors, encode_cached
from chebao.knowledge.files import Arrays, read_arrays, write_arrays
from chebao.knowledge.other_matters import OTHER_MATTERS
from chebao.knowledge.ranking import Floats, TermVectors, Vocabulary, grams
from chebao.knowledge.understanding import Reading, fold, read


@dataclass(frozen=True)
class Weights:
    """How the voices are added. Measured on 2026-11-22 as kb_top1 over 582 real questions, in points lost without a voice:
    vectors 1.0, letters 0.2, words 0.5, marks 0.9, marks and cues 8.6 (0.7 on the quarter that nobody looked at while the
    cues were written), phrasings 2.8. The values themselves were taken where held-out own questions did best; they are flat.
    """

    vectors: float = 0.9
    letters: float = 0.35
    marks: float = 0.05
    ridge: float = 0.6
    words: float = 0.15
    cue: float = 0.18
    second_cue: float = 0.08
    decisive: float = 0.4
    more_group: float = -0.15


@dataclass(frozen=True)
class Scores:
    """Per article in the index's order; `other`: how much the question looks like another matter."""

    articles: Floats
    other: float


class Index:
    """Immutable; safe to use from several threads."""

    def __init__(
        self,
        articles: Sequence[Article],
        phrasings: Mapping[str, Sequence[str]],
        encoder: Encoder | None,
        cache: Path | None,
        weights: Weights,
    ) -> None:
        self._articles = tuple(articles)
        self._encoder = encoder
        self._weights = weights
        self._cues = [[re.compile(cue) for cue in (*article.cues, *article.decisive)] for article in articles]
        self._decisive = [[re.compile(cue) for cue in article.decisive] for article in articles]
        self._more = np.array([article.group == "more" for article in articles], dtype=np.float32)
        texts, classes = _examples(articles, phrasings)
        arrays = self._arrays(texts, classes, cache)
        self._letters = TermVectors(Vocabulary(arrays["letter_terms"], arrays["letter_idf"], len(texts)))
        self._marks = TermVectors(Vocabulary(arrays["mark_terms"], arrays["mark_idf"], len(texts)))
        self._words = {term: row for row, term in enumerate(arrays["word_terms"].tolist())}
        self._letter_weights, self._mark_weights = arrays["letter_weights"], arrays["mark_weights"]
        self._word_weights, self._mean = arrays["word_weights"], arrays["mean"]
        self._vector_weights = arrays["vector_weights"]

    def vector(self, text: str) -> Vectors | None:
        """Sentence vector of a folded text, None without an encoder."""
        return None if self._encoder is None else self._encoder.encode([text])[0]

    def scores(self, reading: Reading, vector: Vectors | None) -> Scores:
        """Adds the voices."""
        weights = self._weights
        matched = _count(self._cues, reading)
        rows, values = self._letters.rows(grams(reading.text))
        learned = weights.letters * (values @ self._letter_weights[rows])
        rows, values = self._marks.rows(self._marks_of(reading, matched))
        learned = learned + weights.marks * (values @ self._mark_weights[rows])
        if vector is not None:
            learned = learned + weights.vectors * (_centred(vector[None], self._mean)[0] @ self._vector_weights)
        decisive = _count(self._decisive, reading) > 0
        total = (
            learned[: len(self._articles)]
            + weights.words * self._word_scores(reading)
            + weights.cue * (matched > 0)
            + weights.second_cue * np.clip(matched - 1, 0, 2)
            + weights.decisive * decisive
            + weights.more_group * self._more
        )
        return Scores(total.astype(np.float32), float(learned[-1]))

    def _word_scores(self, reading: Reading) -> Floats:
        terms = {term for term in grams(reading.text, (2, 3)) if term in self._words}
        scores: Floats = self._word_weights[[self._words[term] for term in terms]].sum(axis=0, dtype=np.float32)
        best = float(scores.max(initial=0.0))
        return scores * np.float32(1 / best) if best else scores

    def _marks_of(self, reading: Reading, matched: Floats) -> list[str]:
        """What the question was understood to be about: its facets and the articles whose cues it holds."""
        cued = [self._articles[number].id for number in np.flatnonzero(matched)]
        return [*sorted(reading.facets), *cued]

    def _arrays(self, texts: Sequence[str], classes: Sequence[int], cache: Path | None) -> Arrays:
        if cache is None:
            return self._learn(texts, classes, None)
        path = cache / "knowledge-index.npz"
        digest = self._digest(texts)
        stored = read_arrays(path)
        if stored is not None and str(stored.get("digest")) == digest:
            return stored
        arrays = self._learn(texts, classes, cache)
        write_arrays(path, {**arrays, "digest": np.array(digest)})
        return arrays

    def _digest(self, texts: Sequence[str]) -> str:
        """Changes with anything that the matrices are made from, this code included."""
        code = [Path(module).read_bytes() for module in (__file__, ranking.__file__, understanding.__file__)]
        name = self._encoder.name if self._encoder else "none"
        content = [repr(texts), repr([(article.id, article.version) for article in self._articles]), name]
        return hashlib.sha256(b"\x00".join([*code, repr((content, self._weights)).encode()])).hexdigest()

    def _learn(self, texts: Sequence[str], classes: Sequence[int], cache: Path | None) -> Arrays:
        readings = [read(text) for text in texts]
        letters = [grams(reading.text) for reading in readings]
        marks = [self._marks_of(reading, _count(self._cues, reading)) for reading in readings]
        letter_terms, mark_terms = Vocabulary.of(letters), Vocabulary.of(marks)
        to_letters, to_marks = TermVectors(letter_terms), TermVectors(mark_terms)
        letter_rows = [to_letters.rows(terms) for terms in letters]
        mark_rows = [to_marks.rows(terms) for terms in marks]
        kernel = self._weights.letters * ranking.similarities(letter_rows, len(letter_terms.terms))
        kernel += self._weights.marks * ranking.similarities(mark_rows, len(mark_terms.terms))
        mean = np.zeros(0, dtype=np.float32)
        vectors = np.zeros((len(texts), 0), dtype=np.float32)
        if self._encoder is not None:
            raw = encode_cached(self._encoder, [reading.text for reading in readings], cache)
            mean = raw.mean(axis=0)
            vectors = _centred(raw, mean)
            kernel += self._weights.vectors * (vectors @ vectors.T)
        dual = ranking.least_squares(kernel, classes, len(self._articles) + 1, self._weights.ridge)
        words = [grams(fold(_whole(article)), (2, 3)) for article in self._articles]
        word_terms = Vocabulary.of(words)
        return {
            "letter_terms": letter_terms.terms,
            "letter_idf": letter_terms.idf,
            "letter_weights": ranking.spread(letter_rows, dual, len(letter_terms.terms)),
            "mark_terms": mark_terms.terms,
            "mark_idf": mark_terms.idf,
            "mark_weights": ranking.spread(mark_rows, dual, len(mark_terms.terms)),
            "word_terms": word_terms.terms,
            "word_weights": ranking.bm25(words, word_terms).astype(np.float16),
            "mean": mean,
            "vector_weights": vectors.T @ dual,
        }


def answering_sections(article: Article) -> list[Section]:
    """Sections that answer something: without the example and the closing one."""
    return [part for part in article.sections if part.heading not in {LAST_SECTION, "举例"}]


def _count(patterns: Sequence[Sequence[re.Pattern[str]]], reading: Reading) -> Floats:
    """How many of each article's patterns the question matches."""
    found = [sum(pattern.search(reading.text) is not None for pattern in own) for own in patterns]
    return np.array(found, dtype=np.float32)


def _centred(vectors: Vectors, mean: Vectors) -> Vectors:
    """Without the direction that all questions of the field share; unit length again."""
    moved = vectors - mean
    result: Vectors = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
    return result


def _examples(articles: Sequence[Article], phrasings: Mapping[str, Sequence[str]]) -> tuple[list[str], list[int]]:
    """What the classifier learns from: titles, questions, phrasings, headings and leads; then the other matters."""
    texts: list[str] = []
    classes: list[int] = []
    for number, article in enumerate(articles):
        own = [article.title, *article.questions, article.lead, *(part.heading for part in answering_sections(article))]
        own += phrasings.get(article.id, ())
        texts += own
        classes += [number] * len(own)
    texts += OTHER_MATTERS
    classes += [len(articles)] * len(OTHER_MATTERS)
    return texts, classes


def _whole(article: Article) -> str:
    """Everything said in an article, titles and questions counted twice."""
    head = "".join([article.title, *article.questions])
    return head * 2 + article.lead + "".join(part.heading * 2 + part.text for part in article.sections)
