"""``make soak``: all phases on all pushed channels; the last line is one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from tests.fakes.rasa import FakeRasa
from tests.soak import phases
from tests.soak.phases import Figures, Site
from tests.soak.platforms import Platform, TelegramPlatform, WeChatPlatform
from tests.soak.server import prepared

_PLATFORMS: tuple[type[Platform], ...] = (TelegramPlatform, WeChatPlatform)


def platforms() -> list[Platform]:
    """All pushed channels."""
    return [kind() for kind in _PLATFORMS]


async def soak(chosen: list[Platform], *, short: bool, seed: int = 7) -> dict[str, float]:
    """Runs everything and returns the figures; ``lost`` … are sums over the channels, times the worst channel's."""
    rasa = FakeRasa()
    await rasa.start()
    figures, acks, costs = Figures(), dict[str, float](), list[float]()
    async with AsyncExitStack() as stack:
        for platform in chosen:
            await stack.enter_async_context(platform.serve())
        settings = {name: value for platform in chosen for name, value in platform.settings().items()}
        server = await stack.enter_async_context(prepared(rasa.url, settings))
        await server.start()
        for platform in chosen:
            await platform.ready(server.url)
            site = Site(platform, server, rasa, random.Random(seed))
            costs.append(await _told(platform, "cost", phases.cost(site, messages=150 if short else 2_000)))
            bad = phases.hostile(site, count=300 if short else 10_000)
            figures += await _told(platform, "hostile", bad)
            load = phases.acknowledge(site, rate=100, seconds=2 if short else 60, bot_seconds=1 if short else 8)
            counted, times = await _told(platform, "acknowledge", load)
            figures += counted
            acks[platform.name] = sorted(times)[int(len(times) * 0.99)] * 1000
            # in short form on however busy a machine, whose own pauses shuffle as well
            storm = phases.storm(site, messages=100 if short else 2_000, between=0.6 if short else 0.3)
            figures += await _told(platform, "storm", storm)
            figures += await _told(platform, "kills", phases.kills(site, times=1 if short else 30))
    await rasa.stop()
    return {
        "ack_p99_ms": round(max(acks.values()), 1),
        **figures.__dict__,
        "cpu_ms_per_message": round(max(costs), 2),
    }


async def _told[T](platform: Platform, name: str, phase: Coroutine[Any, Any, T]) -> T:
    began = time.monotonic()
    found = await phase
    said = found[0] if isinstance(found, tuple) else found
    print(f"{platform.name} {name}: {said} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the form that the tests run")
    parser.add_argument("--channel", help="only this one")
    options = parser.parse_args()
    chosen = [p for p in platforms() if options.channel in (None, p.name)]
    print(json.dumps(asyncio.run(soak(chosen, short=options.short))))


if __name__ == "__main__":
    main()
