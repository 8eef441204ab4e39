"""The customer's hand on the fake WeChat: a phone-like page at ``/``, and what it does."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

if TYPE_CHECKING:
    from tests.fakes.wechat import FakeWeChat

_PAGE = Path(__file__).with_name("wechat.html")


def routes(fake: FakeWeChat) -> APIRouter:
    """``GET /``, ``GET /phone/OPENID``, ``GET /media/ID``, and ``POST /phone/OPENID/WHAT``."""
    router = APIRouter()

    @router.get("/", response_class=FileResponse)
    async def page() -> Path:
        return _PAGE

    @router.get("/phone/{openid}")
    async def seen(openid: str, after: int = 0) -> dict[str, Any]:
        phone = fake.phone(openid)
        left = {k: w[1] for k, w in phone.windows.items() if w[0] > fake.now()}
        menu = fake.menu["button"] if fake.menu else []
        typing = phone.typing_until > fake.now()
        return {"seen": phone.seen[after:], "left": left, "menu": menu, "typing": typing, "mode": fake.mode}

    @router.get("/media/{media_id}")
    async def media(media_id: str) -> Response:
        _, content, content_type = fake.media.get(media_id, (0.0, b"", ""))
        return Response(content, media_type=content_type) if content else Response(status_code=404)

    @router.post("/phone/{openid}/{what}")
    async def act(openid: str, what: str, request: Request) -> dict[str, Any]:
        content = await request.body()
        if what == "photo":
            return {"statuses": await fake.send_media(openid, "image", content, "image/jpeg")}
        done = _act(fake, openid, what, json.loads(content or b"{}"))
        return {"statuses": await done} if done else {"error": "unknown"}

    return router


def _act(fake: FakeWeChat, openid: str, what: str, body: dict[str, Any]) -> Awaitable[Any] | None:
    match what:
        case "say":
            return fake.say(openid, body["text"])
        case "press":
            return fake.press(openid, {"id": body["id"], "content": body["content"]})
        case "location":
            return fake.send_location(openid, body["latitude"], body["longitude"], body["label"])
        case "follow":
            return fake.event(openid, "subscribe", "subscribe")
        case "unfollow":
            return fake.event(openid, "unsubscribe")
        case "subscribe":
            return fake.decide(openid, {body["template"]: "accept"})
        case "scan":
            return fake.event(openid, "SCAN", "scan", EventKey=body["scene"], Ticket="t")
        case "menu":
            fake.see(openid, "customer", text=f"[菜单] {body['name']}")
            return fake.event(openid, "CLICK", "click", EventKey=body["key"])
        case _:
            return None
