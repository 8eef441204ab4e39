"""A dialogue service with behaviour: the hub contract over real HTTP, including dedupe, delays, errors, hanging and dying.

It is a raw asyncio server, so that it can cut a connection in the middle of a turn the way a killed process does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Script = Callable[[dict[str, Any]], list[dict[str, Any]]]


def echo(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Says what it was told; that an agent has settled the matter it hears in silence, as the assistant does."""
    if "intent" in body and body["entities"].get("ended"):
        return [{"custom": {"effects": [{"nothing": {}}]}}]
    if "intent" in body:
        return [{"text": f"按下：{body['intent']} {json.dumps(body['entities'], ensure_ascii=False)}"}]
    return [{"text": f"收到：{body['text']}"}]


class FakeRasa:
    """Dialogue service and action server's health in one.

    Attributes:
        script: makes the replies of a turn.
        turns: bodies of the turns that really ran, in the order in which they ended.
        asked: all requests, repeated ones too.
        delay: seconds a turn takes.
        errors: how many of the next requests end in a 500.
        deaths: how many of the next requests are cut off before the turn, as by kill -9.
        late_deaths: the same after the turn was stored, before its answer went out.
        understood: sent along with every answer where it is set.
        hanging: requests are taken and never answered.
        running: conversations with a turn under way, and whether two ever ran at once.
    """

    def __init__(self) -> None:
        self.script: Script = echo
        self.turns: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.delay = 0.0
        self.errors = self.deaths = self.late_deaths = 0
        self.understood: dict[str, Any] | None = None
        self.hanging = False
        self.actions_healthy = True
        self.overlapped = False
        self._running: set[str] = set()
        self._stored: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listens, on the same port as before after a stop."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Dies: no new connections, the open ones are cut."""
        if self._server:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split(" ", 2)
                size = next(
                    (int(h.split(":")[1]) for h in head.split("\r\n") if h.lower().startswith("content-length")), 0
                )
                raw = await reader.readexactly(size)
                status, body = await self._answer(method, path, raw, writer)
                data = json.dumps(body, ensure_ascii=False).encode()
                writer.write(
                    f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                    + data
                )
                await writer.drain()
        self._open.discard(writer)
        writer.close()

    async def _answer(self, method: str, path: str, raw: bytes, writer: asyncio.StreamWriter) -> tuple[int, Any]:
        if method == "GET":
            return (503, {}) if path == "/health" and not self.actions_healthy else (200, {"status": "ok"})
        body = json.loads(raw)
        self.asked.append(body)
        if self.hanging:
            await asyncio.sleep(3600)
        if self.deaths:
            self.deaths -= 1
            writer.transport.abort()
            raise ConnectionResetError
        if self.errors:
            self.errors -= 1
            return 500, {"error": "turn_failed"}
        key = (body["sender"], body["message_id"])
        if key not in self._stored:
            await self._run(body, key)
        if self.late_deaths:
            self.late_deaths -= 1
            writer.transport.abort()
            raise ConnectionResetError
        return 200, {"replies": self._stored[key]} | ({"understood": self.understood} if self.understood else {})

    async def _run(self, body: dict[str, Any], key: tuple[str, str]) -> None:
        self.overlapped |= body["sender"] in self._running
        self._running.add(body["sender"])
        await asyncio.sleep(self.delay)
        self._running.discard(body["sender"])
        self._stored[key] = self.script(body)
        self.turns.append(body)
