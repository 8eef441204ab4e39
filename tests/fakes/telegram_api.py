"""The Bot API, as the fake platform answers it: messages, edits, answers to presses, files, and how updates are received."""

from __future__ import annotations

import asyncio
import json
import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes.telegram_chat import Chat, Fault
from tests.fakes.telegram_rules import NOT_MODIFIED, Bad, check_edit, check_inline, check_markup, check_text

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

_PRESS_SECONDS = 15.0


class BotApi:
    """The calls of one bot; what they change stands in the platform and its chats."""

    def __init__(self, fake: FakeTelegram) -> None:
        self._fake = fake
        self._level, self._at = 30.0, 0.0

    def routes(self) -> list[Route]:
        """Calls, and the files that they name."""
        return [
            Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{name:path}", self._file),
        ]

    async def _call(self, request: Request) -> Response | _Cut:
        method = request.path_params["method"]
        if request.path_params["token"] != self._fake.token:
            return _no(401, "Unauthorized")
        params: dict[str, Any] = dict(request.query_params)
        form = await request.form()
        for name, value in form.items():
            params[name] = value if isinstance(value, str) else await value.read()
        handler = getattr(self, f"_do_{method}", None)
        if handler is None:
            return _no(404, "Not Found: method not found")
        faults = {"send": self._fake.faults, "answ": self._fake.press_faults, "edit": self._fake.edit_faults}.get(
            method[:4], []
        )
        fault = _next(faults)
        try:
            if fault and fault.kind in ("flood", "error", "gateway"):
                raise Bad(*_FAULTS[fault.kind], fault.seconds if fault.kind == "flood" else None)
            result = await handler(params)
            if method.startswith(("send", "answ", "edit")):
                self._fake.calls.append(method)
        except Bad as bad:
            self._fake.refused.append((method, bad.code, bad.description))
            return _no(bad.code, bad.description, bad.retry_after)
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind == "lost":
            return _Cut()
        return JSONResponse({"ok": True, "result": result})

    async def _do_getMe(self, params: dict[str, Any]) -> Any:
        return self._bot()

    def _bot(self) -> dict[str, Any]:
        return {
            "id": int(self._fake.token.partition(":")[0]),
            "is_bot": True,
            "first_name": "车保",
            "username": "chebao_bot",
        }

    async def _do_setMyCommands(self, params: dict[str, Any]) -> Any:
        self._fake.commands = json.loads(params["commands"])
        return True

    async def _do_setWebhook(self, params: dict[str, Any]) -> Any:
        self._fake.webhook = dict(params)
        self._fake.gate = asyncio.Semaphore(int(params.get("max_connections", 40)))
        waiting, self._fake.queue = self._fake.queue, []
        for update in waiting:
            self._fake.push(update)
        return True

    async def _do_getMyCommands(self, params: dict[str, Any]) -> Any:
        return self._fake.commands

    async def _do_deleteWebhook(self, params: dict[str, Any]) -> Any:
        self._fake.webhook = {}
        return True

    async def _do_getWebhookInfo(self, params: dict[str, Any]) -> Any:
        waiting = len(self._fake.queue) + len(self._fake.pushes)
        told = dict(zip(("last_error_date", "last_error_message"), self._fake.last_error or (), strict=False))
        url = self._fake.webhook.get("url", "")
        return {"url": url, "has_custom_certificate": False, "pending_update_count": waiting, **told}

    async def _do_getUpdates(self, params: dict[str, Any]) -> Any:
        if self._fake.webhook:
            raise Bad(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = int(params.get("offset", 0))
        self._fake.queue = [u for u in self._fake.queue if u["update_id"] >= offset]
        if not self._fake.queue:
            self._fake.arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._fake.arrived.wait(), float(params.get("timeout", 0)))
        return self._fake.queue[: int(params.get("limit", 100))]

    async def _do_sendMessage(self, params: dict[str, Any]) -> Any:
        return self._say(params, **check_text(params, "text", 4096))

    async def _do_sendPhoto(self, params: dict[str, Any]) -> Any:
        photo = params["photo"]
        name = photo if isinstance(photo, str) else f"out{next(self._fake.numbers)}"
        if not isinstance(photo, str):
            self._fake.files[name] = photo
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
            "message_id": next(self._fake.numbers),
            "date": int(time.time()),
            "chat": chat.as_json(),
            "from": self._bot(),
            **content,
            **({"reply_markup": markup} if markup else {}),
        }
        chat.log.append(message)
        self._fake.sent.append(message)
        keyboard = markup and "inline_keyboard" not in markup
        return {k: v for k, v in message.items() if not (keyboard and k == "reply_markup")}

    def _open_chat(self, params: dict[str, Any]) -> Chat:
        chat = self._fake.chats.get(int(params["chat_id"]))
        if chat is None:
            raise Bad(400, "Bad Request: chat not found")
        if chat.blocked:
            raise Bad(403, "Forbidden: bot was blocked by the user")
        return chat

    def _count(self, chat: Chat) -> None:
        if not self._fake.limits:
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
        asked = self._fake.queries.pop(params["callback_query_id"], None)
        if asked is None or time.monotonic() - asked > _PRESS_SECONDS:
            raise Bad(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        words = str(params.get("text", ""))
        if len(words) > 200:
            raise Bad(400, "Bad Request: MESSAGE_TOO_LONG")
        self._fake.answered[params["callback_query_id"]] = words
        return True

    async def _do_getFile(self, params: dict[str, Any]) -> Any:
        name = params["file_id"]
        if name not in self._fake.files:
            raise Bad(400, "Bad Request: invalid file_id")
        size = len(self._fake.files[name])
        if size > 20 * 1024 * 1024:
            raise Bad(400, "Bad Request: file is too big")
        return {"file_id": name, "file_unique_id": name, "file_size": size, "file_path": f"photos/{name}"}

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"].rpartition("/")[2]
        known = request.path_params["token"] == self._fake.token and name in self._fake.files
        return Response(self._fake.files[name]) if known else Response(status_code=404)


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
