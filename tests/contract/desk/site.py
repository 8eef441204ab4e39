"""The served app as pages and programs see it: people who log in, their requests and sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chebao.desk.access import COOKIE, PREFIX
from chebao.desk.auth import hash_password
from tests.contract.desk.office import Office

PASSWORD = "correct horse 42"


@cache
def password_hash() -> str:
    return hash_password(PASSWORD)


@dataclass
class Line:
    """One open socket."""

    socket: ClientConnection
    passed: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, type_: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type_, **fields}))

    async def frame(self, type_: str, **fields: Any) -> dict[str, Any]:
        """The next frame of a type with these fields; others are kept in `passed`."""
        async with asyncio.timeout(10):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                if frame["type"] == type_ and all(frame.get(name) == value for name, value in fields.items()):
                    return frame
                self.passed.append(frame)

    async def silent(self, kind: str, *, seconds: float = 0.4) -> None:
        """No frame of this kind comes."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    frame = json.loads(await self.socket.recv())
                    assert frame["type"] != kind, frame
        except TimeoutError:
            return

    async def closed(self) -> int:
        """Waits until the server ends the line; its code."""
        async with asyncio.timeout(10):
            with suppress(ConnectionClosed):
                async for raw in self.socket:
                    self.passed.append(json.loads(raw))
        assert self.socket.close_code is not None
        return self.socket.close_code


@dataclass
class Person:
    """Somebody with a browser; logged in or not."""

    http: httpx.AsyncClient
    base: str
    id: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.http.request(method, f"{self.base}{PREFIX}{path}", json=body, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> Any:
        """What a successful GET answers."""
        answer = await self.call("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def does(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """What a successful write answers."""
        answer = await self.call(method, path, body if body is not None else {})
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, str]:
        """Status and code of a refusal."""
        answer = await self.call(method, path, body, **options)
        return answer.status_code, answer.json()["error"]["code"]

    async def login(self, password: str = PASSWORD, **more: str) -> httpx.Response:
        answer = await self.call("POST", "/login", {"username": self.id, "password": password, **more})
        if answer.status_code == 200:
            self.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return answer

    @asynccontextmanager
    async def line(self, after: int | None = None, *, hello: bool = True) -> AsyncIterator[Line]:
        ticket = (await self.does("/socket-ticket"))["ticket"]
        async with connect(f"{self.base.replace('http', 'ws')}{PREFIX}/socket?ticket={ticket}") as socket:
            line = Line(socket)
            if hello:
                await line.send("hello", after=after)
                await line.frame("welcome")
            yield line


@dataclass
class Site:
    """A served app with its office."""

    base: str
    office: Office
    app: FastAPI
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    def stranger(self) -> Person:
        client = httpx.AsyncClient(timeout=60)
        self._clients.append(client)
        return Person(client, self.base)

    async def known(self, *skills: str, role: str = "agent", name: str = "林晓", **columns: Any) -> Person:
        """An agent with an account, not logged in."""
        agent = await self.office.agent(*skills, role=role, name=name)
        person = self.stranger()
        person.id = agent.id
        for column, value in {"password_hash": password_hash(), **columns}.items():
            await self.office.rows(f"UPDATE desk.agents SET {column} = %s WHERE id = %s", value, agent.id)
        return person

    async def person(self, *skills: str, role: str = "agent", name: str = "林晓", **columns: Any) -> Person:
        """An agent at his desk."""
        person = await self.known(*skills, role=role, name=name, **columns)
        answer = await person.login()
        assert answer.status_code == 200, answer.text
        return person

    def program(self, agent_id: str | None = None, key: str = "demo") -> Person:
        """Another system."""
        person = self.stranger()
        person.headers["Authorization"] = f"Bearer {key}"
        if agent_id:
            person.headers["X-Chebao-Agent"] = agent_id
        return person

    async def served_by(self, person: Person, skill: str = "general") -> str:
        """A conversation that this agent has."""
        conversation = await self.office.waiting(skill)
        await self.office.handling.takeover(await self.office.known(person.id), conversation)
        return conversation

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncIterator[Site]:
    """The app on a free port, with nobody at the desk and nothing in the queue."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    site = Site(f"http://127.0.0.1:{port}", Office(app.state.hub, app.state.desk), app)
    await site.office.empty()
    await site.office.rows("DELETE FROM desk.login_failures")
    try:
        yield site
    finally:
        await site.close()
        server.should_exit = True
        await serving


__all__ = ["COOKIE", "PASSWORD", "PREFIX", "Line", "Person", "Site", "serve"]
