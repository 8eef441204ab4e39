"""Where other systems are told what happens at the desk."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chebao.desk import audit, webhooks
from chebao.desk.routes.parts import Asking, Parts

type Kind = Literal["conversation", "agent", "ticket", "note"]


class Wanted(BaseModel):
    """Where to, and what."""

    url: str = Field(min_length=8, max_length=500)
    kinds: list[Kind] = Field(default=["conversation", "ticket"], min_length=1)


class Replay(BaseModel):
    """The number of the last event that the receiver has."""

    after: int = Field(ge=0, lt=2**63)


def add(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/webhooks", tags=["webhooks"])
    async def all_of_them() -> dict[str, Any]:
        """The webhooks: up to which event each has been told, how many `waiting` and since when, how often in a row it did not
        answer and why (`problem`), when it is tried next. One that is not `active` has answered 410; a replay wakes it."""
        async with parts.pool.connection() as connection:
            return {"rows": await webhooks.find(connection)}

    @routes.post("/webhooks", status_code=201, tags=["webhooks"])
    async def create(caller: Asking, body: Wanted) -> dict[str, Any]:
        """Begins to tell an address what happens, in order, each event at least once. The answer holds the secret, this once:
        signatures follow Standard Webhooks. An address that answers 410 is told no more."""
        async with parts.pool.connection() as connection, connection.transaction():
            row = await webhooks.add(connection, body.url, list(body.kinds), https_only=not parts.settings.demo)
            await audit.note(connection, caller.id, "webhook.create", detail={"id": row["id"], "url": body.url})
        parts.webhooks.wake()
        return row

    @routes.delete("/webhooks/{webhook}", status_code=204, tags=["webhooks"])
    async def drop(caller: Asking, webhook: int) -> None:
        """Tells this address no more."""
        async with parts.pool.connection() as connection, connection.transaction():
            await webhooks.drop(connection, webhook)
            await audit.note(connection, caller.id, "webhook.delete", detail={"id": webhook})

    @routes.post("/webhooks/{webhook}/replay", tags=["webhooks"])
    async def replay(webhook: int, body: Replay) -> dict[str, Any]:
        """Tells the address everything after a number once more, as far back as events are kept."""
        async with parts.pool.connection() as connection:
            row = await webhooks.replay(connection, webhook, body.after)
        parts.webhooks.wake()
        return row
