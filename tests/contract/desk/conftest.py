"""The app with its desk on a real PostgreSQL; customers write through the open door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chebao.app import build
from chebao.conversations.api import HubSettings
from chebao.desk.api import DeskSettings
from chebao.settings import Settings
from tests.contract.desk.office import Office, open_office
from tests.contract.desk.site import Site, serve
from tests.contract.desk.talk import Talk
from tests.contract.hub.conftest import rasa, settings
from tests.few_articles import copy_few

__all__ = ["rasa", "settings"]

Open = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def open_desk(settings: Settings) -> Open:
    """Opens the office; keywords are desk settings. A second one at the same time is a second replica."""

    @asynccontextmanager
    async def run(**changes: Any) -> AsyncIterator[Office]:
        desk_settings = DeskSettings(**changes)
        async with open_office(settings, HubSettings(turn_seconds=2.0), desk_settings) as office:
            yield office

    return run


@pytest_asyncio.fixture
async def office(open_desk: Open) -> AsyncIterator[Office]:
    async with open_desk() as opened:
        await opened.empty()
        yield opened


@pytest_asyncio.fixture
async def talk(office: Office) -> Talk:
    conversation_id = await office.customer()
    (row,) = await office.rows("SELECT peer FROM hub.conversations WHERE id = %s", conversation_id)
    talk = Talk(office, conversation_id, row["peer"])
    await talk.say("在吗")
    return talk


@pytest.fixture(scope="session")
def few_articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_few(tmp_path_factory.mktemp("articles"))


@pytest_asyncio.fixture
async def site(settings: Settings, few_articles: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """The app, served on a port of its own, with few articles."""
    monkeypatch.setattr("chebao.app._ARTICLES", few_articles)
    app = build(settings, hub_settings=HubSettings(turn_seconds=2.0), sweep_every=0.2)
    async with serve(app) as served:
        yield served
