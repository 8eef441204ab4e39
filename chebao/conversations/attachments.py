"""What a turn is told of the pictures in its message: flaws, where they were taken, what a licence says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations.tables import messages
from chebao.conversations.types import Message, Reply
from chebao.conversations.uploads import Upload, Uploads

LICENCE = "licence"
"""A question marked so (`custom.wants`) has the pictures that answer it read."""


class Reader(Protocol):
    """What reads licences."""

    async def warm_up(self) -> None:
        """Gets ready for a picture that was asked for."""

    async def read(self, picture: Path) -> Mapping[str, str]:
        """What stands on a picture; empty where nothing is legible. Never raises."""


class Attachments:
    """Looks at a message's pictures before its turn, and forgets where they were taken after it."""

    def __init__(self, engine: AsyncEngine, uploads: Uploads, reader: Reader) -> None:
        self._engine, self._uploads, self._reader = engine, uploads, reader
        self._warming: set[asyncio.Task[None]] = set()

    async def described(self, message: Message) -> Message:
        """The message with ``flaw``, ``place`` and ``facts`` beside each attachment that has them."""
        if not message.attachments:
            return message
        stored = {u.id: u for u in await self._uploads.of_message(message.conversation_id, message.attachments)}
        asked = bool(stored) and await self._licence_was_asked_for(message)
        described = []
        for attachment in message.attachments:
            upload = stored.get(str(attachment["id"]))
            described.append(attachment | (await self._seen(upload, asked) if upload else {}))
        return replace(message, attachments=described)

    def expect(self, replies: Sequence[Reply]) -> None:
        """Gets the reader ready where one of the replies asks for a licence."""
        if any((reply.custom or {}).get("wants") == LICENCE for reply in replies):
            task = asyncio.create_task(self._reader.warm_up())
            self._warming.add(task)
            task.add_done_callback(self._warming.discard)

    async def forget_places(self, message: Message) -> None:
        """To be called when the turn has had its chance to offer them."""
        if ids := [str(a["id"]) for a in message.attachments or [] if a.get("place")]:
            await self._uploads.forget_places(ids)

    async def _seen(self, upload: Upload, licence_asked: bool) -> dict[str, Any]:
        facts = upload.facts
        if licence_asked and facts is None and upload.flaw is None and upload.width:
            facts = dict(await self._reader.read(self._uploads.path(upload)))
            await self._uploads.keep_facts(upload, facts)
        seen = {"flaw": upload.flaw, "place": upload.place, "facts": facts}
        return {name: value for name, value in seen.items() if value}

    async def _licence_was_asked_for(self, message: Message) -> bool:
        m = messages.c
        last = (
            select(m.custom["wants"].astext)
            .where(m.conversation_id == message.conversation_id, m.seq < message.seq, m.sender == "bot")
            .order_by(m.seq.desc())
            .limit(1)
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(last)).scalar_one_or_none() == LICENCE
