"""What happens to tickets by itself: telling, warning, escalating, following the back office; each of it once, also over restarts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from chebao.backoffice.client import BackOffice
from chebao.backoffice.reference import create_backoffice
from chebao.conversations.api import Company, Conversation, Hub, Incoming, Rasa
from chebao.db import make_engine
from chebao.desk import callbacks, from_backoffice, lookup, ticket_times, tickets
from chebao.desk.ticket_job import TicketJob
from chebao.insurance.dates import SHANGHAI, local_day
from chebao.settings import Settings
from tests.contract.desk.ticketing import Ticketing, moment, ticketing
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio


@dataclass
class Stand(Ticketing):
    """Agents and customers, the hub and the job; `job` may be made anew like a process that restarts."""

    hub: Hub
    office: BackOffice
    job: TicketJob

    async def customer(self, peer: str) -> str:
        accepted = await self.hub.accept(Incoming("door", "", peer, None, "你好"))
        assert await self.hub.turn_over(accepted, within=5)
        return accepted.conversation_id

    async def said(self, conversation_id: str) -> list[str]:
        messages = await self.hub.messages_after(conversation_id, 0)
        return [m.text for m in messages if m.sender == "system" and "智能客服（机器人）" not in m.text]

    async def ask(self, conversation_id: str, text: str) -> str | None:
        """What the hub answers by itself; None where it leaves the message to the bot."""
        (row,) = await self.rows("SELECT peer, last_seq FROM hub.conversations WHERE id = %s", conversation_id)
        accepted = await self.hub.accept(Incoming("door", "", row["peer"], None, text))
        assert await self.hub.turn_over(accepted, within=5)
        messages = await self.hub.messages_after(conversation_id, row["last_seq"])
        return next((m.text for m in messages if m.sender == "system"), None)

    async def verify(self, conversation_id: str, **identity: Any) -> None:
        from psycopg.types.json import Jsonb

        known = {"until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), **identity}
        await self.rows(
            "UPDATE hub.conversations SET verified = %s WHERE id = %s RETURNING id", Jsonb(known), conversation_id
        )


@pytest_asyncio.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    rasa, engine = FakeRasa(), make_engine(database_url)
    await rasa.start()
    client = Rasa(rasa.url, rasa.url, budget=2)
    hub = Hub(engine, database_url, client, Company("车保财险", "95000", 10), secret="test")
    hub.answer_with(lookup.answer)
    await hub.start()
    values: dict[str, Any] = {"DATABASE_URL": database_url, "_env_file": None}
    root = FastAPI()
    root.mount("/backoffice/v1", create_backoffice(engine, Settings(**values)))
    office = BackOffice("http://office.test/backoffice/v1", "demo", httpx.ASGITransport(root))
    async with ticketing(database_url) as desk:
        for table in ("clocks", "ticket_steps", "tickets", "events"):
            await desk.rows(f"DELETE FROM desk.{table} RETURNING 1")
        await desk.rows("DELETE FROM backoffice.service_requests RETURNING 1")
        yield Stand(desk.pool, hub, office, TicketJob(desk.pool, hub, office))
    await office.aclose()
    await hub.stop()
    await engine.dispose()
    await rasa.stop()


async def test_the_customer_hears_of_each_step_once_and_in_order(stand: Stand) -> None:
    customer = await stand.customer("steps")
    ticket = await stand.open(conversation_id=customer)
    await stand.change(ticket.number, state="working")
    async with stand.work() as connection:
        await tickets.add_step(connection, ticket.number, "agent1", "note", "只给同事看")
        await tickets.add_step(connection, ticket.number, "agent1", "progress", "电子保单已重新生成", tell=True)
    await stand.change(ticket.number, state="resolved", resolution="已发到您的邮箱")
    await stand.job.tell()
    # a process that died between telling and noting it, and the next one
    await stand.rows("UPDATE desk.ticket_steps SET told = false RETURNING id")
    await TicketJob(stand.pool, stand.hub, stand.office).tell()
    told = await stand.said(customer)
    assert len(told) == 3 and all(ticket.number in text for text in told)
    assert ["林晓" in told[0] or "周敏" in told[0], "重新生成" in told[1], "已发到您的邮箱" in told[2]] == [True] * 3
    assert not any("只给同事看" in text for text in told)
    assert [step["told"] for step in (await stand.full(ticket.number))["steps"] if step["tell"]] == [True] * 3


async def test_what_could_not_be_told_is_left_to_colleagues(stand: Stand) -> None:
    ticket = await stand.open(conversation_id="gone")
    await stand.change(ticket.number, state="working")
    await stand.job.tell()
    await stand.job.tell()
    assert (await stand.steps(ticket.number)).count("untold") == 1


async def test_clocks_warn_at_each_mark_once_and_call_a_supervisor(stand: Stand) -> None:
    ticket = await stand.open(kind="complaint", subject="客服说话不耐烦")
    number = ticket.number
    clock = await stand.clock(number, "service")
    began, due = moment(clock["started_at"]), moment(clock["due_at"])

    async def marks(part: float) -> list[tuple[str, str]]:
        for job in (stand.job, TicketJob(stand.pool, stand.hub, stand.office)):
            await job.watch(began + (due - began) * part)
        steps = (await stand.full(number))["steps"]
        return [(s["kind"], s["text"]) for s in steps if s["kind"] in ("warned", "escalated")]

    assert await marks(0.4) == []
    assert [kind for kind, _ in await marks(0.51)] == ["warned"]
    assert [kind for kind, _ in await marks(0.79)] == ["warned"]
    assert [kind for kind, _ in await marks(0.81)] == ["warned", "warned"]
    *_, (kind, text) = await marks(1.0)
    assert kind == "escalated" and "沈静" in text and "100%" in text
    assert len(await marks(1.5)) == 3
    last = (await stand.events(number))[-1]
    assert last and last["overdue"] and last["escalated_to"] == "lead1"
    assert await stand.applied() == await stand.state()


async def test_marks_passed_while_nothing_ran_are_told_once_by_the_highest(stand: Stand) -> None:
    ticket = await stand.open(kind="complaint", subject="客服说话不耐烦")
    await stand.age(ticket.number, timedelta(days=3))
    await stand.job.watch()
    assert [kind for kind in await stand.steps(ticket.number) if kind in ("warned", "escalated")] == ["escalated"]


async def test_a_stopped_clock_warns_of_nothing(stand: Stand) -> None:
    ticket = await stand.open(kind="claim", subject="想问进度")
    await stand.change(ticket.number, state="resolved", resolution="已赔付")
    await stand.job.watch(datetime.now(UTC) + timedelta(days=90))
    assert not {"warned", "escalated"} & set(await stand.steps(ticket.number))


async def test_level_three_calls_the_supervisor_at_once(stand: Stand) -> None:
    ticket = await stand.open(kind="complaint", subject="我要向银保监投诉")
    await stand.job.watch()
    row = (await stand.state())[ticket.number]
    assert (row["owner_id"], row["escalated_to"], row["overdue"]) == ("lead1", "lead1", True)


async def test_a_call_nobody_made_is_apologised_for_and_followed_up_once(stand: Stand) -> None:
    customer = await stand.customer("missed")
    ticket = await stand.open(
        kind="callback", subject="预约回电", conversation_id=customer, next_at=datetime.now(UTC) + timedelta(hours=1)
    )
    for _ in range(2):
        await stand.job.watch(datetime.now(UTC) + timedelta(hours=1, minutes=10))
    assert len(await stand.state()) == 1  # a quarter of an hour is still in time
    for _ in range(2):
        await stand.job.watch(datetime.now(UTC) + timedelta(hours=2))
    (follow_up,) = [row for row in (await stand.state()).values() if row["number"] != ticket.number]
    assert (follow_up["level"], follow_up["owner_id"], follow_up["kind"]) == (2, "lead1", "general")
    await stand.job.tell()
    assert ["很抱歉" in text for text in await stand.said(customer)] == [True]


async def test_a_complaint_of_the_back_office_becomes_a_ticket_once(stand: Stand) -> None:
    customer = await stand.customer("complaint")
    asked = {"text": "定损拖了好几天没人管", "wants": "尽快定损", "phone": "13800000001", "reference": customer}
    row = await stand.office.create_complaint(asked, "key-1")
    await stand.job.heard("complaint_received", row, customer)
    await stand.job.heard("complaint_received", row, customer)
    silent = await stand.office.create_complaint({"text": "客服说话不耐烦"}, "key-2")  # no event tells of it
    await stand.job._sweep()
    await stand.job._sweep()
    found = {r["complaint_no"]: r for r in (await stand.state()).values()}
    assert set(found) == {row["complaint_no"], silent["complaint_no"]}
    ticket = found[row["complaint_no"]]
    assert (ticket["kind"], ticket["level"], ticket["conversation_id"]) == ("complaint", 2, customer)
    legal = next(clock for clock in ticket["clocks"] if clock["legal"])
    assert local_day(moment(legal["due_at"])).isoformat() == row["decide_by"]
    assert "尽快定损" in (await stand.full(ticket["number"]))["detail"]


async def test_an_appointment_for_a_call_is_a_ticket_in_service_hours(stand: Stand) -> None:
    customer = await stand.customer("appointment")
    day = (datetime.now(SHANGHAI) + timedelta(days=3)).replace(hour=23, minute=0, second=0, microsecond=0)
    asked = {"kind": "callback", "at": day.isoformat(), "phone": "13800000001", "reference": customer}
    row = await stand.office.create_appointment(asked, "key-a1")
    await stand.job._sweep()
    await stand.job.heard("appointment_booked", row, customer)
    (first,) = (await stand.state()).values()
    assert first["next_at"] > day.isoformat() and first["next_at"][11:16] in ("08:30", "09:00")
    await stand.job.tell()
    assert ["改到" in text for text in await stand.said(customer)] == [True]
    again = asked | {"at": (day - timedelta(hours=9)).isoformat()}  # he calls again and takes another time
    await stand.job.heard("appointment_booked", await stand.office.create_appointment(again, "key-a2"), customer)
    await stand.job._sweep()
    (second,) = (await stand.state()).values()
    assert second["next_at"] == (day - timedelta(hours=9)).isoformat() and second["number"] != first["number"]
    visit = {"kind": "survey", "city": "北京", "at": day.isoformat(), "reference": customer}
    await stand.job.heard("appointment_booked", await stand.office.create_appointment(visit, "key-a3"), customer)
    assert len(await stand.state()) == 1


async def test_a_claim_carries_the_legal_clocks_of_its_insurances(stand: Stand) -> None:
    row = {
        "claim_no": "CL2026000777", "policy_no": "P2", "compulsory_policy_no": "P1", "status": "adjudicating",
        "reported": local_day(datetime.now(UTC)) - timedelta(days=4),
        "documents_complete": local_day(datetime.now(UTC)) - timedelta(days=4),
    }  # fmt: skip
    ticket = await stand.open(kind="claim", subject="客户问进度", claim_no="CL2026000777")
    async with stand.work() as connection:
        await from_backoffice.claim(connection, row)
    running = {c["code"]: c for c in (await stand.state())[ticket.number]["clocks"]}
    assert set(running) == {"service", "compulsory.decide", "commercial.decide", "commercial.advance_certain"}
    assert running["compulsory.decide"]["source"].startswith("交强险条例第29条")
    await stand.job.watch()
    assert any("交强险核定" in step["text"] for step in (await stand.full(ticket.number))["steps"])
    paid = row | {"status": "paid", "paid": local_day(datetime.now(UTC))}
    async with stand.work() as connection:
        await from_backoffice.claim(connection, paid)
    assert all(c["stopped"] for c in (await stand.state())[ticket.number]["clocks"] if c["legal"])
    assert await stand.applied() == await stand.state()


async def test_a_new_ticket_about_a_claim_gets_its_clocks_from_the_back_office(stand: Stand) -> None:
    report = {
        "plate": "京A12345", "reporter": {"phone": "13800000001"}, "occurred_at": datetime.now(SHANGHAI).isoformat(),
        "accident_type": "rear_end", "place": "北京市海淀区", "description": "没刹住",
    }  # fmt: skip
    claim = await stand.office.create_claim(report, "key-claim")
    ticket = await stand.open(kind="claim", subject="客户问进度", claim_no=claim["claim_no"])
    await stand.open(kind="claim", subject="号码写错了", claim_no="CL2099000001")
    await stand.job._sweep()
    legal = [c["code"] for c in (await stand.state())[ticket.number]["clocks"] if c["legal"]]
    assert legal and all(code.endswith(".documents_notice") for code in legal)


async def test_a_claim_without_ticket_gets_one_when_its_period_runs_out(stand: Stand) -> None:
    row = {"claim_no": "CL2026000888", "compulsory_policy_no": "P1", "status": "adjudicating"}
    ready = row | {"documents_complete": local_day(datetime.now(UTC))}
    async with stand.work() as connection:
        await from_backoffice.claim(connection, ready)
    await stand.job.watch(datetime.now(UTC) + timedelta(days=3, hours=12))
    assert await stand.state() == {}
    for days in (5.5, 5.6, 7):
        await stand.job.watch(datetime.now(UTC) + timedelta(days=days))
    (opened,) = (await stand.state()).values()
    assert (opened["kind"], opened["claim_no"], opened["overdue"]) == ("claim", "CL2026000888", True)


async def test_the_customer_asks_by_number(stand: Stand) -> None:
    customer, stranger = await stand.customer("asks"), await stand.customer("stranger")
    ticket = await stand.open(
        kind="complaint",
        subject="客服说话不耐烦",
        conversation_id=customer,
        complaint_no="TS2026009001",
        phone="13800000001",
    )
    assert await stand.ask(customer, "你好") is None
    assert "待处理" in (await stand.ask(customer, f"我的工单{ticket.number}怎么样了") or "")
    await stand.change(ticket.number, ticket.owner_id or "", state="working")
    told = await stand.ask(customer, "投诉TS2026009001有结果了吗") or ""
    assert "处理中" in told and ("何强" in told or "方宁" in told) and "处理决定" in told
    assert "没有查到" in (await stand.ask(stranger, ticket.number) or "")
    await stand.verify(stranger, customer_id=None, phone="13800000001", name=None)
    assert "处理中" in (await stand.ask(stranger, ticket.number) or "")
    await stand.rows("UPDATE desk.tickets SET customer_id = 'C001' WHERE number = %s RETURNING 1", ticket.number)
    await stand.verify(stranger, customer_id="C009", phone="13800000001", name=None)  # the number has another owner now
    assert "没有查到" in (await stand.ask(stranger, ticket.number) or "")
    await stand.change(ticket.number, ticket.owner_id or "", state="resolved", resolution="已道歉")
    assert "处理结果：已道歉。" in (await stand.ask(customer, ticket.number) or "")


@pytest.mark.parametrize(("owner", "answered"), [("queued", True), ("agent", False)])
async def test_who_waits_is_answered_whom_a_person_serves_is_not(stand: Stand, owner: str, answered: bool) -> None:
    customer = await stand.customer(f"asks-{owner}")
    ticket = await stand.open(conversation_id=customer)
    agent = "agent1" if owner == "agent" else None
    set_owner = "UPDATE hub.conversations SET owner = %s, agent_id = %s, queued_at = now() WHERE id = %s RETURNING 1"
    await stand.rows(set_owner, owner, agent, customer)
    assert (ticket.number in (await stand.ask(customer, f"{ticket.number}怎么样了") or "")) == answered


async def test_a_call_booked_in_the_customers_words(stand: Stand) -> None:
    customer = await stand.customer("books")
    async with stand.work() as connection:
        names = ", ".join(Conversation.__dataclass_fields__)
        found = await connection.execute(f"SELECT {names} FROM hub.conversations WHERE id = %s", (customer,))
        row = await found.fetchone()
        assert row is not None
        now = datetime.now(UTC)
        assert "几点" in str(await callbacks.book(connection, Conversation(**row), "不知道", now))
        ticket = await callbacks.book(connection, Conversation(**row), "明天上午十点", now, about="续保报价")
    assert isinstance(ticket, tickets.Ticket) and ticket.next_at
    assert (ticket.next_at.astimezone(SHANGHAI).hour, ticket.conversation_id) == (10, customer)
    assert ticket.number in callbacks.booked(ticket) and "10:00" in callbacks.booked(ticket)
    async with stand.work() as connection:
        await ticket_times.close_as(connection, ticket.number, "system", "不用了")
    assert ticket.number not in await stand.state()
