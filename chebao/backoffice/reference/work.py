"""What every use case stands on: the office (engine, settings, clock) and one unit of work, that is one transaction."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.insurance.dates import SHANGHAI
from chebao.settings import Settings

Row = dict[str, Any]
Clock = Callable[[], datetime]
Sms = Callable[[str, str], Awaitable[None]]
"""Sends a text to a phone: ``await sms(phone, text)``; an operator's adapter."""

log = logging.getLogger("chebao.backoffice")


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Work:
    """One transaction at one moment."""

    db: AsyncConnection
    now: datetime
    settings: Settings

    @property
    def local_now(self) -> datetime:
        """The moment in Shanghai."""
        return self.now.astimezone(SHANGHAI)

    @property
    def today(self) -> date:
        """The day in Shanghai."""
        return self.local_now.date()

    async def next_number(self, sequence: str) -> int:
        """The next number of one of `tables.NUMBER_SEQUENCES`."""
        found: int = (await self.db.execute(select(func.nextval(f"backoffice.{sequence}")))).scalar_one()
        return found

    async def serialise(self, subject: str) -> None:
        """Lets only one transaction at a time work on a subject, e.g. a plate, until it ends."""
        await self.db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 7))"), {"subject": subject})


@dataclass(frozen=True)
class Office:
    """The composition of the service.

    Attributes:
        sms: None in demo mode, where nothing is sent.
        written: called after each committed write that may have left an event.
    """

    engine: AsyncEngine
    settings: Settings
    clock: Clock = utc_now
    sms: Sms | None = None
    written: list[Callable[[], None]] = field(default_factory=list)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """A transaction: committed at the end, rolled back on any error."""
        async with self.engine.begin() as db:
            yield Work(db, self.clock(), self.settings)

    def tell_written(self) -> None:
        """Wakes whoever delivers events."""
        for listener in self.written:
            listener()


def shown(value: Any) -> Any:
    """A JSON-ready copy: money as text, moments as local ISO with offset, days as ISO."""
    if isinstance(value, Mapping):
        return {str(name): shown(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return value
