"""The web chat over a real server and a real WebSocket: sessions, acknowledgement, resume, tabs, limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chebao.app import build
from chebao.conversations.api import Hub, HubSettings, Reply
from chebao.settings import Settings
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


@dataclass
class Site:
    """A served app."""

    base: str
    hub: Hub

    async def session(self, **body: Any) -> dict[str, str]:
        async with httpx.AsyncClient(base_url=self.base) as http:
            session: dict[str, str] = (await http.post("/api/web/sessions", json=body)).json()
        return session

    @asynccontextmanager
    async def chat(self, token: str, after: int = 0, **options: Any) -> AsyncIterator[Tab]:
        async with connect(self.base.replace("http", "ws") + "/api/web/socket", **options) as socket:
            tab = Tab(socket)
            await tab.send(type="hello", token=token, after=after)
            yield tab


@dataclass
class Tab:
    """One open page."""

    socket: ClientConnection

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def frame(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind; others are passed over."""
        async with asyncio.timeout(10):
            while True:
                frame: dict[str, Any] = json.loads(await self.socket.recv())
                if frame["type"] == kind:
                    return frame

    async def messages_until(self, text: str) -> list[dict[str, Any]]:
        found = [await self.frame("message")]
        while found[-1]["text"] != text:
            found.append(await self.frame("message"))
        return found


@pytest_asyncio.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    app = build(settings, hub_settings=HubSettings(turn_seconds=2), sweep_every=0.2)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws_max_size=256 * 1024))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Site(f"http://127.0.0.1:{port}", app.state.hub)
    server.should_exit = True
    await serving


async def test_a_message_is_acknowledged_and_answered(site: Site, rasa: FakeRasa) -> None:
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        assert await tab.frame("welcome") == {
            "type": "welcome",
            "owner": "bot",
            "queue_position": None,
            "last_seq": 0,
        }
        await tab.send(type="message", id="a1", text="你好")
        assert await tab.frame("ack") == {"type": "ack", "id": "a1", "seq": 1}
        got = await tab.messages_until("收到：你好")
    assert [m["seq"] for m in got] == list(range(got[0]["seq"], 4))
    assert got[-2]["from"] == "system" and got[-1]["from"] == "bot"
    assert rasa.turns[0]["sender"] == session["conversation"] and rasa.turns[0]["metadata"]["channel"] == "web"


async def test_resume_loses_and_doubles_nothing(site: Site, rasa: FakeRasa) -> None:
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        await tab.send(type="message", id="a1", text="一")
        seen = (await tab.messages_until("收到：一"))[-1]["seq"]
        rasa.delay = 0.3
        await tab.send(type="message", id="a2", text="二")
        await tab.frame("ack")
    await asyncio.sleep(0.6)
    async with site.chat(session["token"], after=seen) as tab:
        await tab.send(type="message", id="a2", text="二")
        assert (await tab.frame("welcome"))["last_seq"] == seen + 2
        missed = await tab.messages_until("收到：二")
        assert [(m["seq"], m["from"], m["text"]) for m in missed] == [
            (seen + 1, "customer", "二"),
            (seen + 2, "bot", "收到：二"),
        ]
        assert missed[0]["id"] == "a2"
    async with site.chat(session["token"]) as tab:
        everything = await tab.messages_until("收到：二")
    assert [m["seq"] for m in everything] == [1, 2, 3, 4, 5]
    assert [t["text"] for t in rasa.turns] == ["一", "二"]


async def test_a_number_from_the_future_shows_everything_new(site: Site) -> None:
    session = await site.session()
    async with site.chat(session["token"], after=999) as tab:
        await tab.send(type="message", id="a1", text="你好")
        assert (await tab.messages_until("收到：你好"))[0]["seq"] == 1


async def test_two_tabs_see_the_same(site: Site) -> None:
    session = await site.session()
    async with site.chat(session["token"]) as one, site.chat(session["token"]) as two:
        await two.frame("welcome")
        await one.send(type="message", id="a1", text="你好")
        assert await one.messages_until("收到：你好") == await two.messages_until("收到：你好")


async def test_pressing_a_button_and_sharing_a_place(site: Site, rasa: FakeRasa) -> None:
    rasa.script = lambda body: [
        {"text": "有人受伤吗", "buttons": [{"title": "没有", "payload": '/deny{"injury": "no"}'}]}
    ]
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        await tab.send(type="message", id="a1", text="报案")
        token = (await tab.messages_until("有人受伤吗"))[-1]["buttons"][0]["payload"]
        await tab.send(type="message", id="a2", button=token)
        assert (await tab.messages_until("有人受伤吗"))[0]["text"] == "没有"
        assert rasa.turns[-1]["intent"] == "deny" and rasa.turns[-1]["entities"] == {"injury": "no"}
        await tab.send(type="message", id="a3", location={"latitude": 39.9, "longitude": 116.4, "label": "天安门"})
        await tab.messages_until("有人受伤吗")
        assert rasa.turns[-1]["metadata"]["location"]["label"] == "天安门" and rasa.turns[-1]["text"] == "天安门"
        await tab.send(type="message", id="a4", location={"latitude": 239.9, "longitude": 116.4})
        assert await tab.frame("error") == {
            "type": "error",
            "code": "bad_location",
            "message": "位置信息不完整，请重新选择。",
            "id": "a4",
        }


async def test_owner_changes_and_messages_by_themselves_reach_the_page(site: Site, rasa: FakeRasa) -> None:
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        await tab.send(type="message", id="a1", text="人工")
        frame = await tab.frame("owner")
        assert frame["owner"] == "queued" and frame["queue_position"] >= 1
        await site.hub.announce(session["conversation"], Reply(text="保单已出"), key=session["conversation"])
        assert (await tab.messages_until("保单已出"))[-1]["from"] == "system"
        await site.hub.give(session["conversation"], "agent1", name="林晓", reason="taken")
        assert await tab.frame("owner") == {"type": "owner", "owner": "agent", "queue_position": None}


async def test_typing_dots_while_the_bot_works(site: Site, rasa: FakeRasa) -> None:
    rasa.delay = 0.5
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        await tab.send(type="message", id="a1", text="你好")
        assert await tab.frame("typing") == {"type": "typing", "from": "bot"}


@pytest.mark.parametrize("token", ["", "forged.token", "eyJjIjoiYSIsImUiOjl9.AAAA", 5])
async def test_a_socket_without_a_valid_token_is_closed(site: Site, token: Any) -> None:
    async with site.chat(token) as tab:
        assert (await tab.frame("error"))["code"] == "session_expired"
        with pytest.raises(ConnectionClosed):
            await tab.socket.recv()


async def test_a_session_is_renewed_for_its_own_conversation_only(site: Site) -> None:
    first = await site.session()
    assert (await site.session(token=first["token"]))["conversation"] == first["conversation"]
    assert (await site.session(token=first["token"] + "x"))["conversation"] != first["conversation"]


async def test_origins(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.base) as http:
        for origin, status in ((site.base, 200), ("https://partner.example", 200), ("https://evil.example", 403)):
            answer = await http.post("/api/web/sessions", headers={"Origin": origin})
            assert answer.status_code == status, origin
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == ("https://partner.example" if "partner" in origin else None)
    with pytest.raises((ConnectionClosed, InvalidStatus)):
        async with site.chat("x", additional_headers={"Origin": "https://evil.example"}) as tab:
            await tab.socket.recv()


async def test_bad_frames_are_told_and_the_socket_stays_open(site: Site) -> None:
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        for raw in ("{", "[]", '{"type": "dance"}', '{"type": "message", "text": "x"}', b"\x00\x01"):
            await tab.socket.send(raw)
            assert (await tab.frame("error"))["code"] == "bad_frame"
        for text, word in (("", "文字"), ("车" * 20_001, "20000")):
            await tab.send(type="message", id="a1", text=text)
            error = await tab.frame("error")
            assert error["code"] == "message_refused" and word in error["message"] and error["id"] == "a1"
        await tab.send(type="ping")
        await tab.frame("pong")


async def test_a_flood_is_slowed_down(site: Site, rasa: FakeRasa) -> None:
    session = await site.session()
    async with site.chat(session["token"]) as tab:
        for n in range(20):
            await tab.send(type="message", id=f"a{n}", text=f"第{n}句")
        error = await tab.frame("error")
        assert error["code"] == "rate_limited" and "太快" in error["message"]
