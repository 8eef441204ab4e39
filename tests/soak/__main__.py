"""``make soak``: all phases on all pushed channels; the last line is one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tests.fakes.rasa import FakeRasa
from tests.soak import phases
from tests.soak.phases import Figures, Site
from tests.soak.platforms import Platform, TelegramPlatform, WeChatPlatform
from tests.soak.server import prepared

_PLATFORMS: tuple[type[Platform], ...] = (TelegramPlatform, WeChatPlatform)
PHASES = ("cost", "hostile", "acknowledge", "storm", "kills")


def platforms() -> list[Platform]:
    """All pushed channels."""
    return [kind() for kind in _PLATFORMS]


async def soak(
    chosen: list[Platform], *, short: bool, only: Collection[str] = PHASES, seed: int = 7
) -> dict[str, float]:
    """Runs everything and returns the figures; ``lost`` … are sums over the channels, times the worst channel's."""
    rasa = FakeRasa()
    await rasa.start()
    figures, times = Figures(), dict[str, list[float]]()
    async with AsyncExitStack() as stack:
        for platform in chosen:
            await stack.enter_async_context(platform.serve())
        settings = {name: value for platform in chosen for name, value in platform.settings().items()}
        server = await stack.enter_async_context(prepared(rasa.url, settings))
        await server.start()
        for platform in chosen:
            await platform.ready(server.url)
            site = Site(platform, server, rasa, random.Random(seed))
            for name in (phase for phase in PHASES if phase in only):
                found = await _run(name, site, short=short)
                figures += found.figures
                for measure, value in found.times.items():
                    times.setdefault(measure, []).append(value)
    await rasa.stop()
    worst = {measure: round(max(values), 2) for measure, values in times.items()}
    return {**figures.__dict__, **worst}


@dataclass
class Found:
    """What a phase found on one channel."""

    figures: Figures = field(default_factory=Figures)
    times: dict[str, float] = field(default_factory=dict)


async def _run(name: str, site: Site, *, short: bool) -> Found:
    began, found = time.monotonic(), Found()
    match name:
        case "cost":
            found.times["cpu_ms_per_message"] = await phases.cost(site, messages=150 if short else 2_000)
        case "hostile":
            found.figures = await phases.hostile(site, count=300 if short else 10_000)
        case "acknowledge":
            load = phases.acknowledge(site, rate=100, seconds=2 if short else 60, bot_seconds=1 if short else 8)
            found.figures, acks = await load
            found.times["ack_p99_ms"] = sorted(acks)[int(len(acks) * 0.99)] * 1000
        case "storm":
            # in short form on however busy a machine, whose own pauses shuffle as well
            messages, between = (100, 0.6) if short else (2_000, 0.3)
            found.figures = await phases.storm(site, messages=messages, between=between)
        case "kills":
            found.figures = await phases.kills(site, times=1 if short else 30)
    said = {**found.times, **{n: value for n, value in found.figures.__dict__.items() if value}}
    print(f"{site.platform.name} {name}: {said} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the form that the tests run")
    parser.add_argument("--channel", choices=[kind.name for kind in _PLATFORMS], help="only this one")
    parser.add_argument("--phase", choices=PHASES, nargs="+", default=PHASES, help="only these")
    options = parser.parse_args()
    chosen = [p for p in platforms() if options.channel in (None, p.name)]
    print(json.dumps(asyncio.run(soak(chosen, short=options.short, only=options.phase))))


if __name__ == "__main__":
    main()
