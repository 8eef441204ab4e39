"""Files that customers send, stored under their hash; what they show stands in their row."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations.pictures import Judged
from chebao.conversations.tables import uploads
from chebao.errors import InputRefused, NotFound

PER_DAY = 60
_PLACE_KEPT = timedelta(hours=24)
_LOOK_EVERY = 3600.0
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}


@dataclass(frozen=True)
class Upload:
    """A stored file.

    Attributes:
        width: of the stored picture, None for a PDF.
        place: where it was taken; forgotten once it was offered as the place of an accident, and after a day in any case.
        flaw: ``blurred`` or ``dark``.
        facts: what was read on it, where it shows a licence.
    """

    id: str
    conversation_id: str
    sha256: str
    content_type: str
    bytes: int
    width: int | None
    height: int | None
    place: dict[str, float] | None = None
    flaw: str | None = None
    facts: dict[str, str] | None = None


_FIELDS = tuple(uploads.c[name] for name in Upload.__dataclass_fields__)


class Uploads:
    """The store: bytes in the data directory under their hash, one row for each time a customer sent them."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._looked = -_LOOK_EVERY

    async def add(self, conversation_id: str, judged: Judged) -> Upload:
        """Keeps a judged file for a conversation.

        Raises:
            InputRefused: code ``too_many_files``, beyond `PER_DAY` of one conversation.
        """
        await self._forget_old_places()
        today = uploads.c.created_at > func.now() - text("interval '1 day'")
        count = select(func.count()).where(uploads.c.conversation_id == conversation_id, today)
        async with self._engine.connect() as connection:
            if (await connection.execute(count)).scalar_one() >= PER_DAY:
                raise InputRefused("今天上传的文件太多了，请明天再传，或转人工处理。", code="too_many_files")
        digest = hashlib.sha256(judged.content).hexdigest()
        upload = Upload(
            uuid4().hex,
            conversation_id,
            digest,
            judged.content_type,
            len(judged.content),
            judged.width,
            judged.height,
            judged.place,
            judged.flaw,
        )
        await asyncio.to_thread(_write, self._path(upload), judged.content)
        if judged.thumbnail:
            await asyncio.to_thread(_write, self._path(upload, thumbnail=True), judged.thumbnail)
        async with self._engine.begin() as connection:
            await connection.execute(insert(uploads).values(**upload.__dict__))
        return upload

    async def get(self, upload_id: str, *, conversation_id: str | None = None) -> Upload:
        """The file's row.

        Args:
            conversation_id: only when it belongs to this conversation.

        Raises:
            NotFound: unknown, or another conversation's.
        """
        wanted = select(*_FIELDS).where(uploads.c.id == upload_id)
        if conversation_id is not None:
            wanted = wanted.where(uploads.c.conversation_id == conversation_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            raise NotFound("没有找到这个文件。")
        return Upload(**row._mapping)

    async def of_message(self, conversation_id: str, attachments: Sequence[Mapping[str, Any]]) -> list[Upload]:
        """The stored files among a message's attachments, in their order; files that others keep are left out."""
        ids = [str(a["id"]) for a in attachments]
        wanted = select(*_FIELDS).where(uploads.c.id.in_(ids), uploads.c.conversation_id == conversation_id)
        async with self._engine.connect() as connection:
            found = [Upload(**row._mapping) for row in await connection.execute(wanted)]
        return sorted(found, key=lambda upload: ids.index(upload.id))

    async def keep_facts(self, upload: Upload, facts: Mapping[str, str]) -> None:
        """Stores what was read on a picture, so that it is read once."""
        async with self._engine.begin() as connection:
            await connection.execute(update(uploads).where(uploads.c.id == upload.id).values(facts=dict(facts)))

    async def forget_places(self, ids: Sequence[str]) -> None:
        """Removes where the pictures were taken."""
        async with self._engine.begin() as connection:
            await connection.execute(update(uploads).where(uploads.c.id.in_(ids)).values(place=None))

    async def _forget_old_places(self) -> None:
        """Of pictures that no turn has looked at, because a person answered: the whole table, so only now and then."""
        if time.monotonic() - self._looked < _LOOK_EVERY:
            return
        self._looked = time.monotonic()
        old = uploads.c.place.is_not(None) & (uploads.c.created_at < func.now() - _PLACE_KEPT)
        async with self._engine.begin() as connection:
            await connection.execute(update(uploads).where(old).values(place=None))

    def path(self, upload: Upload, *, thumbnail: bool = False) -> Path:
        """Where the bytes are; a PDF has no thumbnail.

        Raises:
            NotFound: the bytes are gone, or there is no thumbnail.
        """
        path = self._path(upload, thumbnail=thumbnail)
        if not path.is_file():
            raise NotFound("没有找到这个文件。")
        return path

    def _path(self, upload: Upload, *, thumbnail: bool = False) -> Path:
        name = f"{upload.sha256}.thumb.jpg" if thumbnail else f"{upload.sha256}.{_SUFFIX[upload.content_type]}"
        return self._folder / upload.sha256[:2] / name


def _write(path: Path, content: bytes) -> None:
    """Writes whole or not at all, once per hash."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    part.write_bytes(content)
    part.replace(path)
