"""The hub's way in: one POST a turn, answered with the turn's replies, repeated safely, failing loudly.

Contract: ``POST /webhooks/hub/webhook`` with ``{sender, message_id, text | intent + entities, metadata}`` →
``{"replies": […], "understood": {intent, confidence, emotion, source, also}}``. A repeated ``message_id`` of a sender gets the
stored answer and nothing runs. Whatever fails is a 5xx with ``{"error": …}`` and leaves nothing stored, so that the hub may
send the same turn again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot import lean, patches
from bot.database import Answer, StaleConversation
from bot.tracker_store import LiveTrackerStore, Turn, current_turn

logger = logging.getLogger(__name__)
patches.apply()

MAX_TEXT = 20_000
MAX_BODY = 512_000

THREAD_LOST: dict[str, Any] = {
    "text": "不好意思，刚才聊到哪儿我这边没接上，已经提交的内容不受影响。麻烦您再说一次：想办什么？",
    "buttons": [
        {"title": "报案", "payload": "/report_claim"},
        {"title": "续保", "payload": "/renewal"},
        {"title": "转人工", "payload": "/human_agent"},
    ],
    "image": None,
    "custom": None,
}
"""Said where what is stored of a conversation cannot be read: it begins anew, and only its unfinished answers are lost."""


class BadTurn(Exception):
    """The body is not a turn as the contract has it; the hub must not send it again."""


@dataclass(frozen=True)
class Incoming:
    """A checked request body."""

    sender: str
    message_id: str
    text: str
    parse_data: dict[str, Any] | None
    metadata: dict[str, Any]


class HubOutput(OutputChannel):
    """Collects the replies of a turn, one for each bot utterance."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @classmethod
    def name(cls) -> str:
        """Name for channel-specific responses."""
        return "hub"

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Keeps text, buttons, image and custom part of one utterance together."""
        buttons = [
            {"title": b["title"], "payload": b["payload"]}
            for b in (message.get("buttons") or message.get("quick_replies") or [])
        ]
        reply = {
            "text": message.get("text") or "",
            "buttons": buttons,
            "image": message.get("image") or None,
            "custom": message.get("custom") or None,
        }
        if any(reply.values()):
            self._turn.replies.append(reply)


class HubInput(InputChannel):
    """Serves the hub; one turn of a conversation at a time, in the order of arrival."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._warm = False
        self.outcomes: Counter[str] = Counter()

    @classmethod
    def name(cls) -> str:
        """Part of the address: ``/webhooks/hub``."""
        return "hub"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """No credentials: the address is internal."""
        return cls()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Routes of the channel."""
        hub = Blueprint("hub_webhook")

        @hub.route("/webhook", methods=["POST"])
        async def webhook(request: Request) -> HTTPResponse:
            return await self._answer(request)

        @hub.route("/health", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            return await self._health(request)

        @hub.listener("before_server_stop")
        async def drain(app: Any, loop: Any) -> None:
            if self._running:
                await asyncio.wait(self._running, timeout=10)
            await patches.close_sessions()

        return hub

    async def _answer(self, request: Request) -> HTTPResponse:
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return response.json({"error": "not ready"}, status=503)
        try:
            incoming = check_body(request.json if len(request.body) <= MAX_BODY else None, agent.domain.intents)
        except BadTurn as error:
            return response.json({"error": str(error)}, status=400)
        except Exception:
            return response.json({"error": "the body is not JSON"}, status=400)
        # The turn goes on to its end even when the hub hangs up: Sanic cancels the handler, not this task.
        task = asyncio.create_task(self._turn(agent.processor, incoming), name=incoming.sender)
        self._running.add(task)
        task.add_done_callback(self._ended)
        try:
            answer = await asyncio.shield(task)
        except Exception as error:
            return response.json({"error": type(error).__name__}, status=503)
        return response.json({"replies": answer.replies, "understood": answer.understood}, ensure_ascii=False)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Looks at every failure, so that asyncio does not print one of a hung-up request with its words."""
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.outcomes["failed"] += 1
            logger.error("turn of conversation %s failed: %s", task.get_name(), _reason(error))

    async def _turn(self, processor: Any, incoming: Incoming) -> Answer:
        """Runs one turn to its end and stores it; where it fails, the live copy is dropped and nothing is stored."""
        store: LiveTrackerStore = processor.tracker_store
        async with self._turn_of(incoming.sender):
            answered = store.answered(incoming.sender, incoming.message_id)
            if answered is not None:
                self.outcomes["repeated"] += 1
                return answered
            turn = Turn(incoming.message_id)
            message = UserMessage(
                incoming.text,
                HubOutput(turn),
                incoming.sender,
                parse_data=incoming.parse_data,
                input_channel=self.name(),
                message_id=incoming.message_id,
                metadata=incoming.metadata,
            )
            current_turn.set(turn)
            try:
                await self._answer_in(store, processor, message, turn)
            except StaleConversation:
                if (answered := store.answered(incoming.sender, incoming.message_id)) is None:
                    raise
                self.outcomes["repeated"] += 1
                return answered
            except BaseException:
                store.drop(incoming.sender)
                raise
            self.outcomes["answered"] += 1
            return turn.answer

    async def _answer_in(self, store: LiveTrackerStore, processor: Any, message: UserMessage, turn: Turn) -> None:
        """Rasa's turn; where the conversation's rows are damaged, the customer hears that the thread is lost instead."""
        tracker = await store.retrieve(message.sender_id)
        if tracker is None or not tracker.damaged:
            await processor.handle_message(message)
            return
        turn.replies.append(THREAD_LOST)
        await store.save(tracker)
        self.outcomes["thread_lost"] += 1

    @contextlib.asynccontextmanager
    async def _turn_of(self, sender: str) -> AsyncIterator[None]:
        """A lock a conversation; Rasa's own ticket lock looks only once a second."""
        lock, waiting = self._locks.get(sender) or (asyncio.Lock(), 0)
        self._locks[sender] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks[sender]
            if waiting == 1:
                del self._locks[sender]
            else:
                self._locks[sender] = (lock, waiting - 1)

    async def _health(self, request: Request) -> HTTPResponse:
        """200 once the model is loaded, one message was understood and the database answers."""
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return response.json({"status": "not ready"}, status=503)
        try:
            if not self._warm:
                await agent.processor.parse_message(UserMessage("你好，我的车昨天晚上被追尾了"))
                self._warm = True
            store = agent.processor.tracker_store
            if getattr(store, "database", None) is not None:
                store.database.ping()
        except Exception as error:
            logger.error("not healthy: %s", _reason(error))
            return response.json({"status": "not healthy"}, status=503)
        live = getattr(store, "live", 0)
        counted = {"turns": dict(self.outcomes), "action_calls": patches.action_calls}
        return response.json({"status": "ready", "live_trackers": live, **counted})


def check_body(body: Any, intents: list[str]) -> Incoming:
    """A body as the contract has it.

    Raises:
        BadTurn: with the field that is wrong.
    """
    if not isinstance(body, dict):
        raise BadTurn("the body is not an object, or too large")
    sender, message_id = body.get("sender"), body.get("message_id")
    if not isinstance(sender, str) or not sender or len(sender) > 200:
        raise BadTurn("sender")
    if not isinstance(message_id, str) or not message_id or len(message_id) > 300:
        raise BadTurn("message_id")
    text, metadata = body.get("text") or "", body.get("metadata") or {}
    if not isinstance(text, str) or not isinstance(metadata, dict):
        raise BadTurn("text or metadata")
    intent = body.get("intent")
    if intent is None:
        return Incoming(sender, message_id, guarded(text), None, metadata)
    entities = body.get("entities") or {}
    if intent not in intents or not isinstance(entities, dict):
        raise BadTurn("intent or entities")
    return Incoming(sender, message_id, guarded(text), pressed(intent, entities, guarded(text)), metadata)


def guarded(text: str) -> str:
    """A customer's text as plain words: "/restart" and the like are never a command, and there is an end to the length."""
    text = (
        text.replace("\x00", "").encode("utf-8", "ignore").decode().strip()[:MAX_TEXT]
    )  # half an emoji is no character
    return "／" + text[1:] if text.startswith("/") else text


def pressed(intent: str, entities: dict[str, Any], text: str) -> dict[str, Any]:
    """What understanding would give for a pressed button, without running it."""
    return {
        "text": text,
        "intent": {"name": intent, "confidence": 1.0},
        "intent_ranking": [{"name": intent, "confidence": 1.0}],
        "entities": [{"entity": name, "value": value, "extractor": "button"} for name, value in entities.items()],
        "emotion": {"name": "calm", "confidence": 1.0},
        "pressed": True,
    }


def _reason(error: BaseException) -> str:
    """Our own words where the error is ours; of others the type alone, since their words may hold a customer's."""
    causes = [error, error.__cause__, error.__context__]
    ours = next((cause for cause in causes if isinstance(cause, (patches.ActionFailed, lean.LeftOut))), None)
    return str(ours or type(error).__name__)
