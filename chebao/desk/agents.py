"""Agents: who they are, what they may take, how much they have at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from chebao.db import Connection
from chebao.errors import NotFound

Role = Literal["agent", "supervisor", "admin"]
State = Literal["ready", "busy", "break", "offline"]

_COLUMNS = "id, name, role, skills, licence_no, capacity, disabled, state"


@dataclass(frozen=True)
class Agent:
    """An agent's row as the desk's rules need it.

    Attributes:
        licence_no: of the sales licence; only who has one may quote.
        capacity: conversations that he is given at once.
    """

    id: str
    name: str
    role: Role
    skills: list[str]
    licence_no: str | None
    capacity: int
    disabled: bool
    state: State

    @property
    def supervises(self) -> bool:
        """Whether he sees and may do everything with every conversation."""
        return self.role != "agent"


async def get(connection: Connection, agent_id: str) -> Agent:
    """The agent of this id.

    Raises:
        NotFound: there is none, or his account is closed.
    """
    query = f"SELECT {_COLUMNS} FROM desk.agents WHERE id = %s AND NOT disabled"
    row = await (await connection.execute(query, (agent_id,))).fetchone()
    if row is None:
        raise NotFound("没有找到这位客服。")
    return Agent(**row)


async def lock(connection: Connection, ids: Collection[str]) -> None:
    """Keeps others from giving these agents anything until the transaction ends; always in the same order."""
    await connection.execute(
        "SELECT 1 FROM desk.agents WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", (sorted(ids),)
    )
