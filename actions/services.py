"""The two things that actions may call: the back office and the knowledge search, one of each per process."""

from __future__ import annotations

from functools import lru_cache

from chebao.backoffice.client import BackOffice
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
def knowledge() -> KnowledgeBase:
    """The articles, searchable."""
    return KnowledgeBase.load(ROOT / "data" / "articles", cache=get_settings().data / "cache")
