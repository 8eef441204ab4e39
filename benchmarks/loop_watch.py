"""The app under a watch that times every callback of its event loop: ``python -m benchmarks.loop_watch REPORT``.

It serves what ``python -m chebao.app`` serves, on asyncio's own loop instead of uvloop, whose callbacks cannot be timed one by one;
the work in them is the same. When it is stopped it writes the report. `benchmarks.blocking` runs it under load.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from benchmarks.figures import percentile
from channels.web.protocol import MAX_FRAME
from chebao.settings import ROOT, get_settings

LIMIT_MS = 5.0
_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_CALLERS = 20


class Watch:
    """CPU milliseconds of each callback, where the long ones were after 5 ms of computing, and the collector's pauses.

    CPU time, so that a busy machine accuses nobody; work that waits instead (a file, a lock, a synchronous driver) is told by the
    time that was neither computing nor standing behind others for a core, where that is longer than the limit.
    """

    def __init__(self) -> None:
        self.began = False
        self.callbacks_ms: list[float] = []
        self.pauses_ms: list[float] = []
        self.over = Counter[str]()
        self.longest: dict[str, float] = {}
        self.waited = Counter[str]()
        self.longest_wait_ms = 0.0
        self._place = ""
        self._paused_at = 0.0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Times every callback of all loops of this process; what happens before `begin` is not counted."""
        plain = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            self._place, name = "", _name(handle)
            queued, began, computed = _queued_ms(), time.perf_counter(), time.thread_time()
            signal.setitimer(signal.ITIMER_PROF, LIMIT_MS / 1000)
            try:
                plain(handle)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
                computed = (time.thread_time() - computed) * 1000
                waited = (time.perf_counter() - began) * 1000 - computed - (_queued_ms() - queued)
                self._note(name, computed, waited)

        before = signal.signal(signal.SIGPROF, self._alarm)
        gc.callbacks.append(self._collecting)
        asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            asyncio.Handle._run = plain  # type: ignore[method-assign]
            gc.callbacks.remove(self._collecting)
            signal.signal(signal.SIGPROF, before)

    def begin(self) -> None:
        """The start is over: what is seen from now on counts."""
        self.callbacks_ms.clear()
        self.pauses_ms.clear()
        self.began = True

    def report(self) -> dict[str, Any]:
        """All figures, and the places of what took more than the limit."""
        return {
            "callbacks": len(self.callbacks_ms),
            "p50_ms": round(percentile(self.callbacks_ms, 0.5), 3),
            "p99_ms": round(percentile(self.callbacks_ms, 0.99), 3),
            "p999_ms": round(percentile(self.callbacks_ms, 0.999), 3),
            "max_ms": round(max(self.callbacks_ms, default=0.0), 3),
            "over_limit": sum(self.over.values()),
            "callers": {
                place: {"times": times, "longest_ms": round(self.longest[place], 2)}
                for place, times in self.over.most_common(_CALLERS)
            },
            "waited": dict(self.waited.most_common(_CALLERS)),
            "longest_wait_ms": round(self.longest_wait_ms, 2),
            "collector_max_ms": round(max(self.pauses_ms, default=0.0), 3),
        }

    def _note(self, name: str, computed_ms: float, waited_ms: float) -> None:
        if not self.began:
            return
        self.callbacks_ms.append(computed_ms)
        if computed_ms > LIMIT_MS:
            place = f"{name}: {self._place}"
            self.over[place] += 1
            self.longest[place] = max(self.longest.get(place, 0.0), computed_ms)
        elif waited_ms > LIMIT_MS:
            self.waited[name] += 1
            self.longest_wait_ms = max(self.longest_wait_ms, waited_ms)

    def _alarm(self, number: int, frame: FrameType | None) -> None:
        """Where the running callback stands now: the innermost lines of ours."""
        # Without the lines' text: to read source files would be the longest work of all in the callback that is watched.
        lines = list(reversed(traceback.StackSummary.extract(traceback.walk_stack(frame), lookup_lines=False)))
        ours = [line for line in lines if Path(line.filename).is_relative_to(ROOT) and ".venv" not in line.filename]
        kept = [line for line in ours if Path(line.filename) != Path(__file__)][-3:] or lines[-2:]
        self._place = " > ".join(f"{Path(line.filename).name}:{line.lineno} {line.name}" for line in kept)

    def _collecting(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._paused_at = time.thread_time()
        elif self.began:
            self.pauses_ms.append((time.thread_time() - self._paused_at) * 1000)


def _name(handle: asyncio.Handle) -> str:
    """The task or function that a callback goes on with."""
    goes_on: Any = handle._callback
    task = getattr(goes_on, "__self__", None)
    if isinstance(task, asyncio.Task):
        goes_on = task.get_coro()
    return str(getattr(goes_on, "__qualname__", goes_on))


def _queued_ms() -> float:
    """How long this thread was ready and stood behind others for a core, since it began."""
    return int(_SCHEDSTAT.read_text().split()[1]) / 1e6


def main() -> None:
    """Serves under the watch until stopped; the first SIGUSR1 begins the count."""
    settings, watch = get_settings(), Watch()
    signal.signal(signal.SIGUSR1, lambda *_: watch.begin())
    with watch.installed(), suppress(KeyboardInterrupt):
        uvicorn.run(
            "chebao.app:create", factory=True, loop="asyncio", host=settings.host, port=settings.port,
            log_config=None, access_log=False, server_header=False, ws_max_size=MAX_FRAME,
        )  # fmt: skip
    Path(sys.argv[1]).write_text(json.dumps(watch.report(), ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
