"""The app as a process of its own on a database of its own, to be measured and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from chebao import db, postgres
from chebao.settings import ROOT
from tests.running import free_ports

_START_SECONDS = 150


@dataclass
class Server:
    """The app's process.

    Attributes:
        environment: its settings.
    """

    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['CHEBAO_PORT']}"

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    async def start(self) -> None:
        """Starts it and waits until it answers."""
        log = Path(self.environment["CHEBAO_DATA"]) / "app.log"
        with log.open("ab") as file:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "chebao.app", env=os.environ | self.environment, cwd=ROOT, stderr=file
            )
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(_START_SECONDS):
            while not await _up(http, self.url):
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """kill -9."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    def cpu_seconds(self) -> float:
        """CPU time that the process has used."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def logged(self, words: str) -> int:
        """Lines of its log with these words."""
        log = Path(self.environment["CHEBAO_DATA"]) / "app.log"
        return log.read_text(encoding="utf-8", errors="replace").count(words)


async def _up(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/healthz", timeout=2)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@asynccontextmanager
async def prepared(rasa_url: str, settings: dict[str, str]) -> AsyncIterator[Server]:
    """A server that is not started yet, with a migrated database; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="chebao-soak-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "postgres"
        url = await asyncio.to_thread(postgres.start, data)
        await asyncio.to_thread(db.migrate, url)
        [port] = free_ports(1)
        server = Server(
            {
                "DATABASE_URL": url,
                "CHEBAO_PORT": str(port),
                "CHEBAO_PUBLIC_URL": f"http://127.0.0.1:{port}",
                "CHEBAO_DATA": folder,
                "CHEBAO_RASA_URL": rasa_url,
                "CHEBAO_ACTIONS_PORT": rasa_url.rpartition(":")[2],
                "CHEBAO_BACKOFFICE_URL": "http://127.0.0.1:1/elsewhere",
                "PYTHONPATH": str(ROOT),
                **settings,
            }
        )
        try:
            yield server
        finally:
            await server.kill()
            await asyncio.to_thread(postgres.stop, data)
