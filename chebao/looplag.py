"""How long the event loop was held up: whatever runs on it for long makes every customer wait, not only its own.

A tick that comes late by the loop's own computing time was held up by work on the loop; time in which the machine gave the core to
somebody else does not count.
"""

from __future__ import annotations

import asyncio
import logging
import time

from chebao import background
from chebao.logs import line

log = logging.getLogger(__name__)

_TICK = 0.05
_REPORT_EVERY = 60.0
_WORTH_A_LINE = 0.05


class LoopLag:
    """Watches the running loop; once a minute a line says the worst, where it was more than 50 ms.

    Attributes:
        worst: the longest hold-up since the last report, in seconds.
    """

    def __init__(self) -> None:
        self.worst = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to watch."""
        self._task = asyncio.create_task(self._watch(), name="loop-lag")

    async def stop(self) -> None:
        await background.stop(self._task)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        reported = loop.time()
        while True:
            due, computed = loop.time() + _TICK, time.thread_time()
            await asyncio.sleep(_TICK)
            now = loop.time()
            self.worst = max(self.worst, min(now - due, time.thread_time() - computed))
            if now - reported > _REPORT_EVERY:
                if self.worst > _WORTH_A_LINE:
                    log.warning(line("loop_held_up", ms=round(self.worst * 1000)))
                self.worst, reported = 0.0, now
