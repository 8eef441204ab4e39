"""Reading conversations: lists, one with everything beside it, its messages and files, suggestions, masked data on request."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from chebao.desk import audit, canned, context, detail, lists, messages, suggestions
from chebao.desk.context import Records, Secret
from chebao.desk.routes.parts import Asking, Parts
from chebao.errors import NotFound

_FILE_HEADERS = {
    "Cache-Control": "private, max-age=3600, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Seq = Annotated[int | None, Query(ge=0, lt=2**31)]


class Reveal(BaseModel):
    """Which masked datum, and why it has to be seen."""

    field: Secret
    reason: str = Field(min_length=2, max_length=200)


def add(routes: APIRouter, parts: Parts) -> None:
    _add_reading(routes, parts)
    _add_messages(routes, parts)
    _add_help(routes, parts)


def _add_reading(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/conversations", tags=["conversations"])
    async def some(
        caller: Asking,
        view: Literal["mine", "queue", "open", "closed", "watch"] = "mine",
        q: Annotated[str, Query(max_length=100)] = "",
        before: datetime | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Conversations that the caller may see. `closed`: those that a person has ended, the last first, page by page with `before`;
        `watch`: those that a supervisor should look at."""
        async with parts.pool.connection() as connection:
            agent = await parts.seer(connection, caller)
            if view == "closed":
                return await lists.closed(connection, agent, q=q, before=before, limit=limit)
            return await lists.live(connection, agent, view, q=q, limit=limit)

    @routes.get("/conversations/{conversation}", tags=["conversations"])
    async def one(caller: Asking, conversation: str) -> dict[str, Any]:
        """The conversation with everything that its agent has to know; personal data are masked. `can` names what the caller may do,
        `missing` the parts that the insurer's core did not give in time."""
        return await detail.of(parts, caller, conversation)

    @routes.post("/conversations/{conversation}/reveal", tags=["conversations"])
    async def reveal(caller: Asking, conversation: str, body: Reveal) -> dict[str, str]:
        """Shows a masked datum; who asked and why stands in the audit before it is shown."""
        async with parts.pool.connection() as connection:
            who = await context.person(connection, conversation)
            await audit.note(
                connection,
                caller.id,
                "reveal",
                conversation,
                reason=body.reason.strip(),
                detail={"field": body.field},
            )
        records = Records(parts.office, who)
        await records.load()
        value = records.secret(body.field)
        if value is None:
            raise NotFound("没有这项资料。")
        return {"field": body.field, "value": value}


def _add_messages(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/conversations/{conversation}/messages", tags=["messages"])
    async def history(
        caller: Asking,
        conversation: str,
        before: Seq = None,
        after: Seq = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Messages of both sides, oldest first: the last before `before`, or the first after `after`."""
        async with parts.pool.connection() as connection:
            if after is not None:
                found = await messages.after(connection, conversation, after, limit)
            else:
                found = await messages.before(connection, conversation, before, limit)
        return {"rows": found}

    async def fetch(conversation: str, upload_id: str, *, thumbnail: bool) -> FileResponse:
        upload = await parts.uploads.get(upload_id, conversation_id=conversation)
        media = "image/jpeg" if thumbnail else upload.content_type
        return FileResponse(parts.uploads.path(upload, thumbnail=thumbnail), media_type=media, headers=_FILE_HEADERS)

    @routes.get("/conversations/{conversation}/files/{file}", tags=["messages"], response_class=FileResponse)
    async def whole(conversation: str, file: str) -> FileResponse:
        """A picture or PDF of the conversation."""
        return await fetch(conversation, file, thumbnail=False)

    @routes.get("/conversations/{conversation}/files/{file}/thumbnail", tags=["messages"], response_class=FileResponse)
    async def small(conversation: str, file: str) -> FileResponse:
        """The small picture."""
        return await fetch(conversation, file, thumbnail=True)


def _add_help(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/conversations/{conversation}/suggestions", tags=["knowledge"])
    async def suggest(caller: Asking, conversation: str) -> dict[str, Any]:
        """What might answer the customer's last question: articles with their source, ready sentences."""
        async with parts.pool.connection() as connection:
            question = await suggestions.last_question(connection, conversation)
            ready = await canned.find(connection, skills=None if caller.leads else list(caller.skills))
        if not question:
            return {"rows": []}
        found = await _articles(parts, question, most=3)
        return {"rows": [*found, *suggestions.from_ready(question, ready)], "question": question}

    @routes.get("/knowledge", tags=["knowledge"])
    async def search(q: Annotated[str, Query(min_length=1, max_length=1000)]) -> dict[str, Any]:
        """Articles for an agent's own question, each with an answer ready to be inserted."""
        return {"rows": await _articles(parts, q, most=10)}


async def _articles(parts: Parts, question: str, *, most: int) -> list[dict[str, Any]]:
    base = await parts.articles.base()
    return await asyncio.to_thread(suggestions.from_articles, base, question, most=most)
