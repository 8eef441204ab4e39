"""What a platform lets us say: how many messages it still takes in a conversation, and the media it keeps for us.

Some platforms (WeChat) take a few messages after something that the customer did, for a while. What he did stands in the ledger,
so a window is derived from it and only what was used is written; a crash between ledger and platform costs no window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations.tables import allowances, messages, platform_media

MESSAGE = "message"


@dataclass(frozen=True)
class Rule:
    """So many messages, within so much time."""

    count: int
    within: timedelta


@dataclass(frozen=True)
class Window:
    """An open window: what opened it, how many messages it still takes, until when."""

    kind: str
    seq: int
    left: int
    until: datetime


class Allowances:
    """The windows of a channel.

    Args:
        rules: by the event that opens a window; `MESSAGE` stands for a message of the customer.
    """

    def __init__(self, engine: AsyncEngine, rules: Mapping[str, Rule]) -> None:
        self._engine, self._rules = engine, rules

    async def windows(self, conversation_id: str) -> list[Window]:
        """The windows that are open and not used up, the one that closes first in front."""
        m, a = messages.c, allowances.c
        kind = func.coalesce(m.event, MESSAGE)
        opened = (
            select(kind.label("kind"), func.max(m.seq).label("seq"), func.max(m.at).label("at"))
            .where(m.conversation_id == conversation_id, m.sender == "customer", kind.in_(self._rules))
            .where(m.at > func.now() - max(rule.within for rule in self._rules.values()))
            .group_by(kind)
            .subquery()
        )
        joined = opened.outerjoin(
            allowances,
            (a.conversation_id == conversation_id) & (a.kind == opened.c.kind) & (a.seq == opened.c.seq),
        )
        query = select(opened.c.kind, opened.c.seq, opened.c.at, func.coalesce(a.used, 0).label("used"))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.select_from(joined))).all()
        now = datetime.now(UTC)
        found = [
            Window(row.kind, row.seq, self._rules[row.kind].count - row.used, row.at + self._rules[row.kind].within)
            for row in rows
        ]
        return sorted((w for w in found if w.left > 0 and w.until > now), key=lambda w: w.until)

    async def use(self, conversation_id: str, window: Window, count: int = 1) -> None:
        """Counts messages against a window; a negative count gives them back."""
        async with self._engine.begin() as connection:
            values = {"conversation_id": conversation_id, "kind": window.kind, "seq": window.seq, "used": count}
            insertion = insert(allowances).values(**values)
            a = allowances.c
            used = func.greatest(0, case((a.seq == window.seq, a.used), else_=0) + count)
            await connection.execute(
                insertion.on_conflict_do_update(
                    index_elements=[a.conversation_id, a.kind], set_={"seq": window.seq, "used": used}
                )
            )

    async def close(self, conversation_id: str) -> None:
        """The platform says that no window is open: all are used up, whatever we counted."""
        for window in await self.windows(conversation_id):
            await self.use(conversation_id, window, window.left)


class MediaCache:
    """Numbers of files that a platform keeps for a while, by content."""

    def __init__(self, engine: AsyncEngine, channel: str) -> None:
        self._engine, self._channel = engine, channel

    async def get(self, sha256: str) -> str | None:
        """The platform's number of the file while it is kept there."""
        c = platform_media.c
        wanted = select(c.media_id).where(c.channel == self._channel, c.sha256 == sha256, c.until > func.now())
        async with self._engine.connect() as connection:
            found = (await connection.execute(wanted)).scalar_one_or_none()
        return None if found is None else str(found)

    async def put(self, sha256: str, media_id: str, kept: timedelta) -> None:
        """Remembers a file's number."""
        c = platform_media.c
        values = {"media_id": media_id, "until": datetime.now(UTC) + kept}
        async with self._engine.begin() as connection:
            await connection.execute(
                insert(platform_media)
                .values(channel=self._channel, sha256=sha256, **values)
                .on_conflict_do_update(index_elements=[c.channel, c.sha256], set_=values)
            )

    async def drop(self, media_id: str) -> None:
        """Forgets a number that the platform no longer knows."""
        c = platform_media.c
        async with self._engine.begin() as connection:
            await connection.execute(
                update(platform_media)
                .where(c.channel == self._channel, c.media_id == media_id)
                .values(until=func.now())
            )
