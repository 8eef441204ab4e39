"""Articles in PostgreSQL: versions that are drafted, reviewed, published and rolled back while everything runs.

The files of `data/articles/` are the seed (`seeds.py`). An edit made here wins over the file until the file changes; then the
file's text is published as the next version. Publishing is one row in `knowledge.publications`, whose highest number every
process watches (`live.py`).
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.errors import Conflict, InputRefused, NotFound, RuleForbids
from chebao.knowledge.articles import Article, ArticleError, parse_article


class State(StrEnum):
    """Where a version stands; `published` was published at some time, and can be again."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"


class Version(BaseModel):
    """One version of one article.

    Attributes:
        live: this version answers customers now.
    """

    article_id: str
    version: int
    state: State
    title: str
    grade: str
    text: str
    author: str
    reviewed_by: str | None
    reviewed_on: date | None
    created_at: datetime
    live: bool


class Publication(BaseModel):
    """That a version began to answer."""

    version: int
    published_by: str
    at: datetime


class Summary(BaseModel):
    """An article in the list."""

    id: str
    title: str
    grade: str
    live: int | None
    newest: int
    state: State
    reviewed_on: date | None


class Near(BaseModel):
    """A section of another article that says something alike; `distance` is the cosine distance."""

    article_id: str
    heading: str
    text: str
    distance: float


Name = Annotated[str, Field(min_length=1, max_length=100)]

_VERSION = (
    "SELECT v.article_id, v.version, v.state, v.title, v.grade, v.text, v.author, v.reviewed_by, v.reviewed_on, "
    "v.created_at, v.version = a.published AS live "
    "FROM knowledge.versions v JOIN knowledge.articles a ON a.id = v.article_id WHERE v.article_id = :id"
)

_APPROVE = text(
    "UPDATE knowledge.versions SET reviewed_by = :reviewer, reviewed_on = :today "
    "WHERE article_id = :id AND version = :number"
)
_RETURN = text("UPDATE knowledge.versions SET state = 'draft' WHERE article_id = :id AND version = :number")


async def summaries(engine: AsyncEngine) -> list[Summary]:
    """All articles by id, each with its newest version's state."""
    query = text(
        "SELECT DISTINCT ON (a.id) a.id, v.title, v.grade, a.published AS live, v.version AS newest, v.state, v.reviewed_on "
        "FROM knowledge.articles a JOIN knowledge.versions v ON v.article_id = a.id ORDER BY a.id, v.version DESC"
    )
    async with engine.connect() as connection:
        return [Summary(**row._mapping) for row in await connection.execute(query)]


async def history(engine: AsyncEngine, article_id: str) -> tuple[list[Version], list[Publication]]:
    """All versions and all publications of an article, newest first."""
    publications = text(
        "SELECT version, published_by, at FROM knowledge.publications WHERE article_id = :id ORDER BY id DESC"
    )
    async with engine.connect() as connection:
        rows = await connection.execute(text(f"{_VERSION} ORDER BY v.version DESC"), {"id": article_id})
        versions = [Version(**{**row._mapping, "live": bool(row.live)}) for row in rows]
        published = await connection.execute(publications, {"id": article_id})
        if not versions:
            raise NotFound("没有这篇文章。")
        return versions, [Publication(**row._mapping) for row in published]


async def version(engine: AsyncEngine, article_id: str, number: int | None = None) -> Version:
    """One version; without a number the one that answers now, or the newest where none does."""
    async with engine.connect() as connection:
        return await _version(connection, article_id, number)


async def save_draft(engine: AsyncEngine, article_id: str, body: str, author: str) -> Version:
    """Stores a draft: a new version, or the open draft with its new text.

    Raises:
        InputRefused: the text is no article of this id; the detail names the field.
    """
    article = _parsed(article_id, body)
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO knowledge.articles (id) VALUES (:id) ON CONFLICT DO NOTHING"), {"id": article_id}
        )
        await _lock(connection, article_id)
        newest = (
            await connection.execute(
                text(
                    "SELECT version, state FROM knowledge.versions WHERE article_id = :id ORDER BY version DESC LIMIT 1"
                ),
                {"id": article_id},
            )
        ).first()
        draft = newest is not None and newest.state == State.DRAFT
        number = (newest.version if draft else newest.version + 1) if newest else 1
        await connection.execute(
            text(
                "INSERT INTO knowledge.versions (article_id, version, state, title, grade, text, digest, author) "
                "VALUES (:id, :number, 'draft', :title, :grade, :body, :digest, :author) "
                "ON CONFLICT (article_id, version) DO UPDATE SET title = excluded.title, grade = excluded.grade, "
                "text = excluded.text, digest = excluded.digest, author = excluded.author, created_at = now()"
            ),
            {
                "id": article_id,
                "number": number,
                "title": article.title,
                "grade": article.grade,
                "body": body,
                "digest": article.digest,
                "author": author,
            },
        )
        return await _version(connection, article_id, number)


async def submit(engine: AsyncEngine, article_id: str, number: int) -> Version:
    """A draft goes to review."""
    async with engine.begin() as connection:
        await _moved(connection, article_id, number, State.DRAFT, State.REVIEW)
        return await _version(connection, article_id, number)


async def review(
    engine: AsyncEngine, article_id: str, number: int, reviewer: str, today: date, *, good: bool
) -> Version:
    """A reviewer's verdict: a good version may be published, another goes back to its author.

    Raises:
        RuleForbids: the reviewer wrote it.
    """
    async with engine.begin() as connection:
        await _lock(connection, article_id)
        found = await _version(connection, article_id, number)
        if found.state is not State.REVIEW:
            raise Conflict("这一版没有在等待审核。")
        if found.author == reviewer:
            raise RuleForbids("自己写的内容要请另一位同事审核。", code="own_work")
        done = {"id": article_id, "number": number, "reviewer": reviewer, "today": today}
        await connection.execute(_APPROVE if good else _RETURN, done)
        return await _version(connection, article_id, number)


async def publish(engine: AsyncEngine, article_id: str, number: int, by: str) -> Version:
    """A reviewed version begins to answer; one that was published earlier may come back (roll-back).

    Raises:
        RuleForbids: it was never reviewed.
    """
    async with engine.begin() as connection:
        await _lock(connection, article_id)
        found = await _version(connection, article_id, number)
        if found.state is not State.PUBLISHED and found.reviewed_by is None:
            raise RuleForbids("这一版还没有审核，审核通过后才能发布。", code="not_reviewed")
        key = {"id": article_id, "number": number, "by": by}
        for statement in (
            "UPDATE knowledge.versions SET state = 'published' WHERE article_id = :id AND version = :number",
            "UPDATE knowledge.articles SET published = :number WHERE id = :id",
            "INSERT INTO knowledge.publications (article_id, version, published_by) VALUES (:id, :number, :by)",
        ):
            await connection.execute(text(statement), key)
        return await _version(connection, article_id, number)


async def alike(engine: AsyncEngine, article_id: str, limit: int = 5) -> list[Near]:
    """Sections of other live articles that are nearest to this one's, so that an editor does not say things twice."""
    query = text(
        "SELECT DISTINCT ON (o.article_id) o.article_id, o.heading, o.text, s.vector <=> o.vector AS distance "
        "FROM knowledge.sections s JOIN knowledge.articles a ON a.id = s.article_id AND a.published = s.version "
        "JOIN knowledge.sections o ON o.article_id <> s.article_id AND o.encoder = s.encoder "
        "JOIN knowledge.articles b ON b.id = o.article_id AND b.published = o.version "
        "WHERE s.article_id = :id ORDER BY o.article_id, distance"
    )
    async with engine.connect() as connection:
        found = [Near(**row._mapping) for row in await connection.execute(query, {"id": article_id})]
    return sorted(found, key=lambda near: near.distance)[:limit]


def _parsed(article_id: str, body: str) -> Article:
    try:
        article = parse_article(body, name=article_id)
    except ArticleError as error:
        raise InputRefused("文章格式不对，请按提示修改。", detail={"reason": str(error)}) from error
    if article.id != article_id:
        raise InputRefused("文章里的 id 和要保存的不一致。", detail={"reason": f"id is {article.id!r}"})
    return article


async def _lock(connection: AsyncConnection, article_id: str) -> None:
    await connection.execute(text("SELECT FROM knowledge.articles WHERE id = :id FOR UPDATE"), {"id": article_id})


async def _moved(connection: AsyncConnection, article_id: str, number: int, old: State, new: State) -> None:
    key = {"id": article_id, "number": number, "old": old, "new": new}
    moved = await connection.execute(
        text(
            "UPDATE knowledge.versions SET state = :new WHERE article_id = :id AND version = :number AND state = :old"
        ),
        key,
    )
    if moved.rowcount == 0:
        await _version(connection, article_id, number)
        raise Conflict("这一版已经提交过了，请刷新再看。")


async def _version(connection: AsyncConnection, article_id: str, number: int | None) -> Version:
    chosen = " AND v.version = :number" if number is not None else ""
    query = text(f"{_VERSION}{chosen} ORDER BY (v.version = a.published) DESC NULLS LAST, v.version DESC LIMIT 1")
    values = {"id": article_id} | ({"number": number} if number is not None else {})
    row = (await connection.execute(query, values)).first()
    if row is None:
        raise NotFound("没有这一版文章。")
    return Version(**{**row._mapping, "live": bool(row.live)})
