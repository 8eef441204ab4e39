"""Simulated agents and customers, over real sockets: they do what the page and a channel do, and keep account of it."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from chebao.desk.events import Event
from chebao.desk.state import Rows, apply

PREFIX = "/api/desk/v1"
PASSWORD = "soak-agents-word"
SKILLS = ("claims", "renewal", "new_policy", "complaint", "general")

_PING_EVERY = 15.0
_RETRY = 0.1
_PATIENCE = 90.0
_AWAY = (aiohttp.ClientError, ConnectionError, TimeoutError)


class Refused(Exception):
    """The desk said no."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body[:200]}")
        self.status = status


@dataclass
class Account:
    """What the simulated people know, to be held against the ledger.

    Attributes:
        said: what was acknowledged: text → conversation or sender.
        queue_times: seconds from a customer's call to the answer that he is in the queue.
        screen_times: seconds from an event's writing to its arrival at a page.
    """

    said: dict[str, str] = field(default_factory=dict)
    queue_times: list[float] = field(default_factory=list)
    screen_times: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def insist(session: aiohttp.ClientSession, method: str, url: str, **options: Any) -> Any:
    """A request that is repeated while nobody answers it, as a page does whose server is being restarted.

    Raises:
        Refused: it was answered by an error.
    """
    async with asyncio.timeout(_PATIENCE):
        while True:
            try:
                async with session.request(method, url, **options) as answer:
                    text = await answer.text()
                    if answer.status < 400:
                        return json.loads(text) if text else None
                    if answer.status not in (502, 503):
                        raise Refused(answer.status, text)
            except _AWAY:
                pass
            await asyncio.sleep(_RETRY)


class DeskAgent:
    """An agent with a page open: his state is kept by events alone, across reconnects.

    Args:
        serves: seconds that he spends on a customer, at random between the two; None: he only watches.
        reads: whether frames are applied; one who only measures looks at their time alone.
    """

    _numbers = itertools.count()

    def __init__(
        self, url: str, id_: str, account: Account, *, serves: tuple[float, float] | None = None, reads: bool = True
    ) -> None:
        self.url, self.id, self._account = url, id_, account
        self._serves, self._reads = serves, reads
        self.state: dict[str, Rows] = {}
        self.event_id = 0
        self.resyncs = self.reconnects = 0
        self._headers: dict[str, str] = {}
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._served: set[tuple[str, int]] = set()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self.connected = asyncio.Event()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[DeskAgent]:
        """Logged in, ready, with the socket open."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=20)) as session:
            self._session = session
            body = await self.ask("POST", "/login", json={"username": self.id, "password": PASSWORD})
            self._headers = {"X-CSRF-Token": body["csrf"]}
            if self._serves:
                await self.ask("PUT", "/me/state", json={"state": "ready"})
            line = asyncio.create_task(self._line())
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self.connected.wait()
                yield self
                if self._serves:
                    await self.ask("PUT", "/me/state", json={"state": "offline"})
            finally:
                for task in (line, *self._tasks):
                    task.cancel()
                await asyncio.gather(line, *self._tasks, return_exceptions=True)

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        """A request of the page."""
        assert self._session is not None
        return await insist(self._session, method, f"{self.url}{PREFIX}{path}", headers=self._headers, **options)

    async def draft(self, conversation_id: str, text: str) -> None:
        """Types without sending."""
        assert self._socket is not None
        await self._socket.send_json({"type": "draft", "conversation": conversation_id, "text": text})

    async def fresh(self) -> tuple[int, dict[str, Rows]]:
        """The state as the desk gives it now."""
        body = await self.ask("GET", "/state")
        return body.pop("event_id"), {kind: rows for kind, rows in body.items() if kind != "reads"}

    async def say(self, conversation_id: str, text: str) -> None:
        """Says something; again with the same key while nobody answers."""
        body = {"key": text, "text": text}
        await self.ask("POST", f"/conversations/{conversation_id}/messages", json=body)
        self._account.said[text] = conversation_id

    # the live line

    async def _line(self) -> None:
        while True:
            try:
                if not self.state:
                    self.event_id, self.state = await self.fresh()
                    self._begin_what_is_mine()
                await self._listen()
            except Refused as refused:
                self._account.refused.append(str(refused))
            except _AWAY:
                pass
            self.connected.clear()
            self.reconnects += 1
            await asyncio.sleep(_RETRY)

    async def _listen(self) -> None:
        assert self._session is not None
        ticket = await self.ask("POST", "/socket-ticket")
        url = f"{self.url}{PREFIX}/socket?ticket={ticket['ticket']}"
        async with self._session.ws_connect(url, max_msg_size=0) as socket:
            await socket.send_json({"type": "hello", "after": self.event_id})
            ping = asyncio.create_task(self._ping(socket))
            self._socket = socket
            try:
                async for message in socket:
                    if message.type == aiohttp.WSMsgType.TEXT:
                        self._take(message.data, time.time())
            finally:
                self._socket = None
                ping.cancel()
            if socket.close_code == 4409:
                self.resyncs += 1
                self.state = {}

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await asyncio.sleep(_PING_EVERY)
            await socket.send_json({"type": "ping"})

    def _take(self, data: str, now: float) -> None:
        if not self._reads and data.startswith('{"type":"event"'):
            at = data[data.rindex('"at":"') + 6 : -2]
            self._account.screen_times.append(now - datetime.fromisoformat(at).timestamp())
            return
        frame = json.loads(data)
        if frame["type"] == "welcome":
            self.connected.set()
        elif frame["type"] == "event":
            at = datetime.fromisoformat(frame["at"])
            self._account.screen_times.append(now - at.timestamp())
            event = Event(frame["id"], frame["kind"], frame["key"], frame["body"], at)
            apply(self.state, event)
            self.event_id = event.id
            if event.kind == "conversation" and event.body:
                self._begin(event.body)

    # serving

    def _begin_what_is_mine(self) -> None:
        for row in self.state["conversation"].values():
            self._begin(row)

    def _begin(self, row: dict[str, Any]) -> None:
        place = (row["id"], row["epoch"])
        if self._serves is None or row["agent_id"] != self.id or place in self._served:
            return
        self._served.add(place)
        task = asyncio.create_task(self._serve(*place, self._serves))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, conversation_id: str, epoch: int, seconds: tuple[float, float]) -> None:
        """Greets, helps for a while, ends it."""
        name = f"{self.id} {conversation_id} {epoch}"
        try:
            await asyncio.sleep(random.uniform(0.1, 0.5))
            await self.say(conversation_id, f"greets {name}".replace(" ", "-"))
            await asyncio.sleep(random.uniform(*seconds))
            await self.say(conversation_id, f"solved {name}".replace(" ", "-"))
            await self.ask("POST", f"/conversations/{conversation_id}/close", json={"wrapup": {"outcome": "solved"}})
        except Refused as refused:
            self._account.refused.append(f"{name}: {refused}")


@dataclass
class Customer:
    """A customer at the open door, who asks for a person."""

    session: aiohttp.ClientSession
    url: str
    name: str
    account: Account

    async def says(self, text: str) -> list[dict[str, Any]]:
        """Says something once, again under the same key while nobody answers; returns what he is shown."""
        body = {"sender": self.name, "message": text, "metadata": {"message_id": text}}
        headers = {"Authorization": "Bearer demo"}
        url = f"{self.url}/webhooks/rest/webhook"
        shown: list[dict[str, Any]] = await insist(self.session, "POST", url, json=body, headers=headers)
        self.account.said[text] = self.name
        return shown

    async def calls(self, skill: str, *, priority: int = 5) -> None:
        """Asks for a person, and is told that he is in the queue."""
        began = time.monotonic()
        shown = await self.says(f"person:{skill}:{priority}:{self.name}")
        if any("人工客服" in reply.get("text", "") for reply in shown):
            self.account.queue_times.append(time.monotonic() - began)

    async def waits(self, *, lines: int) -> None:
        """Writes on while he waits and is served."""
        for number in range(lines):
            await asyncio.sleep(random.uniform(0.5, 2.0))
            with suppress(TimeoutError):
                await self.says(f"line-{number}-{self.name}")


def dialogue(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The dialogue service: hands over who asks for a person, and answers the others."""
    text = str(body.get("text", ""))
    if not text.startswith("person:"):
        return [{"text": f"answer to {text}"}]
    _, skill, priority, _ = text.split(":", 3)
    handoff = {"reason": "customer_request", "summary": {"wants": text}, "slots": {}, "skill": skill}
    return [{"text": "好的。"}, {"custom": {"effects": [{"handoff": handoff | {"priority": int(priority)}}]}}]
