"""``chebao agent …``: the first administrator of a new desk, and a way back in for one who lost password or authenticator."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import psycopg
import typer

from chebao import postgres
from chebao.db import migrate
from chebao.desk import auth
from chebao.errors import InputRefused
from chebao.settings import get_settings

agent_app = typer.Typer(help="Accounts of the agent desk.", no_args_is_help=True)


class Role(StrEnum):
    """What an account may do; see `chebao.desk.access`."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


_ADD = """
INSERT INTO desk.agents (id, name, role, password_hash) VALUES (%(id)s, %(name)s, %(role)s, %(hash)s)
ON CONFLICT (id) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash, totp_secret = NULL, totp_used = NULL,
    disabled = false
"""
_BIND = "The authenticator is bound at the next login on the page, by the QR code shown there."


@agent_app.command()
def add(
    username: str,
    name: Annotated[str, typer.Option(help="As customers and colleagues read it.", prompt=True)],
    role: Annotated[Role, typer.Option()] = Role.ADMIN,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Makes an account, or gives a known one a new password and authenticator; its logins end."""
    try:
        auth.check_new(password, username)
    except InputRefused as refused:
        print(refused.message, file=sys.stderr)
        raise typer.Exit(1) from refused
    values = {"id": username, "name": name, "role": role, "hash": auth.hash_password(password)}
    with _database() as connection:
        connection.execute(_ADD, values)
        _log_out(connection, username)
    print(f"{username}: {role}")
    if role is not Role.AGENT:
        print(_BIND)


@agent_app.command()
def reset_totp(username: str) -> None:
    """For a lost phone: ends the authenticator and the logins of an account; the password stays."""
    with _database() as connection:
        found = connection.execute(
            "UPDATE desk.agents SET totp_secret = NULL, totp_used = NULL WHERE id = %s", (username,)
        )
        if not found.rowcount:
            print(f"no such account: {username}", file=sys.stderr)
            raise typer.Exit(1)
        _log_out(connection, username)
    print(_BIND)


@contextmanager
def _database() -> Iterator[psycopg.Connection]:
    settings = get_settings()
    with postgres.at_hand(settings.database_url, settings.data / "postgres") as url:
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


def _log_out(connection: psycopg.Connection, username: str) -> None:
    connection.execute("DELETE FROM desk.logins WHERE agent_id = %s", (username,))
