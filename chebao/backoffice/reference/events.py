"""Events to the hub: written with the change they tell of, delivered after it at least once and in order per reference.

The body is fixed when the event is written, so every try sends the same bytes under the same signature and `event_id`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import uuid
from datetime import timedelta

import httpx
from sqlalchemy import exists, insert, select, update

from chebao.backoffice.reference import idempotency, identity
from chebao.backoffice.reference.tables import outbox
from chebao.backoffice.reference.work import Office, Row, Work, log, shown

PATH = "/api/backoffice/events"
LEASE = timedelta(seconds=15)
LONGEST_PAUSE = 300
BATCH = 20
IDLE_SECONDS = 2.0


async def emit(work: Work, kind: str, reference: str | None, data: Row) -> None:
    """Leaves an event in the outbox; one without reference concerns no conversation and is not sent."""
    if not reference:
        return
    event_id = str(uuid.uuid4())
    body = {"event_id": event_id, "type": kind, "reference": reference, "data": shown(data)}
    await work.db.execute(
        insert(outbox).values(
            event_id=event_id,
            type=kind,
            reference=reference,
            body=json.dumps(body, ensure_ascii=False),
            next_try_at=work.now,
            created_at=work.now,
        )
    )


def signature(secret: str, body: bytes) -> str:
    """Value of ``X-Chebao-Signature``."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Delivery:
    """The task that carries events to the hub.

    Args:
        transport: another httpx transport (tests).
    """

    def __init__(self, office: Office, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._office = office
        self._transport = transport
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        office.written.append(self._wake.set)

    def start(self) -> None:
        """Begins to deliver in the background."""
        self._task = asyncio.create_task(self._run(), name="backoffice-events")

    async def stop(self) -> None:
        """Ends the background task; what is under way is sent again after a restart."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _run(self) -> None:
        settings = self._office.settings
        async with httpx.AsyncClient(
            base_url=settings.hub_url,
            transport=self._transport,
            timeout=httpx.Timeout(5.0, connect=1.0),
            trust_env=False,
        ) as http:
            await self._tidy()
            while True:
                self._wake.clear()
                try:
                    delivered = await self.deliver_due(http)
                except Exception as error:  # whatever it is, later events must still go out
                    log.error("event delivery paused: %s", type(error).__name__)
                    delivered = 0
                if not delivered:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)

    async def _tidy(self) -> None:
        try:
            async with self._office.work() as work:
                await idempotency.forget_old(work)
                await identity.forget_old(work)
        except Exception as error:
            log.error("tidying failed: %s", type(error).__name__)

    async def deliver_due(self, http: httpx.AsyncClient) -> int:
        """Sends what is due, at most one event of each reference; returns how many were accepted."""
        async with self._office.work() as work:
            due = await _lease(work)
        accepted = 0
        for event in due:
            if await self._send(http, event):
                accepted += 1
                async with self._office.work() as work:
                    done = update(outbox).where(outbox.c.id == event["id"]).values(delivered_at=work.now)
                    await work.db.execute(done)
            else:
                async with self._office.work() as work:
                    pause = min(2 ** min(event["attempts"] - 1, 10), LONGEST_PAUSE)
                    later = work.now + timedelta(seconds=pause)
                    await work.db.execute(update(outbox).where(outbox.c.id == event["id"]).values(next_try_at=later))
        return accepted

    async def _send(self, http: httpx.AsyncClient, event: Row) -> bool:
        body = event["body"].encode()
        secret = self._office.settings.events_secret.get_secret_value()
        headers = {"X-Chebao-Signature": signature(secret, body), "Content-Type": "application/json"}
        try:
            response = await http.post(PATH, content=body, headers=headers)
        except httpx.HTTPError as error:
            log.warning(
                "event %s not delivered (try %s): %s", event["event_id"], event["attempts"], type(error).__name__
            )
            return False
        if not response.is_success:
            log.warning(
                "event %s not delivered (try %s): status %s", event["event_id"], event["attempts"], response.status_code
            )
        return response.is_success


async def _lease(work: Work) -> list[Row]:
    """Takes due events that have no earlier waiting one of the same reference; a lost lease runs out by itself."""
    earlier = outbox.alias("earlier")
    waits = exists().where(
        earlier.c.reference == outbox.c.reference, earlier.c.id < outbox.c.id, earlier.c.delivered_at.is_(None)
    )
    due = (
        select(outbox.c.id)
        .where(outbox.c.delivered_at.is_(None), outbox.c.next_try_at <= work.now, ~waits)
        .order_by(outbox.c.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(outbox)
        .where(outbox.c.id.in_(due))
        .values(next_try_at=work.now + LEASE, attempts=outbox.c.attempts + 1)
        .returning(outbox.c.id, outbox.c.event_id, outbox.c.body, outbox.c.attempts)
    )
    found = (await work.db.execute(taken)).mappings()
    return sorted((dict(row) for row in found), key=lambda row: int(row["id"]))
