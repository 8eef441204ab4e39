"""What moves a ticket's times: longer legal periods, another call, a supervisor called in, an end that came by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from chebao.db import Connection
from chebao.desk import clocks, hours, owners
from chebao.desk.tickets import Ticket, change, find, fitting_owner, name_of, publish, say_time, write_step
from chebao.errors import InputRefused, RuleForbids
from chebao.insurance.clocks import due as legal_due
from chebao.insurance.dates import local_day, say_day

_AGAIN: Final = timedelta(hours=2)
"""Working time after which somebody who did not pick up is called again."""


async def extend(connection: Connection, number: str, actor: str, role: str, reason: str) -> Ticket:
    """Gives a complaint its next legal period, with notice to the customer: 30 days, then 30 more that a supervisor approves.

    Raises:
        RuleForbids: no complaint, no approval, too late, or nothing longer in the law.
    """
    ticket = await find(connection, number)
    running = await connection.execute(
        "SELECT started_at, due_at FROM desk.clocks WHERE number = %s AND name = %s AND stopped_at IS NULL",
        (ticket.number, clocks.COMPLAINT),
    )
    clock = await running.fetchone()
    if clock is None:
        raise RuleForbids("只有处理中的投诉可以延长期限。", code="no_legal_clock")
    if not reason.strip():
        raise InputRefused("请写明延长的理由，理由会告诉客户。")
    if clock["due_at"] < datetime.now(UTC):
        raise RuleForbids("期限已过，不能再延长，请马上处理。", code="overdue")
    rule = _longer(clock["started_at"], clock["due_at"])
    if rule == clocks.PERIODS[-1] and role not in ("supervisor", "admin"):
        raise RuleForbids("再延长三十日要由主管批准。", code="approval_needed")
    longer = clocks.complaint_clock(clock["started_at"], rule)
    await clocks.start(connection, [longer], number=ticket.number)
    until = say_day(local_day(longer.due_at))
    words = f"情况比较复杂，处理期限延长到{until}，原因：{reason.strip().rstrip('。')}。让您多等了，很抱歉"
    await write_step(connection, ticket, actor, "extended", words, tell=True)
    if ticket.conversation_id is None:
        await write_step(connection, ticket, "system", "untold", "没有关联会话，请电话把延长的期限告诉客户")
    await publish(connection, ticket.number, actor)
    return ticket


def _longer(received: datetime, due_at: datetime) -> str:
    for rule in clocks.PERIODS:
        if legal_due(rule, "complaint", local_day(received)).on > local_day(due_at):
            return rule
    raise RuleForbids("期限已经延长到法律允许的最长时间。", code="longest_period")


async def escalate(connection: Connection, number: str, why: str, *, actor: str = "clock") -> str | None:
    """Calls a supervisor to a ticket, once; returns who it is."""
    ticket = await find(connection, number)
    if ticket.escalated_to is None:
        chosen = await supervisor(connection, ticket)
        await connection.execute(
            "UPDATE desk.tickets SET escalated_to = %s, changed_at = now() WHERE number = %s", (chosen, number)
        )
        ticket = replace(ticket, escalated_to=chosen)
    await write_step(
        connection, ticket, actor, "escalated", f"{why}，已通知主管{await name_of(connection, ticket.escalated_to)}"
    )
    return ticket.escalated_to


async def supervisor(connection: Connection, ticket: Ticket) -> str | None:
    """The supervisor to call: the one who has it already, else the one with the fewest tickets."""
    found = await connection.execute(
        "SELECT id FROM desk.agents WHERE id = %s AND role = 'supervisor' AND NOT disabled", (ticket.owner_id,)
    )
    row = await found.fetchone()
    return row["id"] if row else await owners.choose(connection, skill="", supervisor=True, never=ticket.never)


async def warn(connection: Connection, number: str, text: str) -> None:
    """A step of the clocks' own, which the customer does not hear."""
    await write_step(connection, await find(connection, number), "clock", "warned", text)


async def tell(connection: Connection, number: str, text: str) -> None:
    """Something that the customer hears without a colleague having said it."""
    await write_step(connection, await find(connection, number), "system", "progress", text, tell=True)


async def missed(connection: Connection, number: str, actor: str, text: str) -> Ticket:
    """The customer did not pick up: he is called again, and hears when.

    Raises:
        RuleForbids: no call-back that is still to be made.
    """
    ticket = await find(connection, number)
    if ticket.kind != "callback" or ticket.state not in ("open", "working", "waiting"):
        raise RuleForbids("只有待打的回电可以记“未接通”。", code="no_callback")
    now = datetime.now(UTC)
    at = (await hours.calendar(connection)).add(now, _AGAIN)
    await write_step(connection, ticket, actor, "missed", text.strip() or "回电未接通")
    await connection.execute(
        "UPDATE desk.tickets SET next_at = %s, changed_at = now() WHERE number = %s", (at, ticket.number)
    )
    await clocks.start(connection, [clocks.callback_clock(now, at)], number=ticket.number)
    words = f"刚才给您回电没有接通，我们 {say_time(at)} 再打给您；想换时间，直接在这里说一声就行"
    await write_step(connection, ticket, "system", "progress", words, tell=True)
    await publish(connection, ticket.number, actor)
    return replace(ticket, next_at=at)


async def pass_on_all(connection: Connection, agent_id: str, actor: str) -> None:
    """The open tickets of somebody who has left become those of colleagues."""
    found = await connection.execute(
        "SELECT number FROM desk.tickets WHERE owner_id = %s AND state <> 'closed' ORDER BY number FOR UPDATE",
        (agent_id,),
    )
    for row in await found.fetchall():
        ticket = await find(connection, row["number"])
        await change(connection, ticket.number, actor, {"owner_id": await fitting_owner(connection, ticket)})


async def close_as(connection: Connection, number: str, actor: str, why: str) -> None:
    """Ends a ticket that something else has made needless; the customer hears nothing of it."""
    ticket = await find(connection, number)
    await connection.execute(
        "UPDATE desk.tickets SET state = 'closed', resolution = %s, closed_at = now(), changed_at = now() WHERE number = %s",
        (why, ticket.number),
    )
    await clocks.stop(connection, ticket.number, datetime.now(UTC))
    await write_step(connection, ticket, actor, "resolved", why)
    await publish(connection, ticket.number, actor)
