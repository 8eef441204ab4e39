"""Tickets as the desk sees them: rows of state and events, lists, one in full, and what must move today ("事不过夜").

A row holds nothing that changes by itself: shares of clocks are those last warned of, `overdue` follows them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol

from chebao.db import Connection
from chebao.desk import clocks
from chebao.desk.ticket_rules import KINDS, SKILLS, STATES, STEPS
from chebao.errors import NotFound
from chebao.insurance.dates import SHANGHAI, local_day
from chebao.insurance.masking import mask_phone

type View = Literal["mine", "today", "all", "overdue", "closed"]
type Row = dict[str, Any]

_ROW: Final = (
    "SELECT t.number, t.kind, t.level, t.subject, t.state, t.owner_id, o.name AS owner_name, t.next_action, t.next_at,"
    " t.conversation_id, t.policy_no, t.claim_no, t.complaint_no, t.created_at, t.created_by, t.about_agent_id, t.escalated_to"
    " FROM desk.tickets t LEFT JOIN desk.agents o ON o.id = t.owner_id"
)
_PLAIN: Final = (
    "number", "kind", "level", "subject", "state", "owner_id", "owner_name", "next_action", "conversation_id",
    "policy_no", "claim_no", "complaint_no", "created_by", "about_agent_id", "escalated_to",
)  # fmt: skip

_RUNNING: Final = (
    "SELECT 1 FROM desk.clocks c WHERE (c.number = t.number OR (c.number IS NULL AND c.claim_no = t.claim_no))"
    " AND c.stopped_at IS NULL AND c.due_at <="
)
_VIEWS: Final[Mapping[View, str]] = {
    "mine": "t.state <> 'closed' AND %(agent)s IN (t.owner_id, t.escalated_to)",
    "all": "t.state <> 'closed'",
    "closed": "t.state = 'closed'",
    "overdue": f"t.state <> 'closed' AND EXISTS ({_RUNNING} %(now)s)",
    "today": f"t.state IN ('open', 'working', 'waiting') AND (t.next_at <= %(evening)s OR EXISTS ({_RUNNING} %(evening)s))",
}
# As `visible`: an agent sees his own, what he opened, and what nobody has yet of his skills; never what is about him.
_MAY_SEE: Final = (
    "(t.about_agent_id IS DISTINCT FROM %(viewer)s AND (%(sees_all)s OR %(viewer)s IN (t.owner_id, t.escalated_to, t.created_by)"
    " OR (t.owner_id IS NULL AND t.kind = ANY(%(kinds)s))))"
)
_FITS: Final = "(t.number = upper(%(q)s) OR t.complaint_no = upper(%(q)s) OR t.claim_no = upper(%(q)s) OR t.policy_no = upper(%(q)s) OR strpos(t.subject, %(q)s) > 0)"


class Viewer(Protocol):
    """Who looks: an agent, or another program, whose role is not ``agent``."""

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def skills(self) -> Sequence[str]: ...


def visible(viewer: Viewer, body: Mapping[str, Any]) -> bool:
    """Whether somebody may see a ticket's row."""
    if body["about_agent_id"] == viewer.id:
        return False
    if viewer.role != "agent" or viewer.id in (body["owner_id"], body["escalated_to"], body["created_by"]):
        return True
    return body["owner_id"] is None and SKILLS[body["kind"]] in viewer.skills


async def body(connection: Connection, number: str) -> Row:
    """A ticket's row for state and events.

    Raises:
        NotFound: no such number.
    """
    rows = await _bodies(connection, "t.number = %(number)s", {"number": number.strip().upper()})
    if not rows:
        raise NotFound("没有这个工单。")
    return rows[0]


async def open_rows(connection: Connection) -> dict[str, Row]:
    """All tickets that are not closed, by number: the desk's state."""
    return {row["number"]: row for row in await _bodies(connection, "t.state <> 'closed'", {})}


async def of_conversation(connection: Connection, conversation_ids: Sequence[str], viewer: Viewer) -> list[Row]:
    """The tickets of a customer's conversations that the agent may see, the newest first."""
    where = f"t.conversation_id = ANY(%(conversations)s) AND {_MAY_SEE} ORDER BY t.created_at DESC LIMIT 20"
    return await _bodies(connection, where, {"conversations": list(conversation_ids), **_values(viewer)})


async def rows(
    connection: Connection,
    viewer: Viewer,
    view: View,
    *,
    q: str = "",
    before: str | None = None,
    limit: int = 50,
) -> tuple[list[Row], str | None]:
    """A list of tickets, the newest first, of those the agent may see; and the number to go on before, if there are more.

    Args:
        q: a number of ticket, complaint, claim or policy, or words of the subject.
    """
    where = f"{_VIEWS[view]} AND {_MAY_SEE}"
    values = {**_values(viewer), **_times(), "q": q.strip(), "before": before, "limit": limit + 1}
    if q.strip():
        where += f" AND {_FITS}"
    if before:
        where += " AND t.number < %(before)s"
    found = await _bodies(connection, f"{where} ORDER BY t.number DESC LIMIT %(limit)s", values)
    return found[:limit], found[limit - 1]["number"] if len(found) > limit else None


async def due_today(connection: Connection, viewer: Viewer, *, mine: bool) -> list[Row]:
    """What must move before the day is over, the most urgent first: next action or a clock due today, or overdue.

    Each row has `because`: the clock or action that is due, and `due_at`.
    """
    where = f"{_VIEWS['today']} AND {_MAY_SEE}"
    if mine:
        where += f" AND {_VIEWS['mine']}"
    found = await _bodies(connection, where, {**_values(viewer), **_times()})
    for row in found:
        due = [(c["due_at"], c["name"]) for c in row["clocks"] if not c["stopped"]]
        if row["next_at"]:
            due.append((row["next_at"], row["next_action"] or "下一步"))
        row["due_at"], row["because"] = min(due)
    return sorted(found, key=lambda row: (row["due_at"], -row["level"], row["number"]))


async def full(connection: Connection, number: str) -> Row:
    """One ticket with all that its page shows; the phone is masked.

    Raises:
        NotFound: no such number.
    """
    shown = await body(connection, number)
    found = await connection.execute(
        "SELECT t.detail, t.phone, t.resolution, t.closed_at, t.changed_at, a.name AS about_agent_name"
        " FROM desk.tickets t LEFT JOIN desk.agents a ON a.id = t.about_agent_id WHERE t.number = %s",
        (shown["number"],),
    )
    more = await found.fetchone()
    assert more is not None
    return {
        **shown,
        **{name: more[name] for name in ("detail", "resolution", "about_agent_name")},
        "phone": mask_phone(more["phone"]) if more["phone"] else None,
        "closed_at": iso(more["closed_at"]),
        "changed_at": iso(more["changed_at"]),
        "steps": await _steps(connection, shown["number"]),
    }


async def _steps(connection: Connection, number: str) -> list[Row]:
    found = await connection.execute(
        "SELECT s.id, s.actor, a.name AS actor_name, s.kind, s.text, s.tell, s.told, s.at FROM desk.ticket_steps s"
        " LEFT JOIN desk.agents a ON a.id = s.actor WHERE s.number = %s ORDER BY s.id",
        (number,),
    )
    return [
        {
            **row,
            "label": STEPS.get(row["kind"], row["kind"]),
            "actor_name": row["actor_name"] or "系统",
            "at": iso(row["at"]),
        }
        for row in await found.fetchall()
    ]


async def _bodies(connection: Connection, where: str, values: Mapping[str, Any]) -> list[Row]:
    found = await (await connection.execute(f"{_ROW} WHERE {where}", values)).fetchall()
    running = await clocks.shown(connection, [row["number"] for row in found])
    return [_body(row, running[row["number"]]) for row in found]


def _body(row: Row, running: list[Row]) -> Row:
    return {
        **{name: row[name] for name in _PLAIN},
        "kind_label": KINDS[row["kind"]],
        "state_label": STATES[row["state"]],
        "next_at": iso(row["next_at"]),
        "created_at": iso(row["created_at"]),
        "clocks": running,
        "overdue": any(clock["share"] >= 1 and not clock["stopped"] for clock in running),
    }


def _values(viewer: Viewer) -> dict[str, Any]:
    kinds = [kind for kind, skill in SKILLS.items() if skill in viewer.skills]
    return {"viewer": viewer.id, "agent": viewer.id, "sees_all": viewer.role != "agent", "kinds": kinds}


def _times() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"now": now, "evening": clocks.end_of(local_day(now))}


def iso(moment: datetime | None) -> str | None:
    """As rows carry it: Shanghai time with offset."""
    return moment.astimezone(SHANGHAI).isoformat() if moment else None
