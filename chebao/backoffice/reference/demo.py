"""The demo data: customers, cars, policies and claims of `demo_data.yml`, with days counted from the day of loading."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fastapi import APIRouter
from sqlalchemy import Table, delete, insert, select

from chebao.backoffice.reference import tables
from chebao.backoffice.reference.http import OfficeDep
from chebao.backoffice.reference.lists import not_found
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.insurance.dates import SHANGHAI

_FILE = Path(__file__).with_name("demo_data.yml")
_DAYS_OF_CLAIM = ("reported", "documents_complete", "decided", "agreed", "paid", "notice_sent")

router = APIRouter(tags=["demo"])


@router.post("/demo/reset")
async def reset(office: OfficeDep) -> Row:
    """Puts the demo data back and forgets answers, codes and locks; only in demo mode."""
    if not office.settings.demo:
        raise not_found()
    async with office.work() as work:
        await load(work)
    return {"status": "reset"}


async def load_if_empty(work: Work) -> None:
    """Loads the demo data into a database without customers."""
    await work.serialise("demo data")
    if await work.db.scalar(select(tables.customers.c.id).limit(1)) is None:
        await load(work)


async def load(work: Work) -> None:
    """Replaces everything by the demo data of today; numbers already given are not given again."""
    await work.serialise("demo data")
    for table in reversed(tables.metadata.sorted_tables):
        await work.db.execute(delete(table))
    for table, rows in demo_rows(work.today, work.now):
        await work.db.execute(insert(table), rows)


@cache
def _seed() -> dict[str, Any]:
    # BaseLoader keeps every figure as the text it is written as: money must never pass through a float.
    seed: dict[str, Any] = yaml.load(_FILE.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - builds strings only
    return seed


def demo_rows(today: date, now: datetime) -> list[tuple[Table, list[Row]]]:
    """The rows of every table, parents first."""
    seed = _seed()
    vehicles = [_vehicle(row, today) for row in seed["vehicles"]]
    policies = [_policy(row, today, now) for row in seed["policies"]]
    by_no = {row["policy_no"]: row for row in policies}
    phones = {row["id"]: row["phone"] for row in seed["customers"]}
    long_ago = _midnight(today - timedelta(days=400))
    return [
        (tables.branches, [{"city": city} for city in seed["branches"]]),
        (tables.surveyors, list(seed["surveyors"])),
        (tables.customers, [{**row, "created_at": long_ago} for row in seed["customers"]]),
        (tables.vehicles, [{**row, "created_at": long_ago} for row in vehicles]),
        (tables.policies, policies),
        (tables.platform_cars, [_platform_car(row, today) for row in seed["platform"]]),
        (tables.claims, [_claim(row, today, by_no, phones) for row in seed["claims"]]),
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def _day(today: date, offset: str | None) -> date | None:
    return today + timedelta(days=int(offset)) if offset is not None else None


def _vehicle(row: Row, today: date) -> Row:
    return {
        **row,
        "first_registered": _day(today, row["first_registered"]),
        "inspection_valid_until": _day(today, row["inspection_valid_until"]),
        "price": Decimal(row["price"]),
        "seats": int(row["seats"]),
    }


def _policy(row: Row, today: date, now: datetime) -> Row:
    start, end = today + timedelta(days=int(row["start"])), today + timedelta(days=int(row["end"]))
    counts = ("at_fault_last_term", "claim_free_years", "insured_years", "claims_last_3y")
    return {
        **{name: row[name] for name in ("policy_no", "customer", "plate", "kind")},
        **{name: int(row[name]) if name in row else None for name in counts},
        "status": "issued",
        "starts_at": _midnight(start),
        "ends_at": _midnight(end),
        "premium": Decimal(row["premium"]),
        "vehicle_tax": Decimal(row["vehicle_tax"]) if "vehicle_tax" in row else None,
        "covers": row.get("covers"),
        "created_at": min(_midnight(start), now),
    }


def _platform_car(row: Row, today: date) -> Row:
    counts = ("insured_years", "claims_last_3y", "at_fault_last_term", "claim_free_years")
    vehicle = {
        "vin": row["vin"],
        "model": row["model"],
        "first_registered": _day(today, row["first_registered"]),
        "seats": int(row["seats"]),
        "energy": row["energy"],
    }
    history = {
        **{name: int(row[name]) for name in counts if name in row},
        "previous_end": _day(today, row.get("previous_end")),
        "tax_arrears": row["tax_arrears"],
    }
    return {"plate": row["plate"], "vehicle": shown(vehicle), "history": shown(history)}


def _claim(row: Row, today: date, policies: dict[str, Row], phones: dict[str, str]) -> Row:
    policy = policies[row["policy_no"]]
    days = {name: _day(today, row.get(name)) for name in _DAYS_OF_CLAIM}
    amounts = {name: Decimal(row[name]) if name in row else None for name in ("assessed_amount", "paid_amount")}
    names = ("claim_no", "policy_no", "compulsory_policy_no", "status", "accident_type", "fault", "place", "reason")
    reported = days["reported"]
    assert reported is not None
    return {
        **{name: row.get(name) for name in (*names, "surveyor", "surveyor_phone")},
        **days,
        **amounts,
        "customer_id": policy["customer"],
        "plate": policy["plate"],
        "phone": phones[policy["customer"]],
        "occurred_at": _midnight(today + timedelta(days=int(row["occurred"]))),
        "occurred_precision": "day",
        "data": _claim_data(row, days),
        "created_at": _midnight(reported),
    }


def _claim_data(row: Row, days: dict[str, date | None]) -> Row:
    """The history as far as the demo data tell it: one step for each day they name."""
    steps = [
        ("reported", days["reported"]),
        ("documents_missing", days["notice_sent"] if row["status"] == "documents_missing" else None),
        ("loss_assessed", days["documents_complete"] if row["status"] != "refused" else None),
        ("agreed", days["agreed"]),
        ("refused", days["decided"] if row["status"] == "refused" else None),
        ("paid", days["paid"]),
    ]
    return {
        "history": [{"status": name, "at": shown(_midnight(day))} for name, day in steps if day is not None],
        "reports": [],
        "documents": [],
        "missing": row.get("missing", []),
        "disputes": [],
        "coverage_notice": None,
    }
