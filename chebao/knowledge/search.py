"""Finding the article that answers a question, and deciding whether to answer, to offer choices or to stay silent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import numpy as np

from chebao.knowledge.articles import Article, Section, load_articles, load_phrasings, sentences
from chebao.knowledge.encoder import Encoder, find_encoder
from chebao.knowledge.index import Index, answering_sections
from chebao.knowledge.ranking import grams
from chebao.knowledge.understanding import Reading, fold, read
from chebao.knowledge.weighing import WEIGHING, Weighing, certainty, likelihoods

ANSWER_LIMIT = 200
CHOICES = 3
LIABILITY = 6  # shared pairs of characters that a section about the liability asked for is worth
VERBATIM = 20.0  # log-odds for a question that stands word for word in an article


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
        kind: ``confident`` (article and text are set), ``choices`` (up to three articles to offer) or ``none``.
        text: at most 200 characters, ready to be sent.
        certainty: between 0 and 1, how far the best article stands out.
    """

    kind: Literal["confident", "choices", "none"]
    article: Article | None = None
    text: str = ""
    choices: tuple[Article, ...] = ()
    certainty: float = 0.0


@dataclass(frozen=True)
class Ranking:
    """All articles, best first, with their log-odds.

    Attributes:
        certainty: how safe it is to answer with the first article.
        other: how likely the question is another matter than motor insurance.
    """

    articles: tuple[Article, ...]
    scores: tuple[float, ...]
    certainty: float
    other: float


class KnowledgeBase:
    """All articles in memory, ready to be searched. Immutable: an edited article means a new KnowledgeBase."""

    def __init__(self, index: Index, weighing: Weighing, withdrawn: Collection[str] = ()) -> None:
        self.articles = index.articles
        self._index = index
        self._weighing = weighing
        self._groups = [article.group for article in self.articles]
        self._withdrawn = [number for number, article in enumerate(self.articles) if article.id in withdrawn]
        self._asked = {
            fold(question): number for number, article in enumerate(self.articles) for question in article.questions
        }
        self.rank("车险")  # the first question touches all memory: not in a customer's turn

    @classmethod
    def load(cls, folder: Path, cache: Path | None = None, encoder: Encoder | None = None) -> KnowledgeBase:
        """Reads the articles and prepares the search.

        Args:
            folder: where the `<topic id>.md` files are.
            cache: folder for what was learned from them; without it that is done at every start (some seconds).
            encoder: default: the installed one, or words alone.

        Raises:
            ArticleError: an article, the phrasings or the weighing is missing or damaged; the message names the file.
        """
        articles = tuple(load_articles(folder).values())
        weighing = Weighing.read(folder / WEIGHING)
        return cls(Index(articles, load_phrasings(folder), encoder or find_encoder(), cache), weighing)

    def with_changes(self, changed: Sequence[Article], withdrawn: Collection[str] = ()) -> Self:
        """A knowledge base that also knows these articles, new, edited or only renumbered; takes milliseconds.

        Args:
            changed: the articles.
            withdrawn: ids of articles that answer no more.
        """
        return type(self)(self._index.with_changes(changed), self._weighing, withdrawn)

    def article(self, topic: str) -> Article | None:
        """The article of this id, None where there is none or it was withdrawn."""
        found = (number for number, article in enumerate(self.articles) if article.id == topic)
        return next((self.articles[number] for number in found if number not in self._withdrawn), None)

    def search(self, question: str, k: int = CHOICES) -> list[Hit]:
        """The k best articles, best first; nothing for a text without a Chinese character, letter or digit."""
        reading = read(question)
        if not reading.text:
            return []
        ranking = self._rank(reading)
        best = zip(ranking.articles[:k], ranking.scores[:k], strict=True)
        return [Hit(article, _best_section(article, reading), score) for article, score in best]

    def answer(self, question: str, *, motoring: bool = False) -> Answer:
        """Answers when sure enough, else offers up to three titles, else none.

        Args:
            question: any text.
            motoring: the conversation is about the customer's car already, so that "怎么退保" needs no word of motoring.
        """
        reading = read(question)
        if not reading.text:
            return Answer("none")
        ranking = self._rank(reading)
        kind = self._decide(reading, ranking, motoring)
        if kind == "confident":
            article = ranking.articles[0]
            return Answer("confident", article, _short_text(article, reading), certainty=ranking.certainty)
        if kind == "choices":
            return Answer("choices", choices=ranking.articles[:CHOICES], certainty=ranking.certainty)
        return Answer("none", certainty=ranking.certainty)

    def rank(self, question: str) -> Ranking:
        """Scores of every article, for evaluation and explanation."""
        return self._rank(read(question))

    def _rank(self, reading: Reading) -> Ranking:
        voices = self._index.voices(reading, self._index.vector(reading.text))
        scores = self._weighing.scores(voices)
        if reading.text in self._asked:
            scores[self._asked[reading.text]] += VERBATIM
        scores[self._withdrawn] = -np.inf
        order = np.argsort(-scores[:-1], kind="stable")
        likely = likelihoods(scores)
        return Ranking(
            tuple(self.articles[number] for number in order),
            tuple(float(scores[number]) for number in order),
            certainty(likely, self._groups),
            float(likely[-1]),
        )

    def _decide(self, reading: Reading, ranking: Ranking, motoring: bool) -> Literal["confident", "choices", "none"]:
        if ours(reading, motoring=motoring) and ranking.certainty >= self._weighing.certain:
            return "confident"
        relevant = motoring or reading.motor or (reading.insurance and not reading.other_line)
        return "choices" if relevant and 1 - ranking.other >= self._weighing.offer else "none"


def ours(reading: Reading, *, motoring: bool = False) -> bool:
    """Whether a question may be answered at all: it speaks of motoring, and of no other line of insurance."""
    return (motoring or reading.motor) and not reading.other_line


@dataclass(frozen=True)
class _Parts:
    """What a section is compared by: pairs and triples of characters, and who its heading says is liable."""

    heading: frozenset[str]
    whole: frozenset[str]
    liable: frozenset[str]


@lru_cache(maxsize=4096)
def _parts(section: Section) -> _Parts:
    heading = frozenset(grams(fold(section.heading), (2, 3)))
    whole = heading | frozenset(grams(fold(section.text), (2, 3)))
    return _Parts(heading, whole, _liable(read(section.heading)))


def _liable(reading: Reading) -> frozenset[str]:
    return frozenset(facet for facet in reading.facets if facet.startswith("责任:"))


def _best_section(article: Article, reading: Reading) -> Section | None:
    """The section that shares most with the question, None where nothing of two characters is shared.

    Where the question says who is liable, a section about another one's liability is none, however alike the words.
    """
    query, liable = set(grams(reading.text, (2, 3))), _liable(reading)
    best, best_share = None, 0
    for section in answering_sections(article):
        parts = _parts(section)
        if liable and parts.liable and not liable & parts.liable:
            continue
        share = len(query & parts.whole) + 2 * len(query & parts.heading) + LIABILITY * len(liable & parts.liable)
        if share > best_share:
            best, best_share = section, share
    return best


def _short_text(article: Article, reading: Reading) -> str:
    """The lead, and the sentence of the nearest section that shares most with the question, within 200 characters."""
    section = _best_section(article, reading)
    if section is None:
        return article.lead
    query = set(grams(reading.text, (2, 3)))
    best, best_share = "", 0.0
    for sentence in sentences("".join(section.text.split())):
        words = set(grams(fold(sentence), (2, 3)))
        share = len(query & words) / (len(words) ** 0.5 or 1.0)
        if share > best_share and sentence not in article.lead and len(article.lead) + len(sentence) <= ANSWER_LIMIT:
            best, best_share = sentence, share
    return article.lead + best
