"""The two sides of the benchmark as running processes: our stack, and stock Rasa beside the same action server."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg

from benchmarks.stock import runtime
from chebao import postgres
from chebao.settings import ROOT
from tests.running import RunningStack, free_ports

BOT_PYTHON = ROOT / "bot" / ".venv" / "bin" / "python"
Processes = dict[str, list[psutil.Process]]


@dataclass(frozen=True)
class Side:
    """One side under test.

    Attributes:
        url: of its REST door.
        processes: name → processes whose work belongs to its turns, as they are now.
        action_calls: calls of the action server so far, where the side counts them.
    """

    name: str
    url: str
    headers: dict[str, str]
    processes: Callable[[], Processes]
    action_calls: Callable[[], int] = lambda: 0

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time that each of its processes has used so far."""
        return {name: sum(_asked(group, _cpu)) for name, group in self.processes().items()}

    def memory(self) -> dict[str, dict[str, float]]:
        """RSS and PSS of each of its processes in MB."""
        found = {}
        for name, group in self.processes().items():
            infos = _asked(group, psutil.Process.memory_full_info)
            found[name] = {
                "rss_mb": round(sum(i.rss for i in infos) / 1e6, 1),
                "pss_mb": round(sum(i.pss for i in infos) / 1e6, 1),
            }
        return found


def _asked[T](group: list[psutil.Process], ask: Callable[[psutil.Process], T]) -> list[T]:
    """The answers of those that still live: PostgreSQL's workers come and go."""
    answers = []
    for process in group:
        with suppress(psutil.NoSuchProcess):
            answers.append(ask(process))
    return answers


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    ended = times.children_user + times.children_system if process.name() == "postgres" else 0.0
    return float(times.user + times.system + ended)


def database_of(stack: RunningStack) -> list[psutil.Process]:
    """PostgreSQL's processes."""
    postmaster = psutil.Process(int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0]))
    return [postmaster, *postmaster.children()]


def ours(stack: RunningStack) -> Side:
    """Our stack through the open chat door."""

    def processes() -> Processes:
        return {name: [p] for name, p in stack.children().items()} | {"postgres": database_of(stack)}

    def action_calls() -> int:
        return int(httpx.get(f"{stack.rasa_url}/webhooks/hub/health", timeout=5).json()["action_calls"])

    door = f"{stack.url}/webhooks/rest/webhook"
    return Side("chebao", door, {"Authorization": "Bearer demo"}, processes, action_calls)


@contextmanager
def stock(stack: RunningStack, actions_port: int, log: Path) -> Iterator[tuple[Side, float]]:
    """Stock Rasa on a database of its own beside `stack`, and the seconds from start to first answer."""
    port = free_ports(1)[0]
    environment = {
        "STOCK_DATABASE_URL": new_database(stack, "stock"),
        "CHEBAO_ACTIONS_URL": f"http://127.0.0.1:{actions_port}/webhook",
    }
    with log.open("wb") as out:
        began = time.monotonic()
        process = runtime.serve(port, environment, out.fileno())
        try:
            url = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
            until_ok(process, lambda: httpx.get(f"http://127.0.0.1:{port}/", timeout=2))
            ready = time.monotonic() - began
            shared = ours(stack).processes

            def processes() -> Processes:
                return shared() | {"rasa": [psutil.Process(process.pid)]}

            yield Side("stock", url, {}, processes), ready
        finally:
            process.terminate()
            process.wait(timeout=30)


def new_database(stack: RunningStack, name: str) -> str:
    """URL of a new database on the stack's server."""
    url = postgres.start(stack.data / "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?", 1)


def until_ok(process: subprocess.Popen[bytes], ask: Callable[[], httpx.Response], seconds: float = 900) -> None:
    """Waits until `ask` gets a 200.

    Raises:
        RuntimeError: the process ended, or time is up.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the server ended before it was ready; see its log")
        try:
            if ask().status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not become ready")


def rasa_alone(stack: RunningStack, actions_port: int) -> tuple[float, float]:
    """Seconds until a further Rasa process of ours answers, and its RSS in MB then."""
    port = free_ports(1)[0]
    url = postgres.start(stack.data / "postgres")
    environment = os.environ | {
        "DATABASE_URL": url,
        "CHEBAO_DATA": str(stack.data),
        "CHEBAO_ACTIONS_URL": f"http://127.0.0.1:{actions_port}/webhook",
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [str(BOT_PYTHON), "-m", "bot.run", "serve", "--port", str(port)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_ok(process, lambda: httpx.get(f"http://127.0.0.1:{port}/webhooks/hub/health", timeout=5))
        return time.monotonic() - began, psutil.Process(process.pid).memory_info().rss / 1e6
    finally:
        process.terminate()
        process.wait(timeout=30)
