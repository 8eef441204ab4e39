"""Lists and single look-ups: one access rule for all, so that unknown and someone else's look the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, Table, select

from chebao.backoffice.reference.http import Filters
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import NotFound
from chebao.insurance.plate import normalise_plate

Condition = Callable[[str], ColumnElement[bool]]
Shape = Callable[[RowMapping], Row]


def clean_plate(plate: str) -> str:
    """The plate as we store it; one that is no plate is only tidied (new cars, odd data)."""
    return normalise_plate(plate) or plate.replace(" ", "").upper()


def not_found(what: str = "相关信息") -> NotFound:
    """The one sentence for unknown and for someone else's."""
    return NotFound(f"没有查到{what}，请核对后再试。")


def equals(column: ColumnElement[Any]) -> Condition:
    """A filter by equality."""
    return lambda value: column == value


async def page(
    work: Work,
    table: Table,
    filters: Filters,
    known: Mapping[str, Condition],
    shape: Shape,
    *where: ColumnElement[bool],
) -> Row:
    """One page, newest first. `known` names the filters of this resource; the others are ignored.

    A resource without ``as_customer`` in `known` would leak to customers, so that name must be there.
    """
    query: Select[Any] = select(table).where(*where)
    for name, condition in {"as_customer": known["as_customer"], **known}.items():
        value = getattr(filters, name)
        if value:
            query = query.where(condition(clean_plate(value) if name == "plate" else value.strip()))
    query = query.order_by(table.c.created_at.desc(), table.c.seq.desc()).limit(filters.limit).offset(filters.offset)
    found = (await work.db.execute(query)).mappings().all()
    return {"items": [shown(shape(row)) for row in found]}


async def one(
    work: Work,
    table: Table,
    condition: ColumnElement[bool],
    owner: ColumnElement[Any],
    as_customer: str | None,
    *,
    what: str = "相关信息",
    lock: bool = False,
) -> RowMapping:
    """One row that `as_customer` may see, locked for a change if asked.

    Raises:
        NotFound: unknown, or somebody else's.
    """
    query = select(table).where(condition)
    if as_customer:
        query = query.where(owner == as_customer)
    if lock:
        query = query.with_for_update()
    row = (await work.db.execute(query)).mappings().one_or_none()
    if row is None:
        raise not_found(what)
    return row
