"""The fake platform keeps WeChat's own rules: what the channel is tried against is worth as much as these."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.fakes import wechat
from tests.fakes.wechat import APOLOGY, DAY, FakeWeChat
from tests.serving import serving

pytestmark = pytest.mark.asyncio
OPENID = "oCustomer"


class Account:
    """The platform's API as an account calls it."""

    def __init__(self, fake: FakeWeChat) -> None:
        self.fake = fake
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=fake.app), base_url="http://fake")
        self.token = ""

    async def fetch_token(self, *, force: bool = False) -> dict[str, Any]:
        body = {"grant_type": "client_credential", "appid": wechat.APP_ID, "secret": wechat.SECRET}
        found: dict[str, Any] = (
            await self._http.post("/cgi-bin/stable_token", json=body | {"force_refresh": force})
        ).json()
        self.token = found.get("access_token", self.token)
        return found

    async def code(self, path: str, body: dict[str, Any]) -> int:
        """The error code of a call."""
        answer = await self._http.post(f"/cgi-bin/{path}", params={"access_token": self.token}, json=body)
        return int(answer.json().get("errcode", 0))

    async def send(self, text: str = "您好") -> int:
        return await self.code("message/custom/send", {"touser": OPENID, "msgtype": "text", "text": {"content": text}})

    async def typing(self) -> int:
        return await self.code("message/custom/typing", {"touser": OPENID, "command": "Typing"})

    async def media(self, media_id: str) -> httpx.Response:
        return await self._http.get("/cgi-bin/media/get", params={"access_token": self.token, "media_id": media_id})


@pytest_asyncio.fixture
async def account() -> AsyncIterator[Account]:
    fake = FakeWeChat("http://nowhere/wechat")
    fake.phone(OPENID)
    account = Account(fake)
    await account.fetch_token()
    yield account
    await fake.close()


async def test_five_messages_after_one_of_the_customers_and_none_after_48_hours(account: Account) -> None:
    assert await account.send() == 45015
    account.fake.opens(OPENID, "message")
    assert [await account.send() for _ in range(6)] == [0] * 5 + [45047]
    account.fake.opens(OPENID, "message")
    account.fake.skew = 48 * 3600 + 1
    await account.fetch_token()
    assert await account.send() == 45015


async def test_three_messages_in_the_minute_after_a_click(account: Account) -> None:
    account.fake.opens(OPENID, "click")
    assert [await account.send() for _ in range(4)] == [0] * 3 + [45047]
    account.fake.opens(OPENID, "click")
    account.fake.skew = 61
    assert await account.send() == 45015
    account.fake.opens(OPENID, "message")
    account.fake.phone(OPENID).follows = False
    assert await account.send() == 45015


async def test_long_texts_dead_media_and_menus_that_are_not_allowed(account: Account) -> None:
    account.fake.opens(OPENID, "message")
    assert (await account.send("字" * 682), await account.send("字" * 683)) == (0, 45002)
    media_id = account.fake.keep(b"x", "image/jpeg")
    assert (await account.media(media_id)).content == b"x"
    account.fake.skew = 3 * DAY + 1
    await account.fetch_token()
    account.fake.opens(OPENID, "message")
    assert (await account.media(media_id)).json()["errcode"] == 40007
    image = {"touser": OPENID, "msgtype": "image", "image": {"media_id": media_id}}
    assert await account.code("message/custom/send", image) == 40007
    account.fake.menus = False
    menu = {"touser": OPENID, "msgtype": "msgmenu", "msgmenu": {"head_content": "?", "list": []}}
    assert await account.code("message/custom/send", menu) == 40200


async def test_typing_only_soon_after_the_customer_and_not_twice(account: Account) -> None:
    assert await account.typing() == 45080
    account.fake.opens(OPENID, "message")
    assert [await account.typing() for _ in range(2)] == [0, 45081]
    assert await account.send() == 0
    assert await account.typing() == 0
    account.fake.skew = 31
    assert await account.typing() == 45080


async def test_a_stable_token_stays_until_it_ends_or_is_forced(account: Account) -> None:
    first = account.token
    assert (await account.fetch_token())["access_token"] == first
    forced = (await account.fetch_token(force=True))["access_token"]
    assert forced != first and (await account.fetch_token(force=True))["errcode"] == 45011
    account.token = first
    assert await account.send() == 40001
    account.fake.skew = 7201
    account.token = forced
    assert await account.send() == 40001
    assert (await account.fetch_token())["access_token"] != forced


async def test_a_push_is_cut_off_tried_three_times_and_then_apologised_for() -> None:
    asked: list[str] = []

    async def slow(request: Request) -> Response:
        asked.append(request.query_params["msg_signature"])
        await asyncio.sleep(1.0 if len(asked) < 4 else 0.0)
        return PlainTextResponse("success")

    async with serving(Starlette(routes=[Route("/wechat", slow, methods=["POST"])])) as port:
        fake = FakeWeChat(f"http://127.0.0.1:{port}/wechat", cut_off=0.1)
        assert FakeWeChat("").cut_off == 5.0 and fake.tries == 3
        assert await fake.say(OPENID, "你好") == [0] and len(asked) == 3
        assert fake.phone(OPENID).seen[-1]["text"] == APOLOGY
        assert await fake.say(OPENID, "在吗") == [200]
        await fake.close()
