"""The optional writer of hand-off summaries, against a small service that speaks its protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from tests.contract.hub.running import Running, Start
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


@dataclass
class Writer:
    """A model: what it was asked, what it answers, and how long it takes."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    words: str = "客户要找人工看报价。"
    delay: float = 0.0
    status: int = 200

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json() | {"key": request.headers.get("Authorization")})
        await asyncio.sleep(self.delay)
        said = {"choices": [{"message": {"role": "assistant", "content": self.words}}]}
        return web.json_response(said if self.words else {"choices": []}, status=self.status)


@pytest_asyncio.fixture
async def writer() -> AsyncIterator[Writer]:
    model, app = Writer(), web.Application()
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield model
    await runner.cleanup()


def set_to(writer: Writer) -> dict[str, Any]:
    return {"summary_url": writer.url, "summary_key": "secret", "summary_model": "small"}


async def summary(app: Running, sender: str) -> dict[str, Any]:
    conversation, _ = await app.hub.find("door", "", sender)
    assert conversation.handoff is not None
    found: dict[str, Any] = conversation.handoff["summary"]
    return found


async def test_the_writers_words_come_beside_the_built_summary_and_never_to_the_customer(
    start: Start, writer: Writer, sender: str
) -> None:
    async with start(hub=set_to(writer)) as app:
        await app.say(sender, "我的电话是13812345678，报价看不懂")
        await app.say(sender, "转人工")
        async with asyncio.timeout(5):
            while "text" not in await summary(app, sender):
                await asyncio.sleep(0.02)
        found = await summary(app, sender)
        assert found["text"] == writer.words and found["wants"] == "客户要求人工客服。"
        assert all(writer.words not in m["text"] for m in await app.stream(sender))
    (asked,) = writer.asked
    told = asked["messages"][1]["content"]
    assert (asked["key"], asked["model"]) == ("Bearer secret", "small")
    assert "客户：我的电话是138****5678，报价看不懂" in told and "13812345678" not in told


@pytest.mark.parametrize("fails", [{"delay": 3.5}, {"status": 500}, {"words": ""}], ids=["late", "error", "empty"])
async def test_without_the_writers_words_the_built_summary_stands(
    start: Start, writer: Writer, sender: str, fails: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in fails.items():
        setattr(writer, name, value)
    async with start(hub=set_to(writer)) as app:
        await app.say(sender, "转人工")
        assert (await app.state(sender))["owner"] == "queued"
        async with asyncio.timeout(5):
            while "summary_not_written" not in caplog.text:
                await asyncio.sleep(0.05)
        assert (await summary(app, sender))["wants"] == "客户要求人工客服。" and "text" not in await summary(
            app, sender
        )


async def test_by_default_nobody_is_asked(start: Start, rasa: FakeRasa, writer: Writer, sender: str) -> None:
    async with start() as app:
        await app.say(sender, "转人工")
        await asyncio.sleep(0.2)
        assert set(await summary(app, sender)) == {"wants", "known", "tried", "open"}
    assert writer.asked == []
