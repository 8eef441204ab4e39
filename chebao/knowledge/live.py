"""The knowledge base of a running process: the files' articles, then whatever is published, looked at every second.

Without a database the files alone answer (tests, evaluation). What the files teach is learned once and cached; a published
edit is fitted in beside it in milliseconds, so every process answers from it a second or two later.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from chebao.knowledge.articles import Article, ArticleError, parse_article
from chebao.knowledge.encoder import Encoder, find_encoder
from chebao.knowledge.index import answering_sections
from chebao.knowledge.search import KnowledgeBase
from chebao.knowledge.seeds import seed, seed_database
from chebao.knowledge.understanding import fold
from chebao.logs import line

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks at the number of the latest publication."""

_STATE = (
    "SELECT (SELECT coalesce(max(id), 0) FROM knowledge.publications), "
    "(SELECT count(published) FROM knowledge.articles)"
)
"""The latest publication, and how many articles answer: fewer where some were withdrawn."""

_LIVE = (
    "SELECT v.article_id, v.version, v.text FROM knowledge.articles a "
    "JOIN knowledge.versions v ON v.article_id = a.id AND v.version = a.published ORDER BY v.article_id"
)


class LiveKnowledge:
    """Holds the current `KnowledgeBase`; `start` begins to follow the database."""

    def __init__(self, folder: Path, cache: Path | None = None, database_url: str | None = None) -> None:
        self._folder = folder
        self._url = database_url
        self._encoder = find_encoder(cache)
        self._files = KnowledgeBase.load(folder, cache, self._encoder)
        self._seen = (0, 0)  # before the first look nothing is known to be withdrawn
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.base = self._files

    def start(self) -> None:
        """Stores the files, takes up what is published, and goes on looking in a thread of its own."""
        if self._url is None:
            return
        with psycopg.connect(self._url) as connection:
            seed(connection, self._folder)
            self._look(connection)
        self._thread = threading.Thread(target=self._follow, name="knowledge", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _follow(self) -> None:
        while not self._stopped.wait(LOOK_EVERY):
            try:
                assert self._url is not None
                with psycopg.connect(self._url, autocommit=True) as connection:
                    while not self._stopped.wait(LOOK_EVERY):
                        self._look(connection)
            except psycopg.Error as error:
                log.warning(line("knowledge_not_followed", error=type(error).__name__))

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute(_STATE).fetchone()
        latest = (row[0], row[1]) if row else (0, 0)
        if latest == self._seen:
            return
        rows = connection.execute(_LIVE).fetchall()
        articles = [article for article in (_article(*fields) for fields in rows) if article is not None]
        withdrawn = {article.id for article in self._files.articles} - {row[0] for row in rows}
        self.base = self._files.with_changes(articles, withdrawn)
        if self._encoder is not None:
            store_vectors(connection, articles, self._encoder)
        self._seen = latest
        log.info(line("knowledge_published", publication=latest[0], articles=len(articles)))


class OnDemand:
    """A `LiveKnowledge` that is loaded and followed from its first use on; `prepare` stores the files' articles."""

    def __init__(self, folder: Path, cache: Path, database_url: str) -> None:
        self._make = partial(LiveKnowledge, folder, cache, database_url)
        self.prepare = partial(seed_database, database_url, folder)
        self._lock = threading.Lock()
        self._live: LiveKnowledge | None = None

    def __call__(self) -> LiveKnowledge:
        with self._lock:
            if self._live is None:
                live = self._make()
                live.start()
                self._live = live
            return self._live

    def stop(self) -> None:
        """Ends the following, if it ever began."""
        if self._live is not None:
            self._live.stop()


def store_vectors(connection: psycopg.Connection[Any], articles: list[Article], encoder: Encoder) -> None:
    """Writes the vectors of the sections that have none of this encoder yet."""
    have = set(
        connection.execute(
            "SELECT DISTINCT article_id, version FROM knowledge.sections WHERE encoder = %s", (encoder.name,)
        ).fetchall()
    )
    for article in articles:
        if (article.id, article.version) in have:
            continue
        sections = answering_sections(article)
        vectors = encoder.encode([fold(part.heading + part.text) for part in sections])
        rows = [
            (article.id, article.version, position, part.heading, part.text, encoder.name, _as_text(vector))
            for position, (part, vector) in enumerate(zip(sections, vectors, strict=True))
        ]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO knowledge.sections (article_id, version, position, heading, text, encoder, vector) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (article_id, version, position) "
                "DO UPDATE SET encoder = excluded.encoder, vector = excluded.vector",
                rows,
            )


def _as_text(vector: np.ndarray[Any, Any]) -> str:
    return "[" + ",".join(f"{value:.6g}" for value in vector) + "]"


def _article(article_id: str, version: int, body: str) -> Article | None:
    """A published row as an article; one that cannot be read is left out, and the operator told."""
    try:
        return parse_article(body, name=f"{article_id} version {version}", version=version)
    except ArticleError as error:
        log.error(line("article_unreadable", article=article_id, version=version, error=str(error)))
        return None
