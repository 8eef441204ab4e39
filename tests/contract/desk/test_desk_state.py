"""The harness of the stream: state, act, apply the events to the old state; that equals a fresh state, for everybody, after any acts."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import hypothesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from chebao.app import build
from chebao.backoffice.client import BackOffice
from chebao.conversations import ownership
from chebao.conversations.api import HubSettings, Incoming
from chebao.db import transaction
from chebao.desk import events, from_backoffice, state, ticket_times, tickets
from chebao.desk.access import PREFIX
from chebao.desk.agents import Agent
from chebao.desk.api import DeskSettings
from chebao.desk.handling import Handling
from chebao.desk.ticket_job import TicketJob
from chebao.desk.waiting import Waiting
from chebao.errors import ChebaoError
from chebao.insurance.dates import local_day
from chebao.settings import Settings
from tests.contract.desk.office import Office, until
from tests.fakes.rasa import FakeRasa

CUSTOMERS = 3


@dataclass(frozen=True)
class Act:
    """What is done, to whom, by whom."""

    what: str
    customer: int
    agent: int
    other: int
    skill: str
    state: Any


class World:
    """A few agents and customers who do whatever comes."""

    def __init__(self, office: Office, app: FastAPI) -> None:
        self.office, self.pool, self.handling = office, office.desk.pool, office.desk.handling
        self.agents: list[Agent] = []
        self.customers: list[str] = []
        self.tickets: list[str] = []
        self.job = TicketJob(self.pool, office.hub, cast(BackOffice, None))
        self.count = 0
        self.api = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"http://desk{PREFIX}",
            headers={"Authorization": "Bearer demo"},
        )

    async def begin(self) -> None:
        await self.office.empty()
        self.agents = [
            await self.office.agent("claims", "general", ready=True, capacity=2),
            await self.office.agent("renewal", "complaint", capacity=1),
            await self.office.agent("claims", "renewal", "general", role="supervisor", name="沈静"),
        ]
        self.customers = [await self.office.customer() for _ in range(CUSTOMERS)]

    async def writes_photo(self, act: Act) -> None:
        (row,) = await self.office.rows(
            "SELECT peer FROM hub.conversations WHERE id = %s", self.customers[act.customer]
        )
        photo = {"id": f"photo{self.count}", "content_type": "image/jpeg", "url": "https://example.com/1.jpg"}
        await self.office.hub.accept(Incoming("door", "", row["peer"], None, "", attachments=[photo]))

    async def verified(self, act: Act) -> None:
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        async with self.office.hub.transaction() as work:
            unit = await work.unit(self.customers[act.customer])
            unit.conversation.verified = {
                "name": "王伟", "customer_id": f"C{act.customer}", "vip": act.agent == 0, "until": later,
            }  # fmt: skip

    async def waited(self, act: Act) -> None:
        """The queue's limit is over."""
        async with self.office.hub.transaction() as work:
            unit = await work.unit(self.customers[act.customer])
            if unit.conversation.owner == "queued":
                await ownership.return_after_wait(unit)

    async def timer(self, act: Act, kind: str) -> None:
        """The hour of a timer has come, and it is handled; a turn under way is over by then."""

        async def at_rest() -> bool:
            query = "SELECT 1 FROM hub.messages WHERE conversation_id = %s AND state = 'pending'"
            return not await self.office.rows(query, self.customers[act.customer])

        await until(at_rest)
        due = await self.office.rows(
            "UPDATE desk.timers SET due_at = now() WHERE kind = %s AND key = %s RETURNING id",
            kind,
            self.customers[act.customer],
        )
        while due and await self.office.desk.timers.fire():
            pass

    async def account(self, act: Act, **changed: Any) -> None:
        answer = await self.api.put(f"/agents/{self.agents[act.agent].id}", json=changed)
        assert answer.status_code == 200, answer.text

    # tickets

    async def open_ticket(self, act: Act) -> None:
        kinds = ("complaint", "claim", "callback", "correction", "general")
        kind = kinds[(act.customer + 3 * act.other) % len(kinds)]
        async with transaction(self.pool) as connection:
            ticket = await tickets.open_ticket(
                connection,
                kind=kind,
                subject="要曝光你们" if act.other == 0 else "补发电子保单",
                conversation_id=self.customers[act.customer],
                claim_no="CL2026000777",
                about_agent_id=self.agents[act.agent].id if act.other == 1 else None,
                next_at=datetime.now(UTC) + timedelta(hours=3),
                created_by=self.agents[-1].id,
            )
        self.tickets = [*self.tickets[-3:], ticket.number]

    async def on_ticket(self, act: Act, do: Callable[[Any, str, str], Awaitable[Any]]) -> None:
        if self.tickets:
            async with transaction(self.pool) as connection:
                await do(connection, self.tickets[act.customer % len(self.tickets)], self.agents[act.agent].id)

    async def claim(self, act: Act) -> None:
        """The back office tells how a claim stands."""
        ready = local_day(datetime.now(UTC)) - timedelta(days=act.customer)
        row = {"claim_no": "CL2026000777", "policy_no": "P2", "compulsory_policy_no": "P1", "documents_complete": ready}
        over = {"status": "paid", "paid": ready} if act.other == 0 else {"status": "adjudicating"}
        async with transaction(self.pool) as connection:
            await from_backoffice.claim(connection, row | over)

    # looking

    async def act(self, act: Act) -> None:
        self.count += 1
        with suppress(ChebaoError):  # an act out of its time changes nothing, which is what is looked at
            await ACTS[act.what](self, act)

    async def check(self, acts: list[Act]) -> None:
        """Both for who begins with a state, and for a page that comes back with a number only."""
        viewers = [None, *self.agents]
        old = [await self.office.fresh(viewer) for viewer in viewers]
        for act in acts:
            await self.act(act)
        for viewer, (number, kept) in zip(viewers, old, strict=True):
            newest, wanted = await self.office.fresh(viewer)
            between = await self._between(number, newest)
            again = {kind: dict(rows) for kind, rows in kept.items()}
            assert _applied(state.View(viewer, kept), kept, between) == wanted
            assert _applied(state.View(viewer), again, between) == wanted

    async def _between(self, number: int, newest: int) -> list[events.Event]:
        async with self.pool.connection() as connection:
            found = await events.after(connection, number, limit=100_000)
        return [event for event in found if event.id <= newest]


def _applied(view: state.View, kept: dict[str, state.Rows], found: list[events.Event]) -> dict[str, state.Rows]:
    for event in found:
        shown = view.see(event)
        if shown is not None:
            state.apply(kept, shown)
    return kept


type Do = Callable[[World, Act], Awaitable[Any]]


def _by_agent(name: str, *given: Any, **more: Any) -> Do:
    return lambda w, a: getattr(w.handling, name)(w.agents[a.agent], w.customers[a.customer], *given, **more)


def _by_lead(name: str) -> Do:
    return lambda w, a: getattr(w.handling, name)(w.agents[-1], w.customers[a.customer])


def _ticket(**wanted: Any) -> Do:
    return lambda w, a: w.on_ticket(a, lambda c, number, actor: tickets.change(c, number, actor, wanted))


ACTS: dict[str, Do] = {
    "customer.writes": lambda w, a: w.office.writes(w.customers[a.customer]),
    "customer.writes_photo": World.writes_photo,
    "customer.verified": World.verified,
    "customer.forgets": lambda w, a: w.office.hub.forget(w.customers[a.customer], everywhere=False),
    "customer.leaves_queue": lambda w, a: w.office.hub.leave_queue(w.customers[a.customer], reason="customer_request"),
    "customer.waited": World.waited,
    "bot.hand_off": lambda w, a: w.office.hand_off(w.customers[a.customer], a.skill),
    "handling.take": _by_agent("take"),
    "handling.say": lambda w, a: w.handling.say(w.agents[a.agent], w.customers[a.customer], "您好", key=str(w.count)),
    "handling.transfer": lambda w, a: w.handling.transfer(
        w.agents[a.agent], w.customers[a.customer], to_agent=w.agents[a.other].id, memo="请接着办"
    ),
    "handling.transfer_to_a_skill": lambda w, a: w.handling.transfer(
        w.agents[a.agent], w.customers[a.customer], skill=a.skill
    ),
    "handling.hold": _by_agent("hold"),
    "handling.resume": _by_agent("resume"),
    "handling.give_back": _by_agent("give_back", edits={}),
    "handling.close": _by_agent("close", wrapup={"outcome": "resolved"}),
    "handling.takeover": _by_lead("takeover"),
    "handling.join": _by_lead("join"),
    "handling.leave": _by_lead("leave"),
    "handling.add_note": _by_agent("add_note", "客户着急"),
    "handling.add_note_whisper": _by_agent("add_note", "先核对", whisper=True),
    "presence.state": lambda w, a: w.office.desk.presence.set_state(w.agents[a.agent].id, a.state),
    "account.capacity": lambda w, a: w.account(a, capacity=a.other),
    "account.name": lambda w, a: w.account(a, name=f"林晓{w.count}"),
    "account.licence": lambda w, a: w.account(a, licence_no=f"L{w.count}" if a.other else None),
    "account.disabled": lambda w, a: w.account(a, disabled=a.other == 0),
    "timer.unanswered": lambda w, a: w.timer(a, "unanswered"),
    "timer.idle_ask": lambda w, a: w.timer(a, "idle_ask"),
    "timer.idle_close": lambda w, a: w.timer(a, "idle_close"),
    "timer.hold": lambda w, a: w.timer(a, "hold"),
    "timer.score": lambda w, a: w.timer(a, "score"),
    "tickets.open_ticket": World.open_ticket,
    "tickets.add_step": lambda w, a: w.on_ticket(
        a, lambda c, number, actor: tickets.add_step(c, number, actor, "contact", "打了电话")
    ),
    "tickets.change_owner": lambda w, a: w.on_ticket(
        a, lambda c, number, actor: tickets.change(c, number, actor, {"owner_id": w.agents[a.other].id})
    ),
    "tickets.change_about": lambda w, a: w.on_ticket(
        a, lambda c, number, actor: tickets.change(c, number, actor, {"about_agent_id": w.agents[a.other].id})
    ),
    "tickets.change_level": _ticket(level=3),
    "tickets.change_working": _ticket(state="working"),
    "tickets.change_resolved": _ticket(state="resolved", resolution="已补发"),
    "tickets.change_closed": _ticket(state="closed"),
    "ticket_times.extend": lambda w, a: w.on_ticket(
        a, lambda c, number, actor: ticket_times.extend(c, number, actor, "supervisor", "要鉴定")
    ),
    "ticket_times.missed": lambda w, a: w.on_ticket(
        a, lambda c, number, actor: ticket_times.missed(c, number, actor, "")
    ),
    "ticket_times.close_as": lambda w, a: w.on_ticket(
        a, lambda c, number, actor: ticket_times.close_as(c, number, actor, "客户自己办好了")
    ),
    "job.watch": lambda w, a: w.job.watch(datetime.now(UTC) + timedelta(days=30 * a.other)),
    "job.tell": lambda w, a: w.job.tell(),
    "backoffice.claim": World.claim,
}
_A_DAY = """
presence.state 0 0 0 busy
bot.hand_off 0 0 0 · customer.writes 0 0 0 · customer.writes_photo 0 0 0 · customer.verified 0 0 0 · customer.forgets 0 0 0
handling.take 0 0 0 · handling.say 0 0 0 · handling.add_note 0 0 0 · handling.add_note_whisper 0 2 0
handling.transfer 0 0 1 · handling.transfer_to_a_skill 0 1 0 · handling.take 0 1 0
handling.hold 0 1 0 · handling.resume 0 1 0 · handling.hold 0 1 0 · timer.hold 0 1 0
handling.join 0 2 0 · handling.leave 0 2 0 · handling.takeover 0 2 0 · handling.say 0 2 0 · handling.give_back 0 2 0 · timer.score 0 0 0
bot.hand_off 0 0 0 · handling.take 0 0 0 · handling.say 0 0 0 · timer.idle_ask 0 0 0 · timer.idle_close 0 0 0
bot.hand_off 1 0 0 · customer.leaves_queue 1 0 0 · bot.hand_off 1 0 0 · customer.waited 1 0 0
bot.hand_off 1 0 0 · handling.take 1 0 0 · timer.unanswered 1 0 0 · handling.take 1 2 0 · handling.add_note 1 2 0
tickets.open_ticket 0 2 0 · account.name 0 2 0 · handling.close 1 2 0
tickets.add_step 0 2 0 · tickets.change_owner 0 2 2 · tickets.change_about 0 2 1 · tickets.change_level 0 2 0
tickets.change_working 0 2 0 · ticket_times.extend 0 2 0 · job.watch 0 2 2 · backoffice.claim 1 0 1 · job.tell 0 0 0
tickets.change_resolved 0 2 0 · tickets.change_closed 0 2 0
tickets.open_ticket 2 0 0 · ticket_times.missed 1 0 0 · ticket_times.close_as 1 0 0
tickets.open_ticket 0 2 1 · job.watch 0 2 1
account.capacity 0 1 2 · account.licence 0 1 1 · account.disabled 0 1 0 · account.disabled 0 1 1
"""
"""Acts in an order in which each has something to change: what, customer, agent, other agent, and a state."""

_TELLS_NOBODY = {"job.tell", "timer.score"}

_OFTEN = ["customer.writes", "bot.hand_off", "handling.say", "handling.transfer"]

_ACTS = st.builds(
    Act,
    st.sampled_from([*ACTS, *_OFTEN]),
    st.integers(0, CUSTOMERS - 1),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["claims", "renewal", "general"]),
    st.sampled_from(["ready", "busy", "break", "offline"]),
)


@asynccontextmanager
async def _world(database_url: str, folder: Path) -> AsyncIterator[World]:
    rasa = FakeRasa()
    await rasa.start()
    values: dict[str, Any] = {"DATABASE_URL": database_url, "data": folder, "_env_file": None}
    nowhere = "http://127.0.0.1:1/elsewhere"
    chosen = Settings(**values, rasa_url=rasa.url, actions_port=rasa.port, backoffice_url=nowhere)
    app = build(chosen, hub_settings=HubSettings(turn_seconds=2.0), desk_settings=DeskSettings(), sweep_every=0.2)
    async with app.router.lifespan_context(app):
        world = World(Office(app.state.hub, app.state.desk), app)
        await world.begin()
        yield world
        await world.api.aclose()
    await rasa.stop()


def test_a_state_kept_by_events_equals_a_fresh_one(database_url: str, tmp_path: Path) -> None:
    """Over random acts, while assigner, timers and the clocks of tickets do their work as well."""
    with asyncio.Runner() as runner:
        opening = _world(database_url, tmp_path)
        world = runner.run(opening.__aenter__())

        @hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(st.lists(_ACTS, min_size=1, max_size=30))
        def holds(acts: list[Act]) -> None:
            runner.run(world.check(acts))

        try:
            holds()
        finally:
            runner.run(opening.__aexit__(None, None, None))


def _day() -> list[Act]:
    acts = []
    for words in (act.split() for line in _A_DAY.strip().splitlines() for act in line.split("·")):
        what, customer, agent, other, *rest = words
        acts.append(Act(what, int(customer), int(agent), int(other), "claims", rest[0] if rest else "busy"))
    return acts


async def test_every_act_changes_the_state_by_its_events_alone(database_url: str, tmp_path: Path) -> None:
    """One act after the other, each with an effect; rows of every kind are among them."""
    kinds: set[str] = set()
    async with _world(database_url, tmp_path) as world:
        for act in _day():
            before, _ = await world.office.fresh()
            await world.check([act])
            newest, _ = await world.office.fresh()
            found = await world._between(before, newest)
            assert found or act.what in _TELLS_NOBODY, act
            kinds |= {event.kind for event in found}
    assert kinds == set(state.KINDS)


def test_every_act_of_the_desk_is_in_the_harness() -> None:
    assert {act.what for act in _day()} == set(ACTS)
    assert {f"handling.{name}" for name in vars(Handling) if not name.startswith("_")} <= set(ACTS)
    assert {f"timer.{kind}" for kind in Waiting(cast(Any, None), DeskSettings()).handlers} <= set(ACTS)
    for module in (tickets, ticket_times):
        name_of_it = module.__name__.rpartition(".")[2]
        publishing = {
            f"{name_of_it}.{name}"
            for name, function in vars(module).items()
            if inspect.iscoroutinefunction(function)
            and function.__module__ == module.__name__
            and not name.startswith("_")
            and "await publish(" in inspect.getsource(function)
        }
        assert publishing and {one for one in publishing if not any(act.startswith(one) for act in ACTS)} == set()
