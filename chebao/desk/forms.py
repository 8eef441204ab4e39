"""The running form of a conversation, as its agent sees and changes it; what he changed is the assistant's when it takes over again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from psycopg.types.json import Jsonb

from chebao.db import Connection
from chebao.desk import audit
from chebao.errors import Conflict, InputRefused

_OPEN = """
SELECT e.id, e.task, e.slots, e.edits, c.verified
FROM desk.episodes e JOIN hub.conversations c ON c.id = e.conversation_id
WHERE e.conversation_id = %s AND e.ended_at IS NULL
"""


@dataclass(frozen=True)
class Running:
    """The form that was being filled in when a person was called; `edits` are the agent's values so far."""

    episode_id: str
    task: str
    draft: dict[str, Any]
    edits: dict[str, Any]
    verified: dict[str, Any] | None

    async def shown(self) -> dict[str, Any] | None:
        """The form for the page."""
        form: dict[str, Any] | None = (await dialogues()).shown(self.task, self.draft, self.edits)
        return form

    async def notes(self) -> list[dict[str, Any]]:
        """What its agent should look at, without the customer hearing of it."""
        return [{"label": note} for note in (await dialogues()).notes(self.task, self.draft, self.edits)]

    async def with_words(self, words: Mapping[str, str]) -> dict[str, Any]:
        """All edits, those of `words` among them.

        Raises:
            InputRefused: `detail` says for each field why not.
        """
        if not words:
            return self.edits
        library = await dialogues()
        edits: dict[str, Any] = await library.check(self.task, self.draft, words, self.edits, verified=self.verified)
        return edits


async def dialogues() -> ModuleType:
    """`actions.forms_desk`, loaded in a thread when it is first needed: 49 MB and seconds that no start has to wait for."""
    return await asyncio.to_thread(_load)


def load_soon() -> None:
    """Begins to load them: somebody has come to the desk and will look at a form."""
    asyncio.get_running_loop().run_in_executor(None, _load)


def _load() -> ModuleType:
    from actions import forms_desk

    return forms_desk


async def running(connection: Connection, conversation_id: str) -> Running | None:
    """The form of a conversation that people have; None where nothing was being filled in."""
    row = await (await connection.execute(_OPEN, (conversation_id,))).fetchone()
    if row is None or not row["task"]:
        return None
    return Running(row["id"], row["task"], row["slots"], row["edits"], row["verified"])


async def keep(
    connection: Connection, conversation_id: str, form: Running, edits: dict[str, Any], actor: str
) -> Running:
    """Stores changes that were checked.

    Raises:
        Conflict: somebody else changed the form meanwhile, or the conversation is over.
    """
    kept = await connection.execute(
        "UPDATE desk.episodes SET edits = %s WHERE id = %s AND edits = %s AND ended_at IS NULL",
        (Jsonb(edits), form.episode_id, Jsonb(form.edits)),
    )
    if not kept.rowcount:
        raise Conflict("表单刚被别人改过，请刷新后再改。")
    changed = sorted(name for name, value in edits.items() if form.edits.get(name) != value)
    await audit.note(connection, actor, "form.change", conversation_id, detail={"fields": changed})
    return Running(form.episode_id, form.task, form.draft, edits, form.verified)


def required(form: Running | None) -> Running:
    """The form, where there must be one.

    Raises:
        InputRefused: nothing is being filled in.
    """
    if form is None:
        raise InputRefused("这个会话没有正在填写的表单。")
    return form
