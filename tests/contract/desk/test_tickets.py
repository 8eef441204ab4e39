"""Tickets: numbers, owners, clocks, moves, steps, what each change tells the desk, and what must move today."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from chebao.desk import ticket_times, ticket_views, tickets
from chebao.errors import InputRefused, NotFound, RuleForbids
from chebao.insurance.dates import local_day
from tests.contract.desk.ticketing import LEAD, Person, Ticketing, at_once, moment, ticketing

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Ticketing]:
    async with ticketing(database_url) as made:
        await made.rows("DELETE FROM desk.clocks RETURNING id")
        await made.rows("DELETE FROM desk.ticket_steps RETURNING id")
        await made.rows("DELETE FROM desk.tickets RETURNING number")
        await made.rows("DELETE FROM desk.events RETURNING id")
        yield made


async def test_numbers_of_a_day_have_no_gaps_and_no_doubles(desk: Ticketing) -> None:
    opened = await at_once(*(desk.open(subject=f"事项 {n}") for n in range(30)))
    numbers = sorted(ticket.number for ticket in opened)
    assert all(number.startswith(f"GD{local_day(datetime.now(UTC)):%Y%m%d}") for number in numbers)
    last = [int(number[10:]) for number in numbers]
    assert last == list(range(last[0], last[0] + 30))


async def test_tickets_are_shared_among_those_who_have_the_skill(desk: Ticketing) -> None:
    opened = [await desk.open(kind="claim") for _ in range(6)]
    assert sorted(ticket.owner_id or "" for ticket in opened) == ["agent1"] * 3 + ["agent3"] * 3
    first = await desk.open(kind="complaint", subject="客服说话不耐烦")
    assert first.owner_id == "agent4"  # agent3 has three already


async def test_nobody_gets_the_complaint_about_himself(desk: Ticketing) -> None:
    conversation = await desk.conversation()
    await desk.rows(
        "INSERT INTO desk.episodes (id, conversation_id, reason, priority, skill, asked_at, agent_id, ended_at)"
        " VALUES (%s, %s, 'customer_request', 5, 'claims', now(), 'agent3', now()) RETURNING id",
        conversation, conversation,
    )  # fmt: skip
    for _ in range(3):
        served = await desk.open(kind="complaint", subject="态度不好", conversation_id=conversation)
        named = await desk.open(kind="complaint", subject="态度不好", about_agent_id="agent4")
        assert (served.owner_id, named.owner_id) == ("agent4", "agent3")
    with pytest.raises(RuleForbids, match="被投诉"):
        await desk.change(named.number, owner_id="agent4")
    moved = await desk.change(named.number, about_agent_id="agent3")  # it turns out to be about the owner
    assert moved.owner_id == "agent4"
    row = await ticket_row(desk, named.number)
    assert not ticket_views.visible(Person("agent3", skills=("complaint",)), row)


async def ticket_row(desk: Ticketing, number: str) -> dict[str, Any]:
    async with desk.pool.connection() as connection:
        return await ticket_views.body(connection, number)


async def test_level_three_goes_to_a_supervisor(desk: Ticketing) -> None:
    grave = await desk.open(kind="complaint", subject="我要打12378投诉你们")
    assert (grave.level, grave.owner_id) == (3, "lead1")
    with pytest.raises(RuleForbids, match="主管"):
        await desk.change(grave.number, "lead1", owner_id="agent4")
    raised = await desk.open(kind="complaint", subject="客服说话不耐烦")
    assert raised.owner_id in ("agent3", "agent4")
    assert (await desk.change(raised.number, level=3)).owner_id == "lead1"
    clock = await desk.clock(raised.number, "service")
    assert clock["due_at"] == clock["started_at"]


@pytest.mark.parametrize(
    ("subject", "level", "hours", "days"), [("客服说话不耐烦", 1, 24, 15), ("定损拖了好几天", 2, 48, 30)]
)
async def test_a_complaint_carries_both_clocks(
    desk: Ticketing, subject: str, level: int, hours: int, days: int
) -> None:
    received = datetime.now(UTC) - timedelta(hours=2)
    ticket = await desk.open(kind="complaint", subject=subject, received_at=received)
    service, legal = (await desk.full(ticket.number))["clocks"]
    assert (ticket.level, service["legal"], legal["legal"]) == (level, False, True)
    assert received < moment(service["due_at"]) <= received + timedelta(hours=hours)
    assert (moment(legal["due_at"]).date() - local_day(received)).days == days
    assert (service["name"], legal["name"]) == ("首次联系", "处理决定")


async def test_one_complaint_is_one_ticket_also_at_the_same_time(desk: Ticketing) -> None:
    again = [
        desk.open(kind="complaint", subject="态度", complaint_no="TS2026000001", created_by="backoffice")
        for _ in range(5)
    ]
    assert len({ticket.number for ticket in await at_once(*again)}) == 1
    assert len(await desk.rows("SELECT 1 FROM desk.tickets WHERE complaint_no = 'TS2026000001'")) == 1
    assert await desk.open(kind="callback", subject="回电", origin="appointment:AP1") == await desk.open(
        kind="callback", subject="回电", origin="appointment:AP1"
    )


async def test_a_whole_life(desk: Ticketing) -> None:
    conversation = await desk.conversation()
    ticket = await desk.open(kind="complaint", subject="客服说话不耐烦", conversation_id=conversation)
    number, owner = ticket.number, ticket.owner_id or ""
    await desk.change(number, owner, state="working")
    assert (await desk.clock(number, "service"))["stopped"]  # the customer hears from a colleague
    assert not (await desk.clock(number, "complaint"))["stopped"]
    async with desk.work() as connection:
        await tickets.add_step(connection, number, owner, "progress", "已听取当天录音", tell=True)
        await tickets.add_step(connection, number, owner, "note", "录音里确有不妥")
    with pytest.raises(RuleForbids, match="结果"):
        await desk.change(number, owner, state="resolved")
    await desk.change(number, owner, state="resolved", resolution="当事客服已道歉，给您补发电子保单")
    assert (await desk.clock(number, "complaint"))["stopped"]
    await desk.change(number, owner, state="closed")
    with pytest.raises(RuleForbids, match="关闭"):
        async with desk.work() as connection:
            await tickets.add_step(connection, number, owner, "note", "还有")
    assert number not in await desk.state()
    again = await desk.change(number, owner, state="working")
    assert again.closed_at is None and not (await desk.clock(number, "complaint"))["stopped"]
    shown = await desk.full(number)
    assert [step["kind"] for step in shown["steps"]] == [
        "created", "state", "progress", "note", "resolved", "state", "reopened",
    ]  # fmt: skip
    assert [step["kind"] for step in shown["steps"] if step["tell"]] == ["state", "progress", "resolved", "reopened"]


async def test_what_the_customer_cannot_be_told_is_refused(desk: Ticketing) -> None:
    ticket = await desk.open()
    async with desk.work() as connection:
        with pytest.raises(RuleForbids, match="没有关联会话"):
            await tickets.add_step(connection, ticket.number, "agent1", "progress", "好了", tell=True)
        with pytest.raises(InputRefused):
            await tickets.add_step(connection, ticket.number, "agent1", "escalated", "x")
        with pytest.raises(InputRefused):
            await tickets.change(connection, ticket.number, "agent1", {"number": "GD1"})
        with pytest.raises(NotFound):
            await tickets.change(connection, "GD209901010001", "agent1", {"state": "working"})


async def test_longer_periods_need_a_reason_a_supervisor_and_a_notice(desk: Ticketing) -> None:
    ticket = await desk.open(kind="complaint", subject="客服说话不耐烦", conversation_id=await desk.conversation())
    number, received = ticket.number, local_day(ticket.created_at)

    async def extend(actor: str, role: str, reason: str = "要等第三方鉴定") -> int:
        async with desk.work() as connection:
            await ticket_times.extend(connection, number, actor, role, reason)
        return (moment((await desk.clock(number, "complaint"))["due_at"]).date() - received).days

    with pytest.raises(InputRefused, match="理由"):
        await extend("agent3", "agent", " ")
    assert await extend("agent3", "agent") == 30
    with pytest.raises(RuleForbids, match="主管批准"):
        await extend("agent3", "agent")
    assert await extend("lead1", "supervisor") == 60
    with pytest.raises(RuleForbids, match="最长"):
        await extend("lead1", "supervisor")
    told = [step for step in (await desk.full(number))["steps"] if step["kind"] == "extended"]
    assert [step["tell"] for step in told] == [True, True] and "要等第三方鉴定" in told[1]["text"]


async def test_a_period_that_is_over_is_not_extended(desk: Ticketing) -> None:
    ticket = await desk.open(kind="complaint", subject="客服说话不耐烦")
    await desk.age(ticket.number, timedelta(days=17))
    async with desk.work() as connection:
        with pytest.raises(RuleForbids, match="已过"):
            await ticket_times.extend(connection, ticket.number, "lead1", "supervisor", "忙")


async def test_who_did_not_pick_up_is_called_again(desk: Ticketing) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    ticket = await desk.open(kind="callback", subject="回电", next_at=at, conversation_id=await desk.conversation())
    async with desk.work() as connection:
        again = await ticket_times.missed(connection, ticket.number, "agent1", "响了没人接")
    assert again.next_at and again.next_at > at
    clock = await desk.clock(ticket.number, "callback")
    assert moment(clock["due_at"]) == again.next_at + timedelta(minutes=15) and not clock["stopped"]
    assert tickets.say_time(again.next_at) in (await desk.full(ticket.number))["steps"][-1]["text"]
    async with desk.work() as connection:
        await tickets.add_step(connection, ticket.number, "agent1", "called", "已说明续保价格")
    assert (await desk.clock(ticket.number, "callback"))["stopped"]


async def test_state_plus_events_is_the_state(desk: Ticketing) -> None:
    conversation = await desk.conversation()
    first = await desk.open(
        kind="complaint", subject="定损拖了好几天", conversation_id=conversation, claim_no="CL2026000101"
    )
    second = await desk.open(kind="callback", subject="回电", next_at=datetime.now(UTC) + timedelta(hours=3))
    await desk.change(first.number, state="working", next_action="问定损员")
    async with desk.work() as connection:
        await tickets.add_step(connection, first.number, "agent3", "contact", "打了电话")
        await ticket_times.extend(connection, first.number, "lead1", "supervisor", "要鉴定")
        await ticket_times.missed(connection, second.number, "agent1", "")
    await desk.change(second.number, state="resolved", resolution="说清楚了")
    await desk.change(second.number, state="closed")
    assert await desk.applied() == await desk.state()
    *_, closed, gone = await desk.events(second.number)
    assert closed and closed["state"] == "closed" and gone is None


async def test_lists_show_each_what_he_may_see(desk: Ticketing) -> None:
    own = await desk.open(owner_id="agent1", subject="补发电子保单")
    other = await desk.open(owner_id="agent2", created_by="agent2", subject="补发发票")
    about = await desk.open(kind="complaint", subject="态度", about_agent_id="agent1", created_by="agent1")
    agent = Person("agent1", skills=("claims", "general"))

    async def numbers(viewer: Person, view: ticket_views.View, **more: Any) -> list[str]:
        async with desk.pool.connection() as connection:
            rows, _ = await ticket_views.rows(connection, viewer, view, **more)
        for row in rows:
            assert ticket_views.visible(viewer, row)
        return [row["number"] for row in rows]

    assert await numbers(agent, "all") == [own.number]
    assert await numbers(LEAD, "all") == [about.number, other.number, own.number]
    assert await numbers(LEAD, "all", q="发票") == [other.number]
    assert await numbers(LEAD, "all", q=own.number.lower()) == [own.number]
    assert await numbers(LEAD, "overdue") == []
    async with desk.pool.connection() as connection:
        rows, following = await ticket_views.rows(connection, LEAD, "all", limit=2)
        rest, end = await ticket_views.rows(connection, LEAD, "all", limit=2, before=following)
    assert [row["number"] for row in (*rows, *rest)] == [about.number, other.number, own.number] and end is None


async def test_what_must_move_today_comes_most_urgent_first(desk: Ticketing) -> None:
    now = datetime.now(UTC)
    later = await desk.open(owner_id="agent1", subject="下周再说", next_at=now + timedelta(days=7))
    soon = await desk.open(owner_id="agent1", subject="马上", next_at=now - timedelta(minutes=5))
    overdue = await desk.open(owner_id="agent1", kind="claim", subject="等了很久", next_at=now + timedelta(days=7))
    await desk.age(overdue.number, timedelta(hours=72))
    await desk.rows(
        "UPDATE desk.clocks SET due_at = now() + interval '3 days' WHERE number = %s RETURNING id", later.number
    )
    done = await desk.open(owner_id="agent1", subject="做完了", next_at=now)
    await desk.change(done.number, state="resolved", resolution="好了")
    async with desk.pool.connection() as connection:
        today = await ticket_views.due_today(connection, Person("agent1"), mine=True)
    assert [row["number"] for row in today] == [overdue.number, soon.number]
    assert today[0]["because"] == "首次联系" and today[1]["because"] == "联系客户"
