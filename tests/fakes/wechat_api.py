"""WeChat's API, as the fake platform answers it: token, messages by call, menu, notices, media."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from tests.fakes.wechat_rules import ONCE, Phone, fits

if TYPE_CHECKING:
    from tests.fakes.wechat import FakeWeChat

_REPORTED_AFTER = 0.3
"""Seconds until WeChat reports what became of a template or subscription message."""


class Api:
    """The calls of one account; what they change stands in the platform and its phones."""

    def __init__(self, fake: FakeWeChat) -> None:
        self._fake = fake
        self._token, self._token_until, self._forced_at = "", 0.0, -1e9
        self._reports: set[asyncio.Task[Any]] = set()

    def install(self, app: FastAPI) -> None:
        """Adds the routes."""
        app.add_api_route("/cgi-bin/stable_token", self._stable_token, methods=["POST"])
        posts = {
            "message/custom/send": self._custom_send,
            "message/custom/typing": self._typing,
            "menu/create": self._menu_create,
            "message/template/send": self._template_send,
            "message/subscribe/bizsend": self._bizsend,
        }
        for path, handler in posts.items():
            app.add_api_route(f"/cgi-bin/{path}", self._api(path, handler), methods=["POST"])
        app.add_api_route("/cgi-bin/get_current_selfmenu_info", self._api("selfmenu", self._selfmenu))
        listed = self._api("templates", lambda _: {"template_list": self._fake.message_templates})
        app.add_api_route("/cgi-bin/template/get_all_private_template", listed)
        app.add_api_route(
            "/wxaapi/newtmpl/gettemplate", self._api("gettemplate", lambda _: {"data": self._fake.templates})
        )
        app.add_api_route("/cgi-bin/media/get", self._media_get)
        app.add_api_route("/cgi-bin/media/upload", self._media_upload, methods=["POST"])

    async def _stable_token(self, request: Request) -> JSONResponse:
        body = await request.json()
        self._fake.token_calls.append(body)
        if self._fake.faults["stable_token"]:
            return _error(self._fake.faults["stable_token"].pop(0))
        if body.get("appid") != self._fake.app_id:
            return _error(40013)
        if body.get("secret") != self._fake.secret:
            return _error(40125)
        forced = bool(body.get("force_refresh"))
        if forced and self._fake.now() - self._forced_at < 30:
            return _error(45011)
        if forced or self._fake.now() >= self._token_until:
            self._token, self._token_until = secrets.token_urlsafe(48), self._fake.now() + 7200
            self._forced_at = self._fake.now() if forced else self._forced_at
        return JSONResponse({"access_token": self._token, "expires_in": int(self._token_until - self._fake.now())})

    def revoke_token(self) -> None:
        """The token is worth nothing from now on (secret changed, renewed elsewhere)."""
        self._token, self._token_until = "", 0.0

    def _let_in(self, request: Request, path: str) -> int:
        if self._fake.faults[path]:
            return self._fake.faults[path].pop(0)
        good = (
            self._token
            and request.query_params.get("access_token") == self._token
            and self._fake.now() < self._token_until
        )
        return 0 if good else 40001

    def _api(self, path: str, handler: Any) -> Any:
        async def answer(request: Request) -> Response:
            if code := self._let_in(request, path):
                return _error(code)
            body = json.loads(await request.body() or b"{}")
            self._fake.calls.append((path, body))
            result = handler(body)
            return result if isinstance(result, Response) else JSONResponse({"errcode": 0, "errmsg": "ok", **result})

        return answer

    def _custom_send(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        phone = self._fake.phones.get(body.get("touser", ""))
        if phone is None:
            return _error(40003)
        kind = body.get("msgtype")
        if kind not in ("text", "msgmenu", "image") or not isinstance(body.get(kind), dict):
            return _error(40008)
        if code := self._refusal(phone, kind, body[kind]):
            return _error(code)
        phone.typing_until = -1e9
        part = body[kind]
        bubble = {
            "text": lambda: {"text": part["content"]},
            "msgmenu": lambda: {"text": part["head_content"], "items": part["list"]},
            "image": lambda: {"text": "[图片]", "media_id": part["media_id"]},
        }[kind]()
        self._fake.see(phone.openid, "account", **bubble)
        return self._lose() or {}

    def _lose(self) -> Response | None:
        """The answer that gets lost after the message went through, while some are to."""
        if not self._fake.lost:
            return None
        self._fake.lost -= 1
        return Response(status_code=502)

    def _refusal(self, phone: Phone, kind: str, part: dict[str, Any]) -> int:
        words = part.get("content") or part.get("head_content") or ""
        if kind == "msgmenu" and not self._fake.menus:
            return 40200
        if len(words.encode()) > 2048:
            return 45002
        if kind == "text" and not words:
            return 44004
        if kind == "image" and self._fake.media.get(part.get("media_id", ""), (0.0,))[0] < self._fake.now():
            return 40007
        return self._count(phone)

    def _count(self, phone: Phone) -> int:
        """Takes one from the window that closes first."""
        open_windows = sorted((w, k) for k, w in phone.windows.items() if w[0] > self._fake.now())
        if not phone.follows or not open_windows:
            return 45015
        for (until, left), kind in open_windows:
            if left > 0:
                phone.windows[kind] = (until, left - 1)
                return 0
        return 45047

    def _typing(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        phone = self._fake.phones.get(body.get("touser", ""))
        if body.get("command") not in ("Typing", "CancelTyping"):
            return _error(45072)
        if phone is None or self._fake.now() - phone.last_at > 30:
            return _error(45080)
        if phone.typing_until > self._fake.now():
            return _error(45081)
        phone.typing_until = self._fake.now() + 15
        return {}

    def _menu_create(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        top = body.get("button", [])
        fits = 1 <= len(top) <= 3 and all(len(b.get("sub_button", [])) <= 5 for b in top)
        if not fits:
            return _error(40016)
        self._fake.menu = body
        return {}

    def _selfmenu(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"is_menu_open": int(self._fake.menu is not None), "selfmenu_info": self._fake.menu or {}}

    def _template_send(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        phone = self._fake.phones.get(body.get("touser", ""))
        if phone is None or not phone.follows:
            return _error(43004)
        known = next(
            (row for row in self._fake.message_templates if row["template_id"] == body.get("template_id")), None
        )
        if known is None:
            return _error(40037)
        if not fits(str(known["content"]), body.get("data", {})):
            return _error(47003)
        self._fake.see(phone.openid, "account", text=f"[模板消息] {_values(body)}", template=True)
        number = next(self._fake.numbers)
        self._report(phone, "TEMPLATESENDJOBFINISH", MsgID=str(number), Status="success")
        return self._lose() or {"msgid": number}

    def _bizsend(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        """A subscription message; the answer names no number, only the report does."""
        phone = self._fake.phones.get(body.get("touser", ""))
        if phone is None:
            return _error(40003)
        known = next((row for row in self._fake.templates if row["priTmplId"] == body.get("template_id")), None)
        if known is None:
            return _error(40037)
        template = str(known["priTmplId"])
        if not phone.consents[template]:
            return _error(43101)
        if not fits(str(known["content"]), body.get("data", {})):
            return _error(47003)
        phone.consents[template] -= known["type"] == ONCE
        self._fake.see(phone.openid, "account", text=f"[订阅通知] {_values(body)}", template=True)
        row = {
            "TemplateId": template,
            "MsgID": str(next(self._fake.numbers)),
            "ErrorCode": "0" if phone.follows else "43004",
            "ErrorStatus": "success" if phone.follows else "failed",
        }
        self._report(phone, "subscribe_msg_sent_event", SubscribeMsgSentEvent=[row])
        return {}

    def _report(self, phone: Phone, event: str, **fields: Any) -> None:
        """Pushes what became of a template or subscription message, a little later."""

        async def later() -> None:
            await asyncio.sleep(_REPORTED_AFTER)
            await self._fake.event(phone.openid, event, **fields)

        task = asyncio.create_task(later())
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _media_get(self, request: Request) -> Response:
        if code := self._let_in(request, "media/get"):
            return _error(code)
        until, content, content_type = self._fake.media.get(request.query_params.get("media_id", ""), (0.0, b"", ""))
        return Response(content, media_type=content_type) if until > self._fake.now() else _error(40007)

    async def _media_upload(self, request: Request) -> Response:
        if code := self._let_in(request, "media/upload"):
            return _error(code)
        async with request.form() as form:
            file = form["media"]
            assert not isinstance(file, str)
            content = await file.read()
        self._fake.calls.append(("media/upload", {"bytes": len(content)}))
        if len(content) > 2 * 1024 * 1024:
            return _error(45001)
        media_id = self._fake.keep(content, file.content_type or "")
        return JSONResponse({"type": "image", "media_id": media_id, "created_at": int(self._fake.now())})


def _values(body: dict[str, Any]) -> str:
    return "；".join(field["value"] for field in body["data"].values())


def _error(code: int) -> JSONResponse:
    return JSONResponse({"errcode": code, "errmsg": f"fake error {code}"})
