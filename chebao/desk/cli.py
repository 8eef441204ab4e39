"""``chebao agent …``: the first administrator of a new desk, and a way back in for one who lost password or authenticator."""

from __future__ import annotations

import sys
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
INSERT INTO desk.agents (id, name, role, password_hash, totp_secret) VALUES (%(id)s, %(name)s, %(role)s, %(hash)s, %(totp)s)
ON CONFLICT (id) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash, totp_secret = excluded.totp_secret,
    totp_used = NULL, disabled = false
"""


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
    settings = get_settings()
    secret = auth.new_totp() if role is not Role.AGENT else None
    values = {"id": username, "name": name, "role": role, "hash": auth.hash_password(password), "totp": secret}
    with postgres.at_hand(settings.database_url, settings.data / "postgres") as url:
        migrate(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_ADD, values)
            connection.execute("DELETE FROM desk.logins WHERE agent_id = %s", (username,))
    print(f"{username}: {role}")
    if secret:
        print(f"Authenticator: {auth.totp_uri(secret, username, settings.company)}")
