"""Tickets through the desk's doors: who may do what with them, and what customer and colleagues see of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.desk.office import until
from tests.contract.desk.site import Person, Site

pytestmark = pytest.mark.asyncio

CLAIM = {"kind": "claim", "subject": "问定损进度"}


async def opened(person: Person, **wanted: Any) -> dict[str, Any]:
    ticket: dict[str, Any] = await person.does("/tickets", {**CLAIM, **wanted})
    return ticket


async def test_a_ticket_of_an_agents_conversation_is_told_to_its_customer(site: Site) -> None:
    agent, lead = await site.person("claims"), await site.person(role="supervisor")
    conversation = await site.served_by(agent, "claims")
    ticket = await opened(agent, conversation_id=conversation, owner_id=agent.id)
    number = ticket["number"]
    async with lead.line() as line:
        await agent.does(f"/tickets/{number}", {"state": "working"}, method="PATCH")
        moved = await line.frame("event", kind="ticket", key=number)
        assert (moved["body"]["state"], moved["body"]["state_label"]) == ("working", "处理中")
    await agent.does(f"/tickets/{number}/steps", {"kind": "progress", "text": "定损员明天上门", "tell": True})
    await agent.does(f"/tickets/{number}/steps", {"kind": "note", "text": "客户着急"})

    async def told() -> bool:
        return any("定损员明天上门" in text for text in await site.office.texts(conversation))

    await until(told)
    assert not any("客户着急" in text for text in await site.office.texts(conversation))
    shown = await agent.get(f"/tickets/{number}")
    assert [step["kind"] for step in shown["steps"]] == ["created", "state", "progress", "note"]
    assert {step["actor_name"] for step in shown["steps"]} == {"林晓"}
    assert [row["number"] for row in (await agent.get("/tickets"))["rows"]] == [number]


async def test_nobody_links_a_ticket_to_a_conversation_that_is_not_his(site: Site) -> None:
    agent, other = await site.person("claims"), await site.person("renewal")
    conversation = await site.served_by(agent, "claims")
    assert (await other.refused("POST", "/tickets", {**CLAIM, "conversation_id": conversation}))[0] == 403
    assert await agent.refused("POST", "/tickets", {**CLAIM, "conversation_id": "unknown"}) == (404, "not_found")
    ticket = await opened(agent, conversation_id=conversation, owner_id=agent.id)
    path = f"/tickets/{ticket['number']}"
    for method, place, body in (
        ("GET", path, None),
        ("PATCH", path, {"level": 2}),
        ("POST", f"{path}/steps", {"kind": "note"}),
    ):
        assert (await other.refused(method, place, body))[0] in (403, 404)


async def test_the_person_complained_about_sees_nothing_of_it(site: Site) -> None:
    about, handler = await site.person("complaint", role="supervisor"), await site.person("complaint")
    lead = await site.person(role="supervisor")
    ticket = await opened(lead, kind="complaint", subject="说话不耐烦", about_agent_id=about.id, owner_id=handler.id)
    number = ticket["number"]
    assert await about.refused("GET", f"/tickets/{number}") == (404, "not_found")
    assert number not in [row["number"] for row in (await about.get("/tickets?view=all"))["rows"]]
    assert number not in (await about.get("/state"))["ticket"] and number in (await lead.get("/state"))["ticket"]
    status, code = await lead.refused("PATCH", f"/tickets/{number}", {"owner_id": about.id})
    assert (status, code) == (409, "person_complained_about") or status == 422


async def test_thirty_days_more_need_a_supervisor(site: Site) -> None:
    handler, lead = await site.person("complaint"), await site.person(role="supervisor")
    ticket = await opened(handler, kind="complaint", subject="说话不耐烦", owner_id=handler.id)
    path = f"/tickets/{ticket['number']}/extension"
    await handler.does(path, {"reason": "要听取当时的录音"})
    assert (await handler.refused("POST", path, {"reason": "还要等鉴定"}))[1] == "approval_needed"
    extended = await lead.does(path, {"reason": "还要等鉴定"})
    (legal,) = [clock for clock in extended["clocks"] if clock["legal"]]
    due = datetime.fromisoformat(legal["due_at"])
    assert timedelta(days=59) < due - datetime.now(UTC) < timedelta(days=61)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "unheard of", "subject": "x"},
        {"kind": "claim", "subject": ""},
        {"kind": "claim", "subject": "x", "level": 4},
        {"kind": "claim", "subject": "x" * 121},
        {"kind": "callback", "subject": "x", "next_at": "2026-11-30T10:00:00"},
    ],
)
async def test_what_is_no_ticket_is_refused(site: Site, body: dict[str, Any]) -> None:
    agent = await site.person("claims")
    assert (await agent.refused("POST", "/tickets", body))[0] == 422


async def test_states_that_do_not_follow_are_refused_in_words(site: Site) -> None:
    agent = await site.person("claims")
    ticket = await opened(agent, owner_id=agent.id)
    answer = await agent.call("PATCH", f"/tickets/{ticket['number']}", {"state": "closed"})
    assert answer.status_code >= 400 and "待处理" in answer.json()["error"]["message"]
    assert (await agent.get(f"/tickets/{ticket['number']}"))["state"] == "open"


async def test_the_tickets_of_a_closed_account_go_to_colleagues(site: Site) -> None:
    leaving, staying = await site.person("claims"), await site.person("claims", name="何强")
    admin = await site.person(role="admin")
    wanted = {"kind": "claim", "subject": "补发保单", "owner_id": leaving.id}
    ticket = await leaving.does("/tickets", wanted)
    assert ticket["owner_id"] == leaving.id
    await admin.does(f"/agents/{leaving.id}", {"disabled": True}, method="PUT")
    assert (await admin.get(f"/tickets/{ticket['number']}"))["owner_id"] == staying.id


async def test_another_system_opens_and_follows_a_ticket(site: Site) -> None:
    program = site.program()
    ticket = await opened(program, policy_no="P20260001")
    number = ticket["number"]
    await program.does(f"/tickets/{number}", {"state": "resolved", "resolution": "已核定"}, method="PATCH")
    shown = await program.get(f"/tickets/{number}")
    assert (shown["state"], shown["resolution"], shown["created_by"]) == ("resolved", "已核定", "system")
    found = await program.get("/tickets?view=all&q=P20260001")
    assert number in [row["number"] for row in found["rows"]]
