"""Login, lock, the agent's own state, and the state of the whole desk to begin with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from chebao.db import Connection
from chebao.desk import forms, rows, state
from chebao.desk.access import COOKIE, PREFIX
from chebao.desk.logins import LASTS, Login
from chebao.desk.routes.parts import Asking, Parts
from chebao.errors import LoginNeeded

Password = Annotated[str, Field(min_length=1, max_length=200)]


class Credentials(BaseModel):
    """Name and password; supervisors and administrators also the one-time code of their authenticator."""

    username: str = Field(min_length=1, max_length=60)
    password: Password
    code: str | None = Field(default=None, max_length=12)


class Unlock(BaseModel):
    """The password once more."""

    password: Password


class NewPassword(BaseModel):
    """The password until now and the one from now on."""

    old: Password
    new: Password


class OwnState(BaseModel):
    """Ready takes new conversations, busy keeps those there are, break and offline give them away."""

    state: Literal["ready", "busy", "break", "offline"]
    reason: str | None = Field(default=None, max_length=60)


def add(routes: APIRouter, parts: Parts) -> None:
    _add_login(routes, parts)
    _add_me(routes, parts)


def _add_login(routes: APIRouter, parts: Parts) -> None:
    logins, settings = parts.logins, parts.settings

    @routes.post("/login", tags=["session"])
    async def login(body: Credentials, request: Request, response: Response) -> dict[str, Any]:
        """Opens a login: a cookie for everything, and `csrf` to be sent as `X-CSRF-Token` with every write.

        Refused with 401 `totp_required` where the one-time code is missing or wrong, and with 401 `totp_setup` where a supervisor
        has no authenticator yet: `detail` then holds its `secret`, `uri` and `qr`; the same login with the code ends the set-up.
        """
        address = request.client.host if request.client else "-"
        token, begun = await logins.begin(body.username.strip(), body.password, body.code, address)
        response.set_cookie(
            COOKIE,
            token,
            max_age=int(LASTS.total_seconds()),
            path=PREFIX,
            httponly=True,
            samesite="strict",
            secure=settings.public_url.startswith("https://"),
        )
        forms.load_soon()
        async with parts.pool.connection() as connection:
            return {"agent": await _agent(connection, begun.agent_id), "csrf": begun.csrf, "demo": settings.demo}

    @routes.post("/logout", status_code=204, tags=["session"])
    async def logout(caller: Asking, response: Response) -> None:
        """Ends the login; its conversations are given to others as soon as the agent counts as away."""
        await logins.end(_of(caller.login))
        response.delete_cookie(COOKIE, path=PREFIX)

    @routes.post("/lock", status_code=204, tags=["session"])
    async def lock(caller: Asking) -> None:
        """Locks the screen: login and drafts stay."""
        await logins.lock(_of(caller.login))

    @routes.post("/unlock", tags=["session"])
    async def unlock(caller: Asking, body: Unlock, request: Request) -> dict[str, str]:
        """Opens the locked screen again."""
        address = request.client.host if request.client else "-"
        await logins.unlock(_of(caller.login), body.password, address)
        return {"csrf": _of(caller.login).csrf}

    @routes.post("/socket-ticket", tags=["session"])
    async def ticket(caller: Asking) -> dict[str, str]:
        """Opens one socket, `/socket?ticket=…`, within 30 seconds."""
        return {"ticket": await logins.ticket(_of(caller.login))}


def _add_me(routes: APIRouter, parts: Parts) -> None:
    @routes.get("/me", tags=["session"])
    async def me(caller: Asking) -> dict[str, Any]:
        """Who is logged in, and what the page has to know of the service."""
        settings = parts.settings
        async with parts.pool.connection() as connection:
            agent = await _agent(connection, caller.agent_id) if caller.agent_id else None
        return {
            "agent": agent,
            "csrf": caller.login.csrf if caller.login else None,
            "locked": caller.login.locked if caller.login else False,
            "server_time": datetime.now(UTC).isoformat(),
            "settings": {
                "idle_lock_minutes": parts.logins.idle.total_seconds() / 60,
                "company": settings.company,
                "hotline": settings.hotline,
                "demo": settings.demo,
            },
        }

    @routes.put("/me/state", tags=["session"])
    async def own_state(caller: Asking, body: OwnState) -> dict[str, Any]:
        """Sets the agent's state; its time is logged."""
        await parts.presence.set_state(caller.acting(), body.state, reason=body.reason)
        async with parts.pool.connection() as connection:
            return await _agent(connection, caller.acting())

    @routes.put("/me/password", status_code=204, tags=["session"])
    async def password(caller: Asking, body: NewPassword, request: Request) -> None:
        """Changes the agent's own password; other logins of his end."""
        address = request.client.host if request.client else "-"
        await parts.logins.change_password(_of(caller.login), body.old, body.new, address)

    @routes.get("/state", tags=["live"])
    async def everything(caller: Asking) -> dict[str, Any]:
        """All rows that the caller may see, as of `event_id`; events after it keep them up to date."""
        async with parts.pool.connection() as connection:
            agent = await parts.seer(connection, caller)
            number, fresh = await state.fresh(connection, agent)
            return {"event_id": number, **fresh, "reads": await _reads(connection, caller.agent_id)}


def _of(login: Login | None) -> Login:
    """The login of a caller whom the table lets in only with one."""
    assert login is not None
    return login


async def _agent(connection: Connection, agent_id: str) -> dict[str, Any]:
    row = await (await connection.execute(rows.ONE["agent"], {"agent": [agent_id]})).fetchone()
    if row is None or row["body"] is None:
        raise LoginNeeded("请先登录。", code="login_needed")
    body: dict[str, Any] = row["body"]
    return body


async def _reads(connection: Connection, agent_id: str | None) -> dict[str, int]:
    """How far the agent has read, where it still matters."""
    found = await connection.execute(
        "SELECT r.conversation_id, r.seq FROM desk.reads r JOIN hub.conversations c ON c.id = r.conversation_id"
        " WHERE r.agent_id = %s AND c.owner IN ('queued', 'agent')",
        (agent_id,),
    )
    return {row["conversation_id"]: row["seq"] for row in await found.fetchall()}
