"""The review list for reviewers' tools, with the API key; the desk's page uses the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations.door import require_key
from chebao.quality import learned, review


class Entity(BaseModel):
    """A labelled part of the message."""

    entity: str = Field(pattern=r"^[a-z_]{1,40}$")
    value: str = Field(min_length=1, max_length=200)


class Approval(BaseModel):
    """What the message meant."""

    decision: Literal["approve"]
    reviewer: str = Field(min_length=1, max_length=100)
    intent: str
    topic: str | None = None
    entities: list[Entity] = Field(default=[], max_length=20)


class Rejection(BaseModel):
    """Nothing is to be learnt from the message."""

    decision: Literal["reject"]
    reviewer: str = Field(min_length=1, max_length=100)


class Names(BaseModel):
    """What a reviewer may choose from."""

    intents: list[str]
    topics: list[str]
    entities: list[str]


def router(engine: AsyncEngine, key: str, root: Path) -> APIRouter:
    """The routes under ``/api/quality``."""
    routes = APIRouter(prefix="/api/quality", dependencies=[Depends(require_key(key))], tags=["quality"])
    intents, topics = learned.names(root)
    names = Names(intents=sorted(intents), topics=sorted(topics), entities=learned.entities(root))

    @routes.get("/names")
    async def choices() -> Names:
        """The labels there are."""
        return names

    @routes.get("/reviews")
    async def find(
        state: review.State = review.State.OPEN,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[int | None, Query(ge=1)] = None,
    ) -> list[review.Review]:
        """The list, newest first; what went wrong since the last look is put on it first."""
        await review.collect(engine)
        return await review.find(engine, state, limit=limit, before=before)

    @routes.post("/reviews/{review_id}")
    async def decide(
        review_id: int, body: Annotated[Approval | Rejection, Field(discriminator="decision")]
    ) -> review.Review:
        """A reviewer's verdict."""
        if isinstance(body, Rejection):
            return await review.reject(engine, review_id, body.reviewer)
        verdict = review.Verdict(body.intent, body.topic, [e.model_dump() for e in body.entities])
        return await review.approve(engine, review_id, verdict, body.reviewer, intents=intents, topics=topics)

    return routes
