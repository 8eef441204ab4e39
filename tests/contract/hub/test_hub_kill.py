"""kill -9 of the real app process: what was acknowledged is answered once by the next one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio
ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def process(environment: dict[str, str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chebao.app", env=os.environ | environment, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{environment['CHEBAO_PORT']}"
    headers = {"Authorization": "Bearer demo"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=20, trust_env=False) as http:
        try:
            async with asyncio.timeout(30):
                while not await up(http):
                    await asyncio.sleep(0.1)
            yield child, http
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()


async def up(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_a_killed_app_loses_and_doubles_nothing(
    database_url: str, rasa: FakeRasa, sender: str, tmp_path: Path
) -> None:
    environment = {
        "DATABASE_URL": database_url,
        "CHEBAO_PORT": str(free_port()),
        "CHEBAO_DATA": str(tmp_path),
        "CHEBAO_RASA_URL": rasa.url,
        "CHEBAO_ACTIONS_PORT": str(rasa.port),
        "CHEBAO_BACKOFFICE_URL": "http://127.0.0.1:1/elsewhere",
        "PYTHONPATH": str(ROOT),
    }
    messages = [{"sender": sender, "message": text, "metadata": {"message_id": text}} for text in ("一", "二", "三")]
    rasa.delay = 0.5
    async with process(environment) as (child, http):
        calls = [asyncio.create_task(http.post("/webhooks/rest/webhook", json=message)) for message in messages]
        async with asyncio.timeout(10):
            while await accepted(http, sender) < 3:
                await asyncio.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        await asyncio.gather(*calls, return_exceptions=True)
    rasa.delay = 0
    async with process(environment) as (child, http):
        answers = await asyncio.gather(*(http.post("/webhooks/rest/webhook", json=message) for message in messages))
        heard = [reply["text"] for answer in answers for reply in answer.json() if "收到" in reply["text"]]
        stream = (await http.get(f"/api/conversations/{sender}/messages")).json()["messages"]
    assert sorted(m["text"] for m in stream if m["from"] == "bot") == sorted(heard)
    asked = [turn["text"] for turn in rasa.turns]
    assert sorted(heard) == sorted(f"收到：{text}" for text in asked)
    assert sorted("".join(asked).replace("\n", "")) == ["一", "三", "二"]


async def accepted(http: httpx.AsyncClient, sender: str) -> int:
    answer = await http.get(f"/api/conversations/{sender}/messages")
    found: list[dict[str, Any]] = answer.json().get("messages", [])
    return sum(m["from"] == "customer" for m in found)
