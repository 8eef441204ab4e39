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
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import httpx
import uvicorn
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from fastapi import FastAPI
from werobot.crypto import MessageCrypt
from werobot.utils import get_signature

from tests.fakes import wechat_page
from tests.fakes.wechat_api import Api
from tests.fakes.wechat_rules import MESSAGE_TEMPLATES, TEMPLATES, WINDOWS, Phone, xml

Mode = Literal["plain", "compatible", "safe"]
APP_ID, SECRET, TOKEN, AES_KEY = "wx0fake0fake0fake0", "f" * 32, "fake-token", "k" * 43
ACCOUNT = "gh_fake0account"
DAY = 86_400.0
APOLOGY = "该公众号暂时无法提供服务，请稍后再试"


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
        media: number → kept until, bytes and type.
    """

    def __init__(self, push_url: str, *, mode: Mode = "safe", cut_off: float = 5.0, tries: int = 3) -> None:
        self.push_url, self.mode, self.cut_off, self.tries = push_url, mode, cut_off, tries
        self.app_id, self.secret, self.sign_token, self.aes_key = APP_ID, SECRET, TOKEN, AES_KEY
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
        self.media: dict[str, tuple[float, bytes, str]] = {}
        self._answered: set[str] = set()
        self.numbers = itertools.count(20_000_000_000_000_001)
        self._http: ClientSession | None = None
        self.api = Api(self)
        self.app = self._make_app()

    def now(self) -> float:
        """The platform's clock; tests move it by `skew`."""
        return time.time() + self.skew

    def phone(self, openid: str) -> Phone:
        return self.phones.setdefault(openid, Phone(openid))

    # --- what customers do ----------------------------------------------------------------------------------------

    async def say(self, openid: str, text: str, **push: Any) -> Any:
        """Types a text."""
        self.see(openid, "customer", text=text)
        self.opens(openid, "message")
        return await self.message(openid, {"MsgType": "text", "Content": text}, **push)

    async def press(self, openid: str, item: dict[str, str], **push: Any) -> Any:
        """Presses an item of a menu message, which is no message to the platform's count."""
        self.see(openid, "customer", text=item["content"])
        self.opens(openid, "click")
        fields = {"MsgType": "text", "Content": item["content"], "bizmsgmenuid": item["id"]}
        return await self.message(openid, fields, **push)

    async def send_location(self, openid: str, latitude: float, longitude: float, label: str) -> Any:
        self.see(openid, "customer", text=f"[位置] {label}")
        self.opens(openid, "message")
        place = {"Location_X": f"{latitude}", "Location_Y": f"{longitude}", "Scale": "16", "Label": label}
        return await self.message(openid, {"MsgType": "location", **place})

    async def send_media(self, openid: str, kind: str, content: bytes, content_type: str, **fields: str) -> Any:
        """An image, voice or video; the platform keeps it three days."""
        media_id = self.keep(content, content_type)
        self.see(openid, "customer", text=f"[{kind}]", media_id=media_id)
        self.opens(openid, "message")
        return await self.message(openid, {"MsgType": kind, "MediaId": media_id, "PicUrl": "http://x/", **fields})

    async def decide(self, openid: str, decisions: dict[str, str], **push: Any) -> Any:
        """Presses agree or cancel in the dialog of some subscription messages: template → ``accept`` or ``reject``."""
        self.see(openid, "customer", text=f"[订阅] {decisions}")
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
        count, seconds = WINDOWS[kind]
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
        number = number or str(next(self.numbers))
        common = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": str(created or int(self.now()))}
        document = xml({**common, **fields, **({} if event else {"MsgId": number})})

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
                async with self._client().post(url, data=body.encode(), timeout=ClientTimeout(self.cut_off)) as answer:
                    reply = await answer.text()
            except (ClientError, TimeoutError):
                continue
            self.acknowledged.append(time.monotonic() - began)
            status = answer.status
            self.statuses[status] += 1
            if status < 500:
                self._take_reply(openid, number, reply)
                return status
        self.see(openid, "system", text=APOLOGY)
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

    def _take_reply(self, openid: str, number: str, reply: str) -> None:
        """What the customer sees of a passive reply: the first one of a message, and an apology for a bad one."""
        if reply in ("", "success"):
            return
        try:
            found = ElementTree.fromstring(self.opened(reply))
            text = (found.findtext("Content") or "").strip()
            assert found.findtext("ToUserName") == openid and found.findtext("MsgType") == "text" and text
            assert len(text.encode()) <= 2048
        except (ElementTree.ParseError, AssertionError, ValueError):
            self.see(openid, "system", text=APOLOGY)
            return
        if number not in self._answered:
            self._answered.add(number)
            self.see(openid, "account", text=text, passive=True)

    def opened(self, text: str) -> str:
        """The document of a passive reply, decrypted in the encrypting modes."""
        if self.mode == "plain":
            return text
        outer = ElementTree.fromstring(text)
        got = {name: outer.findtext(name) or "" for name in ("TimeStamp", "Nonce", "MsgSignature", "Encrypt")}
        crypt = MessageCrypt(self.sign_token, self.aes_key, APP_ID)
        inside = crypt.decrypt_message(got["TimeStamp"], got["Nonce"], got["MsgSignature"], got["Encrypt"])
        return inside.decode() if isinstance(inside, bytes) else str(inside)

    def see(self, openid: str, sender: str, **bubble: Any) -> None:
        self.phone(openid).seen.append({"from": sender, "at": self.now(), **bubble})

    def _client(self) -> ClientSession:
        if self._http is None:
            # of a thousand connections httpx looks through all of them at each request
            self._http = ClientSession(connector=TCPConnector(limit=1000, keepalive_timeout=4))
        return self._http

    async def close(self) -> None:
        if self._http:
            await self._http.close()

    def keep(self, content: bytes, content_type: str) -> str:
        """Keeps a file for three days."""
        media_id = secrets.token_urlsafe(24)
        self.media[media_id] = (self.now() + 3 * DAY, content, content_type)
        return media_id

    def _make_app(self) -> FastAPI:
        app = FastAPI(lifespan=self._lifespan)
        self.api.install(app)
        app.include_router(wechat_page.routes(self))
        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        yield
        await self.close()


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
