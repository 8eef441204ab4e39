"""The whole stack as `make run` starts it, on ports and data of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from chebao.settings import ROOT, get_settings

_START_SECONDS = 150


@dataclass
class RunningStack:
    """A running stack.

    Attributes:
        url: of the one public port.
        rasa_url: of the dialogue service.
        process: `python -m chebao run`.
        started_in: seconds from start to `Ready`.
    """

    url: str
    rasa_url: str
    data: Path
    process: subprocess.Popen[str]
    started_in: float

    def children(self) -> dict[str, psutil.Process]:
        """The three servers by name, as they are now."""
        named = {"bot.run serve": "rasa", "actions.server": "actions", "chebao.app": "app"}
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            line = " ".join(child.cmdline())
            found |= {name: child for words, name in named.items() if words in line}
        return found

    def kill(self, name: str) -> None:
        """kill -9 of one server; supervisor starts it again."""
        self.children()[name].send_signal(signal.SIGKILL)

    def log(self, name: str) -> str:
        """What one server has logged."""
        return (self.data / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def running_stack(data: Path, **settings: str) -> Iterator[RunningStack]:
    """Starts the stack with the trained model of the work tree, and stops it with Ctrl-C."""
    data.mkdir(parents=True, exist_ok=True)
    shutil.copytree(get_settings().data / "models", data / "models", dirs_exist_ok=True)
    app, rasa, actions = free_ports(3)
    environment = os.environ | {
        "CHEBAO_DATA": str(data),
        "CHEBAO_PORT": str(app),
        "CHEBAO_RASA_PORT": str(rasa),
        "CHEBAO_ACTIONS_PORT": str(actions),
        **settings,
    }
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "chebao", "run"],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = _until_ready(process, began)
        url = f"http://127.0.0.1:{app}"
        assert re.search(rf"{url}/chat", said), said
        yield RunningStack(url, f"http://127.0.0.1:{rasa}", data, process, time.monotonic() - began)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def _until_ready(process: subprocess.Popen[str], began: float) -> str:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("Ready."):
            return "".join(said)
        if time.monotonic() - began > _START_SECONDS:
            break
    process.kill()
    raise AssertionError("the stack did not become ready:\n" + "".join(said))
