"""What staff should look at in a claim report: gathered while it is taken down, noted with the claim, never told to the customer."""

from __future__ import annotations

import asyncio
import logging
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from actions.claim_answers import occurred
from actions.claim_scene import told
from actions.nodes import Draft
from actions.services import backoffice
from actions.turn import Turn
from chebao.errors import ChebaoError
from chebao.insurance import fraud

logger = logging.getLogger(__name__)

_TOLD: Final = "told_before"
"""Key of the draft: field → the values that it had, the last one its present one."""

_WATCHED: Final = ("occurred_at", "place")


async def remember(turn: Turn, draft: Draft) -> None:
    """Keeps what time and place were told to be, so that corrections can be counted."""
    before = draft.get(_TOLD) or {}
    draft[_TOLD] = {
        name: [*before.get(name, []), draft[name]]
        if name in draft and draft[name] not in before.get(name, [])[-1:]
        else before.get(name, [])
        for name in _WATCHED
    }


def _corrections(before: dict[str, list[Any]]) -> int:
    """How often time or place was told otherwise; one that was only told more exactly is the same."""
    times = [datetime.fromisoformat(value["at"]) for value in before.get("occurred_at", ())]
    moved = sum(abs(one - next_) > timedelta(hours=1) for one, next_ in pairwise(times))
    places = [str(value) for value in before.get("place", ())]
    return moved + sum(one not in next_ and next_ not in one for one, next_ in pairwise(places))


async def look_up(turn: Turn, draft: Draft) -> dict[str, Any]:
    """What the insurer's files tell of the car, for the signs alone; a report does not wait for it."""
    if not draft.get("plate"):
        return {}
    try:
        policies, claims = await asyncio.gather(
            backoffice().policies(plate=draft["plate"]), backoffice().claims(plate=draft["plate"])
        )
    except ChebaoError as error:
        logger.warning("signs of a report are looked for without the files: %s", type(error).__name__)
        return {}
    day = occurred(draft).date()
    near = [
        row
        for row in policies
        if row["start"] <= (day + timedelta(days=7)).isoformat() and row["end"] > day.isoformat()
    ]
    last = max(near, key=lambda row: str(row["start"]), default=None)
    reported = [date.fromisoformat(row["reported"]) for row in claims if row.get("reported")]
    return {
        "policy_start": _first_start(policies, last) if last else None,
        "policy_end": last["end"] if last else None,
        "claims_last_month": sum(turn.now.date() - at <= timedelta(days=30) for at in reported),
        "claims_last_12m": sum(turn.now.date() - at <= timedelta(days=365) for at in reported),
    }


def _first_start(policies: list[dict[str, Any]], last: dict[str, Any]) -> str:
    """Since when the car is covered without a gap: a renewal is no new cover."""
    start = str(last["start"])
    for row in sorted(policies, key=lambda row: str(row["start"]), reverse=True):
        if row["kind"] == last["kind"] and row["start"] < start <= row["end"]:
            start = str(row["start"])
    return start


def signs(draft: Draft, reported_at: datetime) -> tuple[fraud.Sign, ...]:
    """The signs in what is known so far."""
    files, before = draft.get("files") or {}, draft.get(_TOLD) or {}
    day = {
        name: date.fromisoformat(files[name]) if files.get(name) else None for name in ("policy_start", "policy_end")
    }
    return fraud.signs(
        fraud.ReportFacts(
            description=told(draft),
            accident_type=draft.get("accident_type"),
            occurred_at=occurred(draft) if "occurred_at" in draft else None,
            reported_at=reported_at,
            policy_start=day["policy_start"],
            policy_end=day["policy_end"],
            injury=draft.get("injury") == "yes",
            drivable=draft.get("drivable") == "yes",
            police_reported=draft.get("police_reported") == "yes",
            occurred_changes=_corrections(before),
            claims_last_month=int(files.get("claims_last_month") or 0),
            claims_last_12m=int(files.get("claims_last_12m") or 0),
        )
    )
