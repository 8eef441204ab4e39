"""Finding the article that answers a question, and deciding whether to answer, to offer choices or to stay silent.

Four voices are added up per article: a kernel classifier over the articles' own questions (sentence vectors, character
n-grams and facets), BM25 over the whole article, the cues written in the article, and the nearest section.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from chebao.knowledge.articles import LAST_SECTION, Article, Section, load_articles, sentences
from chebao.knowledge.encoder import Encoder, Vectors, encode_cached, find_encoder
from chebao.knowledge.other_matters import OTHER_MATTERS
from chebao.knowledge.ranking import KernelClassifier, Scores, TermIndex, grams
from chebao.knowledge.understanding import Reading, fold, read

ANSWER_LIMIT = 200


@dataclass(frozen=True)
class Weights:
    """How the voices are added; see `docs` of the evaluation for the figures behind them."""

    vectors: float = 0.55
    letters: float = 0.35
    facets: float = 0.10
    ridge: float = 0.35
    words: float = 0.35
    section: float = 0.25
    cue: float = 0.22
    second_cue: float = 0.08
    more_group: float = -0.03


@dataclass(frozen=True)
class Thresholds:
    """Where to answer and where to ask back."""

    score: float = 0.55
    margin: float = 0.10
    other: float = 0.35
    choices: float = 0.30


@dataclass(frozen=True)
class Hit:
    """An article found; `section` is the part nearest to the question, None where only the lead fits."""

    article: Article
    section: Section | None
    score: float


@dataclass(frozen=True)
class Answer:
    """What to do with a question.

    Attributes:
        kind: ``confident`` (article and text are set), ``choices`` (two or three articles to offer) or ``none``.
        text: at most 200 characters, ready to be sent.
    """

    kind: Literal["confident", "choices", "none"]
    article: Article | None = None
    text: str = ""
    choices: tuple[Article, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """Scores of all articles, best first, and how much the question looks like another matter."""

    articles: tuple[Article, ...]
    scores: tuple[float, ...]
    other: float


class KnowledgeBase:
    """All articles in memory, ready to be searched. Immutable: an edited article means a new KnowledgeBase."""

    def __init__(
        self,
        articles: Sequence[Article],
        encoder: Encoder | None,
        cache: Path | None = None,
        weights: Weights | None = None,
        thresholds: Thresholds | None = None,
    ) -> None:
        self.articles = tuple(articles)
        self.weights = weights or Weights()
        self.thresholds = thresholds or Thresholds()
        self._encoder = encoder
        self._other = len(self.articles)
        self._examples, self._classes = _examples(self.articles)
        self._sections = [(number, part) for number, article in enumerate(self.articles) for part in _parts(article)]
        self._cues = [[re.compile(cue) for cue in article.cues] for article in self.articles]
        self._more = np.array([article.group == "more" for article in self.articles], dtype=np.float32)
        self._build(cache)

    @classmethod
    def load(cls, folder: Path, cache: Path | None = None, encoder: Encoder | None = None) -> KnowledgeBase:
        """Reads the articles and prepares the search.

        Args:
            folder: where the `<topic id>.md` files are.
            cache: folder for sentence vectors between starts; without it they are made at every start.
            encoder: default: the installed one, or words alone.

        Raises:
            ArticleError: an article is broken; the message names file and field.
        """
        return cls(tuple(load_articles(folder).values()), encoder or find_encoder(), cache)

    def search(self, question: str, k: int = 3) -> list[Hit]:
        """The k best articles, best first; nothing for a text without a Chinese character, letter or digit."""
        reading = read(question)
        if not reading.text:
            return []
        vector = self._vector(reading)
        ranking, section_scores = self._rank(reading, vector)
        return [
            Hit(article, self._best_section(article, section_scores), score)
            for article, score in zip(ranking.articles[:k], ranking.scores[:k], strict=True)
        ]

    def rank(self, question: str) -> Ranking:
        """Scores of every article, for evaluation and explanation."""
        reading = read(question)
        return self._rank(reading, self._vector(reading))[0]

    def answer(self, question: str) -> Answer:
        """Answers when sure enough, else offers up to three titles, else none."""
        reading = read(question)
        if not reading.text:
            return Answer("none")
        ranking, section_scores = self._rank(reading, self._vector(reading))
        kind = self.decide(reading, ranking)
        if kind == "confident":
            article = ranking.articles[0]
            return Answer(
                "confident", article, _short_text(article, self._best_section(article, section_scores), reading)
            )
        if kind == "choices":
            return Answer("choices", choices=ranking.articles[:3])
        return Answer("none")

    def decide(self, reading: Reading, ranking: Ranking) -> Literal["confident", "choices", "none"]:
        """The decision on the scores alone."""
        limits = self.thresholds
        if not ranking.scores or ranking.other > limits.other or (reading.other_line and not reading.motor):
            return "none"
        first = ranking.scores[0]
        margin = first - ranking.scores[1] if len(ranking.scores) > 1 else first
        if first >= limits.score and margin >= limits.margin:
            return "confident"
        return "choices" if first >= limits.choices else "none"

    def _build(self, cache: Path | None) -> None:
        readings = [read(text) for text in self._examples]
        self._letters = TermIndex([grams(reading.text) for reading in readings])
        self._facets = TermIndex([self._marks(reading) for reading in readings])
        self._words = TermIndex([grams(fold(_whole(article))) for article in self.articles])
        texts = [fold(f"{part.heading}{part.text}") for _, part in self._sections]
        self._section_letters = TermIndex([grams(text) for text in texts])
        self._section_owner = np.array([number for number, _ in self._sections])
        self._vectors: Vectors | None = None
        self._section_vectors: Vectors | None = None
        if self._encoder is not None:
            plain = [reading.text for reading in readings]
            vectors = encode_cached(self._encoder, [*plain, *texts], cache)
            self._vectors, self._section_vectors = vectors[: len(plain)], vectors[len(plain) :]
        kernel = np.stack(
            [
                self._kernel_row(reading, None if self._vectors is None else self._vectors[number])
                for number, reading in enumerate(readings)
            ]
        )
        self._classifier = KernelClassifier(kernel, self._classes, self._other + 1, self.weights.ridge)

    def _vector(self, reading: Reading) -> Vectors | None:
        return None if self._encoder is None else self._encoder.encode([reading.text])[0]

    def _kernel_row(self, reading: Reading, vector: Vectors | None) -> Scores:
        row: Scores = self.weights.letters * self._letters.cosine(grams(reading.text))
        row += self.weights.facets * self._facets.cosine(self._marks(reading))
        if vector is not None and self._vectors is not None:
            row += self.weights.vectors * (self._vectors @ vector)
        return row

    def _rank(self, reading: Reading, vector: Vectors | None) -> tuple[Ranking, Scores]:
        weights = self.weights
        classes = self._classifier.scores(self._kernel_row(reading, vector))
        sections = self._section_scores(reading, vector)
        best_section = np.zeros(self._other, dtype=np.float32)
        np.maximum.at(best_section, self._section_owner, sections)
        words = self._words.bm25(grams(reading.text))
        scores = (
            classes[: self._other]
            + weights.words * words / max(1e-6, float(words.max(initial=0.0)))
            + weights.section * best_section
            + self._cue_scores(reading)
            + weights.more_group * self._more
        )
        order = np.argsort(-scores, kind="stable")
        ranking = Ranking(
            tuple(self.articles[number] for number in order),
            tuple(float(scores[number]) for number in order),
            float(classes[self._other]),
        )
        return ranking, sections

    def _marks(self, reading: Reading) -> list[str]:
        """What the question was understood to be about: its facets and the articles whose cues it holds."""
        cued = (article.id for article, cues in zip(self.articles, self._cues, strict=True) if _matches(cues, reading))
        return [*sorted(reading.facets), *cued]

    def _cue_scores(self, reading: Reading) -> Scores:
        matched = [_matches(cues, reading) for cues in self._cues]
        count = np.array(matched, dtype=np.float32)
        return self.weights.cue * (count > 0) + self.weights.second_cue * np.minimum(np.maximum(count - 1, 0), 2)

    def _section_scores(self, reading: Reading, vector: Vectors | None) -> Scores:
        letters = self._section_letters.cosine(grams(reading.text))
        if vector is None or self._section_vectors is None:
            return letters
        scores: Scores = 0.5 * letters + 0.5 * (self._section_vectors @ vector)
        return scores

    def _best_section(self, article: Article, scores: Scores) -> Section | None:
        owned = [
            (float(score), part)
            for score, (number, part) in zip(scores, self._sections, strict=True)
            if self.articles[number].id == article.id
        ]
        return max(owned, key=lambda pair: pair[0])[1] if owned else None


def _matches(cues: Sequence[re.Pattern[str]], reading: Reading) -> int:
    return sum(cue.search(reading.text) is not None for cue in cues)


def _examples(articles: Sequence[Article]) -> tuple[list[str], list[int]]:
    """What the classifier learns from: titles, questions, section headings and leads; then the other matters."""
    texts: list[str] = []
    classes: list[int] = []
    for number, article in enumerate(articles):
        own = [article.title, *article.questions, article.lead, *(part.heading for part in _parts(article))]
        texts += own
        classes += [number] * len(own)
    texts += OTHER_MATTERS
    classes += [len(articles)] * len(OTHER_MATTERS)
    return texts, classes


def _parts(article: Article) -> list[Section]:
    """Sections that answer something: without the example and the closing one."""
    return [part for part in article.sections if part.heading not in {LAST_SECTION, "举例"}]


def _whole(article: Article) -> str:
    """Everything said in an article, titles and questions counted twice."""
    head = "".join([article.title, *article.questions])
    return head * 2 + article.lead + "".join(part.heading * 2 + part.text for part in article.sections)


def _short_text(article: Article, section: Section | None, reading: Reading) -> str:
    """The lead, and the sentence of the nearest section that shares most with the question, within 200 characters."""
    if section is None:
        return article.lead
    query = set(grams(reading.text))
    best, best_share = "", 0.0
    for sentence in sentences("".join(section.text.split())):
        words = set(grams(fold(sentence)))
        share = len(query & words) / (len(words) ** 0.5 or 1.0)
        if sentence not in article.lead and share > best_share and len(article.lead) + len(sentence) <= ANSWER_LIMIT:
            best, best_share = sentence, share
    return article.lead + best
