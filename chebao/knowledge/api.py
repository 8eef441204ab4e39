"""The articles for editors' tools, with the API key; the desk's editor uses the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.knowledge import store
from chebao.knowledge.live import LiveKnowledge

_SHANGHAI = ZoneInfo("Asia/Shanghai")
Topic = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,60}$")]
Number = Annotated[int, Path(ge=1, lt=2**31)]


class Draft(BaseModel):
    """An article's whole text: front matter and Markdown, as in a file."""

    author: store.Name
    text: str = Field(min_length=1, max_length=50_000)


class Verdict(BaseModel):
    """A reviewer's word."""

    reviewer: store.Name
    good: bool


class Publish(BaseModel):
    """Who publishes."""

    by: store.Name


class History(BaseModel):
    """Versions and publications, newest first."""

    versions: list[store.Version]
    publications: list[store.Publication]


class Found(BaseModel):
    """One article found."""

    topic: str
    version: int
    title: str
    section: str | None
    score: float


class Result(BaseModel):
    """What the assistant would do with a question."""

    kind: str
    text: str
    certainty: float
    found: list[Found]


def router(engine: AsyncEngine, check: Callable[..., Any], live: Callable[[], LiveKnowledge]) -> APIRouter:
    """The routes under ``/api/knowledge``.

    Args:
        engine: the database.
        check: the dependency that lets callers in.
        live: the searchable knowledge, loaded at the first search: only then does this process need the sentence encoder.
    """
    routes = APIRouter(prefix="/api/knowledge", dependencies=[Depends(check)], tags=["knowledge"])

    @routes.get("/articles")
    async def articles() -> list[store.Summary]:
        """All articles."""
        return await store.summaries(engine)

    @routes.get("/articles/{topic}")
    async def article(topic: Topic, version: Annotated[int | None, Query(ge=1, lt=2**31)] = None) -> store.Version:
        """One version; by default the one that answers now."""
        return await store.version(engine, topic, version)

    @routes.get("/articles/{topic}/history")
    async def history(topic: Topic) -> History:
        """All versions and publications."""
        versions, publications = await store.history(engine, topic)
        return History(versions=versions, publications=publications)

    @routes.get("/articles/{topic}/alike")
    async def alike(topic: Topic) -> list[store.Near]:
        """Sections of other articles that say something alike."""
        return await store.alike(engine, topic)

    @routes.put("/articles/{topic}/draft")
    async def save(topic: Topic, body: Draft) -> store.Version:
        """Saves a draft."""
        return await store.save_draft(engine, topic, body.text, body.author)

    @routes.post("/articles/{topic}/versions/{number}/submit")
    async def submit(topic: Topic, number: Number) -> store.Version:
        """Hands a draft to review."""
        return await store.submit(engine, topic, number)

    @routes.post("/articles/{topic}/versions/{number}/review")
    async def review(topic: Topic, number: Number, body: Verdict) -> store.Version:
        """A verdict by somebody else than the author."""
        today = datetime.now(_SHANGHAI).date()
        return await store.review(engine, topic, number, body.reviewer, today, good=body.good)

    @routes.post("/articles/{topic}/versions/{number}/publish")
    async def publish(topic: Topic, number: Number, body: Publish) -> store.Version:
        """Publishes a reviewed version, or goes back to one that was published before."""
        return await store.publish(engine, topic, number, body.by)

    @routes.get("/search")
    async def search(q: Annotated[str, Query(min_length=1, max_length=1000)]) -> Result:
        """What the assistant finds and would do."""
        return await asyncio.to_thread(_search, live, q)

    return routes


def _search(live: Callable[[], LiveKnowledge], question: str) -> Result:
    base = live().base
    answer = base.answer(question)
    found = [
        Found(
            topic=hit.article.id,
            version=hit.article.version,
            title=hit.article.title,
            section=hit.section.heading if hit.section else None,
            score=round(hit.score, 3),
        )
        for hit in base.search(question)
    ]
    return Result(kind=answer.kind, text=answer.text, certainty=round(answer.certainty, 3), found=found)
