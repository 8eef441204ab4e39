"""Engine and migrations: one PostgreSQL with the schemas ``hub``, ``backoffice`` and ``rasa``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_MIGRATIONS = Path(__file__).parent / "migrations"


def driver_url(url: str) -> str:
    """The URL with the driver that SQLAlchemy is to use, psycopg 3."""
    return "postgresql+psycopg://" + url.split("://", 1)[1]


def make_engine(url: str, *, pool_size: int = 5) -> AsyncEngine:
    """A new async engine; the caller disposes of it."""
    # hide_parameters: a database error's text must not carry a customer's words into the log
    return create_async_engine(
        driver_url(url), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, hide_parameters=True
    )


def migrate(url: str) -> None:
    """Brings the database to the newest revision (synchronous, idempotent)."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = driver_url(url)
    command.upgrade(config, "head")
