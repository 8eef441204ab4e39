"""The two things that actions may call: the back office and the knowledge search, one of each per process."""

from __future__ import annotations

from functools import lru_cache

from chebao.backoffice.client import BackOffice
from chebao.knowledge.live import LiveKnowledge
from chebao.knowledge.search import KnowledgeBase
from chebao.settings import ROOT, get_settings


@lru_cache
def backoffice() -> BackOffice:
    """The client of the insurer's core."""
    settings = get_settings()
    return BackOffice(
        settings.backoffice_url, settings.backoffice_token.get_secret_value(), public_url=settings.public_url
    )


@lru_cache
def live_knowledge() -> LiveKnowledge:
    """The articles of the files; from its `start` on also what is published while running."""
    settings = get_settings()
    return LiveKnowledge(ROOT / "data" / "articles", settings.data / "cache", settings.database_url)


def knowledge() -> KnowledgeBase:
    """The articles, searchable, as they are now."""
    return live_knowledge().base
