"""Dated reference tables: one CSV per subject, each row with `in_force_from` (ISO date) and `source`.

Marks in `source`: [V] read in the law, [S] secondary sources agree, [U] unverified, kept configurable.
Rows of the same key follow one another in time; the one in force is the latest that has begun.
"""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from pathlib import Path

from chebao.insurance.files import csv_rows

FOLDER = Path(__file__).parent

Row = dict[str, str]


@cache
def rows(table: str) -> tuple[Row, ...]:
    """All rows of a table in file order; callers must not change them."""
    return tuple(csv_rows(FOLDER / f"{table}.csv"))


@lru_cache(maxsize=1024)
def in_force(table: str, on: date, key: tuple[str, ...]) -> tuple[Row, ...]:
    """Rows in force on a day: for each value of the key columns the latest that has begun."""
    latest: dict[tuple[str, ...], Row] = {}
    for row in rows(table):
        if date.fromisoformat(row["in_force_from"]) > on:
            continue
        identity = tuple(row[column] for column in key)
        held = latest.get(identity)
        if held is None or row["in_force_from"] >= held["in_force_from"]:
            latest[identity] = row
    return tuple(latest.values())


def limit(name: str, on: date) -> int:
    """A figure of `limits.csv`, e.g. ``renewal_window_days``."""
    for row in in_force("limits", on, ("name",)):
        if row["name"] == name:
            return int(row["value"])
    raise LookupError(f"no limit {name} in force on {on}")
