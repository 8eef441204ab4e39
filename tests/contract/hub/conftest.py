"""The real app on a real PostgreSQL, with a dialogue service of behaviour in place of Rasa."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from chebao.app import build
from chebao.conversations.api import Hub, HubSettings
from chebao.settings import Settings
from tests.fakes.rasa import FakeRasa

_SENDERS = itertools.count()


@dataclass
class Running:
    """A started app and a client of its open chat door."""

    app: FastAPI
    http: httpx.AsyncClient

    @property
    def hub(self) -> Hub:
        hub: Hub = self.app.state.hub
        return hub

    async def say(self, sender: str, message: str, **metadata: Any) -> list[dict[str, Any]]:
        body = {"sender": sender, "message": message} | ({"metadata": metadata} if metadata else {})
        headers = {"Content-Type": "application/json"}
        answer = await self.http.post("/webhooks/rest/webhook", content=json.dumps(body), headers=headers)
        assert answer.status_code == 200, answer.text
        replies: list[dict[str, Any]] = answer.json()
        return replies

    async def texts(self, sender: str, message: str, **metadata: Any) -> list[str]:
        return [reply.get("text", "") for reply in await self.say(sender, message, **metadata)]

    async def state(self, sender: str) -> dict[str, Any]:
        answer = await self.http.get(f"/api/conversations/{sender}")
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    async def stream(self, sender: str, after: int = 0) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/api/conversations/{sender}/messages", params={"after": after})
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return messages

    async def conversation_id(self, sender: str) -> str:
        conversation, _ = await self.hub.find("door", "", sender)
        return conversation.id


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest_asyncio.fixture
async def rasa() -> AsyncIterator[FakeRasa]:
    fake = FakeRasa()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def settings(database_url: str, rasa: FakeRasa, tmp_path: Path) -> Settings:
    return Settings(
        DATABASE_URL=database_url,
        data=tmp_path,
        rasa_url=rasa.url,
        actions_port=rasa.port,
        backoffice_url="http://127.0.0.1:1/elsewhere",
        web_origins=["https://partner.example"],
        _env_file=None,
    )


@pytest.fixture
def start(settings: Settings) -> Start:
    """Starts an app; a second start in the same test is a second replica, or the first one's restart."""

    @asynccontextmanager
    async def run(turn_seconds: float = 2.0, **changes: Any) -> AsyncIterator[Running]:
        hub_settings = HubSettings(turn_seconds=turn_seconds, _env_file=None)
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
