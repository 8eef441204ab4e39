"""The open chat door: Rasa's REST protocol with an API key, answered by the hub."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from fastapi import Path as PathParam
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from chebao.conversations import outbox
from chebao.conversations.hub import Hub
from chebao.conversations.types import Incoming

CHANNEL = "door"


class Location(BaseModel):
    """A shared position, WGS-84 degrees."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    label: str | None = Field(default=None, max_length=200)


class Attachment(BaseModel):
    """A file that the calling system keeps."""

    id: str = Field(min_length=1, max_length=100)
    content_type: str = Field(max_length=100)
    url: str = Field(max_length=1000, pattern=r"^https?://")


class Vote(BaseModel):
    """Whether an answer helped."""

    helpful: bool


class Metadata(BaseModel):
    """Optional companions of a message."""

    message_id: str | None = Field(default=None, min_length=1, max_length=200)
    location: Location | None = None
    attachments: list[Attachment] = Field(default=[], max_length=20)


class DoorMessage(BaseModel):
    """One message of one customer of the calling system."""

    sender: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    message: str
    metadata: Metadata | None = None


def require_key(key: str) -> Callable[..., Awaitable[None]]:
    """A dependency that lets in callers with ``Authorization: Bearer KEY``."""

    async def check(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), key.encode()):
            raise HTTPException(401, "密钥不正确。", headers={"WWW-Authenticate": "Bearer"})

    return check


def router(hub: Hub, key: str) -> APIRouter:
    """The door's routes."""
    routes = APIRouter(dependencies=[Depends(require_key(key))], tags=["chat door"])

    @routes.post("/webhooks/rest/webhook", response_model=list[dict[str, Any]])
    async def talk(body: DoorMessage) -> Response:
        """Takes a message, waits for its turn, returns the replies; undelivered messages come first."""
        incoming = _incoming(body)
        refusal = hub.refusal(incoming)
        found = [{"text": refusal}] if refusal else await hub.converse(incoming)
        return JSONResponse([_as_rasa(body.sender, reply) for reply in found])

    @routes.get("/api/conversations/{sender}")
    async def state(sender: str) -> dict[str, Any]:
        """Who owns the conversation, and since which change."""
        conversation, position = await hub.find(CHANNEL, "", sender)
        return {
            "owner": conversation.owner,
            "epoch": conversation.epoch,
            "verified": conversation.identity(datetime.now(UTC)) is not None,
            "queue_position": position,
        }

    @routes.get("/api/conversations/{sender}/messages")
    async def stream(sender: str, after: Annotated[int, Query(ge=0, lt=2**31)] = 0) -> dict[str, Any]:
        """The numbered messages of the conversation after `after`, both sides."""
        conversation, _ = await hub.find(CHANNEL, "", sender)
        rows = await hub.messages_after(conversation.id, after)
        return {"messages": [outbox.shown(hub.tokens, row) for row in rows], "last_seq": conversation.last_seq}

    @routes.put("/api/conversations/{sender}/messages/{seq}/vote", status_code=204)
    async def vote(sender: str, seq: Annotated[int, PathParam(ge=1, lt=2**31)], body: Vote) -> None:
        """Keeps whether an answer of the bot helped."""
        conversation, _ = await hub.find(CHANNEL, "", sender)
        await hub.vote(conversation.id, seq, body.helpful)

    @routes.get("/api/links/{conversation_id}")
    async def linked(conversation_id: str) -> dict[str, Any]:
        """The conversations, of any channel, in which the same customer proved who he is."""
        return {"linked": await hub.linked(conversation_id)}

    @routes.delete("/api/links/{conversation_id}")
    async def forget(conversation_id: str, everywhere: bool = False) -> dict[str, int]:
        """Ends proof and link at once, in this conversation or in all of its customer."""
        return {"forgotten": await hub.forget(conversation_id, everywhere=everywhere)}

    return routes


def _incoming(body: DoorMessage) -> Incoming:
    metadata = body.metadata or Metadata()
    return Incoming(
        channel=CHANNEL,
        account="",
        peer=body.sender,
        key=metadata.message_id,
        text=body.message,
        location=metadata.location.model_dump() if metadata.location else None,
        attachments=[a.model_dump() for a in metadata.attachments],
    )


def _as_rasa(recipient: str, reply: dict[str, Any]) -> dict[str, Any]:
    """A reply in the shape of Rasa's REST channel: only the keys that hold something."""
    parts = {key: reply[key] for key in ("text", "buttons", "image", "custom") if reply.get(key)}
    return {"recipient_id": recipient, **parts}
