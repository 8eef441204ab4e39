"""What the back office tells becomes tickets: complaints, appointments for a call, and the legal clocks of claims.

Events may come twice or never: every record becomes one ticket by its number, and a sweep over the lists finds what was missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from chebao.backoffice.client import BackOffice
from chebao.db import Connection, Pool, transaction
from chebao.desk import callbacks, clocks, hours, tickets
from chebao.errors import NotFound
from chebao.insurance.dates import SHANGHAI

_MORNING = time(9)
_NEW = "SELECT DISTINCT claim_no FROM desk.tickets WHERE claim_no IS NOT NULL AND created_at > now() - interval '3 minutes'"
_FOLLOWED = (
    "SELECT claim_no FROM desk.tickets WHERE claim_no IS NOT NULL AND state <> 'closed'"
    " UNION SELECT claim_no FROM desk.clocks WHERE number IS NULL AND stopped_at IS NULL LIMIT 200"
)


async def complaint(connection: Connection, row: Mapping[str, Any]) -> tickets.Ticket:
    """The ticket of a complaint's record; who served the customer lately does not get it."""
    text, wants = str(row.get("text") or ""), row.get("wants")
    received = datetime.fromisoformat(row["created_at"])
    return await tickets.open_ticket(
        connection,
        kind="complaint",
        subject=f"投诉：{text[:60]}" if text else "投诉",
        detail=f"{text}\n诉求：{wants}" if wants else text,
        level=int(row.get("level") or 1),
        conversation_id=row.get("reference"),
        customer_id=row.get("customer_id"),
        phone=row.get("phone"),
        policy_no=row.get("policy_no"),
        claim_no=row.get("claim_no"),
        complaint_no=row["complaint_no"],
        created_by="backoffice",
        received_at=received,
    )


async def appointment(connection: Connection, row: Mapping[str, Any]) -> tickets.Ticket | None:
    """The call-back of an appointment; where nobody serves then, it is moved to the next opening and the customer hears of it."""
    if row.get("kind") != "callback" or row.get("status") != "booked" or not row.get("reference"):
        return None
    asked = _moment(str(row["at"]))
    at = (await hours.calendar(connection)).next_open(max(asked, datetime.now(UTC)))
    moved = f"那个时间客服不在班，回电改到 {tickets.say_time(at)}；想换时间，再约一次就行"
    return await callbacks.open_at(
        connection,
        row["reference"],
        at,
        created_by="backoffice",
        customer_id=row.get("customer_id"),
        phone=row.get("phone"),
        origin=f"appointment:{row['appointment_no']}",
        told=moved if at > asked and len(str(row["at"])) > 10 else None,
    )


def _moment(said: str) -> datetime:
    """A whole day means its morning."""
    if len(said) == 10:
        return datetime.combine(date.fromisoformat(said), _MORNING, SHANGHAI)
    at = datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


async def claim(connection: Connection, row: Mapping[str, Any]) -> None:
    """Brings a claim's legal clocks to what its row says, and tells the desk where a ticket shows them."""
    found = await connection.execute(
        "SELECT number FROM desk.tickets WHERE claim_no = %s AND state <> 'closed' ORDER BY number FOR UPDATE",
        (row["claim_no"],),
    )
    numbers = [ticket["number"] for ticket in await found.fetchall()]
    before = await clocks.shown(connection, numbers)
    await clocks.follow_claim(connection, row, datetime.now(UTC))
    after = await clocks.shown(connection, numbers)
    for number in numbers:
        if before[number] != after[number]:
            await tickets.publish(connection, number, "backoffice")


async def sweep(pool: Pool, office: BackOffice) -> None:
    """Opens tickets for records that no event told of, and gives new tickets the clocks of their claims."""
    for row in reversed(await office.list_rows("complaints")):
        if row["status"] == "received":
            async with transaction(pool) as connection:
                await complaint(connection, row)
    for row in reversed(await office.list_rows("appointments")):
        if row["status"] == "booked" and _moment(str(row["at"])) > datetime.now(UTC):
            async with transaction(pool) as connection:
                await appointment(connection, row)
    await _follow(pool, office, _NEW)


async def follow_claims(pool: Pool, office: BackOffice) -> None:
    """Looks again at every claim whose clocks run or that has a ticket."""
    await _follow(pool, office, _FOLLOWED)


async def _follow(pool: Pool, office: BackOffice, which: str) -> None:
    async with pool.connection() as connection:
        numbers = [row["claim_no"] for row in await (await connection.execute(which)).fetchall()]
    for claim_no in numbers:
        try:
            row = await office.claim(claim_no)
        except NotFound:
            continue
        async with transaction(pool) as connection:
            await claim(connection, row)
