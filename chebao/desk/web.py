"""The desk's doors: REST under `/api/desk/v1` with its own OpenAPI, and the live line."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, WebSocket
from fastapi.openapi.utils import get_openapi

from chebao.backoffice.client import BackOffice
from chebao.conversations.api import Uploads
from chebao.desk.access import COOKIE, PREFIX, Gate
from chebao.desk.api import Desk
from chebao.desk.logins import Logins
from chebao.desk.routes import agents, conversations, handling, learning, session, settings, tickets, webhooks
from chebao.desk.routes.parts import Parts
from chebao.desk.socket import LOGGED_OUT, REFUSED, Socket
from chebao.desk.suggestions import Articles
from chebao.desk.together import Together
from chebao.desk.webhooks import Sender
from chebao.errors import Forbidden
from chebao.knowledge.live import OnDemand
from chebao.settings import Settings

_ABOUT = """
What the agents' page uses, and any other desk may use instead.

**Who calls.** A person logs in (`POST /login`): a cookie, and `X-CSRF-Token` with every write. Another program sends
`Authorization: Bearer CHEBAO_DESK_KEY`, and `X-Chebao-Agent: USER` where it acts for an agent (answering, taking, passing on);
the agent stays there as long as `PUT /me/state` is said at least every 30 seconds.

**Live.** `POST /socket-ticket`, then `GET /socket?ticket=…` as a WebSocket: `{"type": "hello", "after": EVENT}` resumes after the
last event known; every event holds a whole new row of `GET /state`: `state[kind][key] = body`. Programs without a socket take
webhooks: the same events, signed, in order, each at least once, told again from any number on.

**Errors.** `{"error": {"code", "message", "detail"}}`; the message is Chinese and may be shown.
"""


def parts(desk: Desk, settings: Settings, uploads: Uploads, office: BackOffice, knowledge: OnDemand) -> Parts:
    """What the doors work with."""
    together = Together()
    desk.hub.on_typing = together.customer
    logins = Logins(desk.pool, totp=not settings.demo, company=settings.company)
    key = settings.desk_key.get_secret_value()
    return Parts(
        settings=settings,
        pool=desk.pool,
        hub=desk.hub,
        uploads=uploads,
        office=office,
        articles=Articles(knowledge),
        feed=desk.feed,
        handling=desk.handling,
        presence=desk.presence,
        logins=logins,
        gate=Gate(desk.pool, logins, key=key, origins=[settings.public_url]),
        together=together,
        webhooks=Sender(desk.pool, desk.feed),
    )


def router(parts: Parts) -> APIRouter:
    """The routes; raises where one has no line in the access table."""
    routes = APIRouter(prefix=PREFIX, dependencies=[Depends(parts.gate)])
    for subject in (session, conversations, handling, tickets, agents, settings, learning, webhooks):
        subject.add(routes, parts)
    _add_openapi(routes)
    parts.gate.guards(routes)
    return routes


def live_line(parts: Parts) -> APIRouter:
    """The socket; a ticket of a login opens it once."""
    routes = APIRouter(prefix=PREFIX)

    @routes.websocket("/socket")
    async def socket(websocket: WebSocket, ticket: str = "") -> None:
        try:
            parts.gate.check_origin(websocket.headers)
        except Forbidden:
            await websocket.close(REFUSED)
            return
        login = await parts.logins.redeem(ticket) if ticket else None
        await websocket.accept()
        if login is None:
            await websocket.close(LOGGED_OUT)
            return
        await Socket(websocket, parts, login).run()

    return routes


def _add_openapi(routes: APIRouter) -> None:
    @routes.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        document = get_openapi(title="Chebao desk", version="1", description=_ABOUT, routes=routes.routes)
        document["components"]["securitySchemes"] = {
            "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            "key": {"type": "http", "scheme": "bearer"},
        }
        document["security"] = [{"cookie": []}, {"key": []}]
        return document
