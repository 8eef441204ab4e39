"""Call-backs: the customer's words become a time within service hours, and a ticket that calls him then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chebao.conversations.api import Conversation
from chebao.db import Connection
from chebao.desk import hours, ticket_times, tickets
from chebao.desk.calendar import Calendar
from chebao.errors import RuleForbids
from chebao.insurance.dates import SHANGHAI
from chebao.insurance.moments import Moment, parse_moment

_SOONEST = timedelta(minutes=10)
_FARTHEST = timedelta(days=30)
_DAY_BEGINS, _DAY_ENDS = timedelta(hours=6), timedelta(hours=22)


def time_of(words: str, now: datetime, calendar: Calendar) -> datetime | str:
    """When to call: the first moment in service hours of the time that the words name, or a question that asks anew.

    "现在" and "尽快" mean the next opening; a part of a day its first moment in service hours.
    """
    earliest = now.astimezone(SHANGHAI) + _SOONEST
    if any(word in words for word in ("尽快", "越快越好", "随时", "都行", "都可以")):
        return calendar.next_open(earliest)
    moment = parse_moment(words, now.astimezone(SHANGHAI), lean=1)
    if moment is None:
        return "没听清具体时间。您方便哪天几点接电话？比如“明天上午十点”。"
    if moment.precision == "month":
        return "想约哪一天、几点？比如“明天上午十点”。"
    if _whole_day(moment):
        return f"{moment.start.month}月{moment.start.day}日几点方便接电话？比如“上午十点”。"
    if moment.end <= now:
        return "这个时间已经过了。您方便哪天几点接电话？比如“明天上午十点”。"
    if moment.start > now + _FARTHEST:
        return "回电可以约在一个月以内。您方便哪天几点接电话？"
    at = calendar.next_open(max(moment.start, earliest))
    if at < moment.end or at - moment.start <= _SOONEST:
        return at
    return f"那个时间客服不在班，最近可以约 {tickets.say_time(at)}。您想约几点？"


def _whole_day(moment: Moment) -> bool:
    return moment.precision == "day" and moment.end - moment.start >= timedelta(hours=24)


def choices(now: datetime, calendar: Calendar) -> list[datetime]:
    """Up to three times that we offer: the next opening, and a morning and an afternoon after it, all in service hours."""
    soon = calendar.next_open(now.astimezone(SHANGHAI) + timedelta(minutes=30))
    midnight = soon.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    offered = [
        _round_up(soon),
        calendar.next_open(midnight + timedelta(hours=10)),
        calendar.next_open(midnight + timedelta(hours=15)),
    ]
    return sorted(set(offered))


def _round_up(at: datetime) -> datetime:
    past = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at + (timedelta(minutes=15) - past) if past else at


async def book(
    connection: Connection,
    conversation: Conversation,
    words: str,
    now: datetime,
    *,
    about: str = "",
    phone: str | None = None,
) -> tickets.Ticket | str:
    """The call-back that the customer asked for in his words, or a question that asks anew."""
    at = time_of(words, now, await hours.calendar(connection))
    if isinstance(at, str):
        return at
    known = conversation.identity(now) or {}
    return await open_at(
        connection,
        conversation.id,
        at,
        about=about,
        customer_id=known.get("customer_id"),
        phone=phone or known.get("phone"),
        created_by="customer",
    )


async def open_at(
    connection: Connection,
    conversation_id: str,
    at: datetime,
    *,
    created_by: str,
    about: str = "",
    customer_id: str | None = None,
    phone: str | None = None,
    owner_id: str | None = None,
    origin: str | None = None,
    told: str | None = None,
) -> tickets.Ticket:
    """A call-back ticket; an earlier appointment of this conversation gives way to it.

    Args:
        origin: see `tickets.open_ticket`.
        told: what the customer hears of it, where he was not told otherwise.

    Raises:
        RuleForbids: nobody serves then.
    """
    free = (await hours.calendar(connection)).next_open(max(at, datetime.now(UTC)))
    if free > at:
        raise RuleForbids(f"那个时间客服不在班，最近可以约 {tickets.say_time(free)}。", code="closed_then")
    earlier = await connection.execute(_EARLIER, (conversation_id,))
    before = [row["number"] for row in await earlier.fetchall()]
    ticket = await tickets.open_ticket(
        connection,
        kind="callback",
        subject=f"预约回电：{about}" if about else "预约回电",
        created_by=created_by,
        conversation_id=conversation_id,
        customer_id=customer_id,
        phone=phone,
        owner_id=owner_id,
        next_at=at,
        origin=origin,
        told=told,
    )
    for number in before if ticket.number not in before and ticket.state == "open" else ():
        await ticket_times.close_as(connection, number, created_by, f"客户改约，见 {ticket.number}")
    return ticket


_EARLIER = (
    "SELECT number FROM desk.tickets WHERE conversation_id = %s AND kind = 'callback' AND state IN ('open', 'working')"
    " AND next_at > now() AND created_by <> 'survey' ORDER BY number FOR UPDATE"
)


def booked(ticket: tickets.Ticket) -> str:
    """What the customer hears of it."""
    assert ticket.next_at is not None
    return (
        f"约好了，{tickets.say_time(ticket.next_at)} 客服给您回电，工单号 {ticket.number}。"
        "想改时间直接说；发工单号可以随时查进展。"
    )
