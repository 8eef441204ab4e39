"""The dialogue service as the hub sees it: one call per turn, ending in replies, in "not there", or in a failure."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from chebao.conversations import links
from chebao.conversations.types import Conversation, Message, Reply
from chebao.logs import line

log = logging.getLogger(__name__)

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_PAUSES = (0.2, 0.5, 1.0)
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The character NUL in JSON, which the database cannot keep; the six characters that a customer typed are left alone."""


class RasaAway(Exception):
    """The service did not take the turn, or died in it: the same turn may be asked again."""


class RasaFailed(Exception):
    """The service took the turn and gave no usable answer within the budget."""


@dataclass(frozen=True)
class Answer:
    """What a turn yielded: the replies, and what was understood of the message (None where the service does not tell)."""

    replies: list[Reply]
    understood: dict[str, Any] | None = None


@dataclass(frozen=True)
class FollowUp:
    """A second call within a turn, by which the hub tells the dialogue what the first one asked for.

    Args:
        name: tells it from the turn's first call.
        intent: the task that it is about.
        entities: what a pressed button would carry.
        begun: what the customer began elsewhere.
    """

    name: str
    intent: str
    entities: dict[str, Any]
    begun: list[dict[str, Any]]


class Rasa:
    """Client of ``/webhooks/hub/webhook``; a repeated `message_id` gets the stored replies, so asking again is safe."""

    def __init__(self, base_url: str, actions_url: str, *, budget: float) -> None:
        self._url = f"{base_url.rstrip('/')}/webhooks/hub/webhook"
        self._alive_url = f"{base_url.rstrip('/')}/webhooks/hub/health"
        self._actions_url = f"{actions_url.rstrip('/')}/health"
        self._budget = budget
        self._session: aiohttp.ClientSession | None = None

    @property
    def _http(self) -> aiohttp.ClientSession:
        """Made at the first call, because it belongs to the running loop."""
        if self._session is None:
            # Below Sanic's keep-alive of 5 s, so that we never write into a connection that is just being closed.
            connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=4)
            self._session = aiohttp.ClientSession(connector=connector)
        return self._session

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def ask(
        self, conversation: Conversation, message: Message, *, once: bool = False, follow_up: FollowUp | None = None
    ) -> Answer:
        """Runs the turn of `message`.

        Args:
            follow_up: the turn's second call.
            once: no second try while the service is known to be away.

        Raises:
            RasaAway: nothing answered.
            RasaFailed: an error, nothing to say, or no answer in time.
        """
        body = request_body(conversation, message, follow_up)
        deadline = time.monotonic() + self._budget
        away = failed = ""
        for pause in (0.0, *(() if once else _PAUSES)):
            if pause:
                await asyncio.sleep(pause)
            try:
                status, answer = await self._post(body, deadline)
            except aiohttp.ClientError as error:
                away = type(error).__name__
                continue
            if status < 300:
                return answer_of(answer)
            away = f"status_{status}"
            if status < 500 or failed:
                raise RasaFailed(away)
            if all((await self.ready()).values()):
                failed = away
        raise RasaAway(away)

    async def _post(self, body: dict[str, Any], deadline: float) -> tuple[int, str]:
        left = max(deadline - time.monotonic(), 0.05)
        timeout = aiohttp.ClientTimeout(total=left, sock_connect=1.0)
        try:
            async with self._http.post(self._url, json=body, timeout=timeout) as answer:
                return answer.status, await answer.text("utf-8")
        except aiohttp.ConnectionTimeoutError:
            raise
        except TimeoutError:
            raise RasaFailed("timeout") from None

    async def alive(self) -> bool:
        """Whether the dialogue service has its model loaded and answers."""
        return await self._answers(self._alive_url)

    async def _actions_alive(self) -> bool:
        return await self._answers(self._actions_url)

    async def ready(self) -> dict[str, bool]:
        """Health of dialogue service and action server."""
        rasa, actions = await asyncio.gather(self.alive(), self._actions_alive())
        return {"rasa": rasa, "actions": actions}

    async def _answers(self, url: str) -> bool:
        try:
            async with self._http.get(url, timeout=aiohttp.ClientTimeout(total=1.5)) as answer:
                return answer.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False


def request_body(conversation: Conversation, message: Message, follow_up: FollowUp | None = None) -> dict[str, Any]:
    """The contract's body; free text never starts with the character that would make it an intent."""
    body: dict[str, Any] = {"sender": conversation.id, "message_id": str(message.id), "text": _as_text(message)}
    if message.payload:
        body |= {"intent": message.payload["intent"], "entities": message.payload["entities"]}
    body["metadata"] = {
        "received_at": message.at.astimezone(_SHANGHAI).isoformat(timespec="seconds"),
        "channel": conversation.channel,
        "verified": conversation.identity(message.at),
        "location": message.location,
        "attachments": message.attachments or [],
        "buttons": conversation.offered or [],
        "moved": links.gone(conversation),
    }
    if follow_up:
        body |= {"message_id": f"{message.id}:{follow_up.name}", "text": ""}
        body |= {"intent": follow_up.intent, "entities": follow_up.entities}
        body["metadata"] |= {"begun": follow_up.begun, "location": None, "attachments": []}
    return body


def _as_text(message: Message) -> str:
    """The customer's words, else the shared place; a message of files only is empty text beside its attachments."""
    if message.text:
        return "／" + message.text[1:] if message.text.startswith("/") else message.text
    if message.location:
        spot = message.location
        return str(spot.get("label") or f"{spot['latitude']},{spot['longitude']}")
    return ""


def answer_of(raw: str) -> Answer:
    """Replies and understanding of the body of a 200.

    Raises:
        RasaFailed: not the contract's shape, or an empty list.
    """
    try:
        body = json.loads(_NUL.sub(r"\1", raw))
        replies = [_reply(r) for r in body["replies"]]
        understood = body.get("understood")
    except (ValueError, KeyError, TypeError, AttributeError):
        log.error(line("rasa_answer_malformed"))
        raise RasaFailed("malformed") from None
    if not replies:
        raise RasaFailed("nothing_said")
    return Answer(replies, understood if isinstance(understood, dict) else None)


def _reply(raw: dict[str, Any]) -> Reply:
    offered = [{"title": str(b["title"]), "payload": str(b["payload"])} for b in raw.get("buttons") or []]
    custom = raw.get("custom")
    return Reply(
        text=str(raw.get("text") or ""),
        buttons=offered,
        image=raw.get("image") or None,
        custom=custom if isinstance(custom, dict) and custom else None,
    )
