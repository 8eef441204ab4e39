"""Steps that several tests share."""

from __future__ import annotations

from typing import Any

ACKNOWLEDGED = {"version": "2026-01", "at_message_id": "m-1"}
OWNERS = {
    "京A12345": ("C001", "王建国", "13800000001", "北京"),
    "沪AD12345": ("C002", "李敏", "13800000002", "上海"),
    "粤B88K66": ("C003", "张志强", "13800000003", "深圳"),
    "川A6T88P": ("C004", "陈晓燕", "13800000004", "成都"),
    "苏A7B990": ("C005", "赵磊", "13800000005", "南京"),
    "浙A66K12": ("C006", "刘桂英", "13800000006", "杭州"),
}


async def quote(stand: Any, plate: str = "京A12345", **more: Any) -> dict[str, Any]:
    """A formal quote for a demo car by its owner."""
    customer, _, _, city = OWNERS[plate]
    body = {"plate": plate, "customer_id": customer, "city": city, "plan": "last_year", **more}
    found: dict[str, Any] = await stand.office.create_quote(body, stand.key())
    return found


async def apply(stand: Any, quoted: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The application that follows a quote of a demo car."""
    customer, name, phone, _ = OWNERS[quoted["plate"]]
    body = {
        "kind": "renewal",
        "quote_no": quoted["quote_no"],
        "policyholder": {"name": name, "phone": phone, "customer_id": customer},
        "clauses_acknowledged": ACKNOWLEDGED,
        "reference": "conversation-1",
        **more,
    }
    row: dict[str, Any] = await stand.office.create_application(body, stand.key())
    return row


def report(**more: Any) -> dict[str, Any]:
    """A claim report of demo customer C001."""
    return {
        "plate": "京A12345",
        "reporter": {"name": "王建国", "phone": "13800000001", "customer_id": "C001"},
        "occurred_precision": "minute",
        "place": "北京市海淀区北三环西路",
        "accident_type": "rear_end",
        "description": "前车急刹，没刹住",
        "injury": False,
        "reference": "conversation-1",
        **more,
    }
