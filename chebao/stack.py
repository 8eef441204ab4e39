"""Runs everything on one machine: PostgreSQL, the trained model, Rasa, the action server and the app.

Supervisor (supervisord.org) watches the three servers and restarts one that crashes, with growing pauses; PostgreSQL is
started before and stopped after them. Every reason not to start is one sentence on stderr and a non-zero exit.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from rich.console import Console

from chebao import db, fakes, postgres
from chebao.settings import ROOT, Settings, get_settings

_LEAST_FREE_BYTES = 1_000_000_000
_READY_SECONDS = 120
_BOT_PYTHON = ROOT / "bot" / ".venv" / "bin" / "python"

_TRIES = 3
"""A server that stopped so often before everything was ready will not come up."""

# On a full machine taking messages in goes before answering them: an ack waits for the app and the database alone.
_SERVERS = {
    "rasa": f"nice -n 5 {_BOT_PYTHON} -m bot.run serve",
    "actions": f"nice -n 5 {sys.executable} -m actions.server",
    "app": f"{sys.executable} -m chebao.app",
}


def _servers_of(settings: Settings) -> dict[str, str]:
    """What supervisor runs: name → command."""
    return _SERVERS | (fakes.commands(settings) if settings.fakes else {})


_console = Console(highlight=False)


class CannotStart(Exception):
    """Something stands in the way; the text says what, in one sentence."""


def run(settings: Settings, then: Sequence[str] = ()) -> int:
    """Starts the stack and waits for Ctrl-C, or runs the command `then` in the foreground. Returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts background jobs with SIGINT ignored
        signal.signal(number, _interrupt)
    try:
        with _database(settings) as url, _servers(settings, url) as supervisor:
            if then:
                return subprocess.call(list(then), env=_environment(settings, url), cwd=ROOT)
            _print_addresses(settings)
            return supervisor.wait() or 1
    except CannotStart as reason:
        print(f"Cannot start: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        _console.print("Stopped.")
        return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of the processes behind."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The migrated database's URL: the one that is configured, or the embedded server for as long as we run."""
    _check_machine(settings)
    data_dir = settings.data / "postgres"
    try:
        _console.print("Starting the database …")
        try:
            url = settings.database_url or postgres.start(data_dir)
            db.migrate(url)
        except (psycopg.Error, subprocess.SubprocessError, OSError) as error:
            raise CannotStart(f"the database does not start ({type(error).__name__}: {error})") from error
        yield url
    finally:
        if settings.database_url is None:
            with _undisturbed():
                postgres.stop(data_dir)


@contextmanager
def _servers(settings: Settings, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Rasa, action server and app, trained, watched and healthy."""
    environment = _environment(settings, url)
    if subprocess.call([str(_BOT_PYTHON), "-m", "bot.run", "train"], env=environment, cwd=ROOT) != 0:
        raise CannotStart("the assistant could not be trained (see above)")
    _console.print("Starting Rasa, actions and app …")
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(_write_config(settings))],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(settings, supervisor)
        yield supervisor
    finally:
        with _undisturbed():
            supervisor.terminate()
            try:
                supervisor.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(supervisor.pid, signal.SIGKILL)


def _check_machine(settings: Settings) -> None:
    for port, what in (
        (settings.port, "PORT"),
        (settings.rasa_port, "RASA_PORT"),
        (settings.actions_port, "ACTIONS_PORT"),
    ):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise CannotStart(f"port {port} is taken; free it or set CHEBAO_{what}") from error
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.data).free
    except OSError as error:
        raise CannotStart(f"{settings.data} cannot be written ({error.strerror})") from error
    if free < _LEAST_FREE_BYTES:
        raise CannotStart(
            f"{settings.data} has {free // 1_000_000} MB left; at least {_LEAST_FREE_BYTES // 1_000_000} MB are needed"
        )
    if not _BOT_PYTHON.exists():
        raise CannotStart("Rasa's environment is missing; use `make run`")


def _environment(settings: Settings, url: str) -> dict[str, str]:
    """What every child is told; one place, so that all agree on addresses and database."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "DATABASE_URL": url,
        "CHEBAO_DATA": str(settings.data),
        "CHEBAO_RASA_PORT": str(settings.rasa_port),
        "CHEBAO_ACTIONS_PORT": str(settings.actions_port),
        "CHEBAO_ACTIONS_URL": f"http://127.0.0.1:{settings.actions_port}/webhook",
        **(fakes.environment(settings) if settings.fakes else {}),
    }


def _write_config(settings: Settings) -> Path:
    """Supervisor's configuration for this run."""
    logs = settings.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "supervisor.log").unlink(missing_ok=True)
    sections = [
        f"[supervisord]\nlogfile={logs}/supervisor.log\npidfile={settings.data}/supervisor.pid\nidentifier=chebao\n"
    ]
    for name, command in _servers_of(settings).items():
        sections.append(
            f"[program:{name}]\ncommand={command}\nautorestart=true\nstartsecs=5\nstartretries=1000\n"
            f"stopwaitsecs=15\nstopasgroup=true\nkillasgroup=true\nredirect_stderr=true\n"
            f"stdout_logfile={logs}/{name}.log\nstdout_logfile_maxbytes=20MB\nstdout_logfile_backups=3\n"
        )
    path = settings.data / "supervisord.conf"
    path.write_text("\n".join(sections), encoding="utf-8")
    return path


def _wait_until_ready(settings: Settings, supervisor: subprocess.Popen[bytes]) -> None:
    """Waits for the app's readiness, which includes database, Rasa and actions."""
    url = f"http://127.0.0.1:{settings.port}/readyz"
    logs = settings.data / "logs"
    until = time.monotonic() + _READY_SECONDS
    missing = ["app"]
    with _console.status("Waiting until everything answers …"):
        while time.monotonic() < until:
            if supervisor.poll() is not None:
                raise CannotStart(f"supervisor ended at once; see {logs}/supervisor.log")
            for name in _servers_of(settings):
                _complain_if_it_keeps_stopping(name, logs)
            try:
                answer = httpx.get(url, timeout=2, trust_env=False)
                if answer.status_code == httpx.codes.OK:
                    return
                missing = [name for name, well in answer.json().items() if name != "ready" and not well]
            except (httpx.HTTPError, ValueError):
                missing = ["app"]
            time.sleep(0.2)
    raise CannotStart(f"{', '.join(missing)} did not become ready within {_READY_SECONDS} s; see {logs}/")


def _complain_if_it_keeps_stopping(name: str, logs: Path) -> None:
    history = logs / "supervisor.log"
    if not history.exists() or history.read_text(encoding="utf-8").count(f"exited: {name} ") < _TRIES:
        return
    said = (logs / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise CannotStart(f"{name} keeps stopping ({said[-1] if said else 'it says nothing'}); see {logs}/{name}.log")


def _print_addresses(settings: Settings) -> None:
    lines = {
        "Chat page": f"{settings.public_url}/chat",
        "Demo site with the chat embedded": f"{settings.public_url}/",
        "Back-office API": f"{settings.public_url}/backoffice/v1/docs",
        "Open chat door": f"{settings.public_url}/webhooks/rest/webhook",
        "Logs": f"{settings.data}/logs/",
    }
    if settings.fakes:
        lines |= {f"A phone on a fake {name}": fakes.address(settings, name) + "/" for name in fakes.FAKES}
    for name, address in lines.items():
        _console.print(f"  {name:<34}{address}", soft_wrap=True)
    _console.print("Ready. Ctrl-C stops everything.")


if __name__ == "__main__":
    sys.exit(run(get_settings()))
