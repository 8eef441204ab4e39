"""Articles and the review list for the desk's editors: the same functions as `/api/knowledge` and `/api/quality`, with the login as author."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from chebao.desk.routes.parts import Asking, Parts
from chebao.insurance.dates import SHANGHAI
from chebao.knowledge import store
from chebao.knowledge.api import History, Topic
from chebao.quality import learned, review
from chebao.quality.api import Entity
from chebao.settings import ROOT

type Version = Annotated[int | None, Query(ge=1, lt=2**31)]


class Draft(BaseModel):
    """An article's whole text: front matter and Markdown, as in a file."""

    text: str = Field(min_length=1, max_length=50_000)


class Verdict(BaseModel):
    """Whether a draft may be published."""

    good: bool


class Decision(BaseModel):
    """What an unanswered message meant, or that nothing is to be learnt from it."""

    decision: Literal["approve", "reject"]
    intent: str = ""
    topic: str | None = None
    entities: list[Entity] = Field(default=[], max_length=20)


def add(routes: APIRouter, parts: Parts) -> None:
    _add_articles(routes, parts)
    _add_reviews(routes, parts)


def _add_articles(routes: APIRouter, parts: Parts) -> None:
    engine = parts.hub.engine

    @routes.get("/knowledge/articles", tags=["knowledge"])
    async def articles() -> list[store.Summary]:
        """All articles."""
        return await store.summaries(engine)

    @routes.get("/knowledge/articles/{topic}", tags=["knowledge"])
    async def article(topic: Topic, version: Version = None) -> store.Version:
        """One version; by default the one that answers now."""
        return await store.version(engine, topic, version)

    @routes.get("/knowledge/articles/{topic}/history", tags=["knowledge"])
    async def history(topic: Topic) -> History:
        """All versions and publications."""
        versions, publications = await store.history(engine, topic)
        return History(versions=versions, publications=publications)

    @routes.get("/knowledge/articles/{topic}/alike", tags=["knowledge"])
    async def alike(topic: Topic) -> list[store.Near]:
        """Sections of other articles that say something alike."""
        return await store.alike(engine, topic)

    @routes.put("/knowledge/articles/{topic}/draft", tags=["knowledge"])
    async def save(caller: Asking, topic: Topic, body: Draft) -> store.Version:
        """Saves a draft."""
        return await store.save_draft(engine, topic, body.text, caller.signature)

    @routes.post("/knowledge/articles/{topic}/versions/{version}/submit", tags=["knowledge"])
    async def submit(topic: Topic, version: int) -> store.Version:
        """Hands a draft to review."""
        return await store.submit(engine, topic, version)

    @routes.post("/knowledge/articles/{topic}/versions/{version}/review", tags=["knowledge"])
    async def verdict(caller: Asking, topic: Topic, version: int, body: Verdict) -> store.Version:
        """A verdict by somebody else than the author."""
        today = datetime.now(SHANGHAI).date()
        return await store.review(engine, topic, version, caller.signature, today, good=body.good)

    @routes.post("/knowledge/articles/{topic}/versions/{version}/publish", tags=["knowledge"])
    async def publish(caller: Asking, topic: Topic, version: int) -> store.Version:
        """Publishes a reviewed version, or goes back to one that was published before."""
        return await store.publish(engine, topic, version, caller.signature)


def _add_reviews(routes: APIRouter, parts: Parts) -> None:
    engine = parts.hub.engine
    intents, topics = learned.names(ROOT)

    @routes.get("/quality/reviews", tags=["quality"])
    async def reviews(
        state: review.State = review.State.OPEN,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[int | None, Query(ge=1)] = None,
    ) -> list[review.Review]:
        """Messages that were not answered well, the newest first."""
        await review.collect(engine)
        return await review.find(engine, state, limit=limit, before=before)

    @routes.post("/quality/reviews/{review_id}", tags=["quality"])
    async def decide(caller: Asking, review_id: int, body: Decision) -> review.Review:
        """What a message meant, or that it teaches nothing."""
        if body.decision == "reject":
            return await review.reject(engine, review_id, caller.signature)
        verdict = review.Verdict(body.intent, body.topic, [entity.model_dump() for entity in body.entities])
        return await review.approve(engine, review_id, verdict, caller.signature, intents=intents, topics=topics)

    @routes.get("/quality/names", tags=["quality"])
    async def names() -> dict[str, list[str]]:
        """What a message can mean: intents, topics of articles, kinds of entities."""
        return {"intents": sorted(intents), "topics": sorted(topics), "entities": learned.entities(ROOT)}
