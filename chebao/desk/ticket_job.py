"""What happens to tickets by itself: steps are told to customers, clocks are watched, records of the back office become tickets.

Everything stands in the database, so a restart goes on where the last process stopped: a step is told under its own key, a clock's
mark is taken once, a record has one ticket.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chebao import background
from chebao.backoffice.client import BackOffice
from chebao.conversations.api import Hub, Reply
from chebao.db import Connection, Pool, transaction
from chebao.desk import clocks, from_backoffice, ticket_rules, ticket_times, tickets
from chebao.errors import ChebaoError, NotFound, Unavailable
from chebao.logs import line

log = logging.getLogger(__name__)

_EVERY = 2.0
_SWEEP_EVERY = 60.0
_CLAIMS_EVERY = 600.0

_TO_TELL = (
    "SELECT s.id, s.kind, s.text, t.number, t.kind AS ticket_kind, t.complaint_no, t.conversation_id"
    " FROM desk.ticket_steps s JOIN desk.tickets t USING (number) WHERE s.tell AND NOT s.told ORDER BY s.id LIMIT 100"
)
_TICKETS_OF_CLAIM = (
    "SELECT number, kind FROM desk.tickets WHERE claim_no = %s AND state <> 'closed' ORDER BY number FOR UPDATE"
)

_ABOUT_CLAIMS = ("claim", "complaint")
"""Kinds of tickets that are warned of a claim's periods; others only show them."""

_HEARD: Mapping[str, Callable[[Connection, Mapping[str, Any]], Awaitable[object]]] = {
    "complaint_received": from_backoffice.complaint,
    "appointment_booked": from_backoffice.appointment,
    "claim_reported": from_backoffice.claim,
    "claim_status": from_backoffice.claim,
}
"""Event of the back office → what becomes of its record."""


class TicketJob:
    """The background work of tickets, in every process; what one has done the others find done.

    Args:
        office: the back office, where its records are to become tickets.
        every: seconds between two looks at steps and clocks.
    """

    def __init__(self, pool: Pool, hub: Hub, office: BackOffice, *, every: float = _EVERY) -> None:
        self._pool, self._hub, self._office, self._every = pool, hub, office, every
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to work in the background."""
        work: dict[str, tuple[Callable[[], Awaitable[None]], float]] = {
            "tell": (self.tell, self._every),
            "watch": (self.watch, self._every),
            "sweep": (self._sweep, _SWEEP_EVERY),
            "claims": (self._claims, _CLAIMS_EVERY),
        }
        self._tasks = [
            asyncio.create_task(self._repeat(name, do, every), name=f"tickets-{name}")
            for name, (do, every) in work.items()
        ]

    async def stop(self) -> None:
        await asyncio.gather(*(background.stop(task) for task in self._tasks))

    async def _repeat(self, name: str, do: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            try:
                await do()
            except ChebaoError as error:
                log.warning(line("tickets_paused", work=name, reason=error.code))
            except Exception:
                log.exception(line("tickets_failed", work=name))
            await asyncio.sleep(every)

    async def heard(self, kind: str, data: Mapping[str, Any], reference: str | None) -> None:
        """An event of the back office."""
        row = {**data, "reference": data.get("reference") or reference}
        if kind in ("claim_reported", "claim_status"):
            try:
                row = await self._office.claim(str(data["claim_no"]))
            except (NotFound, Unavailable) as error:  # the sweep looks again
                log.warning(line("claim_not_followed", event_kind=kind, reason=error.code))
                return
        work = _HEARD.get(kind)
        if work:
            async with transaction(self._pool) as connection:
                await work(connection, row)

    async def _sweep(self) -> None:
        await from_backoffice.sweep(self._pool, self._office)

    async def _claims(self) -> None:
        await from_backoffice.follow_claims(self._pool, self._office)

    # --- telling ----------------------------------------------------------------------------------------------------

    async def tell(self) -> None:
        """Says every step that is marked so, once, in order, where the customer wrote last."""
        async with self._pool.connection() as connection:
            steps = await (await connection.execute(_TO_TELL)).fetchall()
        for step in steps:
            words = ticket_rules.told(step["ticket_kind"], step["number"], step["complaint_no"], step["text"])
            try:
                await self._hub.notify(step["conversation_id"], Reply(text=words), key=f"ticket:{step['id']}")
            except NotFound:
                await self._untold(step["id"], step["number"])
                continue
            async with transaction(self._pool) as connection:
                await connection.execute("UPDATE desk.ticket_steps SET told = true WHERE id = %s", (step["id"],))

    async def _untold(self, step: int, number: str) -> None:
        """The conversation is gone: colleagues must find another way."""
        log.warning(line("ticket_step_untold", ticket=number, step=step))
        async with transaction(self._pool) as connection:
            ticket = await tickets.find(connection, number)
            await connection.execute("UPDATE desk.ticket_steps SET tell = false WHERE id = %s", (step,))
            await tickets.write_step(connection, ticket, "system", "untold", "会话已不存在，请电话联系客户")

    # --- watching ---------------------------------------------------------------------------------------------------

    async def watch(self, now: datetime | None = None) -> None:
        """Warns of clocks that passed 50, 80 or 100 % of their time; at 100 % a supervisor is called."""
        now = now or datetime.now(UTC)
        async with self._pool.connection() as connection:
            marks = await clocks.marks(connection, now)
        for mark in marks:
            try:
                await self._act_on(mark, now)
            except Exception:  # one ticket must not stop the clocks of all others
                log.exception(line("clock_mark_failed", clock=mark.clock_id, ticket=mark.number))

    async def _act_on(self, mark: clocks.Mark, now: datetime) -> None:
        if mark.name == clocks.CALLBACK and mark.number and mark.percent == 100:
            async with transaction(self._pool) as connection:
                await _follow_missed_call(connection, mark.number)
        async with transaction(self._pool) as connection:
            if mark.number:
                await _warn(connection, [mark.number], mark, now)
            else:
                await _warn_of_claim(connection, mark, now)


async def _warn(
    connection: Connection, numbers: list[str], mark: clocks.Mark, now: datetime, also_shown: Sequence[str] = ()
) -> None:
    """Takes the mark and says it in the tickets `numbers`; their rows change, and those of `also_shown`."""
    for number in numbers:
        await tickets.find(connection, number)
    if not await clocks.take(connection, mark):
        return
    words = f"{clocks.label(mark.name)}时限已用 {mark.percent}%，{clocks.left(mark.due_at, now)}"
    for number in numbers:
        if mark.percent == 100:
            await ticket_times.escalate(connection, number, words)
        else:
            await ticket_times.warn(connection, number, words)
    for number in [*numbers, *also_shown]:
        await tickets.publish(connection, number, "clock")


async def _warn_of_claim(connection: Connection, mark: clocks.Mark, now: datetime) -> None:
    """A legal period of a claim is running out: in its tickets; where it has none, from 80 % on one is opened."""
    found = await connection.execute(_TICKETS_OF_CLAIM, (mark.claim_no,))
    shown = {row["number"]: row["kind"] for row in await found.fetchall()}
    numbers = [number for number, kind in shown.items() if kind in _ABOUT_CLAIMS]
    others = [number for number in shown if number not in numbers]
    if numbers or mark.percent < 80:
        await _warn(connection, numbers, mark, now, others)
        return
    if not await clocks.take(connection, mark):
        return
    name = clocks.label(mark.name)
    await tickets.open_ticket(
        connection,
        kind="claim",
        subject=f"{mark.claim_no} {name}法定时限{'已过' if mark.percent == 100 else '将到'}",
        detail=f"{name}：最晚 {tickets.say_time(mark.due_at)}，{clocks.left(mark.due_at, now)}。",
        signs=frozenset({"legal_overdue" if mark.percent == 100 else "legal_due"}),
        claim_no=mark.claim_no,
        next_action="联系理赔员，推动案件",
        created_by="clock",
    )
    for number in others:
        await tickets.publish(connection, number, "clock")


async def _follow_missed_call(connection: Connection, number: str) -> None:
    """Nobody called at the arranged time: the customer gets an apology, a supervisor the ticket."""
    ticket = await tickets.find(connection, number)
    if ticket.state not in ("open", "working", "waiting"):
        return
    await tickets.open_ticket(
        connection,
        kind="general",
        subject=f"约定的回电没有打（{number}）",
        detail=f"客户约在 {tickets.say_time(ticket.next_at or ticket.created_at)} 回电，没有人打。",
        signs=frozenset({"missed_callback"}),
        conversation_id=ticket.conversation_id,
        customer_id=ticket.customer_id,
        phone=ticket.phone,
        owner_id=await ticket_times.supervisor(connection, ticket),
        origin=f"missed:{number}",
        next_action="马上给客户回电",
        created_by="clock",
        told="很抱歉，没能按约定的时间给您回电，主管正在安排，会尽快联系您",
    )
