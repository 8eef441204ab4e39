"""Health, pages and the manners of the app."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from chebao.app import build
from chebao.settings import Settings
from tests.contract.hub.running import Running
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


async def test_liveness_and_readiness(app: Running, rasa: FakeRasa) -> None:
    assert (await app.http.get("/healthz")).json() == {"status": "ok"}
    ready = await app.http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "database": True, "rasa": True, "actions": True}
    await rasa.stop()
    ready = await app.http.get("/readyz")
    assert ready.status_code == 503 and ready.json()["rasa"] is False


async def test_unknown_addresses_answer_in_chinese(app: Running) -> None:
    answer = await app.http.get("/nowhere")
    assert answer.status_code == 404 and answer.json()["error"]["message"] == "没有找到。"
    assert (await app.http.put("/healthz")).status_code == 405


async def test_pages_come_with_a_strict_policy_and_assets_with_a_long_life(settings: Settings, tmp_path: Path) -> None:
    for name in ("index.html", "chat.html", "desk.html", "chat.js", "icon.svg"):
        (tmp_path / name).write_text(name)
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "chat-abc.js").write_text("1")
    app = build(settings, pages=tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app.test") as http:
        for path, name in (
            ("/", "index.html"),
            ("/chat", "chat.html"),
            ("/chat.html", "chat.html"),
            ("http://app.test//chat.html", "chat.html"),
            ("http://app.test//index.html", "index.html"),
        ):
            page = await http.get(path)
            policy = page.headers["content-security-policy"]
            assert page.text == name and "default-src 'none'" in policy and "unsafe" not in policy
            assert "frame-ancestors 'self' https://partner.example" in policy
        for path in ("/desk", "/desk.html", "http://app.test//desk.html"):
            page = await http.get(path)
            policy = page.headers["content-security-policy"]
            assert page.text == "desk.html" and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        script = await http.get("/chat.js")
        assert script.text == "chat.js" and script.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "immutable" in (await http.get("/assets/chat-abc.js")).headers["cache-control"]
        assert (await http.get("/icon.svg")).text == "icon.svg"
        assert (await http.get("/../pyproject.toml")).status_code == 404


async def test_the_app_does_not_start_without_a_database(settings: Settings) -> None:
    with pytest.raises(RuntimeError, match="DATABASE_URL"):
        build(settings.model_copy(update={"database_url": None}))


async def test_no_work_on_the_event_loop_holds_it_up(app: Running, rasa: FakeRasa, sender: str) -> None:
    async def customer(n: int) -> None:
        for text in ("你好", "我要报案", "京A12345"):
            await app.say(f"{sender}-{n}", text)

    await customer(0)
    app.app.state.lag.worst = 0.0
    for n in range(1, 20):
        await customer(n)
        await asyncio.sleep(0.02)
    assert app.app.state.lag.worst < 0.03
