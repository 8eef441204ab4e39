"""The real app on a real PostgreSQL, with a dialogue service of behaviour in place of Rasa."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from chebao.app import build
from chebao.conversations.api import HubSettings
from chebao.settings import Settings
from tests.contract.hub.running import Running, Start
from tests.fakes.rasa import FakeRasa

_SENDERS = itertools.count()


@pytest_asyncio.fixture
async def rasa() -> AsyncIterator[FakeRasa]:
    fake = FakeRasa()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def settings(database_url: str, rasa: FakeRasa, tmp_path: Path) -> Settings:
    values: dict[str, Any] = {
        "DATABASE_URL": database_url,
        "data": tmp_path,
        "rasa_url": rasa.url,
        "actions_port": rasa.port,
        "backoffice_url": "http://127.0.0.1:1/elsewhere",
        "web_origins": ["https://partner.example"],
        "_env_file": None,
    }
    return Settings(**values)


@pytest.fixture
def start(settings: Settings) -> Start:
    """Starts an app; a second start in the same test is a second replica, or the first one's restart."""

    @asynccontextmanager
    async def run(
        turn_seconds: float = 2.0, hub: dict[str, Any] | None = None, **changes: Any
    ) -> AsyncIterator[Running]:
        hub_settings = HubSettings(turn_seconds=turn_seconds, **(hub or {}))
        app = build(settings.model_copy(update=changes), hub_settings=hub_settings, sweep_every=0.2)
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": "Bearer demo"}
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://app.test", headers=headers, timeout=30) as client,
        ):
            yield Running(app, client)

    return run


@pytest_asyncio.fixture
async def app(start: Start) -> AsyncIterator[Running]:
    async with start() as running:
        yield running


@pytest.fixture
def sender() -> str:
    return f"customer-{next(_SENDERS)}"
