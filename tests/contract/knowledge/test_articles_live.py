"""Articles edited while everything runs: versions in a real PostgreSQL, the REST doors, and processes that follow."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio
from fastapi import FastAPI

from chebao.conversations.door import require_key
from chebao.db import make_engine
from chebao.http import install_errors
from chebao.knowledge import api
from chebao.knowledge.live import LiveKnowledge, OnDemand
from chebao.knowledge.seeds import seed, seed_database
from tests.few_articles import copy_few

NEW = """---
id: tyre_storage
title: 雪地胎寄存服务
group: service
questions: [雪地胎能寄存吗, 换下来的轮胎放哪里, 冬季胎寄存要钱吗, 轮胎寄存怎么约, 车胎存放多久, 夏季胎可以存吗, 寄存的轮胎怎么取, 存轮胎要带什么]
related_dialogue: human_agent
sources: [轮胎寄存服务说明，以网点公布为准]
grade: configurable
reviewed_on: 2026-11-22
---

换下的轮胎可以在合作网点寄存。时间和费用以网点公布为准。

## 怎么办理
带上行驶证到网点登记。

## 现在可以做什么
想知道最近的网点，可以转人工帮您查。
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_few(tmp_path_factory.mktemp("articles"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest_asyncio.fixture
async def client(database_url: str, folder: Path, cache: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The REST doors over the database."""
    engine, live = make_engine(database_url), OnDemand(folder, cache, database_url)
    seed_database(database_url, folder)
    app = FastAPI()
    install_errors(app)
    app.include_router(api.router(engine, require_key("key"), live))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://app.test/api/knowledge",
        headers={"Authorization": "Bearer key"},
    ) as http:
        yield http
    live.stop()
    await engine.dispose()


@pytest.fixture
def process(folder: Path, cache: Path, database_url: str) -> Iterator[LiveKnowledge]:
    """Another process's knowledge."""
    live = LiveKnowledge(folder, cache, database_url)
    live.start()
    yield live
    live.stop()


def _soon(what: Callable[[], bool]) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return False


async def _published(client: httpx.AsyncClient, topic: str, text: str) -> int:
    draft = (await client.put(f"/articles/{topic}/draft", json={"author": "林晓", "text": text})).json()
    number = int(draft["version"])
    place = f"/articles/{topic}/versions/{number}"
    assert (await client.post(f"{place}/submit")).json()["state"] == "review"
    reviewed = (await client.post(f"{place}/review", json={"reviewer": "沈静", "good": True})).json()
    assert reviewed["reviewed_by"] == "沈静"
    assert (await client.post(f"{place}/publish", json={"by": "沈静"})).json()["live"]
    return number


async def test_a_published_edit_answers_everywhere_and_rolls_back(
    client: httpx.AsyncClient, process: LiveKnowledge
) -> None:
    before = (await client.get("/articles/cover_glass")).json()
    lead = process.base.article("cover_glass")
    assert lead is not None
    edited = before["text"].replace(lead.sections[0].text.split("\n")[0], "新的一句，只在这一版里。")
    number = await _published(client, "cover_glass", edited)

    def version_here() -> int:
        article = process.base.article("cover_glass")
        return article.version if article else 0

    assert _soon(lambda: version_here() == number)
    found = (await client.get("/search", params={"q": "前挡风玻璃被石子打裂了保险赔吗"})).json()
    assert found["found"][0]["topic"] == "cover_glass"
    back = await client.post(f"/articles/cover_glass/versions/{before['version']}/publish", json={"by": "沈静"})
    assert back.status_code == 200
    assert _soon(lambda: version_here() == before["version"])
    history = (await client.get("/articles/cover_glass/history")).json()
    assert [p["version"] for p in history["publications"]] == [before["version"], number, before["version"]]


async def test_a_new_article_is_found_without_training(client: httpx.AsyncClient, process: LiveKnowledge) -> None:
    assert process.base.article("tyre_storage") is None
    await _published(client, "tyre_storage", NEW)
    assert _soon(lambda: process.base.article("tyre_storage") is not None)
    assert process.base.search("冬天换下来的车胎能放你们那吗")[0].article.id == "tyre_storage"
    assert process.base.search("挡风玻璃碎了走什么保险")[0].article.id == "cover_glass"


async def test_nothing_goes_out_unreviewed(client: httpx.AsyncClient) -> None:
    text = (await client.get("/articles/surrender")).json()["text"]
    draft = (
        await client.put("/articles/surrender/draft", json={"author": "林晓", "text": text + "\n补一句。\n"})
    ).json()
    place = f"/articles/surrender/versions/{draft['version']}"
    refused = await client.post(f"{place}/publish", json={"by": "沈静"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "not_reviewed")
    await client.post(f"{place}/submit")
    assert (await client.post(f"{place}/submit")).status_code == 409
    own = await client.post(f"{place}/review", json={"reviewer": "林晓", "good": True})
    assert own.json()["error"]["code"] == "own_work"
    returned = await client.post(f"{place}/review", json={"reviewer": "沈静", "good": False})
    assert returned.json()["state"] == "draft"
    again = (await client.put("/articles/surrender/draft", json={"author": "林晓", "text": text})).json()
    assert again["version"] == draft["version"]
    listed = {row["id"]: row for row in (await client.get("/articles")).json()}
    assert (listed["surrender"]["live"], listed["surrender"]["newest"]) == (1, draft["version"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/articles/surrender/draft", {"author": "林晓", "text": "没有格式"}, 422),
        ("/articles/other/draft", {"author": "林晓", "text": NEW}, 422),
        ("/articles/surrender/draft", {"author": "", "text": NEW}, 422),
    ],
)
async def test_what_is_no_article_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await client.put(path, json=body)).status_code == status


async def test_strangers_and_unknown_articles(client: httpx.AsyncClient) -> None:
    assert (await client.get("/articles", headers={"Authorization": "Bearer wrong"})).status_code == 401
    assert (await client.get("/articles/nothing_here")).status_code == 404
    assert (await client.get("/articles/surrender?version=99")).status_code == 404


async def test_sections_that_say_something_alike(client: httpx.AsyncClient, process: LiveKnowledge) -> None:
    assert process.base.articles
    near = (await client.get("/articles/cover_glass/alike")).json()
    assert "cover_scratch" in [row["article_id"] for row in near[:3]], near
    assert all(row["article_id"] != "cover_glass" for row in near)


def test_files_are_the_seed_and_win_when_they_change(folder: Path, database_url: str, tmp_path: Path) -> None:
    files = tmp_path / "articles"
    shutil.copytree(folder, files)
    with psycopg.connect(database_url) as connection:
        seed(connection, files)
        assert seed(connection, files) == 0
        path = files / "roadside_benefits.md"
        path.write_text(path.read_text(encoding="utf-8").rstrip() + "再补一句。\n", encoding="utf-8")
        assert seed(connection, files) == 1
        assert connection.execute(
            "SELECT published FROM knowledge.articles WHERE id = 'roadside_benefits'"
        ).fetchone() == (2,)


def test_without_a_database_the_files_answer(folder: Path, cache: Path) -> None:
    live = LiveKnowledge(folder, cache)
    live.start()
    assert live.base.search("车险怎么退保")[0].article.id == "surrender"


async def test_an_article_whose_file_is_gone_answers_no_more(
    client: httpx.AsyncClient, process: LiveKnowledge, folder: Path, database_url: str, tmp_path: Path
) -> None:
    await _published(client, "tyre_storage", NEW)
    files = tmp_path / "articles"
    shutil.copytree(folder, files)
    (files / "cover_glass.md").unlink()
    asked = "挡风玻璃碎了走什么保险"
    assert process.base.search(asked)[0].article.id == "cover_glass"
    seed_database(database_url, files)
    assert _soon(lambda: process.base.article("cover_glass") is None)
    assert "cover_glass" not in [hit.article.id for hit in process.base.search(asked)]
    assert process.base.article("tyre_storage") is not None, "written in the editor, so it never had a file"
    listed = {row["id"]: row["live"] for row in (await client.get("/articles")).json()}
    assert listed["cover_glass"] is None
    seed_database(database_url, folder)
    assert _soon(lambda: process.base.article("cover_glass") is not None)
