"""The numbered stream of a conversation as agents see it: both sides, delivery, what was understood, no payloads."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chebao.db import Connection

_FIELDS = """
seq, sender, text, buttons, image, custom, attachments, location, at, delivery, delivery_reason, delivered_at, understood
"""
_EDITS_SEEN = 100
"""Messages back from the newest one in which new words of the customer's are looked for."""

_BEFORE = f"""
SELECT {_FIELDS} FROM hub.messages WHERE conversation_id = %(id)s AND (%(before)s::int IS NULL OR seq < %(before)s)
ORDER BY seq DESC LIMIT %(limit)s
"""
_AFTER = f"""
SELECT {_FIELDS} FROM hub.messages WHERE conversation_id = %(id)s
    AND (seq > %(after)s OR seq = ANY(%(again)s) OR (custom ? 'edits' AND seq > %(after)s - {_EDITS_SEEN}))
ORDER BY seq LIMIT %(limit)s
"""

_FINAL = {"delivered", "failed", None}
"""What a delivery rests in; `sent` may still become delivered or fail where the platform reports later."""

_REASONS = {
    "unfollowed": "客户已取消关注公众号",
    "blocked": "客户已停用或屏蔽了机器人",
    "gave_up": "多次重试都没有发出，等客户下次发消息时再送",
    "stale_epoch": "人工接管后，助手的旧消息不再发出",
    "45015": "超过 48 小时没有互动，要等客户下次发消息",
    "45047": "这个窗口的条数已用完，要等客户下次发消息",
    "no_window": "没有可用的发送窗口，要等客户下次发消息",
    "notice_sent": "已用服务通知提醒客户，全文等客户下次发消息时送出",
    "notice_delivered": "服务通知客户已收到，全文等客户下次发消息时送出",
    "notice_unconfirmed": "服务通知不确定是否送达，全文等客户下次发消息时送出",
    "notice_failed": "服务通知没有送达，要等客户下次发消息",
}


async def before(connection: Connection, conversation_id: str, seq: int | None, limit: int) -> list[dict[str, Any]]:
    """The last `limit` messages before `seq`, oldest first."""
    rows = await connection.execute(_BEFORE, {"id": conversation_id, "before": seq, "limit": limit})
    return [shown(conversation_id, row) for row in reversed(await rows.fetchall())]


async def after(
    connection: Connection, conversation_id: str, seq: int, limit: int, *, again: Collection[int] = ()
) -> list[dict[str, Any]]:
    """The messages after `seq`, and as they are now those of the numbers `again` and the last edited ones, oldest first."""
    values = {"id": conversation_id, "after": seq, "again": list(again), "limit": limit}
    rows = await connection.execute(_AFTER, values)
    return [shown(conversation_id, row) for row in await rows.fetchall()]


async def unsettled(connection: Connection, conversation_id: str, until: int, limit: int) -> list[int]:
    """The last messages up to `until` whose delivery is not over yet."""
    rows = await connection.execute(
        "SELECT seq FROM hub.messages WHERE conversation_id = %s AND seq <= %s AND sender <> 'customer'"
        " AND delivery IN ('queued', 'sending', 'sent', 'parked', 'unconfirmed') ORDER BY seq DESC LIMIT %s",
        (conversation_id, until, limit),
    )
    return [row["seq"] for row in await rows.fetchall()]


async def last_seq(connection: Connection, conversation_id: str) -> int:
    """The number of the last message."""
    found = await connection.execute("SELECT last_seq FROM hub.conversations WHERE id = %s", (conversation_id,))
    row = await found.fetchone()
    return int(row["last_seq"]) if row else 0


def state(message: dict[str, Any]) -> tuple[Any, int]:
    """What changes of a shown message: its delivery, and how often the customer gave it other words."""
    return message["delivery"], len(message["edited"])


def comes_again(message: dict[str, Any]) -> bool:
    """Whether `after` has it again: its delivery is not over yet, or it was edited."""
    delivery = message["delivery"]
    return bool(message["edited"]) or (delivery is not None and delivery["state"] not in _FINAL)


def shown(conversation_id: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row as the desk's page gets it."""
    custom = row["custom"] or {}
    return {
        "seq": row["seq"],
        "from": row["sender"],
        "agent": custom.get("agent"),
        "text": row["text"],
        "edited": custom.get("edits") or [],
        "buttons": [str(button.get("title", "")) for button in row["buttons"] or []],
        "image": row["image"],
        "card": custom.get("card"),
        "attachments": [attachment(conversation_id, file) for file in row["attachments"] or []],
        "location": row["location"],
        "at": row["at"].isoformat(),
        "delivery": _delivery(row),
        "understood": _understood(row["understood"]),
        "knowledge": _knowledge(custom.get("knowledge")),
    }


def attachment(conversation_id: str, file: dict[str, Any]) -> dict[str, Any]:
    """A file with addresses that open it to whoever may see the conversation; one that another system keeps has its own."""
    address = str(file.get("url") or "")
    if address.startswith("/api/web/uploads/"):
        address = f"/api/desk/v1/conversations/{conversation_id}/files/{file['id']}"
    return {
        "id": file["id"],
        "content_type": file.get("content_type"),
        "width": file.get("width"),
        "height": file.get("height"),
        "url": address,
        "thumbnail_url": f"{address}/thumbnail" if file.get("width") else None,
    }


def _delivery(row: dict[str, Any]) -> dict[str, Any] | None:
    """How far a message of ours has come; None for the customer's, and where he fetches the stream himself."""
    if row["sender"] == "customer":
        return None
    state = row["delivery"] or ("delivered" if row["delivered_at"] else None)
    return {"state": state, "reason": _reason(row["delivery_reason"])} if state else None


def _reason(code: str | None) -> str | None:
    if code is None:
        return None
    return next((words for known, words in _REASONS.items() if known in code), "平台没有收下这条消息")


def _understood(stored: dict[str, Any] | None) -> dict[str, Any] | None:
    if not stored or not stored.get("intent"):
        return None
    return {name: stored.get(name) for name in ("intent", "confidence", "emotion")}


def _knowledge(stored: Any) -> dict[str, Any] | None:
    if not isinstance(stored, dict) or not stored.get("topic"):
        return None
    return {"topic": stored["topic"], "version": stored.get("version")}
