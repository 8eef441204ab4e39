"""Who sits at the desk: logins with a cookie token, their idle lock, limits on wrong tries, one-use tickets for sockets.

Tokens and tickets stand in the database as hashes only. A login whose owner did nothing for a while is locked: it stays what it
was, drafts and all, but opens nothing until the password is typed again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from chebao.db import Connection, Pool
from chebao.desk import audit, auth
from chebao.desk.agents import Agent, State
from chebao.errors import Locked, LoginNeeded
from chebao.logs import line

log = logging.getLogger(__name__)

Role = Literal["agent", "supervisor", "admin", "system"]

IDLE = timedelta(minutes=15)
LASTS = timedelta(hours=12)
TICKET_LASTS = timedelta(seconds=30)
FORGOTTEN_AFTER = timedelta(minutes=15)
TRIES_BY_NAME = 5
TRIES_BY_ADDRESS = 30

_TOUCH_EVERY = timedelta(seconds=20)
_WRONG = "用户名或密码不正确。"
_TOO_MANY = "尝试次数太多了，请 15 分钟后再试，或联系管理员。"


@dataclass(frozen=True)
class Login:
    """A known person's login.

    Attributes:
        key: hash of its token; what everything of it hangs on.
        locked: it waits for the password.
    """

    key: bytes
    agent_id: str
    name: str
    role: Role
    skills: tuple[str, ...]
    licence_no: str | None
    capacity: int
    state: State
    csrf: str
    locked: bool

    @property
    def agent(self) -> Agent:
        """Who it is, as the desk's rules need him."""
        assert self.role != "system"
        return Agent(
            self.agent_id, self.name, self.role, list(self.skills), self.licence_no, self.capacity, False, self.state
        )


_LOGIN = """
SELECT l.token_hash AS key, a.id AS agent_id, a.name, a.role, a.skills, a.licence_no, a.capacity, a.state, l.csrf,
       l.locked_at IS NOT NULL OR l.seen_at <= now() - %(idle)s AS locked, l.seen_at <= now() - %(touch)s AS stale
FROM desk.logins l JOIN desk.agents a ON a.id = l.agent_id
WHERE l.token_hash = %(key)s AND NOT a.disabled AND l.created_at > now() - %(lasts)s
"""


class Logins:
    """The logins of all agents.

    Args:
        totp: whether supervisors and administrators need a one-time code (everywhere but in demo mode).
        company: how an authenticator app names us.
        idle: how long a login may do nothing before it is locked.
    """

    def __init__(self, pool: Pool, *, totp: bool, company: str, idle: timedelta = IDLE) -> None:
        self._pool, self._totp, self._company, self.idle = pool, totp, company, idle
        # One check at a time: it takes 64 MiB and a core, and so a burst of tries cannot overtake the count of those before.
        self._checking = asyncio.Lock()
        # Below everything else, so that fifty who come to work at nine do not hold up their customers.
        self._hashing = ThreadPoolExecutor(1, "desk-passwords", initializer=_step_back)
        self._watching: dict[str, set[Callable[[], None]]] = defaultdict(set)

    @contextmanager
    def watching(self, agent_id: str, changed: Callable[[], None]) -> Iterator[None]:
        """Calls back when a login of the agent may have been locked or ended in this process."""
        self._watching[agent_id].add(changed)
        try:
            yield
        finally:
            self._watching[agent_id].discard(changed)
            if not self._watching[agent_id]:
                del self._watching[agent_id]

    def look_again(self, agent_id: str) -> None:
        """Something happened to the logins of an agent: his open lines look whether theirs still holds."""
        for changed in tuple(self._watching.get(agent_id, ())):
            changed()

    async def begin(self, name: str, password: str, code: str | None, address: str) -> tuple[str, Login]:
        """A new login and its token.

        Raises:
            LoginNeeded: wrong; code ``totp_required`` where only the one-time code is missing, ``totp_setup`` where the
                account has no authenticator yet: the detail holds what to give to one, and the next code from it ends the set-up.
            Locked: too many wrong tries with this name or from this address.
        """
        async with self._checking, self._pool.connection() as connection:
            agent = await self._check(connection, name, password, address)
            if self._totp and agent["role"] != "agent":
                await self._check_code(connection, agent, code, address)
            await connection.execute("DELETE FROM desk.login_failures WHERE name = %s", (name,))
            await connection.execute("DELETE FROM desk.logins WHERE created_at <= now() - %s", (LASTS,))
            token = secrets.token_urlsafe(32)
            await connection.execute(
                "INSERT INTO desk.logins (token_hash, agent_id, csrf) VALUES (%s, %s, %s)",
                (_hash(token), agent["id"], secrets.token_urlsafe(24)),
            )
            log.info(line("desk_login", agent=agent["id"]))
            login = await self._find(connection, _hash(token), active=False)
        assert login is not None
        return token, login

    async def of(self, token: str, *, active: bool) -> Login | None:
        """The login of a token, locked or not; None for one that does not hold.

        Args:
            active: the person did something: the time until the lock begins anew.
        """
        async with self._pool.connection() as connection:
            return await self._find(connection, _hash(token), active=active)

    async def again(self, login: Login, *, active: bool) -> Login | None:
        """The login as it is now."""
        async with self._pool.connection() as connection:
            return await self._find(connection, login.key, active=active)

    async def end(self, login: Login) -> None:
        """Logs out."""
        async with self._pool.connection() as connection:
            await connection.execute("DELETE FROM desk.logins WHERE token_hash = %s", (login.key,))
        self.look_again(login.agent_id)

    async def end_all(self, connection: Connection, agent_id: str) -> None:
        """Logs an agent out everywhere: his password changed, or he left. After the commit call `look_again`."""
        await connection.execute("DELETE FROM desk.logins WHERE agent_id = %s", (agent_id,))

    async def lock(self, login: Login) -> None:
        """Locks the screen."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE desk.logins SET locked_at = now() WHERE token_hash = %s AND locked_at IS NULL", (login.key,)
            )
        self.look_again(login.agent_id)

    async def unlock(self, login: Login, password: str, address: str) -> None:
        """Opens a locked login; wrong tries count like those of a login.

        Raises:
            LoginNeeded, Locked: as `begin`.
        """
        async with self._checking, self._pool.connection() as connection:
            await self._check(connection, login.agent_id, password, address)
            await connection.execute("DELETE FROM desk.login_failures WHERE name = %s", (login.agent_id,))
            await connection.execute(
                "UPDATE desk.logins SET locked_at = NULL, seen_at = now() WHERE token_hash = %s", (login.key,)
            )

    async def change_password(self, login: Login, old: str, new: str, address: str) -> None:
        """Sets a new password; the agent's other logins end.

        Raises:
            LoginNeeded, Locked: the old one is not his.
            InputRefused: the new one is too weak.
        """
        auth.check_new(new, login.agent_id)
        async with self._checking, self._pool.connection() as connection:
            await self._check(connection, login.agent_id, old, address)
            password_hash = await self._apart(auth.hash_password, new)
            await connection.execute(
                "UPDATE desk.agents SET password_hash = %s WHERE id = %s", (password_hash, login.agent_id)
            )
            await connection.execute(
                "DELETE FROM desk.logins WHERE agent_id = %s AND token_hash <> %s", (login.agent_id, login.key)
            )
        self.look_again(login.agent_id)

    async def ticket(self, login: Login) -> str:
        """Opens one socket, once, within half a minute."""
        ticket = secrets.token_urlsafe(24)
        async with self._pool.connection() as connection:
            await connection.execute("DELETE FROM desk.socket_tickets WHERE until <= now()")
            await connection.execute(
                "INSERT INTO desk.socket_tickets (ticket_hash, login_hash, until) VALUES (%s, %s, now() + %s)",
                (_hash(ticket), login.key, TICKET_LASTS),
            )
        return ticket

    async def redeem(self, ticket: str) -> Login | None:
        """The login of a ticket, which is gone with this."""
        async with self._pool.connection() as connection:
            taken = await connection.execute(
                "DELETE FROM desk.socket_tickets WHERE ticket_hash = %s AND until > now() RETURNING login_hash",
                (_hash(ticket),),
            )
            row = await taken.fetchone()
            return await self._find(connection, bytes(row["login_hash"]), active=False) if row else None

    async def _apart[*Given, T](self, work: Callable[[*Given], T], *given: *Given) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._hashing, work, *given)

    async def _find(self, connection: Connection, key: bytes, *, active: bool) -> Login | None:
        values = {"key": key, "idle": self.idle, "touch": min(_TOUCH_EVERY, self.idle / 10), "lasts": LASTS}
        row = await (await connection.execute(_LOGIN, values)).fetchone()
        if row is None:
            return None
        if row.pop("stale") and active and not row["locked"]:
            await connection.execute("UPDATE desk.logins SET seen_at = now() WHERE token_hash = %s", (key,))
        return Login(**row | {"key": bytes(row["key"]), "skills": tuple(row["skills"])})

    async def _check(self, connection: Connection, name: str, password: str, address: str) -> dict[str, Any]:
        """The agent's row, if the password is his."""
        await self._limit(connection, name, address)
        found = await connection.execute(
            "SELECT id, role, password_hash, totp_secret, totp_used FROM desk.agents WHERE id = %s AND NOT disabled",
            (name,),
        )
        agent = await found.fetchone()
        stored = agent["password_hash"] if agent else None
        if not await self._apart(auth.verify, stored, password) or agent is None:
            await self._count(connection, name, address)
            raise LoginNeeded(_WRONG, code="wrong_password")
        return agent

    async def _check_code(self, connection: Connection, agent: dict[str, Any], code: str | None, address: str) -> None:
        bound = agent["totp_used"] is not None
        if not bound and (not code or agent["totp_secret"] is None):
            await self._offer_authenticator(connection, agent["id"])
        if not code:
            raise LoginNeeded("请输入动态口令。", code="totp_required")
        step = auth.totp_step(agent["totp_secret"], code, after=agent["totp_used"])
        used = await connection.execute(
            "UPDATE desk.agents SET totp_used = %(step)s WHERE id = %(id)s AND coalesce(totp_used, 0) < %(step)s",
            {"step": step, "id": agent["id"]},
        )
        if not used.rowcount:
            await self._count(connection, agent["id"], address)
            raise LoginNeeded("动态口令不正确，请换一个新的再试。", code="totp_required")
        if not bound:
            await audit.note(connection, agent["id"], "agent.totp_bound")

    async def _offer_authenticator(self, connection: Connection, agent_id: str) -> None:
        """Makes a secret that its first code binds. Each offer ends the one before: who saw that one has no part in this one.

        Raises:
            LoginNeeded: always, with the secret.
        """
        secret = auth.new_totp()
        await connection.execute(
            "UPDATE desk.agents SET totp_secret = %s WHERE id = %s AND totp_used IS NULL", (secret, agent_id)
        )
        uri = auth.totp_uri(secret, agent_id, self._company)
        raise LoginNeeded(
            "请先绑定动态口令。", code="totp_setup", detail={"secret": secret, "uri": uri, "qr": auth.totp_qr(uri)}
        )

    async def _limit(self, connection: Connection, name: str, address: str) -> None:
        found = await connection.execute(
            "SELECT count(*) FILTER (WHERE name = %(name)s) AS by_name, count(*) FILTER (WHERE address = %(address)s) AS by_address"
            " FROM desk.login_failures WHERE at > now() - %(within)s",
            {"name": name, "address": address, "within": FORGOTTEN_AFTER},
        )
        row = await found.fetchone()
        assert row is not None
        if row["by_name"] >= TRIES_BY_NAME or row["by_address"] >= TRIES_BY_ADDRESS:
            log.warning(line("desk_login_locked", by_name=row["by_name"], by_address=row["by_address"]))
            raise Locked(_TOO_MANY, code="login_locked")

    async def _count(self, connection: Connection, name: str, address: str) -> None:
        await connection.execute("DELETE FROM desk.login_failures WHERE at <= now() - %s", (FORGOTTEN_AFTER,))
        await connection.execute(
            "INSERT INTO desk.login_failures (name, address) VALUES (%s, %s)", (name[:200], address)
        )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _step_back() -> None:
    """Lets all other threads go first (on Linux this holds for one thread, and those that it starts for the lanes of argon2)."""
    os.nice(10)
