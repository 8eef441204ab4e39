"""The phases of a soak run; each works on one platform and an empty ledger."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import re
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from tests.fakes.rasa import FakeRasa
from tests.soak.ledger import Ledger
from tests.soak.platforms import Platform
from tests.soak.server import Server

_DRAIN_SECONDS = 600
_OVERTAKEN_BY = 0.1
"""Seconds by which a message may arrive after the one behind it."""

_HOSTILE_AT_ONCE = 2
"""What is measured is how long a refusal takes, not how long it waits behind others."""

_MARK = re.compile(r"第(\d+)号")


@dataclass
class Figures:
    """What a phase found; zero is well."""

    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    unconfirmed: int = 0
    accepted_bad: int = 0
    server_errors: int = 0
    slow: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(**{name: value + getattr(other, name) for name, value in self.__dict__.items()})


@dataclass
class Site:
    """All that a phase works with."""

    platform: Platform
    server: Server
    rasa: FakeRasa
    chance: random.Random
    _next: int = 0

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.server.database_url)

    async def customers(self, count: int, owner: str = "bot") -> list[int]:
        """Customers who were in no phase before, known to an otherwise empty ledger."""
        new = list(range(self._next, self._next + count))
        self._next += count
        peers = [self.platform.peer(n) for n in new]
        await asyncio.to_thread(self.ledger.forget)
        await asyncio.to_thread(lambda: self.ledger.know(self.platform.name, self.platform.account, peers, owner=owner))
        return new


async def acknowledge(site: Site, *, rate: int, seconds: float, bot_seconds: float) -> tuple[Figures, list[float]]:
    """So many messages a second, each of another customer, while the bot takes its time. Returns the acknowledgements too.

    The bot is slow as long as messages come; then it recovers, and the last one is waited for.
    """
    customers = await site.customers(int(rate * seconds))
    site.rasa.delay = bot_seconds
    before = len(site.platform.acks())
    began = time.monotonic()
    pushes = []
    for n, customer in enumerate(customers, 1):
        pushes.append(site.platform.push(site.platform.message(customer, f"第{n}号")))
        await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
    await asyncio.gather(*pushes)
    acks = site.platform.acks()[before:]
    site.rasa.delay = 0.0
    # a bot that needs the whole budget is apologised for; that is an answer
    figures = await _count(site, {c: [f"第{n}号"] for n, c in enumerate(customers, 1)}, echoed=False)
    return figures, acks


async def storm(site: Site, *, messages: int, between: float, copies: int = 3, each: int = 10) -> Figures:
    """Every push several times, overlapping; messages overtake those before them, and copies of old ones come late.

    Args:
        between: seconds from one message of a customer to his next.
    """
    customers = await site.customers(messages // each)
    sent = {n: [f"第{place}号" for place in range(each)] for n in customers}
    pushes: list[asyncio.Task[None]] = []

    async def write(customer: int) -> None:
        await asyncio.sleep(site.chance.uniform(0, messages / 100))  # customers do not begin in the same second
        for text in sent[customer]:
            message = site.platform.message(customer, text)
            first, late = between + _OVERTAKEN_BY, 3 * between
            pushes.extend(site.platform.push(message, after=site.chance.uniform(0, first)) for _ in range(copies - 1))
            pushes.append(site.platform.push(message, after=site.chance.uniform(0, late)))
            await asyncio.sleep(between)

    await asyncio.gather(*(write(customer) for customer in customers))
    await asyncio.gather(*pushes)
    return await _count(site, sent, in_order=True)


async def kills(site: Site, *, times: int, rate: int = 20, customers: int = 50) -> Figures:
    """kill -9 of the app while messages come and replies go."""
    sent = {n: list[str]() for n in await site.customers(customers)}
    stop = asyncio.Event()
    pushes: list[asyncio.Task[None]] = []

    async def write() -> None:
        for who in itertools.cycle(sent):
            if stop.is_set():
                return
            text = f"第{len(sent[who])}号"
            sent[who].append(text)
            pushes.append(site.platform.push(site.platform.message(who, text)))
            await asyncio.sleep(1 / rate)

    site.rasa.delay = 0.2
    writing = asyncio.create_task(write())
    for _ in range(times):
        await asyncio.sleep(site.chance.uniform(0.3, 1.5))
        await site.server.kill()
        await site.server.start()
    stop.set()
    await writing
    await asyncio.gather(*pushes)
    site.rasa.delay = 0.0
    return await _count(site, sent)


async def hostile(site: Site, *, count: int) -> Figures:
    """Damaged and forged requests: all refused, none an error, none slow."""
    figures = Figures()
    requests = site.platform.hostile(site.chance, count)
    gc.collect()
    gc.freeze()  # a pause of our own collector would count as the app's
    async with httpx.AsyncClient(base_url=site.server.url, trust_env=False, timeout=10) as http:

        async def sender() -> None:
            for request in requests:
                headers = {name: value.encode("latin-1") for name, value in request.headers.items()}
                answer = await http.request(
                    request.method, request.path, params=request.params, headers=headers, content=request.body
                )
                figures.accepted_bad += answer.is_success
                figures.server_errors += answer.status_code >= 500
                figures.slow += answer.elapsed.total_seconds() > 0.05

        await http.get("/healthz")  # the client loads what it needs with its first request
        await asyncio.gather(*(sender() for _ in range(_HOSTILE_AT_ONCE)))
    return figures


async def cost(site: Site, *, messages: int) -> float:
    """CPU milliseconds of the app for parsing, writing and acknowledging one message; a person answers, so no turn runs."""
    ready = [site.platform.message(n, f"第{n}号") for n in await site.customers(messages, owner="agent")]
    for message in ready[:50]:
        await site.platform.push(message)
    before = site.server.cpu_seconds()
    for start in range(50, messages, 4):
        await asyncio.gather(*(site.platform.push(m) for m in ready[start : start + 4]))
    used = site.server.cpu_seconds() - before
    await asyncio.to_thread(site.ledger.forget)
    return used * 1000 / (messages - 50)


async def _count(site: Site, sent: dict[int, list[str]], *, in_order: bool = False, echoed: bool = True) -> Figures:
    """Waits until nothing is outstanding, then compares what was sent with ledger and chats.

    Args:
        echoed: every message must have been repeated to its customer; else something must have been said to it.
    """
    until = time.monotonic() + _DRAIN_SECONDS
    while await asyncio.to_thread(site.ledger.outstanding) and time.monotonic() < until:
        await asyncio.sleep(0.5)
    figures = Figures()
    texts = await asyncio.to_thread(site.ledger.texts, site.platform.name, site.platform.account)
    states = await asyncio.to_thread(site.ledger.delivered, site.platform.name)
    figures.unconfirmed = states.get("unconfirmed", 0)
    if not echoed:
        figures.lost += await asyncio.to_thread(site.ledger.unanswered, site.platform.name)
        figures.lost += sum(states.get(state, 0) for state in ("queued", "sending", "failed"))
    for n, wanted in sent.items():
        written = texts.get(site.platform.peer(n), [])
        heard = [found for text in site.platform.heard(n) for found in _MARK.findall(text)]
        figures.lost += sum((Counter(wanted) - Counter(written)).values())
        if echoed:
            figures.lost += sum((Counter(_MARK.findall("".join(written))) - Counter(heard)).values())
        figures.doubled += sum((Counter(written) - Counter(wanted)).values())
        figures.doubled += sum(times - 1 for times in Counter(heard).values() if times > 1)
        if in_order:
            figures.out_of_order += written != wanted or [int(h) for h in heard] != sorted(int(h) for h in heard)
    await asyncio.to_thread(site.ledger.forget)
    return figures
