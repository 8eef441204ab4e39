"""One knowledge base over the product's own articles for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from chebao.knowledge.search import KnowledgeBase

ARTICLES = Path(__file__).resolve().parents[3] / "data" / "articles"


@pytest.fixture(scope="session")
def articles_folder() -> Path:
    return ARTICLES


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("knowledge-cache")


@pytest.fixture(scope="session")
def knowledge(articles_folder: Path, cache: Path) -> KnowledgeBase:
    return KnowledgeBase.load(articles_folder, cache)
