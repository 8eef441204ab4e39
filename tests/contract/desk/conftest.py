"""The app with its desk on a real PostgreSQL; customers write through the open door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from chebao.conversations.api import HubSettings
from chebao.desk.api import DeskSettings
from chebao.settings import Settings
from tests.contract.desk.office import Office, open_office
from tests.contract.hub.conftest import rasa, settings

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
