"""What the routes work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from chebao.backoffice.client import BackOffice
from chebao.conversations.api import Hub, Uploads
from chebao.db import Connection, Pool
from chebao.desk import agents
from chebao.desk.access import Caller, Gate
from chebao.desk.agents import Agent
from chebao.desk.events import Feed
from chebao.desk.handling import Handling
from chebao.desk.logins import Logins
from chebao.desk.presence import Presence
from chebao.desk.suggestions import Articles
from chebao.desk.together import Together
from chebao.desk.webhooks import Sender
from chebao.settings import Settings


@dataclass(frozen=True)
class Parts:
    """All of it, made once for a process."""

    settings: Settings
    pool: Pool
    hub: Hub
    uploads: Uploads
    office: BackOffice
    articles: Articles
    feed: Feed
    handling: Handling
    presence: Presence
    logins: Logins
    gate: Gate
    together: Together
    webhooks: Sender

    async def agent(self, caller: Caller) -> Agent:
        """The agent who acts.

        Raises:
            InputRefused: a program that names none.
        """
        if caller.login:
            return caller.login.agent
        async with self.pool.connection() as connection:
            return await agents.get(connection, caller.acting())

    async def seer(self, connection: Connection, caller: Caller) -> Agent | None:
        """Through whose eyes rows are seen; None sees all."""
        if caller.role == "system":
            return None
        return await agents.get(connection, caller.acting())


async def _asking(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Asking = Annotated[Caller, Depends(_asking)]
"""Whom the gate let in."""
