"""Accounts of agents: who they are, what they may take, how they log in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chebao.db import Connection
from chebao.desk import audit, auth, events, rows, ticket_times, tickets
from chebao.desk.access import Caller
from chebao.desk.routes.parts import Asking, Parts
from chebao.errors import Conflict, Forbidden, NotFound

type Skills = Annotated[list[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]], Field(max_length=20)]
type Licence = Annotated[str | None, Field(max_length=40)]
type Capacity = Annotated[int, Field(ge=0, le=50)]
type Password = Annotated[str, Field(min_length=1, max_length=200)]
type Role = Literal["agent", "supervisor", "admin"]

_ROWS = "SELECT id, licence_no, disabled, totp_used IS NOT NULL AS totp FROM desk.agents ORDER BY id"


class NewAgent(BaseModel):
    """A new account; its id is the user name."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_.-]{1,39}$")
    name: str = Field(min_length=1, max_length=40)
    role: Role = "agent"
    skills: Skills = []
    licence_no: Licence = None
    capacity: Capacity = 5
    password: Password


class Changed(BaseModel):
    """What changes of an account; what is left out stays."""

    name: str | None = Field(default=None, min_length=1, max_length=40)
    role: Role | None = None
    skills: Skills | None = None
    licence_no: Licence = None
    capacity: Capacity | None = None
    disabled: bool | None = None
    password: Password | None = None


def add(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/agents", tags=["agents"])
    async def everybody(caller: Asking) -> dict[str, Any]:
        """All agents with state and load; those who lead also see licences, closed accounts and who has an authenticator."""
        async with parts.pool.connection() as connection:
            live = {r["key"]: r["body"] for r in await (await connection.execute(rows.ALL["agent"])).fetchall()}
            kept = await (await connection.execute(_ROWS)).fetchall()
            closed = await _closed(connection) if caller.leads else {}
        if not caller.leads:
            return {"rows": sorted(live.values(), key=lambda row: row["id"])}
        return {"rows": [(live.get(row["id"]) or closed[row["id"]]) | row for row in kept]}

    @routes.post("/agents", status_code=201, tags=["agents"])
    async def create(caller: Asking, body: NewAgent) -> dict[str, Any]:
        """Opens an account. Supervisors open those of agents; an administrator any."""
        _check_may(caller, "agent", body.role)
        auth.check_new(body.password, body.id)
        password_hash = await asyncio.to_thread(auth.hash_password, body.password)
        values = body.model_dump(exclude={"password"}) | {"password_hash": password_hash}
        async with parts.pool.connection() as connection, connection.transaction():
            made = await connection.execute(
                "INSERT INTO desk.agents (id, name, role, skills, licence_no, capacity, password_hash) VALUES (%(id)s, %(name)s,"
                " %(role)s, %(skills)s, %(licence_no)s, %(capacity)s, %(password_hash)s) ON CONFLICT (id) DO NOTHING",
                values,
            )
            if not made.rowcount:
                raise Conflict("这个用户名已经有人用了。")
            await audit.note(connection, caller.id, "agent.create", detail={"id": body.id, "role": body.role})
            await events.publish_rows(connection, {"agent": [body.id]}, actor=caller.id)
            return await _one(connection, body.id)

    @routes.put("/agents/{agent}", tags=["agents"])
    async def change(caller: Asking, agent: str, body: Changed) -> dict[str, Any]:
        """Changes an account; a new password or a closed account ends its logins, the tickets of a closed one go to colleagues."""
        given = body.model_dump(exclude_unset=True)
        given = {name: value for name, value in given.items() if value is not None or name == "licence_no"}
        if password := given.pop("password", None):
            auth.check_new(password, agent)
            given["password_hash"] = await asyncio.to_thread(auth.hash_password, password)
        async with parts.pool.connection() as connection, connection.transaction():
            before = await _lock(connection, agent)
            _check_may(caller, before["role"], given.get("role", before["role"]))
            for name, value in given.items():
                await connection.execute(_SET[name], (value, agent))
            if password or given.get("disabled"):
                await parts.logins.end_all(connection, agent)
            if given.get("disabled"):
                await ticket_times.pass_on_all(connection, agent, caller.id)
            detail = {"id": agent, "changed": sorted(given), "before": {n: before[n] for n in given if n in before}}
            await audit.note(connection, caller.id, "agent.change", detail=detail)
            named = await _signed_by(connection, agent) if given.get("name", before["name"]) != before["name"] else {}
            for number in named.pop("ticket", ()):
                await tickets.publish(connection, number, caller.id)
            await events.publish_rows(connection, {"agent": [agent], **named}, actor=caller.id, work=True)
            row = await _one(connection, agent)
        parts.logins.look_again(agent)
        return row

    @routes.delete("/agents/{agent}/totp", status_code=204, tags=["agents"])
    async def reset_totp(caller: Asking, agent: str) -> None:
        """Ends an account's authenticator and logins: its owner binds a new one at the next login."""
        async with parts.pool.connection() as connection, connection.transaction():
            await _lock(connection, agent)
            await connection.execute(
                "UPDATE desk.agents SET totp_secret = NULL, totp_used = NULL WHERE id = %s", (agent,)
            )
            await parts.logins.end_all(connection, agent)
            await audit.note(connection, caller.id, "agent.totp_reset", detail={"id": agent})
        parts.logins.look_again(agent)


_SET = {
    name: f"UPDATE desk.agents SET {name} = %s WHERE id = %s"
    for name in ("name", "role", "skills", "licence_no", "capacity", "disabled", "password_hash")
}


async def _signed_by(connection: Connection, agent_id: str) -> dict[str, list[str]]:
    """Keys by kind of the rows that show the agent's name."""
    found = await connection.execute(
        "SELECT 'conversation' AS kind, id AS key FROM hub.conversations WHERE agent_id = %(id)s"
        " UNION ALL SELECT 'ticket', number FROM desk.tickets WHERE owner_id = %(id)s AND state <> 'closed'"
        " UNION ALL SELECT 'note', n.id::text FROM desk.notes n JOIN desk.episodes e"
        " ON e.conversation_id = n.conversation_id AND e.ended_at IS NULL WHERE n.agent_id = %(id)s",
        {"id": agent_id},
    )
    keys: dict[str, list[str]] = {}
    for row in await found.fetchall():
        keys.setdefault(row["kind"], []).append(row["key"])
    return keys


def _check_may(caller: Caller, before: Role, after: Role) -> None:
    """Nobody gives or takes a role above his reach: supervisors manage agents only."""
    if caller.role == "supervisor" and (before, after) != ("agent", "agent"):
        raise Forbidden("主管只能管理坐席账号，主管和管理员账号由管理员管理。")


async def _lock(connection: Connection, agent_id: str) -> dict[str, Any]:
    found = await connection.execute(
        "SELECT name, role, skills, licence_no, capacity, disabled FROM desk.agents WHERE id = %s FOR UPDATE",
        (agent_id,),
    )
    row = await found.fetchone()
    if row is None:
        raise NotFound("没有找到这位坐席。")
    return row


async def _closed(connection: Connection) -> dict[str, dict[str, Any]]:
    """Closed accounts in the shape of the live ones."""
    found = await connection.execute(
        "SELECT id, name, role, skills, licence_no IS NOT NULL AS licensed, 'offline' AS state, state_at, capacity, 0 AS load"
        " FROM desk.agents WHERE disabled"
    )
    return {row["id"]: row for row in await found.fetchall()}


async def _one(connection: Connection, agent_id: str) -> dict[str, Any]:
    row = await (await connection.execute(rows.ONE["agent"], {"agent": [agent_id]})).fetchone()
    body = row["body"] if row and row["body"] else (await _closed(connection)).get(agent_id, {})
    kept = await (await connection.execute(_ROWS.replace(" ORDER", " WHERE id = %s ORDER"), (agent_id,))).fetchone()
    return body | (kept or {})
