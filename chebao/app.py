"""The composition root: `build` makes the app out of settings; nothing is built at import.

Run by ``python -m chebao.app``, or ``uvicorn --factory chebao.app:create``.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.cors import CORSMiddleware

from channels.speech import Transcriber
from channels.telegram.connector import connect as connect_telegram
from channels.web import connector as web
from channels.web.protocol import MAX_FRAME
from chebao import logs
from chebao.backoffice.client import BackOffice
from chebao.backoffice.reference import create_backoffice
from chebao.conversations import door
from chebao.conversations.api import Attachments, Company, Hub, HubSettings, Rasa, Uploads, Wire
from chebao.db import make_engine
from chebao.desk import web as desk_web
from chebao.desk.api import DeskSettings, build_desk
from chebao.desk.ticket_job import TicketJob
from chebao.documents.reader import Reader
from chebao.http import BodyLimit, Pages, install_errors
from chebao.knowledge import api as knowledge
from chebao.knowledge.articles import ArticleError, load_articles
from chebao.knowledge.live import OnDemand
from chebao.looplag import LoopLag
from chebao.outreach import api as outreach
from chebao.quality import api as quality
from chebao.settings import ROOT, Settings, get_settings
from chebao.settling import settle

if TYPE_CHECKING:
    from channels.wechat.connector import WeChat

_BACKOFFICE = "/backoffice/v1"
_ARTICLES = ROOT / "data" / "articles"


@dataclass(frozen=True)
class Service:
    """Something that runs while the app does: `start` on the way up, `stop` on the way down, plain or awaited."""

    start: Callable[[], Any] | None = None
    stop: Callable[[], Any] | None = None


def create() -> FastAPI:
    """The app of this process's settings, with logging set up."""
    logs.configure()
    app = build(get_settings())
    app.router.lifespan_context = partial(_warm, app.router.lifespan_context)
    return app


@asynccontextmanager
async def _warm(lifespan: Callable[[Any], AbstractAsyncContextManager[Any]], app: FastAPI) -> AsyncIterator[None]:
    """Does before anybody can call what would hold up the first customers.

    FastAPI builds its routes while it looks for the first match (80 ms on the event loop). Of what is made after the start the
    garbage collector looks at less at a time than by default, and threads give way to the event loop after 1 ms instead of 5
    (`make loop-watch`).
    """
    sys.setswitchinterval(0.001)
    async with lifespan(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://warm") as http:
            await http.get(f"{_BACKOFFICE}/nothing")
        settle()
        gc.set_threshold(1_000, 4, 100)
        yield


def build(
    settings: Settings,
    *,
    hub_settings: HubSettings | None = None,
    desk_settings: DeskSettings | None = None,
    engine: AsyncEngine | None = None,
    rasa: Rasa | None = None,
    backoffice: FastAPI | None = None,
    transcriber: Transcriber | None = None,
    pages: Path = ROOT / "web" / "dist",
    sweep_every: float = 5.0,
) -> FastAPI:
    """Wires the rooms together.

    Args:
        settings: where everything is.
        hub_settings: turns and queue; from the environment where not given.
        desk_settings: how long the desk waits for whom; likewise.
        engine: the database; from ``settings.database_url`` where not given.
        rasa: the dialogue service's client.
        backoffice: the reference back office to serve under ``/backoffice/v1``; ours where the settings point to us.
        transcriber: writes down what customers say in recordings, on every channel; without one they are asked to type.
        pages: folder of the built web pages.
        sweep_every: seconds between two looks at orphaned messages and the queue.
    """
    if settings.database_url is None:
        raise RuntimeError("DATABASE_URL is not set: start with `make run`, or name a PostgreSQL server")
    hub_settings = hub_settings or HubSettings()
    engine = engine or make_engine(settings.database_url, pool_size=10)
    rasa = rasa or Rasa(
        settings.rasa_url, f"http://127.0.0.1:{settings.actions_port}", budget=hub_settings.turn_seconds
    )
    company = Company(
        settings.company,
        settings.hotline,
        hub_settings.wait_minutes(demo=settings.demo),
        chat_url=f"{settings.public_url}/chat",
    )
    secret = settings.session_secret.get_secret_value()
    uploads, reader = Uploads(engine, settings.data / "uploads"), Reader()
    attachments = Attachments(engine, uploads, reader)
    hub = Hub(
        engine,
        settings.database_url,
        rasa,
        company,
        secret=secret,
        attachments=attachments,
        sweep_every=sweep_every,
        wire=Wire(settings.data / "wire"),
        writer=hub_settings.summary_writer(),
    )
    backoffice = backoffice or _own_backoffice(settings, engine)

    telegram = connect_telegram(hub, uploads, settings, transcriber)
    wechat = _wechat(settings, hub, uploads, transcriber)
    lag = LoopLag()

    live = OnDemand(_ARTICLES, settings.data / "cache", settings.database_url)
    desk = build_desk(hub, settings, desk_settings=desk_settings, sweep_every=sweep_every)
    office = BackOffice.from_settings(settings)
    tickets = TicketJob(desk.pool, hub, office)
    parts = desk_web.parts(desk, settings, uploads, office, live)

    services = [
        Service(stop=engine.dispose),
        Service(stop=reader.stop),
        *([_within(backoffice)] if backoffice is not None else []),
        *(Service(stop=channel.close) for channel in (telegram, wechat) if channel is not None),
        Service(partial(asyncio.to_thread, live.prepare), live.stop),
        Service(hub.start, hub.stop),
        Service(stop=office.aclose),
        Service(desk.start, desk.stop),
        Service(tickets.start, tickets.stop),
        Service(parts.webhooks.start, parts.webhooks.stop),
        *([Service(telegram.start, telegram.stop)] if telegram else []),
        *([Service(stop=wechat.drain)] if wechat else []),
        Service(lag.start, lag.stop),
    ]
    app = FastAPI(title="Chebao", lifespan=_lifespan(services), docs_url=None, redoc_url=None)
    app.state.hub, app.state.desk, app.state.parts, app.state.lag = hub, desk, parts, lag
    install_errors(app)
    app.add_middleware(BodyLimit)
    if settings.web_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.web_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )
    _health(app, hub)
    key = settings.chat_key.get_secret_value()
    app.include_router(door.router(hub, key))
    app.include_router(quality.router(engine, key, ROOT))
    app.include_router(knowledge.router(engine, door.require_key(key), live))
    app.include_router(outreach.router(hub, settings.events_secret.get_secret_value(), tickets.heard))
    app.include_router(
        web.router(hub, uploads, secret=secret, origins=settings.web_origins, public_url=settings.public_url)
    )
    app.include_router(desk_web.router(parts))
    app.include_router(desk_web.live_line(parts))
    if telegram:
        app.include_router(telegram.router())
    if wechat:
        app.include_router(wechat.router())
    if backoffice is not None:
        app.mount(_BACKOFFICE, backoffice)
    Pages(pages, settings.web_origins).install(app)
    return app


def _health(app: FastAPI, hub: Hub) -> None:
    @app.get("/healthz", tags=["health"])
    async def alive() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @app.get("/readyz", tags=["health"])
    async def ready() -> JSONResponse:
        """Database, dialogue service and action server answer."""
        parts = await hub.ready()
        return JSONResponse({"ready": all(parts.values()), **parts}, 200 if all(parts.values()) else 503)


def _lifespan(services: Sequence[Service]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Starts the services in order, and stops in the opposite order those that were started."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for service in services:
                await _call(service.start)
                stack.push_async_callback(_call, service.stop)
            yield

    return lifespan


async def _call(do: Callable[[], Any] | None) -> None:
    done = do() if do else None
    if inspect.isawaitable(done):
        await done


def _within(mounted: FastAPI) -> Service:
    """The life of a mounted app."""
    life = mounted.router.lifespan_context(mounted)
    return Service(life.__aenter__, lambda: life.__aexit__(None, None, None))


def _wechat(settings: Settings, hub: Hub, uploads: Uploads, transcriber: Transcriber | None) -> WeChat | None:
    """The WeChat channel, where an account is set; its libraries are loaded only then (30 MB)."""
    if not settings.wechat_app_id:
        return None
    from channels.wechat.setup import channel

    return channel(settings, hub, uploads, transcriber)


def _own_backoffice(settings: Settings, engine: AsyncEngine) -> FastAPI | None:
    """The reference service, where the settings say that we serve the back office ourselves."""
    own = {f"http://127.0.0.1:{settings.port}{_BACKOFFICE}", f"{settings.public_url}{_BACKOFFICE}"}
    return create_backoffice(engine, settings) if settings.backoffice_url.rstrip("/") in own else None


def main() -> None:
    """Serves until stopped."""
    settings = get_settings()
    try:
        load_articles(_ARTICLES)
    except ArticleError as error:
        sys.exit(f"Cannot start: {error}")
    uvicorn.run(
        "chebao.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=MAX_FRAME,
        ws_per_message_deflate=False,  # one event goes to fifty pages, and would be compressed fifty times
        timeout_graceful_shutdown=8,
    )


if __name__ == "__main__":
    main()
