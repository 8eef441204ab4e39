"""Fixtures for all tests: an embedded PostgreSQL of the test run's own, migrated, one fresh database per asking module."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chebao import db, postgres
from tests.running import RunningStack, running_stack


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
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The whole stack, started as `make run FAKES=1` starts it, once for the test run."""
    with running_stack(tmp_path_factory.mktemp("stack") / "data", CHEBAO_FAKES="1") as running:
        yield running
