"""The real app on a real port and database, behind the fake Bot API, with python-telegram-bot in between."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from channels.speech import Transcriber
from chebao.app import build
from chebao.conversations.api import Hub, HubSettings
from chebao.settings import Settings
from tests.fakes.rasa import FakeRasa, echo
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_chat import Chat
from tests.running import free_ports
from tests.serving import serving

_CHATS = itertools.count(5001)


@dataclass
class Bench:
    """Customer, Telegram and app."""

    telegram: FakeTelegram
    rasa: FakeRasa
    app: FastAPI
    url: str
    chat_id: int

    @property
    def hub(self) -> Hub:
        hub: Hub = self.app.state.hub
        return hub

    @property
    def chat(self) -> Chat:
        return self.telegram.chat(self.chat_id)

    async def agree(self) -> None:
        """The customer starts and agrees to the channel."""
        self.telegram.say(self.chat_id, "/start")
        await self.until(lambda: self.chat.buttons())
        self.telegram.press(self.chat_id, "同意")
        await self.until(lambda: self.heard("收到：你好"))

    def heard(self, words: str) -> bool:
        return any(words in text for text in self.chat.texts())

    async def until(self, true: Callable[[], Any], seconds: float = 8.0) -> None:
        """Waits until something is so."""
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.02)

    async def rows(self) -> list[dict[str, Any]]:
        """The ledger's rows of the conversation."""
        conversation, _ = await self.hub.find("telegram", self.telegram.token.partition(":")[0], str(self.chat_id))
        messages = await self.hub.messages_after(conversation.id, 0)
        return [message.__dict__ for message in messages]

    async def customer_texts(self) -> list[str]:
        return [row["text"] for row in await self.rows() if row["sender"] == "customer"]


@asynccontextmanager
async def opened(
    database_url: str, folder: Path, transcriber: Transcriber | None = None, **changes: Any
) -> AsyncIterator[Bench]:
    """A bench; `changes` are settings."""
    rasa, fake = FakeRasa(), FakeTelegram()
    await rasa.start()
    [port] = free_ports(1)
    async with fake.serve():
        values: dict[str, Any] = {
            "DATABASE_URL": database_url,
            "port": port,
            "data": folder,
            "rasa_url": rasa.url,
            "actions_port": rasa.port,
            "backoffice_url": "http://127.0.0.1:1/elsewhere",
            "telegram_token": fake.token,
            "telegram_api": fake.url,
            "_env_file": None,
            **changes,
        }
        hub_settings = HubSettings(turn_seconds=2)
        app = build(Settings(**values), hub_settings=hub_settings, transcriber=transcriber, sweep_every=0.2)
        async with serving(app, port):
            bench = Bench(fake, rasa, app, f"http://127.0.0.1:{port}", next(_CHATS))
            if values.get("telegram_receive") != "polling":
                await bench.until(lambda: fake.webhook)
            yield bench
            await fake.stop()
    await rasa.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """One app in webhook mode for the module."""
    async with opened(database_url, tmp_path_factory.mktemp("telegram")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def bench(shared: Bench) -> Bench:
    """A customer who was never here before, and a Telegram without faults."""
    await shared.telegram.pushed()
    for faults in (shared.telegram.faults, shared.telegram.press_faults, shared.telegram.edit_faults):
        faults.clear()
    shared.telegram.refused.clear()
    shared.telegram.withheld = False
    shared.rasa.script = echo
    shared.rasa.turns.clear()
    return replace(shared, chat_id=next(_CHATS))


@pytest_asyncio.fixture(loop_scope="module")
async def agreed(bench: Bench) -> Bench:
    """A customer who has agreed to the channel."""
    await bench.agree()
    return bench


@pytest_asyncio.fixture(loop_scope="module")
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client
