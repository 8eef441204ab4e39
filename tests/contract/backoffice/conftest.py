"""The real service on the real database, reached by the real client over ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.backoffice.client import BackOffice
from chebao.backoffice.reference import create_backoffice
from chebao.db import make_engine
from chebao.settings import Settings

BASE = "http://office.test"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Hub:
    """A hub that stores the events it accepts; the first `refuse` calls get a 503."""

    refuse: int = 0
    calls: list[httpx.Request] = field(default_factory=list)
    taken: list[httpx.Request] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if len(self.calls) <= self.refuse:
            return httpx.Response(503)
        self.taken.append(request)
        return httpx.Response(200, json={"said": True})


@dataclass
class Stand:
    """The service with all its doors."""

    app: FastAPI
    engine: AsyncEngine
    office: BackOffice
    http: httpx.AsyncClient
    clock: Clock
    hub: Hub
    keys: int = 0

    def key(self) -> str:
        """A new idempotency key."""
        self.keys += 1
        return f"key-{id(self)}-{self.keys}"

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Rows straight from the database."""
        from sqlalchemy import text

        async with self.engine.begin() as db:
            found = await db.execute(text(statement), values)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    async def deliver(self) -> int:
        """One round of event delivery."""
        transport = httpx.MockTransport(self.hub)
        async with httpx.AsyncClient(base_url="http://hub.test", transport=transport) as http:
            delivered: int = await self.app.state.delivery.deliver_due(http)
            return delivered


def settings_for(url: str, **values: Any) -> Settings:
    return Settings(_env_file=None, DATABASE_URL=url, **values)


@pytest_asyncio.fixture
async def make_stand(database_url: str) -> AsyncIterator[Callable[..., Any]]:
    """Builds stands; the database holds today's demo data afresh."""
    opened: list[tuple[AsyncEngine, BackOffice, httpx.AsyncClient]] = []

    async def make(sms: Any = None, **values: Any) -> Stand:
        engine, clock = make_engine(database_url), Clock()
        app = create_backoffice(engine, settings_for(database_url, **values), clock, sms=sms)
        root = FastAPI()
        root.mount("/backoffice/v1", app)
        transport = httpx.ASGITransport(root)
        token = app.state.office.settings.backoffice_token.get_secret_value()
        office = BackOffice(f"{BASE}/backoffice/v1", token, transport)
        http = httpx.AsyncClient(
            base_url=f"{BASE}/backoffice/v1", transport=transport, headers={"Authorization": f"Bearer {token}"}
        )
        opened.append((engine, office, http))
        return Stand(app, engine, office, http, clock, Hub())

    yield make
    for engine, office, http in opened:
        await office.aclose()
        await http.aclose()
        await engine.dispose()


@pytest_asyncio.fixture
async def stand(make_stand: Callable[..., Any]) -> Stand:
    """A demo-mode stand with fresh demo data."""
    made: Stand = await make_stand()
    assert (await made.http.post("/demo/reset", json={})).status_code == 200
    return made
