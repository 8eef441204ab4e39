"""What was done at the desk that somebody may have to answer for: who, what, where, why."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from chebao.db import Connection


async def note(
    connection: Connection,
    actor: str,
    action: str,
    conversation_id: str | None = None,
    *,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Writes one line of the audit."""
    await connection.execute(
        "INSERT INTO desk.audit (actor, action, conversation_id, reason, detail) VALUES (%s, %s, %s, %s, %s)",
        (actor, action, conversation_id, reason, Jsonb(detail or {})),
    )
