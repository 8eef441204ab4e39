"""Policies: rows, look-ups, and what the latest ones of a car tell about its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from sqlalchemy import RowMapping, func, select

from chebao.backoffice.reference.http import AsCustomer, FiltersDep, OfficeDep
from chebao.backoffice.reference.lists import Condition, equals, one, page
from chebao.backoffice.reference.tables import customers, policies
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import RuleForbids
from chebao.insurance.dates import local_day, one_year_after
from chebao.insurance.start_rules import midnight, too_early

IN_FORCE = "issued"
"""The status of a policy from issue on; whether its time has come or gone follows from its days, never from the row."""

router = APIRouter(prefix="/policies", tags=["policies"])

_SHOWN = tuple(c.name for c in policies.c if c.name not in ("data", "seq"))
_FILTERS: dict[str, Condition] = {
    "plate": equals(policies.c.plate),
    "policy_no": equals(policies.c.policy_no),
    "customer_id": equals(policies.c.customer),
    "as_customer": equals(policies.c.customer),
    "status": equals(policies.c.status),
    "phone": lambda phone: policies.c.customer.in_(select(customers.c.id).where(customers.c.phone == phone)),
}


@router.get("")
async def list_policies(office: OfficeDep, filters: FiltersDep) -> Row:
    """Policies, newest first."""
    async with office.work() as work:
        return await page(work, policies, filters, _FILTERS, policy_row)


@router.get("/{policy_no}")
async def get_policy(policy_no: str, office: OfficeDep, as_customer: AsCustomer = None) -> Row:
    """One policy."""
    async with office.work() as work:
        return row_shown(await access_policy(work, policy_no, as_customer))


async def access_policy(work: Work, policy_no: str, as_customer: str | None, *, lock: bool = False) -> RowMapping:
    """The policy that this customer may see."""
    condition = policies.c.policy_no == policy_no.replace(" ", "").upper()
    return await one(work, policies, condition, policies.c.customer, as_customer, what="这份保单", lock=lock)


def policy_row(found: RowMapping) -> Row:
    """The row as the API shows it: the demo data's names plus status and moments."""
    row: Row = {name: found[name] for name in _SHOWN}
    row |= {
        "customer_id": found["customer"],
        "start": local_day(found["starts_at"]),
        "end": local_day(found["ends_at"]),
    }
    return {**row, **found["data"]}


def row_shown(found: RowMapping) -> Row:
    """JSON-ready policy row."""
    shown_row: Row = shown(policy_row(found))
    return shown_row


@dataclass(frozen=True)
class Holding:
    """The latest policies of one car with us; either may be None."""

    compulsory: RowMapping | None
    commercial: RowMapping | None

    @property
    def any(self) -> bool:
        """Whether we know the car from a policy."""
        return self.compulsory is not None or self.commercial is not None

    def end(self, kind: str) -> date | None:
        """First day without that part's cover."""
        part: RowMapping | None = getattr(self, kind)
        return local_day(part["ends_at"]) if part is not None else None

    @property
    def last_end(self) -> date | None:
        """The later of the two ends."""
        ends = [end for end in (self.end("compulsory"), self.end("commercial")) if end]
        return max(ends, default=None)

    def known(self, kind: str, name: str, default: Any = None) -> Any:
        """A value of one part, or the default where part or value is missing."""
        part: RowMapping | None = getattr(self, kind)
        return default if part is None or part[name] is None else part[name]


async def holding_of(work: Work, plate: str, customer_id: str | None = None) -> Holding:
    """The latest issued policies of a car, of one customer if named."""
    found: dict[str, RowMapping] = {}
    query = select(policies).where(policies.c.plate == plate, policies.c.status == IN_FORCE)
    if customer_id:
        query = query.where(policies.c.customer == customer_id)
    for row in (await work.db.execute(query.order_by(policies.c.ends_at))).mappings():
        found[row["kind"]] = row
    return Holding(found.get("compulsory"), found.get("commercial"))


async def in_force_at(work: Work, plate: str, moment: datetime) -> Holding:
    """The policies of a car that covered a moment."""
    query = select(policies).where(
        policies.c.plate == plate,
        policies.c.status == IN_FORCE,
        policies.c.starts_at <= moment,
        policies.c.ends_at > moment,
    )
    found = {row["kind"]: row for row in (await work.db.execute(query)).mappings()}
    return Holding(found.get("compulsory"), found.get("commercial"))


def term_of(start: datetime) -> tuple[datetime, datetime]:
    """One-year term from a start; its end is exclusive."""
    return start, midnight(one_year_after(local_day(start)))


async def check_overlap(work: Work, plate: str | None, terms: Mapping[str, tuple[datetime, datetime]]) -> None:
    """No new term may share time with an issued policy of the same kind, whoever holds it.

    Raises:
        RuleForbids: `too_early` when that cover ends after the renewal window, else `overlap`.
    """
    if not plate:
        return
    for kind, (start, end) in terms.items():
        query = select(func.max(policies.c.ends_at)).where(
            policies.c.plate == plate,
            policies.c.kind == kind,
            policies.c.status == IN_FORCE,
            policies.c.starts_at < end,
            policies.c.ends_at > start,
        )
        held_until = await work.db.scalar(query)
        if held_until is None:
            continue
        if too_early(local_day(held_until), work.today):
            raise RuleForbids("这辆车现有的保障还有较长时间才到期，现在还不能续保。", code="too_early")
        raise RuleForbids("这辆车在这段时间已经有同类保障，不用重复投保。", code="overlap", detail={"kind": kind})


def covers_of(part: RowMapping | None) -> dict[str, Decimal | bool]:
    """A commercial policy's covers as the rules take them."""
    if part is None or not part["covers"]:
        return {}
    return {code: value if isinstance(value, bool) else Decimal(str(value)) for code, value in part["covers"].items()}
