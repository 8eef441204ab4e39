"""Telegram with behaviour: the Bot API by its documented rules, customers to steer, and a phone-like page at ``/``.

Use it through python-telegram-bot's ``base_url`` (``http://127.0.0.1:PORT/bot``), or by hand::

    python -m tests.fakes.telegram --port 8090 --token 4242:demo

Rules kept: 4096/1024 characters, 64 bytes of callback data, well-formed HTML, one message a second in a chat with a short
burst, 30 a second over all, 429 with ``retry_after``, 403 from who blocked the bot, button presses answered once and in time,
webhook pushes over several connections with the secret, repeated until a 2xx, or updates kept for ``getUpdates``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes import telegram_page
from tests.fakes.telegram_rules import NOT_MODIFIED, Bad, check_edit, check_inline, check_markup, check_text
from tests.serving import serving

TOKEN = "4242:fake-token-of-the-tests"
_PRESS_SECONDS = 15.0


@dataclass
class Chat:
    """One customer's private chat, or a group.

    Attributes:
        log: what stands in the chat, both sides, as Bot API messages.
    """

    id: int
    kind: str = "private"
    blocked: bool = False
    log: list[dict[str, Any]] = field(default_factory=list)
    level: float = 3.0
    at: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "type": self.kind, "first_name": f"客户{self.id}"}

    def heard(self) -> list[dict[str, Any]]:
        """What the bot said."""
        return [m for m in self.log if m["from"]["is_bot"]]

    def texts(self) -> list[str]:
        return [m.get("text") or m.get("caption") or "" for m in self.heard()]

    def buttons(self) -> list[dict[str, str]]:
        """All inline buttons that still offer something, oldest first, each with its message."""
        return [button for button in self.inline() if not button["text"].startswith("✓")]

    def ticked(self) -> list[str]:
        """What was chosen, as the buttons show it."""
        return [button["text"] for button in self.inline() if button["text"].startswith("✓")]

    def inline(self) -> list[dict[str, str]]:
        """All inline buttons."""
        return [
            {**button, "message_id": message["message_id"]}
            for message in self.heard()
            for row in (message.get("reply_markup") or {}).get("inline_keyboard", ())
            for button in row
        ]


@dataclass
class Fault:
    """What goes wrong with the next sends, or answers to presses.

    Attributes:
        kind: `flood` (429), `error` (500), `gateway` (502), `lost` (done, but the answer never comes), `slow` (done late).
    """

    kind: str
    times: int = 1
    seconds: float = 1.0


class FakeTelegram:
    """The Bot API's state.

    Attributes:
        sent: every message that reached a chat, in order.
        answered: callback queries that were answered, with the words shown in passing.
        calls: the methods that changed something in a chat or answered a press, in order.
        acks: seconds from push to 2xx, one for each acknowledged update.
        limits: whether the message rates are enforced.
        withheld: updates are made but not delivered; the test pushes them itself.
    """

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.chats: dict[int, Chat] = {}
        self.sent: list[dict[str, Any]] = []
        self.answered: dict[str, str] = {}
        self.calls: list[str] = []
        self.acks: list[float] = []
        self.refused: list[tuple[str, int, str]] = []
        self.last_error: tuple[int, str] | None = None
        self.faults: list[Fault] = []
        self.press_faults: list[Fault] = []
        self.edit_faults: list[Fault] = []
        self.limits = True
        self.withheld = False
        self.commands: list[dict[str, str]] = []
        self.webhook: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.port = 0
        self._numbers = itertools.count(1)
        self._updates = itertools.count(700_000_001)
        self._queue: list[dict[str, Any]] = []
        self._queries: dict[str, float] = {}
        self._arrived = asyncio.Event()
        self._pushes: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None
        self._gate = asyncio.Semaphore(40)
        self._level, self._at = 30.0, 0.0
        self.app = Starlette(
            routes=[
                *telegram_page.routes(self),
                Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
                Route("/file/bot{token}/{name:path}", self._file),
            ]
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[FakeTelegram]:
        """Listens for as long as the context lasts."""
        async with serving(self.app, port) as self.port:
            try:
                yield self
            finally:
                await self.stop()

    async def stop(self) -> None:
        """No more pushes."""
        for push in list(self._pushes):
            push.cancel()
        await asyncio.gather(*self._pushes, return_exceptions=True)
        if self._http:
            await self._http.aclose()
            self._http = None

    # --- customers ------------------------------------------------------------------------------------------------

    def chat(self, chat_id: int, kind: str = "private") -> Chat:
        return self.chats.setdefault(chat_id, Chat(chat_id, kind))

    def say(self, chat_id: int, text: str, **more: Any) -> dict[str, Any]:
        """A customer types."""
        return self.write(chat_id, text=text, **more)

    def write(self, chat_id: int, **content: Any) -> dict[str, Any]:
        """A customer sends any kind of message; returns the update."""
        chat = self.chat(chat_id)
        message = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": chat.as_json(),
            "from": {"id": chat_id if chat.kind == "private" else 99, "is_bot": False, "first_name": f"客户{chat_id}"},
            **content,
        }
        chat.log.append(message)
        return self.update(message=message)

    def edit(self, chat_id: int, message_id: int, text: str) -> dict[str, Any]:
        """A customer changes what he wrote."""
        message = next(m for m in self.chat(chat_id).log if m["message_id"] == message_id)
        message |= {"text": text, "edit_date": int(time.time())}
        return self.update(edited_message=dict(message))

    def press(self, chat_id: int, title: str) -> dict[str, Any]:
        """A customer presses the newest button with this title, or else with this in its title."""
        offered = self.chat(chat_id).inline() if title.startswith("✓") else self.chat(chat_id).buttons()
        pressable = [b for b in offered if title in b["text"] and "callback_data" in b]
        button = ([b for b in pressable if b["text"] == title] or pressable)[-1]
        query = f"q{next(self._numbers)}"
        self._queries[query] = time.monotonic()
        message = next(m for m in self.chat(chat_id).log if m["message_id"] == button["message_id"])
        return self.update(
            callback_query={
                "id": query,
                "from": {"id": chat_id, "is_bot": False, "first_name": "客户"},
                "message": dict(message),
                "chat_instance": "1",
                "data": button["callback_data"],
            }
        )

    def photo(self, chat_id: int, content: bytes, caption: str = "", *, as_document: bool = False) -> dict[str, Any]:
        """A customer sends a picture."""
        name = f"f{next(self._numbers)}"
        self.files[name] = content
        size = {"file_id": name, "file_unique_id": name, "file_size": len(content)}
        caption_too = {"caption": caption} if caption else {}
        if as_document:
            return self.write(chat_id, document={**size, "file_name": "照片.jpg"}, **caption_too)
        small = {**size, "file_id": "thumbnail", "width": 90, "height": 60}
        return self.write(chat_id, photo=[small, {**size, "width": 900, "height": 600}], **caption_too)

    def voice(self, chat_id: int, content: bytes, *, size: int | None = None, **kind: Any) -> dict[str, Any]:
        """A customer speaks; `size` is what Telegram says of it."""
        name = f"f{next(self._numbers)}"
        self.files[name] = content
        told = {"file_id": name, "file_unique_id": name, "duration": 3, "mime_type": "audio/ogg"}
        return self.write(chat_id, voice={**told, "file_size": len(content) if size is None else size, **kind})

    def block(self, chat_id: int, blocked: bool = True) -> dict[str, Any]:
        """A customer blocks the bot, or lets it in again."""
        chat = self.chat(chat_id)
        chat.blocked = blocked
        user = {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "车保"}
        states = [{"status": "kicked", "user": user, "until_date": 0}, {"status": "member", "user": user}]
        old, new = states[::-1] if blocked else states
        return self.update(
            my_chat_member={
                "chat": chat.as_json(),
                "from": {"id": chat_id, "is_bot": False, "first_name": "客户"},
                "date": int(time.time()),
                "old_chat_member": old,
                "new_chat_member": new,
            }
        )

    def update(self, **content: Any) -> dict[str, Any]:
        """Makes an update and delivers it."""
        update = {"update_id": next(self._updates), **content}
        if self.withheld:
            return update
        if self.webhook.get("url"):
            self.push(update)
        else:
            self._queue.append(update)
            self._arrived.set()
        return update

    def push(self, update: dict[str, Any], *, after: float = 0.0) -> asyncio.Task[None]:
        """Pushes an update to the webhook until it is acknowledged."""
        push = asyncio.create_task(self._push(update, after))
        self._pushes.add(push)
        push.add_done_callback(self._pushes.discard)
        return push

    async def pushed(self) -> None:
        """Returns when every push was acknowledged."""
        while self._pushes:
            await asyncio.gather(*self._pushes)

    async def _push(self, update: dict[str, Any], after: float) -> None:
        await asyncio.sleep(after)
        if self._http is None:
            limits = httpx.Limits(max_connections=100, keepalive_expiry=4)
            self._http = httpx.AsyncClient(limits=limits, trust_env=False, timeout=60)
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
        for attempt in itertools.count():
            async with self._gate:
                began = time.monotonic()
                try:
                    answer = await self._http.post(self.webhook["url"], json=update, headers=headers)
                    if answer.is_success:
                        self.acks.append(time.monotonic() - began)
                        return
                    self.refused.append(("push", answer.status_code, answer.text[:200]))
                    self.last_error = (
                        int(time.time()),
                        f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}",
                    )
                except httpx.TransportError:
                    self.last_error = (int(time.time()), "Connection refused")
            await asyncio.sleep(min(0.05 * 2**attempt, 1.0))

    # --- Bot API --------------------------------------------------------------------------------------------------

    async def _call(self, request: Request) -> Response | _Cut:
        method = request.path_params["method"]
        if request.path_params["token"] != self.token:
            return _no(401, "Unauthorized")
        params: dict[str, Any] = dict(request.query_params)
        form = await request.form()
        for name, value in form.items():
            params[name] = value if isinstance(value, str) else await value.read()
        handler = getattr(self, f"_do_{method}", None)
        if handler is None:
            return _no(404, "Not Found: method not found")
        faults = {"send": self.faults, "answ": self.press_faults, "edit": self.edit_faults}.get(method[:4], [])
        fault = _next(faults)
        try:
            if fault and fault.kind in ("flood", "error", "gateway"):
                raise Bad(*_FAULTS[fault.kind], fault.seconds if fault.kind == "flood" else None)
            result = await handler(params)
            if method.startswith(("send", "answ", "edit")):
                self.calls.append(method)
        except Bad as bad:
            self.refused.append((method, bad.code, bad.description))
            return _no(bad.code, bad.description, bad.retry_after)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind == "lost":
            return _Cut()
        return JSONResponse({"ok": True, "result": result})

    async def _do_getMe(self, params: dict[str, Any]) -> Any:
        return self._bot()

    def _bot(self) -> dict[str, Any]:
        return {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "车保", "username": "chebao_bot"}

    async def _do_setMyCommands(self, params: dict[str, Any]) -> Any:
        self.commands = json.loads(params["commands"])
        return True

    async def _do_setWebhook(self, params: dict[str, Any]) -> Any:
        self.webhook = dict(params)
        self._gate = asyncio.Semaphore(int(params.get("max_connections", 40)))
        waiting, self._queue = self._queue, []
        for update in waiting:
            self.push(update)
        return True

    async def _do_getMyCommands(self, params: dict[str, Any]) -> Any:
        return self.commands

    async def _do_deleteWebhook(self, params: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    async def _do_getWebhookInfo(self, params: dict[str, Any]) -> Any:
        waiting = len(self._queue) + len(self._pushes)
        told = dict(zip(("last_error_date", "last_error_message"), self.last_error or (), strict=False))
        url = self.webhook.get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": waiting, **told}

    async def _do_getUpdates(self, params: dict[str, Any]) -> Any:
        if self.webhook:
            raise Bad(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = int(params.get("offset", 0))
        self._queue = [u for u in self._queue if u["update_id"] >= offset]
        if not self._queue:
            self._arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), float(params.get("timeout", 0)))
        return self._queue[: int(params.get("limit", 100))]

    async def _do_sendMessage(self, params: dict[str, Any]) -> Any:
        return self._say(params, **check_text(params, "text", 4096))

    async def _do_sendPhoto(self, params: dict[str, Any]) -> Any:
        photo = params["photo"]
        name = photo if isinstance(photo, str) else f"out{next(self._numbers)}"
        if not isinstance(photo, str):
            self.files[name] = photo
        elif not photo.startswith("http"):
            raise Bad(400, "Bad Request: wrong file identifier/HTTP URL specified")
        size = {"file_id": name, "file_unique_id": name, "width": 1, "height": 1}
        return self._say(params, **check_text(params, "caption", 1024), photo=[size])

    async def _do_sendDocument(self, params: dict[str, Any]) -> Any:
        document = {"file_id": "out", "file_unique_id": "out"}
        return self._say(params, **check_text(params, "caption", 1024), document=document)

    async def _do_sendChatAction(self, params: dict[str, Any]) -> Any:
        return True

    def _say(self, params: dict[str, Any], **content: Any) -> dict[str, Any]:
        chat = self._open_chat(params)
        self._count(chat)
        markup = check_markup(params.get("reply_markup"))
        message = {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": chat.as_json(),
            "from": self._bot(),
            **content,
            **({"reply_markup": markup} if markup else {}),
        }
        chat.log.append(message)
        self.sent.append(message)
        keyboard = markup and "inline_keyboard" not in markup
        return {k: v for k, v in message.items() if not (keyboard and k == "reply_markup")}

    def _open_chat(self, params: dict[str, Any]) -> Chat:
        chat = self.chats.get(int(params["chat_id"]))
        if chat is None:
            raise Bad(400, "Bad Request: chat not found")
        if chat.blocked:
            raise Bad(403, "Forbidden: bot was blocked by the user")
        return chat

    def _count(self, chat: Chat) -> None:
        if not self.limits:
            return
        now = time.monotonic()
        self._level = min(30.0, self._level + (now - self._at) * 30)
        chat.level = min(3.0, chat.level + (now - chat.at))
        self._at = chat.at = now
        if self._level < 1 or chat.level < 1:
            wait = math.ceil(max(1 - chat.level, (1 - self._level) / 30))
            raise Bad(429, f"Too Many Requests: retry after {wait}", wait)
        self._level, chat.level = self._level - 1, chat.level - 1

    async def _do_editMessageReplyMarkup(self, params: dict[str, Any]) -> Any:
        return self._change(params)

    async def _do_editMessageText(self, params: dict[str, Any]) -> Any:
        return self._change(params, **check_text(params, "text", 4096))

    async def _do_editMessageCaption(self, params: dict[str, Any]) -> Any:
        return self._change(params, **check_text(params, "caption", 1024))

    def _change(self, params: dict[str, Any], **content: Any) -> dict[str, Any]:
        """Gives a message of the bot's other words; its inline buttons are those of the call, none where it names none."""
        chat = self._open_chat(params)
        message = check_edit(chat.log, int(params["message_id"]), content)
        after = message | content
        after.pop("reply_markup", None)
        if markup := check_inline(params.get("reply_markup")):
            after["reply_markup"] = markup
        if after == message:
            raise Bad(400, NOT_MODIFIED)
        self._count(chat)
        if content:
            after["edit_date"] = int(time.time())
        message.clear()
        message.update(after)
        return dict(message)

    async def _do_answerCallbackQuery(self, params: dict[str, Any]) -> Any:
        asked = self._queries.pop(params["callback_query_id"], None)
        if asked is None or time.monotonic() - asked > _PRESS_SECONDS:
            raise Bad(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        words = str(params.get("text", ""))
        if len(words) > 200:
            raise Bad(400, "Bad Request: MESSAGE_TOO_LONG")
        self.answered[params["callback_query_id"]] = words
        return True

    @property
    def unanswered(self) -> int:
        """Presses whose button still shows the spinner."""
        return len(self._queries)

    async def _do_getFile(self, params: dict[str, Any]) -> Any:
        name = params["file_id"]
        if name not in self.files:
            raise Bad(400, "Bad Request: invalid file_id")
        size = len(self.files[name])
        if size > 20 * 1024 * 1024:
            raise Bad(400, "Bad Request: file is too big")
        return {"file_id": name, "file_unique_id": name, "file_size": size, "file_path": f"photos/{name}"}

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"].rpartition("/")[2]
        known = request.path_params["token"] == self.token and name in self.files
        return Response(self.files[name]) if known else Response(status_code=404)


def _next(faults: list[Fault]) -> Fault | None:
    if not faults:
        return None
    fault = faults[0]
    fault.times -= 1
    if fault.times <= 0:
        faults.pop(0)
    return fault


class _Cut:
    """An answer that breaks off: the connection ends before the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})


_FAULTS = {
    "flood": (429, "Too Many Requests: retry later"),
    "error": (500, "Internal Server Error"),
    "gateway": (502, "Bad Gateway"),
}


def _no(code: int, description: str, retry_after: float | None = None) -> Response:
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if retry_after is not None:
        body["parameters"] = {"retry_after": math.ceil(retry_after)}
    return JSONResponse(body, code)


async def _run(port: int, token: str) -> None:
    async with FakeTelegram(token).serve(port) as fake:
        print(f"Telegram (fake): {fake.url}/", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serves until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--token", default=TOKEN)
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(options.port, options.token))


if __name__ == "__main__":
    main()
