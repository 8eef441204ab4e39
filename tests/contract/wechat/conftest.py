"""The real app and a fake WeChat talking over real HTTP, on a real PostgreSQL, with a dialogue service of behaviour."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chebao.app import build
from chebao.conversations.api import Hub, HubSettings
from chebao.settings import Settings
from tests.fakes import wechat as fake_wechat
from tests.fakes.rasa import FakeRasa
from tests.fakes.wechat import FakeWeChat
from tests.running import free_ports
from tests.serving import serving

_OPENIDS = itertools.count(1)


@dataclass
class World:
    """App, platform and dialogue service, all running.

    Attributes:
        api: address of the platform's API.
    """

    hub: Hub
    wechat: FakeWeChat
    rasa: FakeRasa
    api: str

    async def delivery(self, openid: str) -> list[tuple[str | None, str | None]]:
        """Delivery state and reason of what our side said, after the notice."""
        conversation, _ = await self.hub.find("wechat", fake_wechat.ACCOUNT, openid)
        rows = await self.hub.messages_after(conversation.id, 0)
        return [(m.delivery, m.delivery_reason) for m in rows if m.sender != "customer"][1:]

    async def conversation_id(self, openid: str) -> str:
        conversation, _ = await self.hub.find("wechat", fake_wechat.ACCOUNT, openid)
        return conversation.id


StartWorld = Callable[..., AbstractAsyncContextManager[World]]


async def eventually(check: Callable[[], bool | Awaitable[bool]], seconds: float = 8) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(seconds):
        while True:
            result = check()
            if result if isinstance(result, bool) else await result:
                return
            await asyncio.sleep(0.03)


@pytest_asyncio.fixture
async def rasa() -> AsyncIterator[FakeRasa]:
    fake = FakeRasa()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def start(database_url: str, rasa: FakeRasa, tmp_path: Path) -> StartWorld:
    """Starts app and platform."""

    @asynccontextmanager
    async def run(turn_seconds: float = 8.0, **changes: Any) -> AsyncIterator[World]:
        app_port, api_port = free_ports(2)
        values: dict[str, Any] = {
            "DATABASE_URL": database_url,
            "data": tmp_path,
            "port": app_port,
            "rasa_url": rasa.url,
            "actions_port": rasa.port,
            "backoffice_url": "http://127.0.0.1:1/elsewhere",
            "wechat_app_id": fake_wechat.APP_ID,
            "wechat_secret": fake_wechat.SECRET,
            "wechat_token": fake_wechat.TOKEN,
            "wechat_aes_key": fake_wechat.AES_KEY,
            "wechat_api": f"http://127.0.0.1:{api_port}",
            "_env_file": None,
        }
        app = build(Settings(**values | changes), hub_settings=HubSettings(turn_seconds=turn_seconds), sweep_every=0.2)
        platform = FakeWeChat(f"http://127.0.0.1:{app_port}/wechat")
        async with serving(platform.app, api_port), serving(app, app_port):
            yield World(app.state.hub, platform, rasa, f"http://127.0.0.1:{api_port}")

    return run


@pytest_asyncio.fixture
async def world(start: StartWorld) -> AsyncIterator[World]:
    async with start() as world:
        yield world


@pytest.fixture
def openid() -> str:
    return f"oCustomer{next(_OPENIDS):08d}"
