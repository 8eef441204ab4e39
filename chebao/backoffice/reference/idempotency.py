"""Same key and body: the stored first answer. Same key, other body: conflict. Stored in the transaction of the write itself.

Two equal requests at the same time: the second one waits on the first one's uncommitted key and then reads its answer.
A refused request wrote nothing and stores nothing, so it may be sent again once its reason is gone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chebao.backoffice.reference.tables import idempotency
from chebao.backoffice.reference.work import Office, Row, Work, shown
from chebao.errors import Conflict, InputRefused

KEPT = timedelta(days=30)

UseCase = Callable[[Work], Awaitable[Row]]


def fingerprint(method: str, path: str, body: Any) -> str:
    """What makes two requests the same: method, path with its query, and the body whatever the order of its names."""
    canonical = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{method} {path}\n{canonical}".encode()).hexdigest()


async def once(office: Office, key: str | None, print_of_request: str, use_case: UseCase) -> Row:
    """Runs a use case at most once per key and returns its answer, the first one when it ran before.

    Raises:
        InputRefused: no key.
        Conflict: the key was used for another request.
    """
    if not key or len(key) > 200:
        raise InputRefused("请求缺少幂等键，请稍后重试。", code="idempotency_key_missing")
    async with office.work() as work:
        claimed = await work.db.scalar(
            upsert(idempotency)
            .values(key=key, fingerprint=print_of_request, created_at=work.now)
            .on_conflict_do_nothing()
            .returning(idempotency.c.key)
        )
        if claimed is None:
            return await _first_answer(work, key, print_of_request)
        answer: Row = shown(await use_case(work))
        await work.db.execute(update(idempotency).where(idempotency.c.key == key).values(answer=answer))
    office.tell_written()
    return answer


async def _first_answer(work: Work, key: str, print_of_request: str) -> Row:
    stored = (
        await work.db.execute(select(idempotency.c.fingerprint, idempotency.c.answer).where(idempotency.c.key == key))
    ).one_or_none()
    if stored is None or stored.fingerprint != print_of_request:
        raise Conflict("这次提交和之前的不一致，请重新提交。", code="idempotency_conflict")
    answer: Row = stored.answer
    return answer


async def forget_old(work: Work) -> None:
    """Drops answers older than `KEPT`."""
    await work.db.execute(delete(idempotency).where(idempotency.c.created_at < work.now - KEPT))
