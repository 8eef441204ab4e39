"""Who may do what at the desk: one table, one gate in front of every route.

A column says who asks, or how he stands to the conversation or ticket that the path names; one of the two is enough:

- nobody: no login. A customer's own token is no login here.
- agent, lead (supervisor), admin: the role. system: another program with `CHEBAO_DESK_KEY`; with the header ``X-Chebao-Agent`` it
  acts for that agent.
- near: an agent; the conversation waits in the queue of one of his skills, or he had it within the last day; the ticket is nobody's
  yet and of his skills.
- mine: his conversation, one that he joined, or his ticket.

What a ticket complains about may never touch it, whatever his role. Who takes a conversation seconds after a colleague did hears that
somebody has it, not that he may not.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from chebao.db import Pool
from chebao.desk.logins import Login, Logins, Role
from chebao.desk.ticket_rules import SKILLS
from chebao.errors import Forbidden, InputRefused, Locked, LoginNeeded, NotFound

PREFIX = "/api/desk/v1"
COOKIE = "chebao_desk"

_TABLE: Final = """
                                                    nobody agent near mine lead admin system
GET    /openapi.json                                   x     x    .    .    x     x     x
POST   /login                                          x     x    .    .    x     x     x
POST   /logout                                         .     x    .    .    x     x     .
GET    /me                                             .     x    .    .    x     x     x
PUT    /me/state                                       .     x    .    .    x     x     x
PUT    /me/password                                    .     x    .    .    x     x     .
POST   /lock                                           .     x    .    .    x     x     .
POST   /unlock                                         .     x    .    .    x     x     .
POST   /socket-ticket                                  .     x    .    .    x     x     .
GET    /state                                          .     x    .    .    x     x     x

GET    /conversations                                  .     x    .    .    x     x     x
GET    /conversations/{conversation}                   .     .    x    x    x     x     x
GET    /conversations/{conversation}/messages          .     .    x    x    x     x     x
GET    /conversations/{conversation}/files/{file}      .     .    x    x    x     x     x
GET    /conversations/{conversation}/files/{file}/thumbnail . .   x    x    x     x     x
GET    /conversations/{conversation}/suggestions       .     .    x    x    x     x     x
POST   /conversations/{conversation}/take              .     .    x    x    x     x     .
POST   /conversations/{conversation}/messages          .     .    .    x    .     .     .
POST   /conversations/{conversation}/uploads           .     .    .    x    .     .     .
POST   /conversations/{conversation}/hold              .     .    .    x    .     .     .
POST   /conversations/{conversation}/resume            .     .    .    x    .     .     .
POST   /conversations/{conversation}/return            .     .    .    x    .     .     .
POST   /conversations/{conversation}/close             .     .    .    x    .     .     .
PATCH  /conversations/{conversation}/form              .     .    .    x    .     .     .
POST   /conversations/{conversation}/payment-link      .     .    .    x    .     .     .
POST   /conversations/{conversation}/appointments      .     .    .    x    x     x     x
POST   /conversations/{conversation}/transfer          .     .    .    x    x     x     x
POST   /conversations/{conversation}/notes             .     .    .    x    x     x     x
POST   /conversations/{conversation}/reveal            .     .    .    x    x     x     .
POST   /conversations/{conversation}/watch             .     .    .    .    x     x     .
POST   /conversations/{conversation}/takeover          .     .    .    .    x     x     .
POST   /conversations/{conversation}/join              .     .    .    .    x     x     .
POST   /conversations/{conversation}/leave             .     .    .    x    x     x     .

GET    /tickets                                        .     x    .    .    x     x     x
POST   /tickets                                        .     x    .    .    x     x     x
GET    /tickets/{number}                               .     .    x    x    x     x     x
PATCH  /tickets/{number}                               .     .    x    x    x     x     x
POST   /tickets/{number}/steps                         .     .    x    x    x     x     x
POST   /tickets/{number}/extension                     .     .    .    x    x     x     x

GET    /knowledge                                      .     x    .    .    x     x     x
GET    /knowledge/articles                             .     x    .    .    x     x     x
GET    /knowledge/articles/{topic}                     .     x    .    .    x     x     x
GET    /knowledge/articles/{topic}/history             .     .    .    .    x     x     x
GET    /knowledge/articles/{topic}/alike               .     .    .    .    x     x     x
PUT    /knowledge/articles/{topic}/draft               .     .    .    .    x     x     .
POST   /knowledge/articles/{topic}/versions/{version}/submit  . . .    .    x     x     .
POST   /knowledge/articles/{topic}/versions/{version}/review  . . .    .    x     x     .
POST   /knowledge/articles/{topic}/versions/{version}/publish . . .    .    x     x     .
GET    /quality/reviews                                .     .    .    .    x     x     x
POST   /quality/reviews/{review_id}                      .     .    .    .    x     x     .
GET    /quality/names                                  .     .    .    .    x     x     x

GET    /canned                                         .     x    .    .    x     x     x
POST   /canned                                         .     .    .    .    x     x     x
PUT    /canned/{reply}                                 .     .    .    .    x     x     x
DELETE /canned/{reply}                                 .     .    .    .    x     x     x
GET    /agents                                         .     x    .    .    x     x     x
POST   /agents                                         .     .    .    .    x     x     x
PUT    /agents/{agent}                                 .     .    .    .    x     x     x
DELETE /agents/{agent}/totp                            .     .    .    .    .     x     x
GET    /wall                                           .     .    .    .    x     x     x
GET    /reports/reachability                           .     .    .    .    x     x     x
GET    /hours                                          .     x    .    .    x     x     x
PUT    /hours                                          .     .    .    .    x     x     x
GET    /triggers                                       .     x    .    .    x     x     x
PUT    /triggers                                       .     .    .    .    x     x     x
GET    /surveys                                        .     .    .    .    x     x     x
GET    /webhooks                                       .     .    .    .    .     x     x
POST   /webhooks                                       .     .    .    .    .     x     x
DELETE /webhooks/{webhook}                             .     .    .    .    .     x     x
POST   /webhooks/{webhook}/replay                      .     .    .    .    .     x     x
"""

_WHILE_LOCKED = {("GET", "/me"), ("POST", "/lock"), ("POST", "/unlock"), ("POST", "/logout"), ("GET", "/openapi.json")}
_BY_ITSELF = {("GET", "/me"), ("GET", "/state"), ("GET", "/wall"), ("POST", "/socket-ticket")}
"""What a page asks for without anybody touching it: does not put off the lock."""

_TAKE = ("POST", "/conversations/{conversation}/take")

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Of what the desk tells: personal data stay in no cache, and no browser takes words for a page."""

_ROLES: dict[Role, str] = {"agent": "agent", "supervisor": "lead", "admin": "admin", "system": "system"}
_READS = {"GET", "HEAD"}

_CONVERSATION = """
SELECT c.owner, c.skill, c.agent_id, e.joined, e.assigned_at > now() - interval '10 seconds' AS just_taken,
       EXISTS (SELECT FROM desk.episodes p WHERE p.conversation_id = c.id AND p.agent_id = %(agent)s
               AND p.ended_at > now() - interval '1 day') AS was_mine
FROM hub.conversations c LEFT JOIN desk.episodes e ON e.conversation_id = c.id AND e.ended_at IS NULL
WHERE c.id = %(id)s
"""
_TICKET = """
SELECT kind, owner_id, escalated_to, created_by, about_agent_id FROM desk.tickets
WHERE number = upper(%(id)s) AND (about_agent_id = %(agent)s) IS NOT TRUE
"""


@dataclass(frozen=True)
class Caller:
    """Who asks: a person at the desk, or another program, perhaps for an agent.

    Attributes:
        agent_id: None for a program that acts for nobody.
        login: None for a program.
    """

    role: Role
    agent_id: str | None
    name: str
    skills: tuple[str, ...]
    licensed: bool
    login: Login | None = None

    @property
    def id(self) -> str:
        """His name in events, notes and the audit."""
        return self.agent_id or "system"

    @property
    def signature(self) -> str:
        """How he stands under what he wrote: two people of one name are two people."""
        return f"{self.name}（{self.id}）"

    @property
    def leads(self) -> bool:
        """Whether he sees everybody's work."""
        return self.role != "agent"

    def acting(self) -> str:
        """The agent in whose name he acts.

        Raises:
            InputRefused: a program that names none.
        """
        if self.agent_id is None:
            raise InputRefused("请在请求头 X-Chebao-Agent 里写明代表哪位坐席。", code="agent_missing")
        return self.agent_id


def table() -> dict[tuple[str, str], frozenset[str]]:
    """``(method, path)`` → the columns that may."""
    head, *lines = [line.split() for line in _TABLE.strip().splitlines() if line.strip()]
    return {
        (line[0], line[1]): frozenset(c for c, mark in zip(head, line[2:], strict=True) if mark == "x")
        for line in lines
    }


class Gate:
    """Lets in who may; the dependency of every route of the desk.

    Args:
        key: what other programs prove themselves with; empty: no such door.
        origins: addresses of our own pages.
    """

    def __init__(self, pool: Pool, logins: Logins, *, key: str, origins: Iterable[str]) -> None:
        self._pool, self._logins, self._key = pool, logins, key
        self._origins = {origin.rstrip("/") for origin in origins}
        self._table = table()

    def guards(self, routes: APIRouter) -> None:
        """Raises where table and routes differ, so that no route is ever served without its line."""
        served = {
            (m, r.path.removeprefix(PREFIX)) for r in routes.routes if isinstance(r, APIRoute) for m in r.methods or ()
        }
        if missing := served ^ self._table.keys():
            raise RuntimeError(f"access table and routes of the desk differ: {sorted(missing)}")

    async def __call__(self, request: Request, response: Response) -> None:
        """Lets a request through, with its caller in ``request.state.caller``, if the table does.

        Raises:
            LoginNeeded, Forbidden, Locked, NotFound: it does not.
        """
        place = (request.method, request.scope["route"].path.removeprefix(PREFIX))
        allowed = self._table[place] | ({"late"} if place == _TAKE else frozenset())
        self.check_origin(request.headers)
        caller = _NOBODY if "nobody" in allowed else await self._who(request, active=place not in _BY_ITSELF)
        if caller.login and caller.login.locked and place not in _WHILE_LOCKED:
            raise Locked("屏幕已锁定，请输入密码继续。", code="desk_locked")
        if caller is not _NOBODY and not await self._may(caller, allowed, request.path_params):
            raise Forbidden("您没有这项权限；这个会话或工单可能由其他同事负责。")
        request.state.caller = caller
        response.headers.update(_HEADERS)

    def check_origin(self, headers: Any) -> None:
        """Refuses what a page of another site sends; programs send no Origin.

        Raises:
            Forbidden: it comes from elsewhere.
        """
        origin = headers.get("origin")
        if origin is None and headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
            return
        if origin is None or (
            origin.rstrip("/") not in self._origins and origin.partition("://")[2] != headers.get("host")
        ):
            raise Forbidden("这个网站不能使用坐席工作台。", code="wrong_origin")

    async def may_see(self, caller: Caller, conversation_id: str) -> bool:
        """Whether the caller may read a conversation.

        Raises:
            NotFound: there is none.
        """
        allowed = self._table["GET", "/conversations/{conversation}"]
        return await self._may(caller, allowed, {"conversation": conversation_id})

    async def may(self, caller: Caller, conversation_id: str) -> dict[str, bool]:
        """What the table lets the caller do in a conversation, by the last part of the path: ``{"take": True, …}``.

        Raises:
            NotFound: there is none.
        """
        begin = "/conversations/{conversation}/"
        columns = {_ROLES[caller.role], *await self.relations(caller, {"conversation": conversation_id})}
        doing = {
            path.removeprefix(begin): allowed
            for (method, path), allowed in self._table.items()
            if method in ("POST", "PATCH") and path.startswith(begin)
        }
        return {name: bool(allowed & columns) for name, allowed in doing.items()}

    async def _may(self, caller: Caller, allowed: frozenset[str], path: dict[str, str]) -> bool:
        relations = await self.relations(caller, path)
        return _ROLES[caller.role] in allowed or bool(relations & allowed)

    async def relations(self, caller: Caller, path: dict[str, str]) -> set[str]:
        """How the caller stands to what the path names: `near`, `mine`, or `late` where a colleague has just taken it.

        Raises:
            NotFound: there is no such conversation or ticket.
        """
        if "conversation" in path:
            row = await self._row(_CONVERSATION, path["conversation"], caller, "没有找到这个会话。")
            return _to_conversation(caller, row)
        if "number" in path:
            return _to_ticket(caller, await self._row(_TICKET, path["number"], caller, "没有找到这个工单。"))
        return set()

    async def _row(self, statement: str, key: str, caller: Caller, words: str) -> dict[str, Any]:
        async with self._pool.connection() as connection:
            found = await connection.execute(statement, {"id": key, "agent": caller.agent_id})
            row = await found.fetchone()
        if row is None:
            raise NotFound(words)
        return row

    async def _who(self, request: Request, *, active: bool) -> Caller:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            if not self._key or not hmac.compare_digest(given.strip().encode(), self._key.encode()):
                raise LoginNeeded("密钥不正确。")
            return await self._program(request.headers.get("x-chebao-agent"))
        token = request.cookies.get(COOKIE)
        login = await self._logins.of(token, active=active) if token else None
        if login is None:
            raise LoginNeeded("请先登录。", code="login_needed")
        if request.method not in _READS and not hmac.compare_digest(
            request.headers.get("x-csrf-token", "").encode(), login.csrf.encode()
        ):
            raise Forbidden("页面已过期，请刷新后再试。", code="csrf")
        return of_login(login)

    async def _program(self, agent_id: str | None) -> Caller:
        if agent_id is None:
            return Caller("system", None, "系统", (), licensed=False)
        async with self._pool.connection() as connection:
            found = await connection.execute(
                "SELECT id, name, skills, licence_no FROM desk.agents WHERE id = %s AND NOT disabled", (agent_id,)
            )
            row = await found.fetchone()
        if row is None:
            raise NotFound("没有找到这位坐席。")
        return Caller("system", row["id"], row["name"], tuple(row["skills"]), licensed=row["licence_no"] is not None)


_NOBODY = Caller("system", None, "", (), licensed=False)


def of_login(login: Login) -> Caller:
    """The person of a login."""
    licensed = login.licence_no is not None
    return Caller(login.role, login.agent_id, login.name, login.skills, licensed, login)


def _to_conversation(caller: Caller, row: dict[str, Any]) -> set[str]:
    if caller.agent_id is None:
        return set()
    relations = set()
    if caller.agent_id == row["agent_id"] or caller.agent_id in (row["joined"] or ()):
        relations.add("mine")
    of_his_skills = (row["skill"] or "general") in caller.skills
    if row["was_mine"] or (row["owner"] == "queued" and of_his_skills):
        relations.add("near")
    if row["just_taken"] and of_his_skills:
        relations.add("late")
    return relations


def _to_ticket(caller: Caller, row: dict[str, Any]) -> set[str]:
    if caller.agent_id is None:
        return set()
    if caller.agent_id in (row["owner_id"], row["escalated_to"], row["created_by"]):
        return {"mine"}
    return {"near"} if row["owner_id"] is None and SKILLS[row["kind"]] in caller.skills else set()
