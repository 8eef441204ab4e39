"""Where the back office tells us what happened: signed, at least once, in order per conversation."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Request
from pydantic import BaseModel, Field, ValidationError

from chebao.conversations.api import Hub
from chebao.errors import InputRefused, NotFound
from chebao.logs import line
from chebao.outreach.messages import reply_for, task_ended

log = logging.getLogger(__name__)


type Listener = Callable[[str, Mapping[str, Any], str | None], Awaitable[None]]
"""Gets every event besides what the customer hears of it: type, data, reference. It may get one twice."""


class Event(BaseModel):
    """One event; `reference` is the conversation that started the business."""

    event_id: str = Field(min_length=1, max_length=200)
    type: str
    reference: str | None = None
    data: dict[str, Any] = {}


def signature_of(secret: str, body: bytes) -> str:
    """The header value that belongs to a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def router(hub: Hub, secret: str, listener: Listener | None = None) -> APIRouter:
    """The event door.

    Args:
        listener: who else works with the events; where it fails, the event is sent again.
    """
    routes = APIRouter(tags=["back-office events"])

    @routes.post("/api/backoffice/events")
    async def take(request: Request, x_chebao_signature: Annotated[str, Header()] = "") -> dict[str, bool]:
        """Says the event in its conversation, once; an event nobody is to hear of is taken and forgotten."""
        body = await request.body()
        if not hmac.compare_digest(x_chebao_signature.encode(), signature_of(secret, body).encode()):
            raise HTTPException(401, "签名不正确。")
        try:
            event = Event.model_validate_json(body)
        except ValidationError as error:
            raise InputRefused("事件格式不正确。") from error
        said = await _say(hub, event)
        if listener:
            await listener(event.type, event.data, event.reference)
        return {"said": said}

    return routes


async def _say(hub: Hub, event: Event) -> bool:
    reply = reply_for(event.type, event.data)
    if reply is None or not event.reference:
        log.info(line("event_without_words", event_id=event.event_id, type=event.type))
        return False
    try:
        return await hub.notify(event.reference, reply, key=event.event_id, ends=task_ended(event.type, event.data))
    except NotFound:
        log.warning(line("event_without_conversation", event_id=event.event_id, type=event.type))
        return False
