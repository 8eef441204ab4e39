"""Does anything hold up the app's event loop? ``make loop-watch`` (``python -m benchmarks.blocking``).

A stack whose app runs under `benchmarks.loop_watch` gets the load of 64 users, and beside it what is dear by itself: photos, long
messages, large bodies, logins at the desk, searches. The last line is JSON; the exit status is 1 where a callback computed longer
than 5 ms, or waited with the loop in its hands.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks import customers, sides
from benchmarks.loop_watch import LIMIT_MS
from benchmarks.sides import Side
from benchmarks.speed import load
from chebao import postgres
from chebao.settings import ROOT
from tests.running import RunningStack, free_ports, running_stack

_USERS, _CONVERSATIONS, _CUT = 64, 192, 6
_DEAR_EVERY = 1.0
_ASKS = 4
"""Kinds of dear requests."""

_AGENT = {"username": "lead1", "password": "demo-lead1"}


@dataclass(frozen=True)
class Ports:
    """Of the watched app, and of the stack's action server."""

    app: int
    actions: int


@contextmanager
def watched_app(stack: RunningStack, ports: Ports, report: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A further app of the stack, which writes its report when it is stopped."""
    environment = os.environ | {
        "DATABASE_URL": postgres.start(stack.data / "postgres"),
        "CHEBAO_DATA": str(stack.data),
        "CHEBAO_PORT": str(ports.app),
        "CHEBAO_ACTIONS_PORT": str(ports.actions),
        "CHEBAO_RASA_URL": stack.rasa_url,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "benchmarks.loop_watch", str(report)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=out, stderr=out)
        try:
            sides.until_ok(process, lambda: httpx.get(f"http://127.0.0.1:{ports.app}/readyz", timeout=5), 150)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


class Dear:
    """What single requests cost most for: each in turn, one a second, until stopped."""

    def __init__(self, url: str) -> None:
        self._url, self._stop = url, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.done = 0

    def __enter__(self) -> Dear:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=60)

    def wait_for(self, done: int) -> None:
        """Returns after so many requests."""
        while self.done < done and self._thread.is_alive():
            time.sleep(0.1)

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as http:
            desk = self._desk(http)
            chat = http.post("/api/web/sessions").raise_for_status().json()["token"]
            asks = [desk, self._photo, self._long_message, self._too_large]
            while not self._stop.wait(_DEAR_EVERY):
                asks[self.done % len(asks)](http, chat)
                self.done += 1

    def _desk(self, http: httpx.Client) -> Any:
        def look(_: httpx.Client, __: str) -> None:
            """Signs in (argon2) and reads everything that a page starts with."""
            login = http.post("/api/desk/v1/login", json=_AGENT).raise_for_status().json()
            for path in ("state", "conversations", "tickets", "surveys", "wall", "knowledge?q=交强险赔多少"):
                http.get(f"/api/desk/v1/{path}", headers={"X-CSRF-Token": login["csrf"]})

        return look

    def _photo(self, http: httpx.Client, token: str) -> None:
        picture = Image.frombytes("RGB", (1500, 1000), random.randbytes(1500 * 1000 * 3)).resize((3000, 2000))
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=80)
        files = {"file": ("damage.jpg", content.getvalue(), "image/jpeg")}
        http.post("/api/web/uploads", files=files, headers={"Authorization": f"Bearer {token}"}).raise_for_status()

    def _long_message(self, http: httpx.Client, _: str) -> None:
        sentence = "昨天下午三点在朝阳路被追尾了，对方全责，后杠和尾灯坏了，车牌京A12345，电话13800000001。"
        self._say(http, (sentence * 200)[:4900])

    def _too_large(self, http: httpx.Client, _: str) -> None:
        self._say(http, "车" * 300_000)

    def _say(self, http: httpx.Client, text: str) -> None:
        body = {"sender": f"dear-{random.getrandbits(40):x}", "message": text}
        http.post("/webhooks/rest/webhook", json=body, headers={"Authorization": "Bearer demo"})


def watched(stack: RunningStack, ports: Ports, folder: Path) -> dict[str, Any]:
    """The watch's report of the whole load."""
    report, log = folder / "watch.json", folder / "watch.log"
    with watched_app(stack, ports, report, log) as process:
        url = f"http://127.0.0.1:{ports.app}"
        processes = sides.ours(stack).processes
        side = Side("watched", f"{url}/webhooks/rest/webhook", {"Authorization": "Bearer demo"}, processes)
        script = customers.unplayed()
        with Dear(url) as dear:  # what is built or loaded at the first need is now
            load(side, 4, script[:8])
            dear.wait_for(_ASKS)
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.1)
        talks = [script[n % len(script)][:_CUT] for n in range(_CONVERSATIONS)]
        with Dear(url) as dear:
            done = load(side, _USERS, talks, {"url": url, "per_second": 10})
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found | {
        "turns": done.measured["all_turns"],
        "failures": sum(done.measured["failures"].values()),
        "dear_requests": dear.done,
    }


def main() -> int:
    """Starts a stack, puts the watched app before it, and tells what held its loop up."""
    ports = Ports(*free_ports(2))
    settings = {
        "CHEBAO_BACKOFFICE_URL": f"http://127.0.0.1:{ports.app}/backoffice/v1",
        "CHEBAO_ACTIONS_PORT": str(ports.actions),
    }
    with (
        tempfile.TemporaryDirectory(prefix="chebao-loop-") as folder,
        running_stack(Path(folder) / "data", **settings) as stack,
    ):
        found = watched(stack, ports, Path(folder))
    for place, seen in found["callers"].items():
        print(f"{seen['times']:5} times, at most {seen['longest_ms']:6.1f} ms: {place}")
    for place, times in found["waited"].items():
        print(f"{times:5} times waited with the loop in its hands: {place}")
    print(
        f"{found['callbacks']} callbacks in {found['turns']} turns: p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms,"
        f" longest {found['max_ms']} ms (limit {LIMIT_MS:g} ms, {found['over_limit']} over it)"
    )
    print(json.dumps(found, ensure_ascii=False))
    return 1 if found["over_limit"] or found["waited"] or found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
