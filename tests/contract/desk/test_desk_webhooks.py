"""Webhooks: signed, in order, each event until it is taken, told again from any number on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chebao.desk import doctor
from chebao.desk.webhooks import signature
from tests.contract.desk.office import until
from tests.contract.desk.site import Person, Site

pytestmark = pytest.mark.asyncio


@dataclass
class Receiver:
    """Another system; `answers` are given before it takes everything."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append((dict(request.headers), body))
        status = self.answers.pop(0) if self.answers else 204
        if status == 204:
            self.taken += json.loads(body)["events"]
        return Response(status_code=status)

    async def has(self, key: str, count: int = 1) -> None:
        async def there() -> bool:
            return len([e for e in self.taken if e["key"] == key]) >= count

        await until(there, within=15)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    other = Receiver()
    app = Starlette(routes=[Route("/hook", other.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    other.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/hook"
    yield other
    server.should_exit = True
    await serving


@pytest_asyncio.fixture
async def program(site: Site) -> AsyncIterator[Person]:
    await site.office.rows("DELETE FROM desk.webhooks")
    site.app.state.parts.webhooks._first_pause = 0.05  # the second try of a test need not wait two seconds
    yield site.program()
    await site.office.rows("DELETE FROM desk.webhooks")


async def test_events_come_signed_in_order_and_once(site: Site, program: Person, receiver: Receiver) -> None:
    hook = await program.does("/webhooks", {"url": receiver.url, "kinds": ["conversation"]})
    assert "secret" not in (await program.get("/webhooks"))["rows"][0]
    conversations = [await site.office.waiting("claims") for _ in range(3)]
    for conversation in conversations:
        await receiver.has(conversation)
    ids = [event["id"] for event in receiver.taken]
    assert ids == sorted(set(ids)) and {event["kind"] for event in receiver.taken} == {"conversation"}
    for headers, body in receiver.bodies:
        at = int(headers["webhook-timestamp"])
        assert headers["webhook-signature"] == signature(hook["secret"], headers["webhook-id"], at, body)
        assert headers["webhook-signature"] != signature(hook["secret"], headers["webhook-id"], at + 1, body)
        assert headers["webhook-signature"] != signature(hook["secret"], headers["webhook-id"], at, body + b" ")


async def test_what_is_not_taken_comes_again_and_nothing_overtakes_it(
    site: Site, program: Person, receiver: Receiver
) -> None:
    receiver.answers = [500, 503, 302]
    await program.does("/webhooks", {"url": receiver.url})
    conversation = await site.office.waiting("claims")
    await site.office.writes(conversation, "在吗")
    await receiver.has(conversation, 2)
    first = [json.loads(body)["events"][0]["id"] for _, body in receiver.bodies]
    assert len(set(first[:4])) == 1
    ids = [event["id"] for event in receiver.taken]
    assert ids == sorted(set(ids))

    async def noted() -> bool:
        (row,) = (await program.get("/webhooks"))["rows"]
        return bool(row["failures"] == 0 and row["sent_to"] >= ids[-1])

    await until(noted, within=15)


async def test_pauses_grow_while_nobody_answers(site: Site, program: Person) -> None:
    site.app.state.parts.webhooks._first_pause = 60.0
    await program.does("/webhooks", {"url": "http://127.0.0.1:1/nobody"})
    await site.office.waiting("claims")
    waits = []
    for tried in (1, 2, 3):

        async def failed(times: int = tried) -> bool:
            return bool((await program.get("/webhooks"))["rows"][0]["failures"] == times)

        await until(failed, within=15)
        (row,) = await site.office.rows("SELECT extract(epoch FROM next_at - now()) AS wait FROM desk.webhooks")
        waits.append(float(row["wait"]))
        await site.office.rows("UPDATE desk.webhooks SET next_at = now()")
        site.app.state.parts.webhooks.wake()
    assert 45 < waits[0] < 75 and 90 < waits[1] < 150 and 180 < waits[2] < 300


async def test_events_are_told_again_from_any_number_on(site: Site, program: Person, receiver: Receiver) -> None:
    hook = await program.does("/webhooks", {"url": receiver.url, "kinds": ["conversation"]})
    conversation = await site.office.waiting("claims")
    await receiver.has(conversation)
    first = receiver.taken[0]
    told = list(receiver.taken)
    receiver.taken.clear()
    await program.does(f"/webhooks/{hook['id']}/replay", {"after": first["id"] - 1})
    await receiver.has(conversation)
    assert receiver.taken[: len(told)] == told


async def test_an_address_that_is_gone_is_left_alone(site: Site, program: Person, receiver: Receiver) -> None:
    receiver.answers = [410]
    await program.does("/webhooks", {"url": receiver.url})
    await site.office.waiting("claims")

    async def ended() -> bool:
        return not (await program.get("/webhooks"))["rows"][0]["active"]

    await until(ended, within=15)
    await site.office.waiting("claims")
    await asyncio.sleep(0.3)
    assert len(receiver.bodies) == 1
    (row,) = (await program.get("/webhooks"))["rows"]
    assert row["problem"] == "410" and row["waiting"] >= 2 and row["waiting_since"]
    chosen = site.app.state.parts.settings.model_copy(update={"public_url": site.base})
    (finding,) = await doctor.findings(chosen)
    assert not finding.good and receiver.url in finding.chinese and "410" in finding.english
    await program.does(f"/webhooks/{row['id']}/replay", {"after": row["sent_to"]})

    async def caught_up() -> bool:
        (now,) = (await program.get("/webhooks"))["rows"]
        return bool(now["active"] and now["waiting"] == 0 and now["problem"] is None)

    await until(caught_up, within=15)
    assert [finding.good for finding in await doctor.findings(chosen)] == [True]


async def test_whom_nothing_concerned_is_not_looked_through_again(site: Site, program: Person) -> None:
    hook = await program.does("/webhooks", {"url": "http://127.0.0.1:1/nobody", "kinds": ["note"]})
    await site.office.rows("SELECT setval('desk.event_numbers', nextval('desk.event_numbers') + 2000)")
    await site.office.waiting("claims")

    async def ahead() -> bool:
        return bool((await program.get("/webhooks"))["rows"][0]["sent_to"] > hook["sent_to"] + 1000)

    await until(ahead, within=15)


async def test_an_insurers_own_desk_needs_no_page_of_ours(site: Site, program: Person, receiver: Receiver) -> None:
    """It hears of the customer by webhook, serves him with its key in an agent's name, and gives him back to the assistant."""
    agent = await site.office.agent("claims", name="何强")
    theirs = site.program(agent.id)
    await program.does("/webhooks", {"url": receiver.url, "kinds": ["conversation"]})
    await theirs.does("/me/state", {"state": "ready"}, method="PUT")
    conversation = await site.office.waiting("claims")

    async def told_of_assignment() -> bool:
        return any(e["key"] == conversation and (e["body"] or {}).get("agent_id") == agent.id for e in receiver.taken)

    await until(told_of_assignment, within=15)
    detail = await program.get(f"/conversations/{conversation}")
    assert detail["row"]["reason_label"] and detail["episode"]["summary"]["wants"]
    said = {"key": "k1", "text": "您好，我是何强。"}
    numbers = [await theirs.does(f"/conversations/{conversation}/messages", said) for _ in range(2)]
    assert numbers[0] == numbers[1]
    await theirs.does(f"/conversations/{conversation}/notes", {"text": "已核对"})
    ticket = await theirs.does("/tickets", {"kind": "general", "subject": "补发保单", "conversation_id": conversation})
    assert (await program.get(f"/tickets/{ticket['number']}"))["conversation_id"] == conversation
    await theirs.does(f"/conversations/{conversation}/return", {"words": "由助手继续为您办理。"})
    await site.office.owned_by(conversation, "bot")
    stream = (await program.get(f"/conversations/{conversation}/messages"))["rows"]
    assert [m["agent"]["name"] for m in stream if m["from"] == "agent"] == ["何强"]


@pytest.mark.parametrize(
    "url", ["ftp://example.com/x", "https://user:pw@example.com/x", "javascript:alert(1)", "https://"]
)
async def test_addresses_that_cannot_be_used_are_refused(program: Person, url: str) -> None:
    status, _ = await program.refused("POST", "/webhooks", {"url": url})
    assert status == 422
