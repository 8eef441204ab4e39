"""The customer's hand on the fake Telegram: a phone-like page at ``/``, and what it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from tests.fakes.telegram import FakeTelegram

_PAGE = Path(__file__).with_name("telegram.html")


def routes(fake: FakeTelegram) -> list[Route]:
    """``GET /``, ``GET /sim/chat``, ``GET /sim/file``, and ``POST /sim/WHAT``, each with ``?chat=NUMBER``."""

    async def page(request: Request) -> Response:
        return FileResponse(_PAGE)

    async def chat(request: Request) -> Response:
        seen = fake.chat(_number(request))
        return JSONResponse({"log": seen.log, "blocked": seen.blocked, "commands": fake.commands})

    async def file(request: Request) -> Response:
        content = fake.files.get(request.query_params.get("name", ""))
        return Response(content) if content else Response(status_code=404)

    async def act(request: Request) -> Response:
        _act(fake, _number(request), request.path_params["what"], await request.body())
        return JSONResponse({"ok": True})

    return [
        Route("/", page),
        Route("/sim/chat", chat),
        Route("/sim/file", file),
        Route("/sim/{what}", act, methods=["POST"]),
    ]


def _number(request: Request) -> int:
    return int(request.query_params.get("chat", "1001"))


def _act(fake: FakeTelegram, chat: int, what: str, body: bytes) -> None:
    if what in ("photo", "document"):
        fake.photo(chat, body, as_document=what == "document")
        return
    words = body.decode(errors="replace")
    match what:
        case "say":
            fake.say(chat, words)
        case "edit":
            number, _, text = words.partition(":")
            fake.edit(chat, int(number), text)
        case "press":
            fake.press(chat, words)
        case "location":
            latitude, longitude, *label = words.split(",", 2)
            spot = {"latitude": float(latitude), "longitude": float(longitude)}
            named = {"venue": {"location": spot, "title": "", "address": label[0]}} if label else {}
            fake.write(chat, location=spot, **named)
        case "contact":
            fake.write(chat, contact={"phone_number": words, "first_name": "客户", "user_id": chat})
        case "block":
            fake.block(chat, words == "yes")
