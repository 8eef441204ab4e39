"""The real app and hub in this process, with the scripted dialogue in place of Rasa."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from chebao.app import build
from chebao.conversations.api import HubSettings
from chebao.settings import Settings, get_settings
from tests.browser.dialogue import script
from tests.fakes.rasa import FakeRasa

_START_SECONDS = 20


@dataclass
class Stack:
    """A running stack: its address, the dialogue service to steer, the app to speak through."""

    url: str
    rasa: FakeRasa
    app: FastAPI
    loop: asyncio.AbstractEventLoop


class _Server(uvicorn.Server):
    """A server in a thread: signals stay with the test run."""

    def install_signal_handlers(self) -> None:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def scripted_stack(
    database_url: str, port: int = 0, *, insured: bool = False, settings: dict[str, Any] | None = None
) -> Iterator[Stack]:
    """Starts the stack on a free port (or `port`) and stops it again.

    Args:
        insured: with the reference back office and its demo customers, else with none.
        settings: others than those of a demo.
    """
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    started = threading.Event()
    found: list[Stack] = []
    servers: list[_Server] = []

    async def serve(data: Path) -> None:
        rasa = FakeRasa()
        rasa.script = script
        rasa.delay = 0.15
        await rasa.start()
        given = {
            "database_url": database_url,
            "port": port,
            "data": data,
            "rasa_url": rasa.url,
            "actions_port": rasa.port,
        }
        app = build(
            Settings(**given | (settings or {})), hub_settings=HubSettings(), backoffice=None if insured else FastAPI()
        )
        server = _Server(uvicorn.Config(app, port=port, log_level="error", ws="websockets-sansio"))
        servers.append(server)
        found.append(Stack(url, rasa, app, asyncio.get_running_loop()))
        task = asyncio.create_task(server.serve())
        while not server.started and not task.done():
            await asyncio.sleep(0.02)
        started.set()
        await task
        await rasa.stop()

    with tempfile.TemporaryDirectory(prefix="chebao-browser-") as folder:
        # what the search learns from the articles takes a minute: once for all stacks
        learned = get_settings().data / "cache"
        learned.mkdir(parents=True, exist_ok=True)
        (Path(folder) / "cache").symlink_to(learned)
        thread = threading.Thread(target=lambda: asyncio.run(serve(Path(folder))), daemon=True)
        thread.start()
        if not started.wait(_START_SECONDS) or not servers[0].started:
            raise RuntimeError("the scripted stack did not start")
        yield found[0]
        servers[0].should_exit = True
        thread.join(timeout=10)
