"""Does memory stay bounded? ``make soak-turns`` (MINUTES=60, CONVERSATIONS=4000).

Three customers' habits at once on a stack of its own: many conversations that are taken up again in random order, one that
never ends (5,000 turns in an hour), and storms in which conversations long left alone all come back within seconds, so that
live trackers are evicted and read again. Memory is sampled all the time. The last line is JSON; the exit status is 1 when
memory is not bounded or a turn failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from rich.progress import Progress

from benchmarks import customers, sides
from benchmarks.figures import percentile, ratio, slope
from benchmarks.load import Door
from benchmarks.sides import Side
from tests.running import running_stack

_TURNS_A_MINUTE = 1_200
"""Of all customers together: well below what the stack can do, so that waiting lines do not hide anything."""

_LONG_TURNS_A_MINUTE = 84
_STORMS = 8
_USERS = 8
_SETTLED = 1 / 3
"""Share of the samples at the beginning that are left out: live trackers and pools fill up there."""

_GROWTH_SHARE, _GROWTH_MB = 0.05, 15.0
"""What a process may grow by from then on: fragmentation, and PostgreSQL's shared buffers, end somewhere below that."""

_SHARED_BUFFERS_MB = 128.0


@dataclass(frozen=True)
class Plan:
    """How long, and with how many conversations."""

    minutes: float
    conversations: int

    @property
    def pause_s(self) -> float:
        """Between two turns of one of the users."""
        return 60 * _USERS / _TURNS_A_MINUTE

    @property
    def sample_s(self) -> float:
        """Between two samples: some 200 in all."""
        return max(0.5, self.minutes * 60 / 200)


@dataclass
class Seen:
    """What was seen: memory samples ``(hours, {process: {rss_mb, pss_mb}})``, and ``(hours, ms)`` of the turns."""

    samples: list[tuple[float, dict[str, dict[str, float]]]] = field(default_factory=list)
    turns: list[tuple[float, float]] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    longest: int = 0


class _Soak:
    """One run."""

    def __init__(self, side: Side, plan: Plan, door: Door, seen: Seen) -> None:
        self._side, self._plan, self._door, self._seen = side, plan, door, seen
        self._scripts = customers.unplayed()
        self._senders = [f"soak-{uuid.uuid4().hex}" for _ in range(plan.conversations)]
        self._said = Counter[str]()
        self._began = time.monotonic()
        self._until = self._began + plan.minutes * 60
        self._waiting = list(self._senders)
        random.shuffle(self._waiting)
        self._speaking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def _running(self) -> bool:
        return time.monotonic() < self._until

    def _hours(self) -> float:
        return (time.monotonic() - self._began) / 3600

    async def run(self, tell: Callable[[float], None]) -> None:
        users = [self._user() for _ in range(_USERS)]
        await asyncio.gather(self._sample(tell), self._endless(), self._storms(), *users)

    async def _turn(self, sender: str) -> None:
        script = self._scripts[hash(sender) % len(self._scripts)]
        async with self._speaking[sender]:  # a second message within one turn would be joined to it
            text = script[self._said[sender] % len(script)]
            self._said[sender] += 1
            took = await self._door.say(sender, text)
        self._seen.turns.append((self._hours(), took))

    async def _user(self) -> None:
        """Takes up one conversation after the other, first each once, then at random."""
        while self._running:
            sender = self._waiting.pop() if self._waiting else random.choice(self._senders)
            await asyncio.gather(self._turn(sender), asyncio.sleep(self._plan.pause_s))

    async def _endless(self) -> None:
        sender = f"endless-{uuid.uuid4().hex}"
        while self._running:
            await asyncio.gather(self._turn(sender), asyncio.sleep(60 / _LONG_TURNS_A_MINUTE))
            self._seen.longest += 1

    async def _storms(self) -> None:
        """A tenth of all conversations, left alone till then, comes back at once."""
        for _ in range(_STORMS):
            await asyncio.sleep(self._plan.minutes * 60 / (_STORMS + 1))
            crowd = random.sample(self._senders, max(1, len(self._senders) // 10))
            for start in range(0, len(crowd), 2 * _USERS):
                if self._running:
                    await asyncio.gather(*(self._turn(sender) for sender in crowd[start : start + 2 * _USERS]))

    async def _sample(self, tell: Callable[[float], None]) -> None:
        while self._running:
            memory = await asyncio.to_thread(self._side.memory)
            self._seen.samples.append((self._hours(), memory))
            tell((time.monotonic() - self._began) / (self._until - self._began))
            await asyncio.sleep(self._plan.sample_s)


async def soak(side: Side, plan: Plan, tell: Callable[[float], None] = lambda share: None) -> Seen:
    """Runs the plan on a running stack; `tell` hears the share that is done."""
    seen = Seen()
    async with aiohttp.ClientSession(headers=side.headers, timeout=aiohttp.ClientTimeout(total=60)) as session:
        await _Soak(side, plan, Door(session, side.url, seen.failures), seen).run(tell)
    return seen


def verdict(seen: Seen, plan: Plan) -> dict[str, Any]:
    """The JSON line: growth by process since everything had settled, errors, drift of the p95."""
    settled = seen.samples[int(len(seen.samples) * _SETTLED) :]
    hours = settled[-1][0] - settled[0][0]
    by_process = {
        name: {kind: [(at, memory[name][kind]) for at, memory in settled] for kind in ("rss_mb", "pss_mb")}
        for name in settled[0][1]
    }
    grown = {name: slope(points["pss_mb"]) * hours for name, points in by_process.items()}
    sizes = {name: statistics.median(mb for _, mb in points["pss_mb"]) for name, points in by_process.items()}
    unbounded = sorted(name for name in grown if grown[name] > _allowed(name, sizes[name]))
    third = len(seen.turns) // 3
    first, last = (percentile([ms for _, ms in part], 0.95) for part in (seen.turns[:third], seen.turns[-third:]))
    return {
        "minutes": plan.minutes,
        "conversations": plan.conversations,
        "turns": len(seen.turns),
        "longest_conversation": seen.longest,
        "errors": sum(seen.failures.values()),
        "errors_by_kind": dict(seen.failures),
        "rss_slope_mb_per_hour": {name: round(slope(points["rss_mb"]), 1) for name, points in by_process.items()},
        "pss_slope_mb_per_hour": {name: round(slope(points["pss_mb"]), 1) for name, points in by_process.items()},
        "pss_mb": {name: round(size, 1) for name, size in sizes.items()},
        "grown_mb": {name: round(mb, 1) for name, mb in grown.items()},
        "p95_ms": {"first_third": first, "last_third": last},
        "p95_drift": round(ratio(last, first), 2),
        "unbounded": unbounded,
    }


def _allowed(name: str, size_mb: float) -> float:
    return max(_GROWTH_MB, _GROWTH_SHARE * size_mb) + (_SHARED_BUFFERS_MB if name == "postgres" else 0.0)


def main() -> int:
    """Starts a stack, soaks it, and prints the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--conversations", type=int, default=4000)
    options = parser.parse_args()
    plan = Plan(options.minutes, options.conversations)
    with (
        tempfile.TemporaryDirectory(prefix="chebao-soak-") as folder,
        running_stack(Path(folder) / "data") as stack,
        Progress(transient=True) as show,
    ):
        task = show.add_task(f"{plan.conversations} conversations, {plan.minutes:g} minutes", total=1.0)
        seen = uvloop.run(soak(sides.ours(stack), plan, lambda share: show.update(task, completed=share)))
    found = verdict(seen, plan)
    print(json.dumps(found, ensure_ascii=False))
    return 1 if found["unbounded"] or found["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
