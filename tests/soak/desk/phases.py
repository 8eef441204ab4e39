"""The phases of the run, and what the database says of them afterwards."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from psycopg.rows import dict_row

from chebao.app import build
from chebao.desk import invariants
from chebao.desk.auth import hash_password
from chebao.settings import Settings
from tests.contract.desk.matrix import gather_cast, violations
from tests.contract.desk.site import serve
from tests.soak.desk.people import PASSWORD, SKILLS, Account, Customer, DeskAgent, Refused
from tests.soak.server import Server


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    agents: int
    waiting: int
    rate: float
    seconds: float
    serves: tuple[float, float]
    races: int
    kills: int
    desks: int
    screens: int
    screen_seconds: float
    matrix: bool


FULL = Size(50, 500, 5.0, 600.0, (8.0, 24.0), 1_000, 30, 20, 200, 30.0, matrix=True)
SHORT = Size(6, 24, 5.0, 4.0, (0.2, 0.8), 20, 1, 3, 12, 2.0, matrix=False)


@dataclass
class Site:
    """The app under test and everybody in it."""

    server: Server
    size: Size
    account: Account = field(default_factory=Account)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with await psycopg.AsyncConnection.connect(
            self.server.database_url, autocommit=True, row_factory=dict_row
        ) as connection:
            found = await connection.execute(query.encode(), values)
            return await found.fetchall() if found.description else []

    async def make_agents(self, prefix: str, count: int, *, role: str = "agent", capacity: int = 5) -> list[str]:
        """New accounts, their skills dealt out in turn."""
        password_hash = await asyncio.to_thread(hash_password, PASSWORD)
        ids = [f"{prefix}{number}" for number in range(count)]
        for number, id_ in enumerate(ids):
            skills = [SKILLS[number % len(SKILLS)], SKILLS[(number + 1) % len(SKILLS)]]
            await self.rows(
                "INSERT INTO desk.agents (id, name, role, skills, capacity, password_hash) VALUES (%s, %s, %s, %s, %s, %s)",
                id_, f"客服{number}", role, skills, capacity, password_hash,
            )  # fmt: skip
        return ids

    @asynccontextmanager
    async def working(self, ids: Sequence[str], **options: Any) -> AsyncIterator[list[DeskAgent]]:
        """These agents at their desks."""
        async with AsyncExitStack() as stack:
            people = [DeskAgent(self.server.url, id_, self.account, **options) for id_ in ids]
            for at_once in itertools.batched(people, 10, strict=False):
                await asyncio.gather(*(stack.enter_async_context(agent.at_work()) for agent in at_once))
            yield people

    @asynccontextmanager
    async def door(self) -> AsyncIterator[Callable[[], Customer]]:
        """Makes customers."""
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=100)) as session:
            yield lambda: Customer(session, self.server.url, f"customer-{next(self.numbers)}", self.account)

    async def queue_is_empty(self, *, within: float) -> None:
        async with asyncio.timeout(within):
            while await self.rows("SELECT 1 FROM hub.conversations WHERE owner IN ('queued', 'agent') LIMIT 1"):
                await asyncio.sleep(0.2)


async def arrivals(site: Site) -> None:
    """Many wait already when the agents come; then others come at a steady rate, until all have been served."""
    size = site.size
    ids = await site.make_agents("agent-", size.agents)
    async with site.door() as new_customer:
        gate = asyncio.Semaphore(16)

        async def early() -> None:
            async with gate:
                await new_customer().calls(random.choice(SKILLS), priority=random.choice((4, 5, 5, 5, 7)))

        await asyncio.gather(*(early() for _ in range(size.waiting)))
        site.account.queue_times.clear()  # a rush of hundreds at once; what is promised is the steady rate
        site.account.screen_times.clear()
        async with site.working(ids, serves=size.serves):
            await _come(new_customer, size)
            await site.queue_is_empty(within=120 + size.waiting)


async def cost(site: Site) -> float:
    """Seconds of the app's CPU for each conversation so far, from the call to the close; the start and the logins are in it."""
    [row] = await site.rows("SELECT count(*) AS number FROM desk.episodes")
    return site.server.cpu_seconds() / max(1, int(row["number"]))


async def _come(new_customer: Callable[[], Customer], size: Size) -> None:
    async def one() -> None:
        customer = new_customer()
        await customer.calls(random.choice(SKILLS), priority=random.choice((4, 5, 5, 5, 7)))
        await customer.waits(lines=1)

    async with asyncio.TaskGroup() as group:
        end = time.monotonic() + size.seconds
        while time.monotonic() < end:
            group.create_task(one())
            await asyncio.sleep(random.expovariate(size.rate))


async def races(site: Site) -> int:
    """Two agents press at the same moment; returns how often not exactly one of them had it."""
    ids = await site.make_agents("racer-", 2, capacity=0)
    await site.rows("UPDATE desk.agents SET skills = ARRAY['general'] WHERE id = ANY(%s)", ids)
    wrong = 0
    async with site.door() as new_customer, site.working(ids) as racers:
        for racer in racers:
            await racer.ask("PUT", "/me/state", json={"state": "busy"})
        customer = new_customer()
        for _ in range(site.size.races):
            await customer.calls("general")
            [row] = await site.rows("SELECT id FROM hub.conversations WHERE peer = %s", customer.name)
            wrong += await _race(site, racers, row["id"])
            customer.name = f"customer-{next(site.numbers)}"
    return wrong


async def _race(site: Site, racers: Sequence[DeskAgent], conversation_id: str) -> int:
    path = f"/conversations/{conversation_id}"
    results = await asyncio.gather(*(racer.ask("POST", f"{path}/take") for racer in racers), return_exceptions=True)
    won = [racer for racer, result in zip(racers, results, strict=True) if not isinstance(result, Exception)]
    lost = [result for result in results if isinstance(result, Refused) and result.status == 409]
    [row] = await site.rows("SELECT agent_id FROM hub.conversations WHERE id = %s", conversation_id)
    if (len(won), len(lost)) != (1, 1) or row["agent_id"] != won[0].id:
        return 1
    await won[0].ask("POST", f"{path}/close", json={"wrapup": {"outcome": "solved"}})
    return 0


async def screens(site: Site) -> list[float]:
    """Many pages see everything; how long an event takes to them, in seconds."""
    watchers = await site.make_agents("watcher-", site.size.screens, role="supervisor")
    async with site.door() as new_customer, AsyncExitStack() as stack:
        people = await stack.enter_async_context(site.working(watchers, reads=False))
        assert all(agent.connected.is_set() for agent in people)
        site.account.screen_times.clear()
        end = time.monotonic() + site.size.screen_seconds
        customers = [new_customer() for _ in range(8)]
        await asyncio.gather(*(customer.calls("claims") for customer in customers))
        number = itertools.count()
        while time.monotonic() < end:
            customer = random.choice(customers)
            await customer.says(f"screen-{next(number)}-{customer.name}")
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        times = list(site.account.screen_times)
        site.account.screen_times.clear()
    await site.rows("UPDATE hub.conversations SET owner = 'closed', queued_at = NULL WHERE owner = 'queued'")
    await site.rows("UPDATE desk.episodes SET ended_at = now() WHERE ended_at IS NULL")
    return times


@dataclass
class Kills:
    """What kill -9 of the app did to the desks."""

    gaps: int = 0
    owners_changed: int = 0
    drafts_lost: int = 0


async def kills(site: Site) -> Kills:
    """The app is killed again and again while desks are connected and customers write."""
    found = Kills()
    ids = await site.make_agents("desk-", site.size.desks)
    async with site.door() as new_customer, site.working(ids, serves=(3600.0, 3600.0)) as desks:
        customers = [new_customer() for _ in range(site.size.desks)]
        await asyncio.gather(*(c.calls(SKILLS[n % len(SKILLS)]) for n, c in enumerate(customers)))
        await _until(lambda: _all_served(site, len(customers)), within=30)
        for _ in range(site.size.kills):
            drafts = await _drafts(site, desks)
            before = await _owners(site)
            writing = [asyncio.create_task(c.says(f"kill-{next(site.numbers)}-{c.name}")) for c in customers]
            await asyncio.sleep(random.uniform(0.0, 0.3))
            await site.server.kill()
            await site.server.start()
            await asyncio.gather(*writing)
            await asyncio.gather(*(asyncio.wait_for(desk.connected.wait(), 60) for desk in desks))
            found.owners_changed += sum(1 for key, owner in (await _owners(site)).items() if before.get(key) != owner)
            found.drafts_lost += sum(await asyncio.gather(*(_lost(desk, *draft) for desk, draft in drafts.items())))
            found.gaps += await _gaps(desks)
    await site.rows(
        "UPDATE hub.conversations SET owner = 'closed', agent_id = NULL, queued_at = NULL WHERE owner <> 'bot'"
    )
    await site.rows("UPDATE desk.episodes SET ended_at = now(), agent_id = NULL WHERE ended_at IS NULL")
    return found


async def _all_served(site: Site, count: int) -> bool:
    [row] = await site.rows("SELECT count(*) AS n FROM hub.conversations WHERE owner = 'agent'")
    return int(row["n"]) == count


async def _owners(site: Site) -> dict[str, tuple[Any, ...]]:
    found = await site.rows(
        "SELECT id, owner, agent_id, epoch FROM hub.conversations WHERE owner IN ('queued', 'agent')"
    )
    return {row["id"]: (row["owner"], row["agent_id"], row["epoch"]) for row in found}


async def _drafts(site: Site, desks: Sequence[DeskAgent]) -> dict[DeskAgent, tuple[str, str]]:
    """Each agent types something into one of his conversations."""
    drafts = {}
    for desk in desks:
        mine = [key for key, row in desk.state["conversation"].items() if row["agent_id"] == desk.id]
        if mine:
            drafts[desk] = (mine[0], f"draft-{next(site.numbers)}")
            await desk.draft(*drafts[desk])

    async def kept() -> bool:
        found = {row["text"] for row in await site.rows("SELECT text FROM desk.drafts")}
        return all(text in found for _, text in drafts.values())

    await _until(kept, within=10)
    return drafts


async def _lost(desk: DeskAgent, conversation_id: str, text: str) -> bool:
    """Whether a draft is not what the desk gives back."""
    kept = (await desk.ask("GET", f"/conversations/{conversation_id}"))["draft"]
    return text not in (kept if isinstance(kept, str) else (kept or {}).get("text", ""))


async def _gaps(desks: Sequence[DeskAgent]) -> int:
    """Desks whose state, kept by events across the kill, is not what a fresh one would be."""
    wrong = 0
    for desk in desks:
        async with asyncio.timeout(20):
            while True:
                number, fresh = await desk.fresh()
                if desk.event_id >= number or desk.state == fresh:
                    break
                await asyncio.sleep(0.1)
        wrong += desk.event_id <= number and desk.state != fresh
    return wrong


async def _until(condition: Callable[[], Awaitable[bool]], *, within: float) -> None:
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.05)


async def matrix(site: Site) -> int:
    """Every route asked by everybody; how often the answer was not the table's. The tests run the same, so not in short form."""
    if not site.size.matrix:
        return 0
    environment = site.server.environment
    values: dict[str, Any] = {"DATABASE_URL": site.server.database_url, "_env_file": None}
    chosen = Settings(
        **values,
        data=Path(environment["CHEBAO_DATA"]),
        rasa_url=environment["CHEBAO_RASA_URL"],
        actions_port=int(environment["CHEBAO_ACTIONS_PORT"]),
        backoffice_url=environment["CHEBAO_BACKOFFICE_URL"],
    )
    async with serve(build(chosen)) as served:
        found = await violations(await gather_cast(served))
    for violation in found:
        print(f"matrix: {violation}", file=sys.stderr)
    return len(found)


# what the database says


@dataclass
class Assignment:
    """What the events tell of the queue.

    Attributes:
        times: seconds from the moment at which a conversation waited and its agent was free.
        overtaken: conversations that were passed over for one of the same skill and priority which came a second later.
        longest: seconds that the longest-waiting customer waited.
    """

    times: list[float] = field(default_factory=list)
    overtaken: int = 0
    longest: float = 0.0


async def assignments(site: Site) -> Assignment:
    """Reads the stream of events from the beginning."""
    found = Assignment()
    waiting: dict[str, tuple[datetime, str, int]] = {}
    free: dict[str, datetime | None] = defaultdict(lambda: None)
    overtaken: set[str] = set()
    query = "SELECT kind, key, body, at FROM desk.events WHERE kind IN ('conversation', 'agent') ORDER BY id"
    for event in await site.rows(query):
        body, at, key = event["body"], event["at"], event["key"]
        if event["kind"] == "agent":
            has_place = body is not None and body["state"] == "ready" and body["load"] < body["capacity"]
            free[key] = (free[key] or at) if has_place else None
        elif body and body["owner"] == "queued":
            waiting.setdefault(key, (at, body["skill"], body["priority"]))
        else:
            came = waiting.pop(key, None)
            agent = free[body["agent_id"]] if body and body["agent_id"] else None
            if came is None or agent is None:
                continue
            found.times.append((at - max(came[0], agent)).total_seconds())
            found.longest = max(found.longest, (at - came[0]).total_seconds())
            for other, (since, skill, priority) in waiting.items():
                if (skill, priority) == came[1:] and (came[0] - since).total_seconds() > 1:
                    overtaken.add(other)
    found.overtaken = len(overtaken)
    return found


async def lost_and_doubled(site: Site) -> tuple[int, int]:
    """What was acknowledged and is not in the ledger, or is there twice."""
    found: dict[str, int] = defaultdict(int)
    for row in await site.rows("SELECT text FROM hub.messages WHERE sender IN ('customer', 'agent')"):
        found[row["text"]] += 1
    lost = sum(1 for text in site.account.said if found[text] == 0)
    doubled = sum(count - 1 for text, count in found.items() if count > 1)
    return lost, doubled


async def promises(site: Site) -> invariants.Broken:
    """The invariants of the ledger."""
    async with await psycopg.AsyncConnection.connect(
        site.server.database_url, autocommit=True, row_factory=dict_row
    ) as connection:
        return await invariants.broken(connection, since=site.began)
