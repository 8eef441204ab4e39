"""The state of an application: overall status, what can be paid now, the row that the API shows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, update

from chebao.backoffice.reference.tables import UNFINISHED, applications
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.insurance.dates import say_day
from chebao.insurance.money import ZERO

CASHIER_PATH = "/backoffice/v1/cashier"
WAITING = ("referred", "inspection_required")
"""States of the commercial part that wait for a person or an inspection."""

_SHOWN = tuple(c.name for c in applications.c if c.name not in ("car_key", "cashier_token", "data", "seq"))


async def save(work: Work, row: RowMapping, **values: Any) -> RowMapping:
    """Writes a transition and notes a new status in the history."""
    status = values.get("status")
    if status and status != row["status"]:
        data: Row = values.get("data", row["data"])
        noted = [*data["history_of_status"], {"status": status, "at": shown(work.now)}]
        values["data"] = {**data, "history_of_status": noted}
    changed = (
        update(applications)
        .where(applications.c.application_no == row["application_no"])
        .values(**values)
        .returning(applications)
    )
    saved: RowMapping = (await work.db.execute(changed)).mappings().one()
    return saved


def overall(compulsory: Row, commercial: Row | None) -> str:
    """Overall status of two parts: what waits for a person first, then what waits for money, then issued."""
    states = [part["status"] for part in (compulsory, commercial) if part is not None and part["status"] != "declined"]
    for status in (*WAITING, "awaiting_payment", "paid"):
        if status in states:
            return status
    return "issued"


def payable_parts(row: RowMapping) -> list[str]:
    """Parts that can be paid now."""
    if row["status"] not in UNFINISHED:
        return []
    parts = ("compulsory", "commercial")
    return [part for part in parts if row[part] is not None and row[part]["status"] == "awaiting_payment"]


def payable(row: RowMapping) -> Decimal:
    """What the cashier asks for now."""
    parts = payable_parts(row)
    total = sum((Decimal(row[part]["price"]) for part in parts), ZERO)
    return total + row["vehicle_tax"] if "compulsory" in parts else total


def total_of(compulsory: Row, commercial: Row | None, tax: Decimal) -> Decimal:
    """Compulsory part, tax, and the commercial part unless it waits or is declined."""
    total = Decimal(compulsory["price"]) + tax
    if commercial is not None and commercial["status"] not in (*WAITING, "declined"):
        total += Decimal(commercial["price"])
    return total


def application_row(found: RowMapping) -> Row:
    """The row as the API shows it. `total` is what the payment link asks for (or asked for), see `total_of`."""
    row: Row = {name: found[name] for name in _SHOWN}
    open_link = found["status"] in UNFINISHED or found["status"] == "issued"
    return {
        **found["data"],
        **row,
        "documents_missing": found["documents_missing"] or [],
        "pay_url": f"{CASHIER_PATH}/{found['cashier_token']}" if open_link else None,
        "payable": payable(found),
        "payment_lines": payment_lines(found),
    }


def payment_lines(row: RowMapping) -> list[Row]:
    """What is paid through the link, line by line."""
    lines: list[Row] = [{"name": "交强险", "amount": row["compulsory"]["price"]}]
    if row["vehicle_tax"]:
        lines.append({"name": "车船税（代收）", "amount": row["vehicle_tax"]})
    commercial = row["commercial"]
    if commercial is not None and commercial["status"] not in (*WAITING, "declined"):
        lines.append({"name": "商业险", "amount": commercial["price"]})
    return lines


def told_start(day: datetime) -> str:
    """`2026年11月23日零时` or to the minute for an immediate start."""
    return f"{say_day(day.date())}零时" if day.hour == day.minute == 0 else f"{say_day(day.date())}{day:%H:%M}"
