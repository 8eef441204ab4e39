"""The live line of one page of the desk: events by number, messages of the conversations it has open, who else is there.

Client to server: ``hello`` · ``open`` · ``shut`` · ``looking`` · ``typing`` · ``draft`` · ``read`` · ``ping``. Server to client:
``welcome`` · ``event`` · ``message`` · ``shut`` · ``presence`` · ``resync`` · ``locked`` · ``error`` · ``pong``.

A page resumes after the last event it has; nothing is skipped, for events are numbered in the order in which they can be seen.
Messages follow their numbers in the ledger; one whose delivery changes, or to which the customer gives other words, is sent again
under its number.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from chebao.conversations.api import MAX_TEXT
from chebao.desk import agents, messages, state
from chebao.desk.access import Caller, of_login
from chebao.desk.agents import Agent
from chebao.desk.events import Event, TooFarBehind
from chebao.desk.logins import Login
from chebao.desk.routes.parts import Parts
from chebao.errors import NotFound
from chebao.logs import line

log = logging.getLogger(__name__)

HELLO_WITHIN = 10.0
SILENT_AT_MOST = 60.0
"""Seconds without a frame after which the line counts as dead; pages ping every 20."""

LOOK_AT_LOGIN_EVERY = 15.0
"""Seconds after which an open line sees that its login is over or locked."""

_WAITING_AT_MOST = 2_000
_BATCH = 200
_UNSETTLED_AT_MOST = 60
_OPEN_AT_MOST = 20

LOGGED_OUT, LOCKED, STALE, REFUSED = 4401, 4423, 4409, 4400
"""Codes with which the line is closed."""


class Frame(BaseModel):
    """A frame of the page; what its type does not need is ignored."""

    type: str = Field(max_length=20)
    conversation: str | None = Field(default=None, max_length=200)
    after: int | None = Field(default=None, ge=0, lt=2**63)
    seq: int = Field(default=0, ge=0, lt=2**31)
    text: str = Field(default="", max_length=MAX_TEXT)


_FRAMES: TypeAdapter[Frame] = TypeAdapter(Frame)


class _Closed(Exception):
    """The line is to be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Socket:
    """Carries frames both ways until either side ends.

    Args:
        login: of the ticket that opened it.
    """

    def __init__(self, websocket: WebSocket, parts: Parts, login: Login) -> None:
        self._socket, self._parts, self._login = websocket, parts, login
        self._caller: Caller = of_login(login)
        self._out: asyncio.Queue[str] = asyncio.Queue(_WAITING_AT_MOST)
        self._open: dict[str, asyncio.Task[None]] = {}
        self._looked_at_login = -LOOK_AT_LOGIN_EVERY
        self._look_now = asyncio.Event()

    async def run(self) -> None:
        """Greets, then carries frames until the end; says by a code why it ended."""
        code = 1000
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._look_at_login(active=False)
            after = await self._greeting()
            tasks = [
                asyncio.create_task(work) for work in (self._read(), self._write(), self._follow(after), self._guard())
            ]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except _Closed as closed:
            code = closed.code
        except (WebSocketDisconnect, TimeoutError, RuntimeError):
            code = 1001
        finally:
            for task in (ending := [*tasks, *self._open.values()]):
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            self._parts.together.leaves(self, self._login.agent_id)
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._say_last(code)
                await self._socket.close(code)

    async def _say_last(self, code: int) -> None:
        """What the page has to know besides the code: behind a proxy it may not see it."""
        last = {LOCKED: "locked", STALE: "resync"}.get(code)
        if last:
            await self._socket.send_json({"type": last})

    # in

    async def _greeting(self) -> int:
        """Waits for ``hello``; the number of the event after which the page wants to go on."""
        async with asyncio.timeout(HELLO_WITHIN):
            frame = _parsed(await self._socket.receive_text())
        if frame.type != "hello":
            raise _Closed(REFUSED)
        newest = self._parts.feed.newest
        after = newest if frame.after is None else frame.after
        await self._socket.send_json({"type": "welcome", "event_id": newest})
        if after > newest:
            raise _Closed(STALE)  # the database is another one than the page knows
        return after

    async def _read(self) -> None:
        while True:
            async with asyncio.timeout(SILENT_AT_MOST):
                frame = _parsed(await self._socket.receive_text())
            await self._look_at_login(active=frame.type != "ping")
            await self._take(frame)

    async def _take(self, frame: Frame) -> None:
        agent, conversation = self._login.agent_id, frame.conversation
        if frame.type == "ping":
            await self._parts.presence.seen(agent)
            await self._say({"type": "pong", "server_time": datetime.now(UTC).isoformat()})
        elif frame.type == "looking":
            self._parts.together.looks(self, agent, conversation)
        elif conversation is None:
            raise _Closed(REFUSED)
        elif frame.type == "open":
            self._begin(conversation, frame.after or 0)
        elif frame.type == "shut":
            self._end(conversation)
        elif frame.type == "typing":
            self._parts.together.types(agent, conversation)
        elif frame.type == "draft":
            await self._keep_draft(conversation, frame.text)
        elif frame.type == "read":
            await self._keep_read(conversation, frame.seq)
        else:
            raise _Closed(REFUSED)

    async def _guard(self) -> None:
        """Ends the line as soon as its login is locked or ended here; by other processes `_look_at_login` finds out."""
        with self._parts.logins.watching(self._login.agent_id, self._look_now.set):
            while True:
                await self._look_now.wait()
                self._look_now.clear()
                self._looked_at_login = -LOOK_AT_LOGIN_EVERY
                await self._look_at_login(active=False)

    async def _look_at_login(self, *, active: bool) -> None:
        """Ends the line where the login is over or locked; looks now and then only."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at_login < LOOK_AT_LOGIN_EVERY:
            return
        self._looked_at_login = now
        login = await self._parts.logins.again(self._login, active=active)
        if login is None:
            raise _Closed(LOGGED_OUT)
        if login.locked:
            raise _Closed(LOCKED)

    async def _keep_draft(self, conversation_id: str, text: str) -> None:
        if not await self._may_see(conversation_id):
            return
        async with self._parts.pool.connection() as connection:
            if text:
                await connection.execute(
                    "INSERT INTO desk.drafts (agent_id, conversation_id, text) VALUES (%s, %s, %s)"
                    " ON CONFLICT (agent_id, conversation_id) DO UPDATE SET text = excluded.text, at = now()",
                    (self._login.agent_id, conversation_id, text),
                )
            else:
                await connection.execute(
                    "DELETE FROM desk.drafts WHERE agent_id = %s AND conversation_id = %s",
                    (self._login.agent_id, conversation_id),
                )

    async def _keep_read(self, conversation_id: str, seq: int) -> None:
        if not await self._may_see(conversation_id):
            return
        async with self._parts.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO desk.reads (agent_id, conversation_id, seq) VALUES (%s, %s, %s)"
                " ON CONFLICT (agent_id, conversation_id) DO UPDATE SET seq = greatest(desk.reads.seq, excluded.seq)",
                (self._login.agent_id, conversation_id, seq),
            )

    async def _may_see(self, conversation_id: str) -> bool:
        try:
            return await self._parts.gate.may_see(self._caller, conversation_id)
        except NotFound:
            return False

    # out

    async def _say(self, frame: dict[str, Any]) -> None:
        await self._out.put(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))

    async def _write(self) -> None:
        while True:
            await self._socket.send_text(await self._out.get())

    async def _follow(self, after: int) -> None:
        """Sends the events after a number, each as this agent may see it."""
        async with self._parts.pool.connection() as connection:
            agent = await agents.get(connection, self._login.agent_id)
        view = state.View(agent)
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(found: Sequence[Event]) -> None:
            try:
                for event in found:
                    self._show(view, agent, event)
            except Exception as reason:  # ends this line, and not the feed that calls it
                if not over.done():
                    over.set_exception(reason)

        try:
            async with self._parts.feed.telling(after, tell):
                await over
        except TooFarBehind:
            raise _Closed(STALE) from None

    def _show(self, view: state.View, agent: Agent, event: Event) -> None:
        """Sends one event, if this agent may see it; ends a line that cannot keep up."""
        seen = view.see(event)
        if seen is not None:
            try:
                self._out.put_nowait(seen.frame)
            except asyncio.QueueFull:
                raise _Closed(STALE) from None
        if event.kind == "agent" and event.key == agent.id:
            _check_unchanged(agent, event.body)

    def _begin(self, conversation_id: str, after: int) -> None:
        self._end(conversation_id)
        if len(self._open) >= _OPEN_AT_MOST:
            self._end(next(iter(self._open)))
        self._open[conversation_id] = asyncio.create_task(self._stream(conversation_id, after))

    def _end(self, conversation_id: str) -> None:
        task = self._open.pop(conversation_id, None)
        if task:
            task.cancel()

    async def _stream(self, conversation_id: str, after: int) -> None:
        """A conversation's messages after a number, as long as the agent may see it."""
        try:
            with self._hearing_of_others(conversation_id), self._parts.hub.watch(conversation_id) as changed:
                changed.set()
                sent = await self._unsettled(conversation_id, after)
                while True:
                    await changed.wait()
                    changed.clear()
                    if not await self._may_see(conversation_id):
                        break
                    after = await self._send_new(conversation_id, after, sent)
            await self._say({"type": "shut", "conversation": conversation_id})
        except Exception:
            log.exception(line("desk_stream_failed", conversation=conversation_id))
            await self._say({"type": "shut", "conversation": conversation_id})

    async def _send_new(self, conversation_id: str, after: int, sent: dict[int, Any]) -> int:
        """Sends what is new or was delivered meanwhile; returns the number of the last message."""
        while True:
            async with self._parts.pool.connection() as connection:
                found = await messages.after(connection, conversation_id, after, _BATCH, again=sent)
            for message in found:
                seq, now = message["seq"], messages.state(message)
                if seq > after or sent.get(seq) != now:
                    await self._say({"type": "message", "conversation": conversation_id, **message})
                sent[seq] = now
                if not messages.comes_again(message):
                    del sent[seq]
                after = max(after, seq)
            while len(sent) > _UNSETTLED_AT_MOST:
                del sent[min(sent)]
            if len(found) < _BATCH:
                return after

    async def _unsettled(self, conversation_id: str, until: int) -> dict[int, Any]:
        """Messages that the page has already, and whose delivery may have changed since."""
        async with self._parts.pool.connection() as connection:
            seqs = await messages.unsettled(connection, conversation_id, until, _UNSETTLED_AT_MOST)
        return dict.fromkeys(seqs)

    @contextmanager
    def _hearing_of_others(self, conversation_id: str) -> Iterator[None]:
        def tell() -> None:
            frame = {"type": "presence", "conversation": conversation_id, **self._parts.together.of(conversation_id)}
            with suppress(asyncio.QueueFull):
                self._out.put_nowait(json.dumps(frame))

        with self._parts.together.listening(conversation_id, tell):
            tell()
            yield


def _parsed(raw: str) -> Frame:
    try:
        return _FRAMES.validate_json(raw)
    except ValidationError:
        raise _Closed(REFUSED) from None


def _check_unchanged(agent: Agent, body: dict[str, Any] | None) -> None:
    """Ends the line where what the agent may see has changed: the page begins anew with a fresh state."""
    if body is None:
        raise _Closed(LOGGED_OUT)
    if (body["role"], sorted(body["skills"])) != (agent.role, sorted(agent.skills)):
        raise _Closed(STALE)
