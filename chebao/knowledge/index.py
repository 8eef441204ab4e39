"""What every article has to say for itself about one question: a row of voices per article.

The voices are a classifier over the ways to ask (sentence vectors by their nearness to every known way, character n-grams,
facets and cues), BM25 over the whole article, the nearest known way to ask, and the article's own cues. `weighing.py` adds
them up. The classifier is learned when files or code change, and cached; an article edited while running is added in one
cheap step (`Index.with_changes`), so that nothing is trained in a customer's time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chebao.knowledge import other_matters, ranking, understanding
from chebao.knowledge.articles import LAST_SECTION, Article, Section
from chebao.knowledge.encoder import Encoder, Vectors, encode_cached
from chebao.knowledge.files import Arrays, read_arrays, write_arrays
from chebao.knowledge.other_matters import OTHER_MATTERS
from chebao.knowledge.ranking import Floats, TermVectors, Vocabulary, grams
from chebao.knowledge.understanding import Reading, fold, read

#: Columns of `Voices.rows`, in this order; the weights of `weighing.json` carry these names.
VOICES: Final = (
    "vectors",
    "letters",
    "marks",
    "nearest",
    "words",
    "cue",
    "more_cues",
    "decisive",
    "more_group",
)


@dataclass(frozen=True)
class Kernel:
    """How alike two ways to ask are: the shares of vectors, letters and marks, and how much the fit is held back.

    Taken where the search without cues found most first articles for 582 real questions: a curved nearness of vectors finds
    84.0 %, a straight one 80.2 % (2026-11-22).
    """

    vectors: float = 0.9
    letters: float = 0.35
    marks: float = 0.05
    ridge: float = 0.2
    balance: float = 0.5


@dataclass(frozen=True)
class Voices:
    """What speaks for each article.

    Attributes:
        rows: shape (articles, VOICES).
        other: how much the question looks like another matter than motor insurance.
    """

    rows: Floats
    other: float


class Index:
    """Immutable; safe to use from several threads."""

    def __init__(
        self,
        articles: Sequence[Article],
        phrasings: Mapping[str, Sequence[str]],
        encoder: Encoder | None,
        cache: Path | None = None,
        kernel: Kernel | None = None,
        *,
        others: Sequence[str] = OTHER_MATTERS,
        arrays: Arrays | None = None,
    ) -> None:
        self.articles = tuple(articles)
        self._encoder = encoder
        self._kernel = kernel or Kernel()
        self._cache = cache
        self._cues = [[re.compile(cue) for cue in (*article.cues, *article.decisive)] for article in articles]
        self._decisive = [[re.compile(cue) for cue in article.decisive] for article in articles]
        self._more = np.array([article.group == "more" for article in articles], dtype=np.float32)
        self._arrays = arrays if arrays is not None else self._learned(*_examples(articles, phrasings, others))
        self._letters = TermVectors(Vocabulary(self._arrays["letter_terms"], self._arrays["letter_idf"]))
        self._marks = TermVectors(Vocabulary(self._arrays["mark_terms"], self._arrays["mark_idf"]))
        documents = [grams(fold(_whole(article)), (2, 3)) for article in articles]
        words = Vocabulary.of(documents)
        self._words = {term: row for row, term in enumerate(words.terms.tolist())}
        self._word_weights = ranking.bm25(documents, words).astype(np.float16)

    def vector(self, text: str) -> Vectors | None:
        """Sentence vector of a folded text, None without an encoder."""
        return None if self._encoder is None else self._encoder.encode([text])[0]

    def voices(self, reading: Reading, vector: Vectors | None) -> Voices:
        """What speaks for each article; `vector` belongs to `reading.text`."""
        arrays, count = self._arrays, len(self.articles)
        rows, values = self._letters.rows(grams(reading.text))
        letters = values @ arrays["letter_weights"][rows]
        matched = _count(self._cues, reading)
        rows, values = self._marks.rows(self._marks_of(reading, matched))
        marks = values @ arrays["mark_weights"][rows]
        vectors, nearest = np.zeros(count + 1, dtype=np.float32), np.zeros(count + 1, dtype=np.float32)
        if vector is not None:
            alike = arrays["vectors"] @ _centred(vector[None], arrays["mean"])[0]
            vectors = np.exp(alike - 1) @ arrays["dual"]
            np.maximum.at(nearest, arrays["classes"], alike)
        kernel = self._kernel
        columns = [
            kernel.vectors * vectors[:count],
            kernel.letters * letters[:count],
            kernel.marks * marks[:count],
            nearest[:count],
            self._word_scores(reading),
            matched > 0,
            np.clip(matched - 1, 0, 2),
            _count(self._decisive, reading) > 0,
            self._more,
        ]
        other = kernel.vectors * vectors[-1] + kernel.letters * letters[-1] + kernel.marks * marks[-1]
        return Voices(np.stack(columns, axis=1).astype(np.float32), float(other))

    def with_changes(self, changed: Sequence[Article]) -> Index:
        """An index that also knows these articles, new or edited, without learning everything again.

        What was learned from the old ways to ask stays; the new ways are fitted to what it leaves unexplained (one block of
        a Gauss-Seidel step), which takes milliseconds. Ways to ask that an edit struck out lose their weight.
        """
        place = {article.id: number for number, article in enumerate(self.articles)}
        articles = list(self.articles)
        for article in changed:
            if article.id in place:
                articles[place[article.id]] = article
            else:
                articles.append(article)
        arrays = self._widened(len(articles))
        place = {article.id: number for number, article in enumerate(articles)}
        old = {article.id: set(_own_texts(article)) for article in self.articles}
        struck = {text for article in changed for text in old.get(article.id, set()) - set(_own_texts(article))}
        if struck:
            arrays["dual"] = np.where(np.isin(arrays["texts"], sorted(struck))[:, None], 0, arrays["dual"])
        known = set(arrays["texts"].tolist()) - struck
        added = [(text, place[a.id]) for a in changed for text in _own_texts(a) if text not in known]
        widened = Index(articles, {}, self._encoder, self._cache, self._kernel, arrays=arrays)
        if not added:
            return widened
        fitted = widened._fitted([text for text, _ in added], [number for _, number in added])
        return Index(articles, {}, self._encoder, self._cache, self._kernel, arrays=fitted)

    def _widened(self, count: int) -> Arrays:
        """The arrays with columns of zeros for new articles, before the last one, which is for other matters."""
        wider = dict(self._arrays)
        extra = count - len(self.articles)
        if not extra:
            return wider
        for name in ("dual", "letter_weights", "mark_weights"):
            wider[name] = np.insert(self._arrays[name], [len(self.articles)] * extra, 0, axis=1)
        wider["classes"] = np.where(self._arrays["classes"] == len(self.articles), count, self._arrays["classes"])
        return wider

    def _fitted(self, texts: Sequence[str], classes: Sequence[int]) -> Arrays:
        """The arrays with further examples, fitted to what the others leave unexplained."""
        kernel, arrays = self._kernel, dict(self._arrays)
        batch = self._read(texts)
        letters = [self._letters.rows(terms) for terms in batch.letters]
        marks = [self._marks.rows(terms) for terms in batch.marks]
        vectors = _centred(self._encoded(batch.texts), arrays["mean"])
        predicted = kernel.letters * np.stack([values @ arrays["letter_weights"][rows] for rows, values in letters])
        predicted += kernel.marks * np.stack([values @ arrays["mark_weights"][rows] for rows, values in marks])
        if self._encoder is not None:
            predicted += kernel.vectors * np.exp(vectors @ arrays["vectors"].T - 1) @ arrays["dual"]
        targets = np.zeros_like(predicted)
        targets[np.arange(len(texts)), list(classes)] = 1
        alike = self._alike(letters, marks, vectors)
        dual = np.linalg.solve(alike + kernel.ridge * np.eye(len(texts), dtype=np.float32), targets - predicted)
        terms = len(arrays["letter_terms"]), len(arrays["mark_terms"])
        return arrays | {
            "letter_weights": arrays["letter_weights"] + ranking.spread(letters, dual, terms[0]),
            "mark_weights": arrays["mark_weights"] + ranking.spread(marks, dual, terms[1]),
            "vectors": np.concatenate([arrays["vectors"], vectors]),
            "dual": np.concatenate([arrays["dual"], dual]),
            "classes": np.concatenate([arrays["classes"], np.array(classes)]),
            "texts": np.concatenate([arrays["texts"], np.array(texts)]),
        }

    def _alike(self, letters: Sequence[ranking.Sparse], marks: Sequence[ranking.Sparse], vectors: Vectors) -> Floats:
        """The kernel of a batch of examples with itself."""
        kernel = self._kernel
        alike = kernel.letters * ranking.similarities(letters)
        alike += kernel.marks * ranking.similarities(marks)
        if self._encoder is not None:
            alike += kernel.vectors * np.exp(vectors @ vectors.T - 1)
        return alike

    def _encoded(self, texts: Sequence[str]) -> Vectors:
        """Sentence vectors; without an encoder of no length."""
        if self._encoder is None:
            return np.zeros((len(texts), 0), dtype=np.float32)
        return encode_cached(self._encoder, texts, self._cache)

    def _word_scores(self, reading: Reading) -> Floats:
        terms = {term for term in grams(reading.text, (2, 3)) if term in self._words}
        scores: Floats = self._word_weights[[self._words[term] for term in terms]].sum(axis=0, dtype=np.float32)
        best = float(scores.max(initial=0.0))
        return scores * np.float32(1 / best) if best else scores

    def _marks_of(self, reading: Reading, matched: Floats) -> list[str]:
        """What the question was understood to be about: its facets and the articles whose cues it holds."""
        cued = [self.articles[number].id for number in np.flatnonzero(matched)]
        return [*sorted(reading.facets), *cued]

    def _read(self, texts: Sequence[str]) -> _Batch:
        readings = [read(text) for text in texts]
        return _Batch(
            [reading.text for reading in readings],
            [grams(reading.text) for reading in readings],
            [self._marks_of(reading, _count(self._cues, reading)) for reading in readings],
        )

    def _learned(self, texts: Sequence[str], classes: Sequence[int]) -> Arrays:
        """From the cache where nothing has changed since."""
        if self._cache is None:
            return self._learn(texts, classes)
        path = self._cache / "knowledge-index.npz"
        digest = self._digest(texts)
        stored = read_arrays(path)
        if stored is not None and str(stored.get("digest")) == digest:
            return stored
        arrays = self._learn(texts, classes) | {"digest": np.array(digest)}
        write_arrays(path, arrays)
        return arrays

    def _digest(self, texts: Sequence[str]) -> str:
        """Changes with anything that the arrays are made from, this code included."""
        modules = (__file__, ranking.__file__, understanding.__file__, other_matters.__file__)
        name = self._encoder.name if self._encoder else "none"
        content = [repr(texts), repr([(article.id, article.digest) for article in self.articles]), name]
        code = [Path(module).read_bytes() for module in modules]
        return hashlib.sha256(b"\x00".join([*code, repr((content, self._kernel)).encode()])).hexdigest()

    def _learn(self, texts: Sequence[str], classes: Sequence[int]) -> Arrays:
        batch = self._read(texts)
        letter_terms, mark_terms = Vocabulary.of(batch.letters), Vocabulary.of(batch.marks)
        to_letters, to_marks = TermVectors(letter_terms), TermVectors(mark_terms)
        letters = [to_letters.rows(terms) for terms in batch.letters]
        marks = [to_marks.rows(terms) for terms in batch.marks]
        raw = self._encoded(batch.texts)
        mean = raw.mean(axis=0)
        vectors = _centred(raw, mean)
        dual = ranking.least_squares(
            self._alike(letters, marks, vectors),
            classes,
            len(self.articles) + 1,
            self._kernel.ridge,
            self._kernel.balance,
        )
        return {
            "letter_terms": letter_terms.terms,
            "letter_idf": letter_terms.idf,
            "letter_weights": ranking.spread(letters, dual, len(letter_terms.terms)),
            "mark_terms": mark_terms.terms,
            "mark_idf": mark_terms.idf,
            "mark_weights": ranking.spread(marks, dual, len(mark_terms.terms)),
            "mean": mean,
            "vectors": vectors,
            "dual": dual,
            "classes": np.array(classes),
            "texts": np.array(texts),
        }


@dataclass(frozen=True)
class _Batch:
    """Examples as read: folded texts, their letters, their marks."""

    texts: list[str]
    letters: list[list[str]]
    marks: list[list[str]]


def answering_sections(article: Article) -> list[Section]:
    """Sections that answer something: without the example and the closing one."""
    return [part for part in article.sections if part.heading not in {LAST_SECTION, "举例"}]


def _examples(
    articles: Sequence[Article], phrasings: Mapping[str, Sequence[str]], others: Sequence[str]
) -> tuple[list[str], list[int]]:
    """What the classifier learns from: titles, questions, phrasings, headings and leads; then the other matters."""
    texts: list[str] = []
    classes: list[int] = []
    for number, article in enumerate(articles):
        own = [*_own_texts(article), *phrasings.get(article.id, ())]
        texts += own
        classes += [number] * len(own)
    texts += others
    classes += [len(articles)] * len(others)
    return texts, classes


def _own_texts(article: Article) -> list[str]:
    headings = (part.heading for part in answering_sections(article))
    return [article.title, *article.questions, article.lead, *headings]


def _count(patterns: Sequence[Sequence[re.Pattern[str]]], reading: Reading) -> Floats:
    """How many of each article's patterns the question matches."""
    found = [sum(pattern.search(reading.text) is not None for pattern in own) for own in patterns]
    return np.array(found, dtype=np.float32)


def _centred(vectors: Vectors, mean: NDArray[np.float32]) -> Vectors:
    """Without the direction that all questions of the field share; unit length again."""
    moved = vectors - mean
    result: Vectors = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6)
    return result


def _whole(article: Article) -> str:
    """Everything said in an article, titles and questions counted twice."""
    head = "".join([article.title, *article.questions])
    return head * 2 + article.lead + "".join(part.heading * 2 + part.text for part in article.sections)
