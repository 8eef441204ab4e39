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
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

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

_SHOWN = "id, url, kinds, active, sent_to, failures, next_at, created_at"


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
    """All webhooks, without their secrets."""
    rows = await connection.execute(f"SELECT {_SHOWN} FROM desk.webhooks ORDER BY id")
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
        f"UPDATE desk.webhooks SET sent_to = %s, failures = 0, active = true, next_at = now() WHERE id = %s RETURNING {_SHOWN}",
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
SELECT EXTRACT(EPOCH FROM min(next_at) - now()) AS seconds FROM desk.webhooks WHERE active
    AND EXISTS (SELECT FROM desk.events e WHERE e.id > sent_to AND e.kind = ANY(kinds))
"""
_EVENTS = """
SELECT id, kind, key, body, at, actor FROM desk.events WHERE id > %s AND kind = ANY(%s) ORDER BY id LIMIT %s
"""
# `sent_to` is compared so that a replay that was asked for meanwhile stays.
_TAKEN = "UPDATE desk.webhooks SET sent_to = %s, failures = 0, next_at = now() WHERE id = %s AND sent_to = %s"
_REFUSED = """
UPDATE desk.webhooks SET failures = least(failures + 1, 1000), next_at = now() + %s, active = active AND NOT %s WHERE id = %s
"""


class Sender:
    """Sends what is due; several processes may run one each, a webhook's events stay in order.

    Args:
        first_pause: seconds until the second try; each further one waits twice as long.
    """

    def __init__(self, pool: Pool, feed: Feed, *, first_pause: float = 2.0) -> None:
        self._pool, self._feed, self._first_pause = pool, feed, first_pause
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()

    async def start(self) -> None:
        self._http = httpx.AsyncClient(timeout=_ANSWER_WITHIN, follow_redirects=False, trust_env=False)
        self._tasks = [
            asyncio.create_task(self._run(), name="desk-webhooks"),
            asyncio.create_task(self._listen(), name="desk-webhooks-feed"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._http.aclose()

    def wake(self) -> None:
        """A webhook is new, or is to be told again."""
        self._wake.set()

    async def _listen(self) -> None:
        async for _ in self._feed.follow(self._feed.newest):
            self._wake.set()

    async def _run(self) -> None:
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
            row = await (await connection.execute(_DUE)).fetchone()
        seconds = row["seconds"] if row else None
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
            await connection.execute(_REFUSED, (timedelta(seconds=pause), problem == str(_GONE), hook.id))
        log.warning(line("desk_webhook_refused", webhook=hook.id, problem=problem, failures=hook.failures + 1))

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
