"""Each pushed channel as the soak run drives it."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from tests.fakes import wechat
from tests.fakes.telegram import FakeTelegram
from tests.fakes.wechat_rules import xml
from tests.running import free_ports
from tests.serving import serving

_CUSTOMERS = 1_000_000


@dataclass(frozen=True)
class Hostile:
    """A request that the channel must refuse."""

    method: str
    path: str
    headers: dict[str, str]
    params: dict[str, str]
    body: bytes


class Platform(Protocol):
    """A platform's fake with customers who write and hear."""

    name: str

    @property
    def account(self) -> str:
        """Our account on the platform, as the ledger names it."""

    def settings(self) -> dict[str, str]:
        """The channel's settings for the app."""

    def serve(self) -> Any:
        """Listens as long as the context lasts."""

    async def ready(self, app_url: str) -> None:
        """Returns when pushes have somewhere to go."""

    def peer(self, customer: int) -> str:
        """The customer's address."""

    def message(self, customer: int, text: str) -> Any:
        """A message that is not pushed yet."""

    def push(self, message: Any, after: float = 0.0) -> asyncio.Task[None]:
        """Pushes a message until it is acknowledged."""

    def acks(self) -> list[float]:
        """Seconds from push to acknowledgement, so far."""

    def heard(self, customer: int) -> list[str]:
        """What the customer was sent."""

    def hostile(self, chance: random.Random, count: int) -> Iterator[Hostile]:
        """Requests with a wrong secret or signature, and bodies that are none."""


class TelegramPlatform:
    """Telegram; its own send limits are off, since they say nothing about us."""

    name = "telegram"

    def __init__(self) -> None:
        self.fake = FakeTelegram()

    @property
    def account(self) -> str:
        return self.fake.token.partition(":")[0]

    def settings(self) -> dict[str, str]:
        return {"CHEBAO_TELEGRAM_TOKEN": self.fake.token, "CHEBAO_TELEGRAM_API": self.fake.url}

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        async with self.fake.serve():
            self.fake.withheld = True
            yield

    async def ready(self, app_url: str) -> None:
        async with asyncio.timeout(30):
            while not self.fake.webhook:
                await asyncio.sleep(0.05)

    def peer(self, customer: int) -> str:
        return str(_CUSTOMERS + customer)

    def message(self, customer: int, text: str) -> Any:
        return self.fake.say(_CUSTOMERS + customer, text)

    def push(self, message: Any, after: float = 0.0) -> asyncio.Task[None]:
        return self.fake.push(message, after=after)

    def acks(self) -> list[float]:
        return self.fake.acks

    def heard(self, customer: int) -> list[str]:
        return self.fake.chat(_CUSTOMERS + customer).texts()

    def hostile(self, chance: random.Random, count: int) -> Iterator[Hostile]:
        header = "X-Telegram-Bot-Api-Secret-Token"
        secret = self.fake.webhook["secret_token"]
        whole = json.dumps(self.message(0, "不该出现在账里")).encode()
        for n in range(count):
            body, known = whole, secret
            if n % 2:  # the secret is all that proves a push; what comes with it is damaged so that it is no update
                body = _flipped(chance, whole)[: chance.randrange(len(whole) - 1)]
            else:
                known = _flipped(chance, secret.encode()).decode("latin-1")
                body = _flipped(chance, whole)
            yield Hostile("POST", "/telegram", {header: known}, {}, body)


class WeChatPlatform:
    """WeChat in safe mode; a push that is not answered is repeated until it is."""

    name = "wechat"
    account = wechat.ACCOUNT

    def __init__(self) -> None:
        self.fake = wechat.FakeWeChat("")
        self._numbers = itertools.count(30_000_000_000_000_001)
        [self._port] = free_ports(1)

    def settings(self) -> dict[str, str]:
        return {
            "CHEBAO_WECHAT_APP_ID": wechat.APP_ID,
            "CHEBAO_WECHAT_SECRET": wechat.SECRET,
            "CHEBAO_WECHAT_TOKEN": wechat.TOKEN,
            "CHEBAO_WECHAT_AES_KEY": wechat.AES_KEY,
            "CHEBAO_WECHAT_API": f"http://127.0.0.1:{self._port}",
        }

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        async with serving(self.fake.app, self._port):
            yield

    async def ready(self, app_url: str) -> None:
        self.fake.push_url = f"{app_url}/wechat"

    def peer(self, customer: int) -> str:
        return f"oSoak{customer:07}"

    def message(self, customer: int, text: str) -> Any:
        return self.peer(customer), text, str(next(self._numbers)), int(time.time())

    def push(self, message: Any, after: float = 0.0) -> asyncio.Task[None]:
        openid, text, number, created = message

        async def until_answered() -> None:
            await asyncio.sleep(after)
            self.fake.opens(openid, "message")
            fields = {"MsgType": "text", "Content": text}
            while (await self.fake.message(openid, fields, number=number, created=created))[-1] != 200:
                await asyncio.sleep(0.3)

        return asyncio.create_task(until_answered())

    def acks(self) -> list[float]:
        return self.fake.acknowledged

    def heard(self, customer: int) -> list[str]:
        return self.fake.phone(self.peer(customer)).texts()

    def hostile(self, chance: random.Random, count: int) -> Iterator[Hostile]:
        fields = {"FromUserName": self.peer(0), "MsgType": "text", "Content": "不该出现在账里", "MsgId": "1"}
        for n in range(count):
            url, body = self.fake.sealed(xml({"ToUserName": self.account, "CreateTime": "1", **fields}))
            query = dict(httpx.URL(url).params)
            cipher = body.partition("<Encrypt><![CDATA[")[2].partition("]]")[0]
            if n % 3 == 0:
                name = chance.choice(["msg_signature", "timestamp", "nonce"])
                query[name] = _flipped(chance, query[name].encode()).decode("latin-1")
            elif n % 3 == 1:
                body = body.replace(cipher, _flipped(chance, cipher.encode()).decode("latin-1"))
            else:
                body = body[: chance.randrange(len(body) - 30)]
            yield Hostile("POST", "/wechat", {}, query, body.encode())


def _flipped(chance: random.Random, raw: bytes) -> bytes:
    """The bytes with one to eight bits turned over; control characters do not fit into a header and stay out."""
    copy = bytearray(raw)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(copy))
        turned = copy[place] ^ 1 << chance.randrange(8)
        copy[place] = turned if 32 < turned < 127 or turned > 160 else copy[place] ^ 1
    return bytes(copy) if bytes(copy) != raw else raw[:-1]
