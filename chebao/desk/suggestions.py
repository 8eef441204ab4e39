"""What an agent might answer: articles found for the customer's last question, ready sentences that fit it."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from itertools import pairwise
from typing import Any

from chebao.db import Connection
from chebao.desk import canned
from chebao.errors import Unavailable
from chebao.knowledge.live import LiveKnowledge, OnDemand
from chebao.knowledge.search import Hit, KnowledgeBase
from chebao.logs import line

log = logging.getLogger(__name__)

_READY = 3
_LEAST_SCORE = -2.0

_PATIENCE = 3.0

_LAST_QUESTION = """
SELECT text FROM hub.messages WHERE conversation_id = %s AND sender = 'customer' AND event IS NULL AND text <> ''
ORDER BY seq DESC LIMIT 1
"""


class Articles:
    """The searchable knowledge of this process; loaded at the first question, in one thread of its own that nobody else needs."""

    def __init__(self, live: OnDemand) -> None:
        self._live = live
        self._loaded: asyncio.Future[LiveKnowledge] | None = None

    async def base(self) -> KnowledgeBase:
        """The articles as they are now.

        Raises:
            Unavailable: they are still being loaded; with a cold cache that takes a minute.
        """
        if self._loaded is None:
            self._loaded = asyncio.get_running_loop().create_future()
            threading.Thread(target=self._load, args=(self._loaded,), name="desk-knowledge", daemon=True).start()
        try:
            async with asyncio.timeout(_PATIENCE):
                return (await asyncio.shield(self._loaded)).base
        except TimeoutError:
            raise Unavailable("知识库正在加载，请稍后再试。") from None

    def _load(self, loaded: asyncio.Future[LiveKnowledge]) -> None:
        def done() -> None:
            if failed:
                self._loaded = None  # the next question tries again
                loaded.set_exception(failed)
            else:
                loaded.set_result(self._live())

        failed: Exception | None = None
        try:
            self._live()
        except Exception as error:
            log.exception(line("desk_knowledge_failed"))
            failed = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loaded.get_loop().call_soon_threadsafe(done)


async def last_question(connection: Connection, conversation_id: str) -> str:
    """What the customer wrote last; empty where he wrote nothing yet."""
    row = await (await connection.execute(_LAST_QUESTION, (conversation_id,))).fetchone()
    return str(row["text"])[:1000] if row else ""


def from_articles(base: KnowledgeBase, question: str, *, most: int) -> list[dict[str, Any]]:
    """Answers of the articles nearest to a question, best first, each with its source. Takes milliseconds of a core."""
    answer = base.answer(question)
    best = answer.article.id if answer.article else None
    return [
        _from_article(hit, answer.text if hit.article.id == best else None)
        for hit in base.search(question, most)
        if hit.article.id == best or hit.score >= _LEAST_SCORE
    ]


def from_ready(question: str, replies: list[canned.Canned]) -> list[dict[str, Any]]:
    """Ready sentences that share most with the question; the variables in them are filled by the page."""
    asked = _pairs(question)
    scored = [(len(asked & _pairs(f"{reply.title}{reply.text}")), reply) for reply in replies]
    best = sorted((pair for pair in scored if pair[0] >= 2), key=lambda pair: -pair[0])[:_READY]
    return [
        {"kind": "canned", "title": reply.title, "text": reply.text, "source": "常用语", "topic": None, "version": None}
        for _, reply in best
    ]


def _from_article(hit: Hit, text: str | None) -> dict[str, Any]:
    article = hit.article
    return {
        "kind": "knowledge",
        "title": article.title,
        "text": text or article.lead,
        "source": "；".join(article.sources),
        "topic": article.id,
        "version": article.version,
    }


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring Chinese characters: what two texts have in common without cutting words."""
    only = [c if "\u4e00" <= c <= "\u9fff" else " " for c in text]
    return {a + b for a, b in pairwise(only) if " " not in (a, b)}
