"""The service's composition: `create_backoffice` for an engine of the caller's, `create_app` for one of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.backoffice.reference import (
    applications,
    cashier,
    claims,
    demo,
    http,
    identity,
    people,
    policies,
    quotes,
    services,
)
from chebao.backoffice.reference.events import Delivery
from chebao.backoffice.reference.work import Clock, Office, Sms, utc_now
from chebao.db import make_engine
from chebao.settings import Settings

_DESCRIPTION = """The insurer's core behind the assistant. Every write takes an `Idempotency-Key`: the same key and body give the
stored first answer, another body 409. Money is a decimal string in yuan, times are local ISO with offset, and rows never change
by themselves. `as_customer` limits what is visible to one verified customer; somebody else's object then does not exist."""


def create_backoffice(
    engine: AsyncEngine,
    settings: Settings,
    clock: Clock = utc_now,
    *,
    sms: Sms | None = None,
    hub: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The service, to be mounted at ``/backoffice/v1``; the caller enters its lifespan and disposes of the engine.

    Args:
        engine: a migrated database.
        settings: mode, token, addresses.
        clock: gives the moment, aware.
        sms: sends one-time codes outside demo mode; without it none can be sent there.
        hub: another transport for events to the hub (tests).
    """
    office = Office(engine, settings, clock, sms)
    delivery = Delivery(office, hub)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if settings.demo:
            async with office.work() as work:
                await demo.load_if_empty(work)
        delivery.start()
        try:
            yield
        finally:
            await delivery.stop()

    app = FastAPI(title="Chebao back office", version="1", description=_DESCRIPTION, lifespan=lifespan, redoc_url=None)
    app.state.office = office
    app.state.delivery = delivery
    app.add_middleware(http.Guard)
    http.install(app)
    for part in (identity, people, quotes, applications, services, policies, claims, demo):
        app.include_router(part.router, dependencies=[Depends(http.check_token)])
    app.include_router(cashier.router)
    return app


def create_app(settings: Settings) -> FastAPI:
    """The service with an engine of its own, closed with its lifespan."""
    if settings.database_url is None:
        raise RuntimeError("DATABASE_URL is not set")
    engine = make_engine(settings.database_url)
    app = create_backoffice(engine, settings)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(served: FastAPI) -> AsyncIterator[None]:
        try:
            async with inner(served):
                yield
        finally:
            await engine.dispose()

    app.router.lifespan_context = lifespan
    return app
