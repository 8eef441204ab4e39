"""What a platform lets us say: how many messages it still takes in a conversation, what customers agreed to be told besides, and
the media it keeps for us.

Some platforms (WeChat) take a few messages after something that the customer did, for a while. What he did stands in the ledger,
so a window is derived from it and only what was used is written; a crash between ledger and platform costs no window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations.tables import allowances, messages, notice_consents, platform_media
from chebao.conversations.types import Conversation

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


class Consents:
    """What customers agreed to be told while no window is open: a single notice for each consent, or any number for a lasting one.

    A consent belongs to an address, which may never have written; the event that gave it is its key, so that it counts once
    however often the platform tells of it.
    """

    def __init__(self, engine: AsyncEngine, channel: str) -> None:
        self._engine, self._channel = engine, channel

    async def give(self, account: str, peer: str, template: str, key: str, at: datetime) -> None:
        """The customer agreed at `at`."""
        row = {"channel": self._channel, "account": account, "peer": peer, "template": template, "key": key}
        async with self._engine.begin() as connection:
            await connection.execute(insert(notice_consents).values(**row, given_at=at).on_conflict_do_nothing())

    async def withdraw(self, account: str, peer: str, template: str, at: datetime | None = None) -> None:
        """The customer wants no more of these; what he agrees to after `at` is not touched."""
        c = notice_consents.c
        theirs = [*self._of(account, peer, template), c.ended_at.is_(None), c.given_at <= (at or func.now())]
        async with self._engine.begin() as connection:
            await connection.execute(update(notice_consents).where(*theirs).values(ended_at=func.now()))

    async def take(self, conversation: Conversation, template: str, message_id: int, *, lasting: bool) -> bool:
        """Whether the customer agreed; `message_id` uses the oldest consent up, unless it is a lasting one."""
        c = notice_consents.c
        holds = or_(c.ended_at.is_(None), c.used_by == message_id)
        oldest = (
            select(c.key)
            .where(*self._of(conversation.account, conversation.peer, template), holds)
            .order_by(c.given_at)
            .limit(1)
            .with_for_update(skip_locked=not lasting)
        )
        async with self._engine.begin() as connection:
            key = (await connection.execute(oldest)).scalar_one_or_none()
            if key is not None and not lasting:
                await connection.execute(
                    update(notice_consents)
                    .where(*self._of(conversation.account, conversation.peer, template), c.key == key)
                    .values(ended_at=func.now(), used_by=message_id)
                )
            return key is not None

    async def give_back(self, conversation: Conversation, template: str, message_id: int) -> None:
        """The notice did not go out: the consent that the message used up holds again."""
        used = [*self._of(conversation.account, conversation.peer, template), notice_consents.c.used_by == message_id]
        async with self._engine.begin() as connection:
            await connection.execute(update(notice_consents).where(*used).values(ended_at=None, used_by=None))

    def _of(self, account: str, peer: str, template: str) -> list[ColumnElement[bool]]:
        c = notice_consents.c
        return [c.channel == self._channel, c.account == account, c.peer == peer, c.template == template]


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
