"""Fixtures for all tests: an embedded PostgreSQL of the test run's own, migrated, one fresh database per asking module."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chebao import db, postgres
from tests.fakes.telegram import TOKEN
from tests.running import RunningStack, free_ports, running_stack


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of the test run's own server."""
    with tempfile.TemporaryDirectory(prefix="chebao-test-", ignore_cleanup_errors=True) as folder:
        data_dir = Path(folder) / "pg"
        yield postgres.start(data_dir)
        postgres.stop(data_dir)


@pytest.fixture(scope="module")
def database_url(postgres_url: str) -> str:
    """URL of a new, migrated database for the asking module."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = postgres_url.replace("/postgres?", f"/{name}?", 1)
    db.migrate(url)
    return url


@pytest.fixture(scope="session")
def telegram_url() -> Iterator[str]:
    """The fake Telegram in a process of its own, once for the test run."""
    [port] = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "tests.fakes.telegram", "--port", str(port)])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, telegram_url: str) -> Iterator[RunningStack]:
    """The whole stack, started as `make run FAKES=1` starts it, once for the test run."""
    telegram = {"CHEBAO_TELEGRAM_TOKEN": TOKEN, "CHEBAO_TELEGRAM_API": telegram_url}
    with running_stack(tmp_path_factory.mktemp("stack") / "data", CHEBAO_FAKES="1", **telegram) as running:
        yield running
