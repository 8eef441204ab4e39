"""Routes of the WeChat channel: verify → parse → ledger → acknowledge, with the first bubble in the answer where it is ready."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from channels.leaving import Leaving
from channels.wechat import bubbles, protocol
from channels.wechat.bubbles import Words
from channels.wechat.client import Client
from channels.wechat.intake import Intake
from channels.wechat.order import Order
from channels.wechat.sender import Sender
from chebao.conversations.api import Accepted, DeliveryJob, DeliveryLost, Hold, Hub
from chebao.logs import line

log = logging.getLogger(__name__)

SUCCESS = "success"
PATIENCE = 3.5
"""Seconds to wait for the turn: WeChat cuts off after five."""

_ANSWERS_KEPT = 30.0
_MOST_TYPING = 8
_TYPING_SECONDS = 1.0
"""So many dots within so much time: under load the calls would take the time of the answers."""

_AFTER_PASSIVE = 0.3
"""The passive reply goes out with the HTTP answer; a call made in the same moment could overtake it."""


@dataclass(frozen=True)
class Passive:
    """What a push is answered with; `leaving` is called when it goes onto the wire."""

    text: str
    leaving: Leaving


class _Answer(Response):
    """The HTTP answer that carries a passive reply."""

    def __init__(self, xml: str, leaving: Leaving) -> None:
        super().__init__(xml, media_type="application/xml")
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.body":
                self._leaving()
            await send(message)

        await super().__call__(scope, receive, noted)


class Patience:
    """How many customers may wait for a passive reply at once: few at first, more as replies come in time.

    While the assistant is slow, nearly every push is acknowledged at once and its reply sent by call; one in a while still
    waits, to notice when the assistant is fast again. So many at most wait in vain when it becomes slow; with turns of a fifth
    of a second they serve 150 pushes a second.
    """

    def __init__(self, most: int = 32, probe_every: float = 5.0) -> None:
        self._most, self._probe_every = most, probe_every
        self._slots, self._waiting, self._not_before = 2, 0, 0.0

    @contextmanager
    def wait(self) -> Iterator[bool]:
        """Whether this one may wait."""
        allowed = self._waiting < self._slots and time.monotonic() >= self._not_before
        self._waiting += allowed
        try:
            yield allowed
        finally:
            self._waiting -= allowed

    def tell(self, *, in_time: bool) -> None:
        """What came of a wait."""
        self._slots = min(self._most, self._slots * 2) if in_time else 1
        self._not_before = 0.0 if in_time else time.monotonic() + self._probe_every


class WeChat:
    """The channel of one official account."""

    def __init__(
        self, credentials: protocol.Credentials, hub: Hub, client: Client, intake: Intake, sender: Sender
    ) -> None:
        self._credentials, self._hub, self._client, self._intake, self._sender = (
            credentials,
            hub,
            client,
            intake,
            sender,
        )
        self._patience = Patience()
        self._order = Order()
        self._answers: dict[str, asyncio.Future[Passive | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def drain(self) -> None:
        """Waits for what follows passive replies; before the hub stops."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)

    async def close(self) -> None:
        """After the hub stopped."""
        await self._client.close()

    def router(self) -> APIRouter:
        """``GET`` for the console's check of the address, ``POST`` for pushes."""
        routes = APIRouter(tags=["wechat"])

        @routes.get("/wechat")
        async def check(request: Request) -> Response:
            try:
                protocol.verify(self._credentials.token, request.query_params, time.time())
            except protocol.PushRefused as refused:
                log.warning(line("wechat_refused", reason=refused.reason))
                return PlainTextResponse("", refused.status)
            return PlainTextResponse(request.query_params.get("echostr", "")[:200])

        @routes.post("/wechat")
        async def push(request: Request) -> Response:
            began, now = time.monotonic(), time.time()
            try:
                inbound, envelope = protocol.receive(self._credentials, request.query_params, await request.body(), now)
            except protocol.JsonPush:
                log.error(line("wechat_json_push", fix="set the data format of message push to XML in the console"))
                return PlainTextResponse(SUCCESS)
            except protocol.PushRefused as refused:
                log.warning(line("wechat_refused", reason=refused.reason))
                return PlainTextResponse("", refused.status)
            passive = await self._answer_once(inbound, began)
            if passive is None:
                return PlainTextResponse(SUCCESS)
            xml = protocol.seal(self._credentials, envelope, protocol.passive_text(inbound, passive.text), now)
            return _Answer(xml, passive.leaving)

        return routes

    async def _answer_once(self, inbound: protocol.Inbound, began: float) -> Passive | None:
        """The passive reply, or None; a push that comes again, even meanwhile, gets the same."""
        if known := self._answers.get(inbound.key):
            return await asyncio.shield(known)
        loop = asyncio.get_running_loop()
        answer = self._answers[inbound.key] = loop.create_future()
        try:
            passive = await self._answer(inbound, began)
        except BaseException as error:
            del self._answers[inbound.key]
            answer.set_exception(error)
            answer.exception()  # looked at: nobody else may be waiting
            raise
        answer.set_result(passive)
        loop.call_later(_ANSWERS_KEPT, self._answers.pop, inbound.key, None)
        return passive

    async def _answer(self, inbound: protocol.Inbound, began: float) -> Passive | None:
        async with self._order.turn(inbound.openid):
            incoming = await self._intake.incoming(inbound)
            if incoming is None:
                return None
            newer = self._order.newer(inbound.openid, inbound.place)
            typed = inbound.kind != "event" and not inbound.menu_id
            silence = self._order.silence(inbound.openid, typed=typed)
            accepted = await self._hub.accept(replace(incoming, silence=silence, newer=newer))
            self._order.enter(inbound.openid, inbound.place, accepted.message_id)
        if accepted.duplicate:
            return await self._said_before(accepted)
        hold = self._hub.delivery.hold(accepted.conversation_id)
        passive = None
        try:
            if await self._ready(accepted, PATIENCE - (time.monotonic() - began)):
                passive = await self._take_first(accepted, hold) if hold.wanted else None
            elif len(self._tasks) < _MOST_TYPING:
                self._spawn(self._show_typing(inbound.openid))
        finally:
            if passive is None:
                hold.release()
        return passive

    async def _ready(self, accepted: Accepted, within: float) -> bool:
        with self._patience.wait() as allowed:
            if not allowed or within <= 0:
                return False
            ready = await self._hub.turn_over(accepted, within=within)
        self._patience.tell(in_time=ready)
        return ready

    async def _show_typing(self, openid: str) -> None:
        await self._client.typing(openid)
        await asyncio.sleep(_TYPING_SECONDS)

    async def _said_before(self, accepted: Accepted) -> Passive | None:
        """What another process, or this one before it was killed, gave as the passive reply."""
        rows = await self._hub.delivery.handed_over(accepted.conversation_id, _ref(accepted))
        first = next(iter(self._sender.plan(rows)), None)
        return Passive(bubbles.passive(first), _noted_already) if isinstance(first, Words) else None

    async def _take_first(self, accepted: Accepted, hold: Hold) -> Passive | None:
        """The first bubble as the passive reply, which costs nothing; all others follow by call."""
        job = await self._hub.delivery.take(accepted.conversation_id)
        if job is None:
            return None
        first = next(iter(self._sender.plan(job.messages)), None)
        if isinstance(first, Words):
            with suppress(DeliveryLost):
                await job.sending(*first.ids, ref=_ref(accepted), noted=True)
                self._spawn(self._follow(job, hold))
                return Passive(bubbles.passive(first), partial(job.leaving, *first.ids))
        await self._hub.delivery.give_back(job)
        return None

    async def _follow(self, job: DeliveryJob, hold: Hold) -> None:
        """After the passive reply: its messages are sent, the other bubbles follow."""
        first, *rest = self._sender.plan(job.messages)
        try:
            await asyncio.sleep(_AFTER_PASSIVE)
            later = {i for bubble in rest for i in bubble.ids}
            await job.sent(*(i for i in first.ids if i not in later))
            await self._sender.hand_over(job, rest, begun=first.ids)
        except DeliveryLost:
            log.info(line("delivery_lost", conversation=job.conversation.id))
        except Exception:
            log.exception(line("delivery_crashed", conversation=job.conversation.id))
        finally:
            try:
                await self._hub.delivery.give_back(job)
            finally:
                hold.release()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _noted_already() -> None:
    """The ledger knows of it; WeChat asks again if it does not arrive."""


def _ref(accepted: Accepted) -> str:
    return f"passive:{accepted.message_id}"
