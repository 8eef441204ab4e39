"""``make soak-desk``: agents, customers, races and kills over real sockets; the last line is one JSON object."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from typing import Any

from tests.fakes.rasa import FakeRasa
from tests.soak.desk import phases
from tests.soak.desk.people import dialogue
from tests.soak.desk.phases import FULL, SHORT, Site, Size
from tests.soak.server import prepared

_SAY_EVERY = 30.0


async def soak(size: Size) -> dict[str, float]:
    """Runs everything and returns the figures."""
    rasa = FakeRasa()
    rasa.script = dialogue
    await rasa.start()
    found = Figures()
    async with prepared(rasa.url, {}) as server:
        await server.start()
        site = Site(server, size)
        await _told(site, "arrivals", phases.arrivals(site))
        found.add(cpu_ms_per_conversation=ms(await phases.cost(site)))
        found.add(queue_p99_ms=ms(p99(site.account.queue_times)), desk_p99_ms=ms(p99(site.account.screen_times)))
        given = await phases.assignments(site)
        found.add(assigned=len(given.times), assign_p99_ms=ms(p99(given.times)))
        found.add(overtaken=given.overtaken, longest_wait_s=round(given.longest, 1))
        found.add(screen_p99_ms=ms(p99(await _told(site, "screens", phases.screens(site)))))
        wrong = await _told(site, "races", phases.races(site))
        killed = await _told(site, "kills", phases.kills(site))
        found.add(gaps=killed.gaps, owners_changed=killed.owners_changed, drafts_lost=killed.drafts_lost)
        broken = await phases.promises(site)
        lost, doubled = await phases.lost_and_doubled(site)
        found.add(double_assigned=broken.double_assigned + wrong, wrong_owner=broken.wrong_owner)
        found.add(lost=broken.lost + lost, doubled=broken.doubled + doubled)
        found.add(bot_while_human=broken.bot_while_human, unanswered=broken.unanswered, left_alone=broken.left_alone)
        await server.kill()
        found.add(matrix_violations=await _told(site, "matrix", phases.matrix(site)))
        for refusal in site.account.refused[:5]:
            print(f"refused: {refusal}", file=sys.stderr)
    await rasa.stop()
    return found.of | {"refused": len(site.account.refused)}


class Figures:
    """What was measured so far, told at once: what a later phase breaks takes nothing away."""

    def __init__(self) -> None:
        self.of: dict[str, float] = {}

    def add(self, **figures: float) -> None:
        self.of |= figures
        print(json.dumps(figures), file=sys.stderr, flush=True)


def p99(times: list[float]) -> float:
    """The 99th percentile in seconds."""
    return sorted(times)[int(len(times) * 0.99)] if times else 0.0


def ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


async def _told[T](site: Site, name: str, phase: Coroutine[Any, Any, T]) -> T:
    """Runs a phase, and says every half a minute and in the end how far it has come."""
    began = time.monotonic()
    work = asyncio.create_task(phase)
    while not (await asyncio.wait([work], timeout=_SAY_EVERY))[0]:
        _say(site, name, began, "…")
    _say(site, name, began, "done" if work.exception() is None else "failed")
    return await work


def _say(site: Site, name: str, began: float, how: str) -> None:
    passed, said = time.monotonic() - began, len(site.account.said)
    print(f"{name} {how} {passed:.0f} s, {said} messages so far", file=sys.stderr, flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the form that the tests run")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(soak(SHORT if options.short else FULL))))


if __name__ == "__main__":
    main()
