"""What an agent might answer: articles found for the customer's last question, ready sentences that fit it."""

from __future__ import annotations

from typing import Any

from chebao.db import Connection
from chebao.knowledge.search import Hit, KnowledgeBase

_ARTICLES = 3
_LEAST_SCORE = -2.0

_LAST_QUESTION = """
SELECT text FROM hub.messages WHERE conversation_id = %s AND sender = 'customer' AND event IS NULL AND text <> ''
ORDER BY seq DESC LIMIT 1
"""


async def last_question(connection: Connection, conversation_id: str) -> str:
    """What the customer wrote last; empty where he wrote nothing yet."""
    row = await (await connection.execute(_LAST_QUESTION, (conversation_id,))).fetchone()
    return str(row["text"])[:1000] if row else ""


def from_articles(base: KnowledgeBase, question: str, *, most: int = _ARTICLES) -> list[dict[str, Any]]:
    """Answers of the articles nearest to a question, best first, each with its source. Takes milliseconds of a core."""
    answer = base.answer(question)
    best = answer.article.id if answer.article else None
    return [
        _from_article(hit, answer.text if hit.article.id == best else None)
        for hit in base.search(question, most)
        if hit.article.id == best or hit.score >= _LEAST_SCORE
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
