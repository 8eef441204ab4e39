"""Desk events for other systems: signed, in order, retried until taken, and told again from any number on.

Signatures follow Standard Webhooks (standardwebhooks.com): ``webhook-signature: v1,`` and the base64 HMAC-SHA256 of
``{webhook-id}.{webhook-timestamp}.{body}`` under the secret. The body is ``{"events": [{id, kind, key, body, at}, …]}``, the events
as the socket gives them. A receiver answers 2xx when it has them; what it does not answer comes again, so it keeps the last number.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import random
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from chebao import background
from chebao.db import Connection, Pool
from chebao.desk import events
from chebao.desk.events import Event, Feed
from chebao.errors import InputRefused, NotFound
from chebao.logs import line

log = logging.getLogger(__name__)

KINDS = ("conversation", "agent", "ticket", "note")

_AT_ONCE = 100
_ANSWER_WITHIN = 5.0
_LEASE = timedelta(seconds=30)
_LONGEST_PAUSE = 3600.0
_LOOK_AGAIN = 60.0
_GONE = 410
_SECRET = "whsec_"  # noqa: S105 - the prefix of secrets in Standard Webhooks

_SHOWN = "id, url, kinds, active, sent_to, failures, problem, next_at, created_at"
_FIND = f"""
SELECT {_SHOWN}, waiting.count AS waiting, waiting.since AS waiting_since FROM desk.webhooks CROSS JOIN LATERAL (
    SELECT count(*), min(at) AS since FROM (
        SELECT at FROM desk.events WHERE id > sent_to AND kind = ANY(kinds) ORDER BY id LIMIT 10000) untold) waiting
ORDER BY id
"""


@dataclass(frozen=True)
class Hook:
    """A webhook that is due."""

    id: int
    url: str
    secret: str
    kinds: list[str]
    sent_to: int
    failures: int


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """The value of ``webhook-signature``."""
    key = base64.b64decode(secret.removeprefix(_SECRET))
    signed = b".".join((message_id.encode(), str(at).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


# --- keeping them ---------------------------------------------------------------------------------------------------


async def find(connection: Connection) -> list[dict[str, Any]]:
    """All webhooks, without their secrets; how many events each has not got yet (10,000 at most), since when, and why."""
    rows = await connection.execute(_FIND)
    return [dict(row) for row in await rows.fetchall()]


async def add(connection: Connection, url: str, kinds: list[str], *, https_only: bool) -> dict[str, Any]:
    """A new webhook with its secret, which is told this once; it hears what happens from now on.

    Raises:
        InputRefused: the address cannot be used.
    """
    address = httpx.URL(url)
    if address.scheme not in (("https",) if https_only else ("https", "http")) or not address.host or address.userinfo:
        raise InputRefused("地址要以 https:// 开头，不带用户名和密码。", code="bad_url")
    secret = _SECRET + base64.b64encode(secrets.token_bytes(32)).decode()
    found = await connection.execute(
        f"INSERT INTO desk.webhooks (url, secret, kinds, sent_to) VALUES (%s, %s, %s, %s) RETURNING {_SHOWN}",
        (url, secret, kinds, await events.newest(connection)),
    )
    row = await found.fetchone()
    assert row is not None
    return dict(row) | {"secret": secret}


async def drop(connection: Connection, hook_id: int) -> None:
    """Ends a webhook.

    Raises:
        NotFound: there is none.
    """
    if not (await connection.execute("DELETE FROM desk.webhooks WHERE id = %s", (hook_id,))).rowcount:
        raise NotFound("没有找到这个回调地址。")


async def replay(connection: Connection, hook_id: int, after: int) -> dict[str, Any]:
    """Tells everything after a number once more, as far as it is kept, and begins at once.

    Raises:
        NotFound: there is no such webhook.
    """
    found = await connection.execute(
        f"UPDATE desk.webhooks SET sent_to = %s, failures = 0, problem = NULL, active = true, next_at = now()"
        f" WHERE id = %s RETURNING {_SHOWN}",
        (after, hook_id),
    )
    row = await found.fetchone()
    if row is None:
        raise NotFound("没有找到这个回调地址。")
    return dict(row)


# --- sending --------------------------------------------------------------------------------------------------------

_TAKE = """
UPDATE desk.webhooks SET next_at = now() + %(lease)s WHERE id = (
    SELECT id FROM desk.webhooks WHERE active AND next_at <= now()
        AND EXISTS (SELECT FROM desk.events e WHERE e.id > sent_to AND e.kind = ANY(kinds))
    ORDER BY next_at FOR UPDATE SKIP LOCKED LIMIT 1)
RETURNING id, url, secret, kinds, sent_to, failures
"""
_DUE = """
SELECT count(*) > 0 AS any, EXTRACT(EPOCH FROM min(next_at) FILTER (
    WHERE EXISTS (SELECT FROM desk.events e WHERE e.id > sent_to AND e.kind = ANY(kinds))) - now()) AS seconds
FROM desk.webhooks WHERE active
"""
# Whom nothing concerned for long need not look through all that again.
_SKIP = """
UPDATE desk.webhooks w SET sent_to = newest.id FROM (SELECT max(id) AS id FROM desk.events) newest
WHERE w.active AND w.sent_to < newest.id - 1000
    AND NOT EXISTS (SELECT FROM desk.events e WHERE e.id > w.sent_to AND e.kind = ANY(w.kinds))
"""
_EVENTS = """
SELECT id, kind, key, body, at, actor FROM desk.events WHERE id > %s AND kind = ANY(%s) ORDER BY id LIMIT %s
"""
# `sent_to` is compared so that a replay that was asked for meanwhile stays.
_TAKEN = "UPDATE desk.webhooks SET sent_to = %s, failures = 0, problem = NULL, next_at = now() WHERE id = %s AND sent_to = %s"
_REFUSED = """
UPDATE desk.webhooks SET failures = least(failures + 1, 1000), problem = %(problem)s, next_at = now() + %(pause)s,
    active = active AND NOT %(gone)s WHERE id = %(id)s
"""


class Sender:
    """Sends what is due; several processes may run one each, a webhook's events stay in order.

    Args:
        first_pause: seconds until the second try; each further one waits twice as long.
    """

    def __init__(self, pool: Pool, feed: Feed, *, first_pause: float = 2.0) -> None:
        self._pool, self._feed, self._first_pause = pool, feed, first_pause
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._any = True
        """Whether there is anybody to tell; without, events need not wake us."""

    async def start(self) -> None:
        self._http = httpx.AsyncClient(timeout=_ANSWER_WITHIN, follow_redirects=False, trust_env=False)
        self._task = asyncio.create_task(self._run(), name="desk-webhooks")

    async def stop(self) -> None:
        await background.stop(self._task)
        if self._task:
            await self._http.aclose()

    def wake(self) -> None:
        """A webhook is new, or is to be told again."""
        self._any = True
        self._wake.set()

    def _heard(self, _: Sequence[Event]) -> None:
        if self._any:
            self._wake.set()

    async def _run(self) -> None:
        async with self._feed.telling(self._feed.newest, self._heard):
            while True:
                self._wake.clear()
                try:
                    while hook := await self._due():
                        await self._tell(hook)
                    pause = await self._pause()
                except Exception:
                    log.exception(line("desk_webhooks_failed"))
                    pause = _LOOK_AGAIN
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._wake.wait()

    async def _due(self) -> Hook | None:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_TAKE, {"lease": _LEASE})).fetchone()
        return Hook(**row) if row else None

    async def _pause(self) -> float:
        """Seconds until the next try is due."""
        async with self._pool.connection() as connection:
            await connection.execute(_SKIP)
            row = await (await connection.execute(_DUE)).fetchone()
        assert row is not None
        self._any, seconds = row["any"], row["seconds"]
        return _LOOK_AGAIN if seconds is None else min(max(float(seconds), 0.01), _LOOK_AGAIN)

    async def _tell(self, hook: Hook) -> None:
        async with self._pool.connection() as connection:
            rows = await connection.execute(_EVENTS, (hook.sent_to, hook.kinds, _AT_ONCE))
            found = [Event(**row) for row in await rows.fetchall()]
        problem = await self._post(hook, found) if found else None
        async with self._pool.connection() as connection:
            if problem is None:
                last = found[-1].id if found else hook.sent_to
                await connection.execute(_TAKEN, (last, hook.id, hook.sent_to))
                return
            pause = min(self._first_pause * 2 ** min(hook.failures, 20), _LONGEST_PAUSE) * random.uniform(0.8, 1.2)
            gone = problem == str(_GONE)
            refused = {"problem": problem, "pause": timedelta(seconds=pause), "gone": gone, "id": hook.id}
            await connection.execute(_REFUSED, refused)
        failures = hook.failures + 1
        log.warning(line("desk_webhook_refused", webhook=hook.id, problem=problem, failures=failures, dead=gone))

    async def _post(self, hook: Hook, found: list[Event]) -> str | None:
        """Hands events over; what went wrong, None for nothing."""
        body = json.dumps({"events": [_told(event) for event in found]}, ensure_ascii=False).encode()
        message_id, at = f"{found[0].id}-{found[-1].id}", int(datetime.now(UTC).timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(hook.secret, message_id, at, body),
        }
        try:
            answer = await self._http.post(hook.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return None if answer.is_success else str(answer.status_code)


def _told(event: Event) -> dict[str, Any]:
    return {"id": event.id, "kind": event.kind, "key": event.key, "body": event.body, "at": event.at.isoformat()}
