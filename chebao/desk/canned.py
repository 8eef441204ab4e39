"""Canned replies: ready sentences with variables that agents insert and may still change before they send."""

from __future__ import annotations

import re
from datetime import datetime
from importlib.resources import files
from typing import Any

import yaml
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field, field_validator

from chebao.db import Connection
from chebao.errors import Conflict, InputRefused, NotFound

VARIABLES = {
    "客户": "客户的称呼，没有核实身份时为“您”",
    "客服": "坐席自己的姓名",
    "公司": "公司名称",
    "热线": "客服热线",
}
"""What stands in braces in a reply, and what the page puts there."""

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_FIELDS = "id, title, shortcut, text, skill, changed_by, changed_at"


class Wanted(BaseModel):
    """A reply as a supervisor writes it."""

    title: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=1000)
    shortcut: str | None = Field(default=None, pattern=r"^[0-9a-z\u4e00-\u9fff]{1,20}$")
    skill: str | None = Field(default=None, pattern=r"^[a-z_]{1,40}$")

    @field_validator("title", "text", "shortcut", "skill", mode="before")
    @classmethod
    def _trimmed(cls, value: Any, info: Any) -> Any:
        """Blanks around a value are an accident; an optional value of nothing else is none."""
        if not isinstance(value, str):
            return value
        return value.strip() or (None if info.field_name in ("shortcut", "skill") else "")


class Canned(BaseModel):
    """A stored reply; `skill` None serves everybody."""

    id: int
    title: str
    shortcut: str | None
    text: str
    skill: str | None
    changed_by: str
    changed_at: datetime


async def find(connection: Connection, *, q: str = "", skills: list[str] | None = None) -> list[Canned]:
    """Replies whose title, shortcut or text holds `q`; with `skills` those of these skills and of everybody."""
    rows = await connection.execute(
        f"SELECT {_FIELDS} FROM desk.canned_replies "
        "WHERE (%(q)s = '' OR position(%(q)s in lower(concat_ws(' ', title, shortcut, text))) > 0) "
        "AND (%(skills)s::text[] IS NULL OR skill IS NULL OR skill = ANY(%(skills)s)) "
        "ORDER BY skill NULLS FIRST, title, id",
        {"q": q.strip().lower(), "skills": skills},
    )
    return [Canned(**row) for row in await rows.fetchall()]


async def create(connection: Connection, wanted: Wanted, actor: str) -> Canned:
    """Adds a reply.

    Raises:
        InputRefused: an unknown variable.
        Conflict: another reply has this shortcut.
    """
    await _check(connection, wanted, None)
    row = await _one(
        connection,
        "INSERT INTO desk.canned_replies (title, shortcut, text, skill, changed_by) VALUES (%s, %s, %s, %s, %s) "
        f"RETURNING {_FIELDS}",
        (wanted.title, wanted.shortcut, wanted.text, wanted.skill, actor),
    )
    assert row is not None
    await _audit(connection, actor, "canned.create", row["id"], None, wanted)
    return Canned(**row)


async def change(connection: Connection, reply_id: int, wanted: Wanted, actor: str) -> Canned:
    """Changes a reply.

    Raises:
        InputRefused: an unknown variable.
        Conflict: another reply has this shortcut.
        NotFound: no such reply.
    """
    before = await _get(connection, reply_id)
    await _check(connection, wanted, reply_id)
    row = await _one(
        connection,
        "UPDATE desk.canned_replies SET title = %s, shortcut = %s, text = %s, skill = %s, changed_by = %s, "
        f"changed_at = now() WHERE id = %s RETURNING {_FIELDS}",
        (wanted.title, wanted.shortcut, wanted.text, wanted.skill, actor, reply_id),
    )
    assert row is not None
    await _audit(connection, actor, "canned.change", reply_id, before, wanted)
    return Canned(**row)


async def delete(connection: Connection, reply_id: int, actor: str) -> None:
    """Deletes a reply.

    Raises:
        NotFound: no such reply.
    """
    before = await _get(connection, reply_id)
    await connection.execute("DELETE FROM desk.canned_replies WHERE id = %s", (reply_id,))
    await _audit(connection, actor, "canned.delete", reply_id, before, None)


async def seed(connection: Connection) -> int:
    """Puts our first replies into an empty table that no one ever wrote to; returns how many."""
    used = await _one(
        connection,
        "SELECT EXISTS (SELECT FROM desk.canned_replies) OR EXISTS "
        "(SELECT FROM desk.audit WHERE action LIKE 'canned.%%') AS used",
        (),
    )
    assert used is not None
    if used["used"]:
        return 0
    replies = yaml.safe_load((files("chebao.desk") / "canned.yml").read_text(encoding="utf-8"))
    for reply in replies:
        await create(connection, Wanted.model_validate(reply), "system")
    return len(replies)


async def _get(connection: Connection, reply_id: int) -> Canned:
    row = await _one(
        connection,
        f"SELECT {_FIELDS} FROM desk.canned_replies WHERE id = %s FOR UPDATE",
        (reply_id,),
    )
    if row is None:
        raise NotFound("这条常用语已经被删除了。")
    return Canned(**row)


async def _one(connection: Connection, query: str, values: tuple[Any, ...]) -> dict[str, Any] | None:
    try:
        return await (await connection.execute(query.encode(), values)).fetchone()
    except UniqueViolation:  # somebody else gave it away in the same moment
        raise Conflict("这个快捷词刚被另一条常用语用了，请换一个。", code="shortcut_taken") from None


async def _check(connection: Connection, wanted: Wanted, own: int | None) -> None:
    unknown = [name for name in _VARIABLE.findall(wanted.text) if name not in VARIABLES]
    if unknown:
        known = "、".join(f"{{{name}}}" for name in VARIABLES)
        raise InputRefused(f"没有“{{{unknown[0]}}}”这个变量，可以用 {known}。", code="unknown_variable")
    other = await _one(
        connection,
        "SELECT title FROM desk.canned_replies WHERE shortcut = %s AND id IS DISTINCT FROM %s",
        (wanted.shortcut, own),
    )
    if other is not None:
        raise Conflict(f"快捷词“{wanted.shortcut}”已经给了“{other['title']}”。", code="shortcut_taken")


async def _audit(
    connection: Connection, actor: str, action: str, reply_id: int, before: Canned | None, after: Wanted | None
) -> None:
    detail = {
        "id": reply_id,
        "before": before.model_dump(include=set(Wanted.model_fields)) if before else None,
        "after": after.model_dump() if after else None,
    }
    await connection.execute(
        "INSERT INTO desk.audit (actor, action, detail) VALUES (%s, %s, %s)", (actor, action, Jsonb(detail))
    )
