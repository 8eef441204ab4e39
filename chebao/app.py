"""The composition root: `build` makes the app out of settings; nothing is built at import.

Run by ``python -m chebao.app``, or ``uvicorn --factory chebao.app:create``.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.cors import CORSMiddleware

from channels.telegram.connector import Telegram
from channels.telegram.connector import connect as connect_telegram
from channels.web import connector as web
from channels.web.protocol import MAX_FRAME
from chebao import logs
from chebao.backoffice.reference import create_backoffice
from chebao.conversations import door
from chebao.conversations.api import Attachments, Company, Hub, HubSettings, Rasa, Uploads, Wire
from chebao.db import make_engine
from chebao.desk.api import Desk, DeskSettings, build_desk
from chebao.documents.reader import Reader
from chebao.http import BodyLimit, Pages, install_errors
from chebao.knowledge import api as knowledge
from chebao.knowledge.live import OnDemand
from chebao.looplag import LoopLag
from chebao.outreach import api as outreach
from chebao.quality import api as quality
from chebao.settings import ROOT, Settings, get_settings

if TYPE_CHECKING:
    from channels.wechat.connector import WeChat

_BACKOFFICE = "/backoffice/v1"
_ARTICLES = ROOT / "data" / "articles"


def create() -> FastAPI:
    """The app of this process's settings, with logging set up."""
    logs.configure()
    app = build(get_settings())
    # What was made until now stays for good: no pause of the garbage collector need look at it again.
    gc.collect()
    gc.freeze()
    return app


def build(
    settings: Settings,
    *,
    hub_settings: HubSettings | None = None,
    desk_settings: DeskSettings | None = None,
    engine: AsyncEngine | None = None,
    rasa: Rasa | None = None,
    backoffice: FastAPI | None = None,
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
    desk = build_desk(hub, settings, desk_settings=desk_settings, sweep_every=sweep_every)
    backoffice = backoffice or _own_backoffice(settings, engine)

    telegram = connect_telegram(hub, uploads, settings)
    wechat = _wechat(settings, hub, uploads)
    lag = LoopLag()

    live = OnDemand(_ARTICLES, settings.data / "cache", settings.database_url)

    app = FastAPI(
        title="Chebao",
        lifespan=_lifespan(hub, desk, engine, reader, backoffice, telegram, wechat, live, lag),
        docs_url=None,
        redoc_url=None,
    )
    app.state.hub, app.state.desk, app.state.lag = hub, desk, lag
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
    app.include_router(outreach.router(hub, settings.events_secret.get_secret_value()))
    app.include_router(
        web.router(hub, uploads, secret=secret, origins=settings.web_origins, public_url=settings.public_url)
    )
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


def _lifespan(
    hub: Hub,
    desk: Desk,
    engine: AsyncEngine,
    reader: Reader,
    backoffice: FastAPI | None,
    telegram: Telegram | None,
    wechat: WeChat | None,
    live: OnDemand,
    lag: LoopLag,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            stack.push_async_callback(reader.stop)
            if backoffice is not None:
                await stack.enter_async_context(backoffice.router.lifespan_context(backoffice))
            if telegram is not None:
                stack.push_async_callback(telegram.close)
            if wechat is not None:
                stack.push_async_callback(wechat.close)
            await asyncio.to_thread(live.prepare)
            stack.callback(live.stop)
            await hub.start()
            stack.push_async_callback(hub.stop)
            await desk.start()
            stack.push_async_callback(desk.stop)
            if telegram is not None:
                telegram.start()
                stack.push_async_callback(telegram.stop)
            if wechat is not None:
                stack.push_async_callback(wechat.drain)
            lag.start()
            stack.push_async_callback(lag.stop)
            yield

    return lifespan


def _wechat(settings: Settings, hub: Hub, uploads: Uploads) -> WeChat | None:
    """The WeChat channel, where an account is set; its libraries are loaded only then (30 MB)."""
    if not settings.wechat_app_id:
        return None
    from channels.wechat.setup import channel

    return channel(settings, hub, uploads)


def _own_backoffice(settings: Settings, engine: AsyncEngine) -> FastAPI | None:
    """The reference service, where the settings say that we serve the back office ourselves."""
    own = {f"http://127.0.0.1:{settings.port}{_BACKOFFICE}", f"{settings.public_url}{_BACKOFFICE}"}
    return create_backoffice(engine, settings) if settings.backoffice_url.rstrip("/") in own else None


def main() -> None:
    """Serves until stopped."""
    settings = get_settings()
    uvicorn.run(
        "chebao.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=MAX_FRAME,
        timeout_graceful_shutdown=8,
    )


if __name__ == "__main__":
    main()
