"""Tickets: opened, moved on and told of in steps; every change is a step, an event, and where marked a message to the customer.

All functions take a connection inside a transaction. Locks: the ticket's row, then the lock of the event stream.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chebao.db import Connection
from chebao.desk import clocks, events, hours, owners, ticket_rules, ticket_views
from chebao.desk.calendar import Calendar
from chebao.desk.ticket_rules import BY_HAND, CONTACTS, KINDS, SKILLS, STATES, Kind, Sign, State
from chebao.errors import InputRefused, NotFound, RuleForbids
from chebao.insurance.dates import SHANGHAI, local_day
from chebao.logs import line

log = logging.getLogger(__name__)

_FIRST_MOVE: Final = {1: timedelta(hours=4), 2: timedelta(hours=2), 3: timedelta()}
"""Working time in which a new ticket of a level is to be moved on, where nothing else is arranged."""


@dataclass(frozen=True)
class Ticket:
    """A ticket's row."""

    number: str
    kind: Kind
    level: int
    subject: str
    detail: str
    state: State
    owner_id: str | None
    about_agent_id: str | None
    next_action: str | None
    next_at: datetime | None
    conversation_id: str | None
    customer_id: str | None
    phone: str | None
    policy_no: str | None
    claim_no: str | None
    complaint_no: str | None
    resolution: str | None
    created_by: str
    created_at: datetime
    closed_at: datetime | None
    escalated_to: str | None
    origin: str | None

    @property
    def never(self) -> list[str]:
        """Who may not have it."""
        return [self.about_agent_id] if self.about_agent_id else []


_COLUMNS = ", ".join(Ticket.__dataclass_fields__)
_BY_NUMBER = f"SELECT {_COLUMNS} FROM desk.tickets WHERE number = %s FOR UPDATE"
_KNOWN = f"SELECT {_COLUMNS} FROM desk.tickets WHERE complaint_no = %(complaint_no)s OR origin = %(origin)s"
_NEXT_NUMBER = (
    "INSERT INTO desk.ticket_days (day, last) VALUES (%s, 1)"
    " ON CONFLICT (day) DO UPDATE SET last = desk.ticket_days.last + 1 RETURNING last"
)
_INSERT = (
    f"INSERT INTO desk.tickets ({_COLUMNS}) VALUES ({', '.join(f'%({name})s' for name in Ticket.__dataclass_fields__)})"
    f" ON CONFLICT DO NOTHING RETURNING {_COLUMNS}"
)
_STEP = "INSERT INTO desk.ticket_steps (number, actor, kind, text, tell) VALUES (%s, %s, %s, %s, %s) RETURNING id"


async def find(connection: Connection, number: str) -> Ticket:
    """The ticket, locked.

    Raises:
        NotFound: no such number.
    """
    row = await (await connection.execute(_BY_NUMBER, (number.strip().upper(),))).fetchone()
    if row is None:
        raise NotFound("没有这个工单。")
    return Ticket(**row)


async def open_ticket(
    connection: Connection,
    *,
    kind: Kind,
    subject: str,
    created_by: str,
    detail: str = "",
    level: int | None = None,
    signs: frozenset[Sign] = frozenset(),
    conversation_id: str | None = None,
    customer_id: str | None = None,
    phone: str | None = None,
    policy_no: str | None = None,
    claim_no: str | None = None,
    complaint_no: str | None = None,
    about_agent_id: str | None = None,
    owner_id: str | None = None,
    next_action: str | None = None,
    next_at: datetime | None = None,
    origin: str | None = None,
    received_at: datetime | None = None,
    told: str | None = None,
) -> Ticket:
    """Opens a ticket with owner, clocks and first step; a second one for the same complaint or origin is the first.

    Args:
        level: at least this; the table may say more.
        signs: what was noticed beside the words.
        owner_id: who is to have it, where that is already known.
        next_at: when it must be moved on; for a call-back the arranged time.
        origin: what it came from, once: ``appointment:AP2026000001``.
        received_at: since when the clocks run, where that was earlier.
        told: what the customer hears of it.

    Raises:
        InputRefused: a kind that does not exist, or no subject.
        RuleForbids: the owner named is the person complained about.
    """
    if kind not in KINDS or not subject.strip():
        raise InputRefused("请选工单类型，并写明事由。")
    known = await _known(connection, complaint_no, origin)
    if known:
        return known
    now, calendar = datetime.now(UTC), await hours.calendar(connection)
    received = min(received_at or now, now)
    grave = max(level or 1, ticket_rules.level_of(kind, f"{subject} {detail}", signs))
    day = local_day(now)
    last = await _one(connection, _NEXT_NUMBER, (day,))
    ticket = Ticket(
        number=f"GD{day:%Y%m%d}{last['last']:04d}", kind=kind, level=grave, subject=subject.strip()[:120],
        detail=detail.strip()[:4000], state="open", owner_id=None, about_agent_id=about_agent_id,
        next_action=next_action or _first_action(kind, grave), next_at=next_at or calendar.add(now, _FIRST_MOVE[grave]),
        conversation_id=conversation_id, customer_id=customer_id, phone=phone, policy_no=policy_no, claim_no=claim_no,
        complaint_no=complaint_no, resolution=None, created_by=created_by, created_at=now, closed_at=None,
        escalated_to=None, origin=origin,
    )  # fmt: skip
    ticket = await _with_customer(connection, ticket)
    ticket = replace(ticket, owner_id=await fitting_owner(connection, ticket, owner_id))
    if await (await connection.execute(_INSERT, ticket.__dict__)).fetchone() is None:  # another process was first
        return await _known_surely(connection, complaint_no, origin)
    await clocks.start(connection, _clocks(ticket, received, calendar), number=ticket.number)
    await write_step(connection, ticket, created_by, "created", told or ticket.subject, tell=told is not None)
    await publish(connection, ticket.number, created_by)
    log.info(line("ticket_opened", ticket=ticket.number, kind=kind, level=grave, owner=ticket.owner_id))
    return ticket


async def _with_customer(connection: Connection, ticket: Ticket) -> Ticket:
    """Whose conversation it is, where the customer proved it there, so that he may ask for the ticket elsewhere."""
    found = await connection.execute(
        "SELECT customer_id, phone FROM hub.links WHERE conversation_id = %s", (ticket.conversation_id,)
    )
    known = await found.fetchone() or {}
    return replace(
        ticket,
        customer_id=ticket.customer_id or known.get("customer_id"),
        phone=ticket.phone or known.get("phone"),
    )


def _first_action(kind: Kind, level: int) -> str:
    if level == 3:
        return "主管立即联系客户"
    return "按约定时间回电" if kind == "callback" else "联系客户"


def _clocks(ticket: Ticket, received: datetime, calendar: Calendar) -> list[clocks.Clock]:
    """The clocks with which a ticket begins; those of its claim are kept with the claim."""
    if ticket.kind == "callback" and ticket.next_at:
        return [clocks.callback_clock(ticket.created_at, ticket.next_at)]
    begun = [clocks.service_clock(ticket.level, received, calendar)]
    if ticket.kind == "complaint":
        begun.append(clocks.complaint_clock(received, clocks.PERIODS[0 if ticket.level == 1 else 1]))
    return begun


async def _known(connection: Connection, complaint_no: str | None, origin: str | None) -> Ticket | None:
    if complaint_no is None and origin is None:
        return None
    values = {"complaint_no": complaint_no, "origin": origin}
    row = await (await connection.execute(_KNOWN, values)).fetchone()
    return Ticket(**row) if row else None


async def _known_surely(connection: Connection, complaint_no: str | None, origin: str | None) -> Ticket:
    known = await _known(connection, complaint_no, origin)
    assert known is not None
    return known


async def fitting_owner(connection: Connection, ticket: Ticket, wanted: str | None = None) -> str | None:
    """Who is to have the ticket: the one wanted if he may, else by the rules; None where nobody may.

    Raises:
        NotFound, RuleForbids: the one wanted may not.
    """
    if wanted is not None:
        await _check_owner(connection, ticket, wanted)
        return wanted
    never = ticket.never
    if ticket.kind == "complaint":
        never = [*never, *await owners.served(connection, ticket.conversation_id)]
    return await owners.choose(connection, skill=SKILLS[ticket.kind], supervisor=ticket.level == 3, never=never)


async def _check_owner(connection: Connection, ticket: Ticket, wanted: str) -> None:
    if wanted == ticket.about_agent_id:
        raise RuleForbids("投诉不能交给被投诉的同事处理，请换一位。", code="person_complained_about")
    found = await connection.execute("SELECT role FROM desk.agents WHERE id = %s AND NOT disabled", (wanted,))
    agent = await found.fetchone()
    if agent is None:
        raise NotFound("没有这位同事，或者账号已停用。")
    if ticket.level == 3 and agent["role"] == "agent":
        raise RuleForbids("3 级工单由主管处理。", code="supervisor_needed")


# --- steps ----------------------------------------------------------------------------------------------------------


async def add_step(connection: Connection, number: str, actor: str, kind: str, text: str, *, tell: bool = False) -> int:
    """Writes what was done or said; with `tell` the customer hears it. Returns the step's id.

    Raises:
        InputRefused: a kind that is not written by hand, or no words.
        RuleForbids: the ticket is closed.
    """
    if kind not in BY_HAND or not text.strip():
        raise InputRefused("请选步骤类型，并写明内容。")
    ticket = await find(connection, number)
    if ticket.state == "closed":
        raise RuleForbids("工单已关闭，请先重新打开。", code="ticket_closed")
    if tell and ticket.conversation_id is None:
        raise RuleForbids("这个工单没有关联会话，无法发给客户，请电话联系。", code="no_conversation")
    step = await write_step(connection, ticket, actor, kind, text.strip()[:2000], tell=tell)
    await publish(connection, ticket.number, actor)
    return step


async def write_step(
    connection: Connection, ticket: Ticket, actor: str, kind: str, text: str, *, tell: bool = False
) -> int:
    """A step; one by which the customer hears from a colleague keeps the service promise."""
    tell = tell and ticket.conversation_id is not None
    row = await _one(connection, _STEP, (ticket.number, actor, kind, text, tell))
    if (kind in CONTACTS or tell) and await _is_person(connection, actor):
        kept = [clocks.SERVICE, clocks.CALLBACK] if kind in CONTACTS else [clocks.SERVICE]
        await clocks.stop(connection, ticket.number, datetime.now(UTC), names=kept)
    return int(row["id"])


async def _is_person(connection: Connection, actor: str) -> bool:
    return await (await connection.execute("SELECT 1 FROM desk.agents WHERE id = %s", (actor,))).fetchone() is not None


# --- changes --------------------------------------------------------------------------------------------------------

_CHANGEABLE: Final = frozenset(
    {"state", "owner_id", "level", "next_action", "next_at", "resolution", "about_agent_id", "policy_no", "claim_no"}
)


async def change(connection: Connection, number: str, actor: str, wanted: Mapping[str, Any]) -> Ticket:
    """Changes a ticket; each change is a step, and the customer hears of those that concern him.

    Raises:
        InputRefused: a field that cannot be changed.
        RuleForbids: a move that does not exist, or an owner who may not have it.
    """
    unknown = sorted(set(wanted) - _CHANGEABLE)
    if unknown:
        raise InputRefused("这些内容不能修改。", detail={"fields": unknown})
    before = await find(connection, number)
    after = replace(before, **{name: wanted[name] for name in wanted})
    if after.level not in (1, 2, 3):
        raise InputRefused("级别是 1、2 或 3。")
    await _check_change(connection, before, after)
    after = await _with_right_owner(connection, before, after)
    after = await _write(connection, before, after)
    await _write_steps(connection, before, after, actor)
    await publish(connection, after.number, actor)
    return after


async def _check_change(connection: Connection, before: Ticket, after: Ticket) -> None:
    if after.state != before.state:
        ticket_rules.check_move(before.state, after.state, resolution=after.resolution)
    elif before.state == "closed":
        raise RuleForbids("工单已关闭，请先重新打开。", code="ticket_closed")
    if after.owner_id and after.owner_id != before.owner_id:
        await _check_owner(connection, after, after.owner_id)


async def _with_right_owner(connection: Connection, before: Ticket, after: Ticket) -> Ticket:
    """Somebody else where the owner turns out to be the person complained about, or the level became a supervisor's."""
    raised = after.level == 3 and before.level != 3
    if after.owner_id != before.owner_id or not (raised or after.owner_id == after.about_agent_id):
        return after
    return replace(after, owner_id=await fitting_owner(connection, after, None))


async def _write(connection: Connection, before: Ticket, after: Ticket) -> Ticket:
    if after.state != before.state:
        after = replace(after, closed_at=datetime.now(UTC) if after.state == "closed" else None)
    changed = {
        name: getattr(after, name)
        for name in Ticket.__dataclass_fields__
        if getattr(after, name) != getattr(before, name)
    }
    if changed:
        names = "".join(f"{name} = %({name})s, " for name in changed)
        update = f"UPDATE desk.tickets SET {names}changed_at = now() WHERE number = %(number)s"
        await connection.execute(update, changed | {"number": after.number})
    return after


async def _write_steps(connection: Connection, before: Ticket, after: Ticket, actor: str) -> None:
    """What was changed, one step each, with the clocks that follow from it."""
    if after.state != before.state:
        await _moved(connection, before, after, actor)
    if after.owner_id != before.owner_id:
        await write_step(connection, after, actor, "assigned", await name_of(connection, after.owner_id))
    if after.level != before.level:
        await write_step(connection, after, actor, "changed", f"级别改为 {after.level} 级")
        await _promise_anew(connection, after)
    if after.next_action != before.next_action:
        await write_step(connection, after, actor, "changed", f"下一步：{after.next_action or '无'}")
    if after.kind == "callback" and after.next_at and after.next_at != before.next_at:
        anew = clocks.callback_clock(datetime.now(UTC), after.next_at)
        await clocks.start(connection, [anew], number=after.number)
        await write_step(connection, after, actor, "changed", f"回电时间改到 {say_time(after.next_at)}", tell=True)


async def _moved(connection: Connection, before: Ticket, after: Ticket, actor: str) -> None:
    """Step, clocks and words of a new state."""
    number, now = after.number, datetime.now(UTC)
    if after.state == "resolved":
        await write_step(connection, after, actor, "resolved", f"处理结果：{after.resolution}", tell=True)
        await clocks.stop(connection, number, now)
    elif before.state in ("resolved", "closed") and after.state == "working":
        await clocks.resume(connection, number)
        await write_step(connection, after, actor, "reopened", "已重新打开，会继续为您处理", tell=True)
    elif before.state == "open" and after.state == "working":
        name = await name_of(connection, after.owner_id)
        await write_step(connection, after, actor, "state", f"已由客服{name}跟进处理，有结果会马上告诉您", tell=True)
    else:
        await write_step(connection, after, actor, "state", STATES[after.state])


async def _promise_anew(connection: Connection, ticket: Ticket) -> None:
    """The service promise of another level, where nobody has kept it yet."""
    running = await connection.execute(
        "SELECT started_at FROM desk.clocks WHERE number = %s AND name = %s AND stopped_at IS NULL",
        (ticket.number, clocks.SERVICE),
    )
    row = await running.fetchone()
    if row:
        anew = clocks.service_clock(ticket.level, row["started_at"], await hours.calendar(connection))
        await clocks.start(connection, [anew], number=ticket.number)


# --- events ---------------------------------------------------------------------------------------------------------


async def publish(connection: Connection, number: str, actor: str) -> None:
    """Tells the desk of the ticket's present row; one that is closed then leaves the desk."""
    body = await ticket_views.body(connection, number)
    await events.publish(connection, "ticket", number, body, actor)
    if body["state"] == "closed":
        await events.publish(connection, "ticket", number, None, actor)


async def name_of(connection: Connection, agent_id: str | None) -> str:
    row = await (await connection.execute("SELECT name FROM desk.agents WHERE id = %s", (agent_id,))).fetchone()
    return row["name"] if row else ""


async def _one(connection: Connection, statement: str, values: Any) -> dict[str, Any]:
    row = await (await connection.execute(statement, values)).fetchone()
    assert row is not None
    return row


def say_time(at: datetime) -> str:
    """``11月23日 10:00``."""
    local = at.astimezone(SHANGHAI)
    return f"{local.month}月{local.day}日 {local:%H:%M}"
