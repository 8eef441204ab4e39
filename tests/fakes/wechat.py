"""A fake WeChat: pushes what customers do, answers the API by the documented rules, and shows a phone at ``/``.

Rules: platforms' pages on push encryption, passive replies (five seconds, three tries), customer-service messages (windows and
counts), typing, temporary media, stable_token. Encryption is werobot's, so that ours is checked against another implementation.

By hand: ``python -m tests.fakes.wechat --port 8101 --push http://127.0.0.1:8000/wechat``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from werobot.crypto import MessageCrypt
from werobot.utils import get_signature

Mode = Literal["plain", "compatible", "safe"]
APP_ID, SECRET, TOKEN, AES_KEY = "wx0fake0fake0fake0", "f" * 32, "fake-token", "k" * 43
ACCOUNT = "gh_fake0account"
DAY = 86_400.0
APOLOGY = "该公众号暂时无法提供服务，请稍后再试"
_WINDOWS = {"message": (5, 48 * 3600), "click": (3, 60), "subscribe": (3, 60), "scan": (3, 60)}
_ONCE, _LASTING = 2, 3
_REPORTED_AFTER = 0.3
"""Seconds until WeChat reports what became of a template or subscription message."""

TEMPLATES = [
    {
        "priTmplId": "sub-once",
        "title": "业务进度",
        "content": "事项:{{thing3.DATA}}\n时间:{{time5.DATA}}\n",
        "type": _ONCE,
    },
    {
        "priTmplId": "sub-lasting",
        "title": "服务提醒",
        "content": "提醒:{{thing1.DATA}}\n说明:{{thing4.DATA}}\n日期:{{date2.DATA}}\n",
        "type": _LASTING,
    },
]

MESSAGE_TEMPLATES = [
    {
        "template_id": "tpl-1",
        "title": "办理进度通知",
        "content": "业务:{{thing4.DATA}}\n单号:{{character_string2.DATA}}\n时间:{{time9.DATA}}\n",
    },
    {
        "template_id": "tpl-2",
        "title": "理赔进度提醒",
        "content": "类型:{{const1.DATA}}\n进度:{{thing2.DATA}}\n状态:{{phrase3.DATA}}\n更新:{{date4.DATA}}\n",
    },
]


@dataclass
class Phone:
    """One customer's side: what he sees, and what WeChat counts for him."""

    openid: str
    follows: bool = True
    seen: list[dict[str, Any]] = field(default_factory=list)
    windows: dict[str, tuple[float, int]] = field(default_factory=dict)
    last_at: float = -1e9
    typing_until: float = -1e9
    consents: Counter[str] = field(default_factory=Counter)

    def texts(self) -> list[str]:
        """The words of what our side sent, with the titles of what can be pressed."""
        return [
            "\n".join([m.get("text", ""), *(i["content"] for i in m.get("items", []))]).strip()
            for m in self.seen
            if m["from"] == "account"
        ]


class FakeWeChat:
    """Platform and phones.

    Attributes:
        mode: how pushes go out.
        tries, cut_off: of a push that is not answered.
        faults: path → error codes of the next calls.
        lost: of the next so many sends the answer is lost after the message went through.
        menus: whether the account may send menu messages.
        templates, message_templates: the account's templates, for subscription and for template messages.
        calls: (path, body) of every API call that was let in.
    """

    def __init__(self, push_url: str, *, mode: Mode = "safe", cut_off: float = 5.0, tries: int = 3) -> None:
        self.push_url, self.mode, self.cut_off, self.tries = push_url, mode, cut_off, tries
        self.aes_key, self.sign_token = AES_KEY, TOKEN
        self.phones: dict[str, Phone] = {}
        self.faults: dict[str, list[int]] = defaultdict(list)
        self.lost = 0
        self.menus = True
        self.templates = [dict(row) for row in TEMPLATES]
        self.message_templates = [dict(row) for row in MESSAGE_TEMPLATES]
        self.menu: dict[str, Any] | None = None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.token_calls: list[dict[str, Any]] = []
        self.acknowledged: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.skew = 0.0
        self._token, self._token_until, self._forced_at = "", 0.0, -1e9
        self._media: dict[str, tuple[float, bytes, str]] = {}
        self._answered: set[str] = set()
        self._numbers = itertools.count(20_000_000_000_000_001)
        self._http: httpx.AsyncClient | None = None
        self._reports: set[asyncio.Task[Any]] = set()
        self.app = self._make_app()

    def now(self) -> float:
        """The platform's clock; tests move it by `skew`."""
        return time.time() + self.skew

    def phone(self, openid: str) -> Phone:
        return self.phones.setdefault(openid, Phone(openid))

    # --- what customers do ----------------------------------------------------------------------------------------

    async def say(self, openid: str, text: str, **push: Any) -> Any:
        """Types a text."""
        self._see(openid, "customer", text=text)
        self.opens(openid, "message")
        return await self.message(openid, {"MsgType": "text", "Content": text}, **push)

    async def press(self, openid: str, item: dict[str, str], **push: Any) -> Any:
        """Presses an item of a menu message, which is no message to the platform's count."""
        self._see(openid, "customer", text=item["content"])
        self.opens(openid, "click")
        fields = {"MsgType": "text", "Content": item["content"], "bizmsgmenuid": item["id"]}
        return await self.message(openid, fields, **push)

    async def send_location(self, openid: str, latitude: float, longitude: float, label: str) -> Any:
        self._see(openid, "customer", text=f"[位置] {label}")
        self.opens(openid, "message")
        place = {"Location_X": f"{latitude}", "Location_Y": f"{longitude}", "Scale": "16", "Label": label}
        return await self.message(openid, {"MsgType": "location", **place})

    async def send_media(self, openid: str, kind: str, content: bytes, content_type: str, **fields: str) -> Any:
        """An image, voice or video; the platform keeps it three days."""
        media_id = self.keep(content, content_type)
        self._see(openid, "customer", text=f"[{kind}]", media_id=media_id)
        self.opens(openid, "message")
        return await self.message(openid, {"MsgType": kind, "MediaId": media_id, "PicUrl": "http://x/", **fields})

    async def decide(self, openid: str, decisions: dict[str, str], **push: Any) -> Any:
        """Presses agree or cancel in the dialog of some subscription messages: template → ``accept`` or ``reject``."""
        self._see(openid, "customer", text=f"[订阅] {decisions}")
        for template, status in decisions.items():
            if status.startswith("accept"):
                self.phone(openid).consents[template] += 1
        rows = [{"TemplateId": t, "SubscribeStatusString": s, "PopupScene": "2"} for t, s in decisions.items()]
        popup = {"MsgType": "event", "Event": "subscribe_msg_popup_event", "SubscribeMsgPopupEvent": rows}
        return await self.message(openid, popup, event=True, **push)

    async def refuse(self, openid: str, template: str) -> Any:
        """Switches a subscription off in the list of one's subscriptions."""
        self.phone(openid).consents.pop(template, None)
        rows = [{"TemplateId": template, "SubscribeStatusString": "reject"}]
        return await self.event(openid, "subscribe_msg_change_event", SubscribeMsgChangeEvent=rows)

    async def event(self, openid: str, event: str, opens: str = "", **fields: Any) -> Any:
        """Follow, scan, menu click and the like."""
        phone = self.phone(openid)
        phone.follows = event != "unsubscribe" and (phone.follows or event == "subscribe")
        if opens:
            self.opens(openid, opens)
        common = {"MsgType": "event", "Event": event, **fields}
        return await self.message(openid, common, number=f"{openid}{event}{time.time()}", event=True)

    def opens(self, openid: str, kind: str) -> None:
        """A customer's deed opens a window."""
        count, seconds = _WINDOWS[kind]
        phone = self.phone(openid)
        phone.windows[kind] = (self.now() + seconds, count)
        phone.last_at = self.now()

    # --- pushing --------------------------------------------------------------------------------------------------

    async def message(
        self,
        openid: str,
        fields: dict[str, Any],
        *,
        number: str = "",
        event: bool = False,
        copies: int = 1,
        spread: float = 0.0,
        created: int = 0,
    ) -> list[int]:
        """Pushes until it is answered, at most `tries` times; returns the HTTP statuses.

        Args:
            number, created: of a push that was sent before.
            copies: the same push so often at once (or within `spread` seconds), as a shaky network makes it.
        """
        number = number or str(next(self._numbers))
        common = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(created or int(self.now()))}
        document = self.xml({**common, **fields, **({} if event else {"MsgId": number})})

        async def one(delay: float) -> int:
            await asyncio.sleep(delay)
            return await self._push(openid, number, document)

        if copies == 1:
            return [await one(0)]
        delays = [n * spread / (copies - 1) for n in range(copies)]
        return list(await asyncio.gather(*(one(delay) for delay in delays)))

    async def _push(self, openid: str, number: str, document: str) -> int:
        status = 0
        for _ in range(self.tries):
            url, body = self.sealed(document)
            began = time.monotonic()
            try:
                answer = await self._client().post(url, content=body, timeout=self.cut_off)
            except httpx.HTTPError:
                continue
            self.acknowledged.append(time.monotonic() - began)
            status = answer.status_code
            self.statuses[status] += 1
            if status < 500:
                self._take_reply(openid, number, answer)
                return status
        self._see(openid, "system", text=APOLOGY)
        return status

    def sealed(self, document: str) -> tuple[str, str]:
        """URL and body of a push in the account's mode."""
        timestamp, nonce = str(int(self.now())), secrets.token_hex(5)
        query = {"timestamp": timestamp, "nonce": nonce, "signature": get_signature(self.sign_token, timestamp, nonce)}
        if self.mode == "plain":
            return str(httpx.URL(self.push_url, params=query)), document
        crypt = MessageCrypt(self.sign_token, self.aes_key, APP_ID)
        outer = crypt.encrypt_message(document, timestamp, nonce)
        encrypt = re.search(r"<Encrypt><!\[CDATA\[(.*?)\]\]>", outer)
        assert encrypt
        query |= {"encrypt_type": "aes", "msg_signature": get_signature(self.sign_token, timestamp, nonce, encrypt[1])}
        cipher = f"<Encrypt><![CDATA[{encrypt[1]}]]></Encrypt>"
        safe = f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>{cipher}</xml>"
        body = safe if self.mode == "safe" else document.replace("</xml>", f"{cipher}</xml>")
        return str(httpx.URL(self.push_url, params=query)), body

    @staticmethod
    def xml(fields: dict[str, Any]) -> str:
        """A document in WeChat's way: numbers bare, texts in CDATA, in pieces where they hold its end, rows as ``<List>``."""

        def value(name: str, content: Any) -> str:
            if isinstance(content, list):
                return "".join(f"<List>{inside(row)}</List>" for row in content)
            if name in ("CreateTime", "MsgId", "Location_X", "Location_Y", "Scale"):
                return escape(content)
            return "<![CDATA[" + content.replace("]]>", "]]]]><![CDATA[>") + "]]>"

        def inside(row: dict[str, Any]) -> str:
            return "".join(f"<{name}>{value(name, content)}</{name}>" for name, content in row.items())

        return f"<xml>{inside(fields)}</xml>"

    def _take_reply(self, openid: str, number: str, answer: httpx.Response) -> None:
        """What the customer sees of a passive reply: the first one of a message, and an apology for a bad one."""
        if answer.text in ("", "success"):
            return
        try:
            found = ElementTree.fromstring(self.opened(answer.text))
            text = (found.findtext("Content") or "").strip()
            assert found.findtext("ToUserName") == openid and found.findtext("MsgType") == "text" and text
            assert len(text.encode()) <= 2048
        except (ElementTree.ParseError, AssertionError, ValueError):
            self._see(openid, "system", text=APOLOGY)
            return
        if number not in self._answered:
            self._answered.add(number)
            self._see(openid, "account", text=text, passive=True)

    def opened(self, text: str) -> str:
        """The document of a passive reply, decrypted in the encrypting modes."""
        if self.mode == "plain":
            return text
        outer = ElementTree.fromstring(text)
        got = {name: outer.findtext(name) or "" for name in ("TimeStamp", "Nonce", "MsgSignature", "Encrypt")}
        crypt = MessageCrypt(self.sign_token, self.aes_key, APP_ID)
        inside = crypt.decrypt_message(got["TimeStamp"], got["Nonce"], got["MsgSignature"], got["Encrypt"])
        return inside.decode() if isinstance(inside, bytes) else str(inside)

    def _see(self, openid: str, sender: str, **bubble: Any) -> None:
        self.phone(openid).seen.append({"from": sender, "at": self.now(), **bubble})

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            limits = httpx.Limits(max_connections=1000, max_keepalive_connections=200)
            self._http = httpx.AsyncClient(trust_env=False, limits=limits)
        return self._http

    async def close(self) -> None:
        if self._http:
            await self._http.aclose()

    # --- the API --------------------------------------------------------------------------------------------------

    def keep(self, content: bytes, content_type: str) -> str:
        """Keeps a file for three days."""
        media_id = secrets.token_urlsafe(24)
        self._media[media_id] = (self.now() + 3 * DAY, content, content_type)
        return media_id

    def _make_app(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan)
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
        listed = self._api("templates", lambda _: {"template_list": self.message_templates})
        app.add_api_route("/cgi-bin/template/get_all_private_template", listed)
        app.add_api_route("/wxaapi/newtmpl/gettemplate", self._api("gettemplate", lambda _: {"data": self.templates}))
        app.add_api_route("/cgi-bin/media/get", self._media_get)
        app.add_api_route("/cgi-bin/media/upload", self._media_upload, methods=["POST"])
        app.add_api_route("/", lambda: FileResponse(Path(__file__).with_name("wechat.html")))
        app.add_api_route("/phone/{openid}", self._phone_seen)
        app.add_api_route("/media/{media_id}", self._phone_media)
        app.add_api_route("/phone/{openid}/{what}", self._phone_does, methods=["POST"])
        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        yield
        await self.close()

    async def _stable_token(self, request: Request) -> JSONResponse:
        body = await request.json()
        self.token_calls.append(body)
        if self.faults["stable_token"]:
            return _error(self.faults["stable_token"].pop(0))
        if body.get("appid") != APP_ID:
            return _error(40013)
        if body.get("secret") != SECRET:
            return _error(40125)
        forced = bool(body.get("force_refresh"))
        if forced and self.now() - self._forced_at < 30:
            return _error(45011)
        if forced or self.now() >= self._token_until:
            self._token, self._token_until = secrets.token_urlsafe(48), self.now() + 7200
            self._forced_at = self.now() if forced else self._forced_at
        return JSONResponse({"access_token": self._token, "expires_in": int(self._token_until - self.now())})

    def revoke_token(self) -> None:
        """The token is worth nothing from now on (secret changed, renewed elsewhere)."""
        self._token, self._token_until = "", 0.0

    def _let_in(self, request: Request, path: str) -> int:
        if self.faults[path]:
            return self.faults[path].pop(0)
        good = (
            self._token and request.query_params.get("access_token") == self._token and self.now() < self._token_until
        )
        return 0 if good else 40001

    def _api(self, path: str, handler: Any) -> Any:
        async def answer(request: Request) -> Response:
            if code := self._let_in(request, path):
                return _error(code)
            body = json.loads(await request.body() or b"{}")
            self.calls.append((path, body))
            result = handler(body)
            return result if isinstance(result, Response) else JSONResponse({"errcode": 0, "errmsg": "ok", **result})

        return answer

    def _custom_send(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        phone = self.phones.get(body.get("touser", ""))
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
        self._see(phone.openid, "account", **bubble)
        return self._lose() or {}

    def _lose(self) -> Response | None:
        """The answer that gets lost after the message went through, while some are to."""
        if not self.lost:
            return None
        self.lost -= 1
        return Response(status_code=502)

    def _refusal(self, phone: Phone, kind: str, part: dict[str, Any]) -> int:
        words = part.get("content") or part.get("head_content") or ""
        if kind == "msgmenu" and not self.menus:
            return 40200
        if len(words.encode()) > 2048:
            return 45002
        if kind == "text" and not words:
            return 44004
        if kind == "image" and self._media.get(part.get("media_id", ""), (0.0,))[0] < self.now():
            return 40007
        return self._count(phone)

    def _count(self, phone: Phone) -> int:
        """Takes one from the window that closes first."""
        open_windows = sorted((w, k) for k, w in phone.windows.items() if w[0] > self.now())
        if not phone.follows or not open_windows:
            return 45015
        for (until, left), kind in open_windows:
            if left > 0:
                phone.windows[kind] = (until, left - 1)
                return 0
        return 45047

    def _typing(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        phone = self.phones.get(body.get("touser", ""))
        if body.get("command") not in ("Typing", "CancelTyping"):
            return _error(45072)
        if phone is None or self.now() - phone.last_at > 30:
            return _error(45080)
        if phone.typing_until > self.now():
            return _error(45081)
        phone.typing_until = self.now() + 15
        return {}

    def _menu_create(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        top = body.get("button", [])
        fits = 1 <= len(top) <= 3 and all(len(b.get("sub_button", [])) <= 5 for b in top)
        if not fits:
            return _error(40016)
        self.menu = body
        return {}

    def _selfmenu(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"is_menu_open": int(self.menu is not None), "selfmenu_info": self.menu or {}}

    def _template_send(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        phone = self.phones.get(body.get("touser", ""))
        if phone is None or not phone.follows:
            return _error(43004)
        known = next((row for row in self.message_templates if row["template_id"] == body.get("template_id")), None)
        if known is None:
            return _error(40037)
        if not fits(str(known["content"]), body.get("data", {})):
            return _error(47003)
        self._see(phone.openid, "account", text=f"[模板消息] {_values(body)}", template=True)
        number = next(self._numbers)
        self._report(phone, "TEMPLATESENDJOBFINISH", MsgID=str(number), Status="success")
        return self._lose() or {"msgid": number}

    def _bizsend(self, body: dict[str, Any]) -> Response | dict[str, Any]:
        """A subscription message; the answer names no number, only the report does."""
        phone = self.phones.get(body.get("touser", ""))
        if phone is None:
            return _error(40003)
        known = next((row for row in self.templates if row["priTmplId"] == body.get("template_id")), None)
        if known is None:
            return _error(40037)
        template = str(known["priTmplId"])
        if not phone.consents[template]:
            return _error(43101)
        if not fits(str(known["content"]), body.get("data", {})):
            return _error(47003)
        phone.consents[template] -= known["type"] == _ONCE
        self._see(phone.openid, "account", text=f"[订阅通知] {_values(body)}", template=True)
        row = {
            "TemplateId": template,
            "MsgID": str(next(self._numbers)),
            "ErrorCode": "0" if phone.follows else "43004",
            "ErrorStatus": "success" if phone.follows else "failed",
        }
        self._report(phone, "subscribe_msg_sent_event", SubscribeMsgSentEvent=[row])
        return {}

    def _report(self, phone: Phone, event: str, **fields: Any) -> None:
        """Pushes what became of a template or subscription message, a little later."""

        async def later() -> None:
            await asyncio.sleep(_REPORTED_AFTER)
            await self.event(phone.openid, event, **fields)

        task = asyncio.create_task(later())
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _media_get(self, request: Request) -> Response:
        if code := self._let_in(request, "media/get"):
            return _error(code)
        until, content, content_type = self._media.get(request.query_params.get("media_id", ""), (0.0, b"", ""))
        return Response(content, media_type=content_type) if until > self.now() else _error(40007)

    async def _media_upload(self, request: Request) -> Response:
        if code := self._let_in(request, "media/upload"):
            return _error(code)
        async with request.form() as form:
            file = form["media"]
            assert not isinstance(file, str)
            content = await file.read()
        self.calls.append(("media/upload", {"bytes": len(content)}))
        if len(content) > 2 * 1024 * 1024:
            return _error(45001)
        media_id = self.keep(content, file.content_type or "")
        return JSONResponse({"type": "image", "media_id": media_id, "created_at": int(self.now())})

    # --- the phone page -------------------------------------------------------------------------------------------

    async def _phone_seen(self, openid: str, after: int = 0) -> dict[str, Any]:
        phone = self.phone(openid)
        left = {k: w[1] for k, w in phone.windows.items() if w[0] > self.now()}
        menu = self.menu["button"] if self.menu else []
        typing = phone.typing_until > self.now()
        return {"seen": phone.seen[after:], "left": left, "menu": menu, "typing": typing, "mode": self.mode}

    async def _phone_media(self, media_id: str) -> Response:
        _, content, content_type = self._media.get(media_id, (0.0, b"", ""))
        return Response(content, media_type=content_type) if content else Response(status_code=404)

    async def _phone_does(self, openid: str, what: str, request: Request) -> dict[str, Any]:
        if what == "photo":
            content = await request.body()
            return {"statuses": await self.send_media(openid, "image", content, "image/jpeg")}
        body = json.loads(await request.body() or b"{}")
        match what:
            case "say":
                done = await self.say(openid, body["text"])
            case "press":
                done = await self.press(openid, {"id": body["id"], "content": body["content"]})
            case "location":
                done = await self.send_location(openid, body["latitude"], body["longitude"], body["label"])
            case "follow":
                done = await self.event(openid, "subscribe", "subscribe")
            case "unfollow":
                done = await self.event(openid, "unsubscribe")
            case "subscribe":
                done = await self.decide(openid, {body["template"]: "accept"})
            case "scan":
                done = await self.event(openid, "SCAN", "scan", EventKey=body["scene"], Ticket="t")
            case "menu":
                self._see(openid, "customer", text=f"[菜单] {body['name']}")
                done = await self.event(openid, "CLICK", "click", EventKey=body["key"])
            case _:
                return {"error": "unknown"}
        return {"statuses": done}


_TAKEN = {
    "thing": r"[^\x00-\x1f]{1,20}",
    "const": r"[^\x00-\x1f]{1,20}",
    "character_string": r"[!-~]{1,32}",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
    "time": r"(\d{4}年\d{1,2}月\d{1,2}日 |\d{4}-\d{2}-\d{2} )?\d{1,2}:\d{2}(:\d{2})?",
    "date": r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d{2}-\d{2})( \d{1,2}:\d{2})?",
    "number": r"[\d.]{1,32}",
    "letter": r"[A-Za-z]{1,32}",
    "amount": r"[¥￥$]?\d{1,10}(\.\d+)?元?",
    "phone_number": r"[\d+-]{1,17}",
    "car_number": r"[\u4e00-\u9fff]?[A-Z0-9]{1,7}[\u4e00-\u9fff]?",
    "name": r"[\u4e00-\u9fff·]{1,10}|[A-Za-z ]{1,20}",
}
"""What WeChat takes for a field of each kind (订阅消息参数值内容限制说明)."""


def fits(content: str, data: dict[str, Any]) -> bool:
    """Whether WeChat takes these values for a template: all its fields and no others, each as its kind wants it."""
    values = {name: str(given.get("value", "")) for name, given in data.items()}
    names = set(re.findall(r"\{\{(\w+)\.DATA\}\}", content))
    return set(values) == names and all(
        re.fullmatch(_TAKEN.get(name.rstrip("0123456789"), ".{1,200}"), value) for name, value in values.items()
    )


def _values(body: dict[str, Any]) -> str:
    return "；".join(field["value"] for field in body["data"].values())


def _error(code: int) -> JSONResponse:
    return JSONResponse({"errcode": code, "errmsg": f"fake error {code}"})


def main() -> None:
    """Serves the platform and its phone."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=8101)
    arguments.add_argument("--push", default="http://127.0.0.1:8000/wechat")
    arguments.add_argument("--menu", type=Path, help="a menu that was put up before")
    arguments.add_argument("--mode", choices=["plain", "compatible", "safe"], default="safe")
    given = arguments.parse_args()
    fake = FakeWeChat(given.push, mode=given.mode)
    if given.menu:
        fake.menu = json.loads(given.menu.read_text(encoding="utf-8"))
    uvicorn.run(fake.app, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
