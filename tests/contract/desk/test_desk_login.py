"""Who may sit down at the desk: passwords, one-time codes, limits, lock, forged requests, one-use tickets."""

from __future__ import annotations

import asyncio
from typing import Any

import pyotp
import pytest
from typer.testing import CliRunner
from websockets.asyncio.client import connect

from chebao.app import build
from chebao.cli import app as command_line
from chebao.conversations.api import HubSettings
from chebao.settings import Settings
from tests.contract.desk.site import COOKIE, PASSWORD, PREFIX, Person, Site, serve

pytestmark = pytest.mark.asyncio


def strict(settings: Settings) -> Settings:
    """The settings of a production service."""
    secrets: Any = {
        n: settings.chat_key.__class__("0123456789abcdef") for n in ("chat_key", "backoffice_token", "desk_key")
    }
    return settings.model_copy(update={"mode": "production", **secrets})


async def test_a_login_opens_everything_and_a_logout_ends_it(site: Site) -> None:
    agent = await site.known("general")
    assert await agent.refused("GET", "/state") == (401, "login_needed")
    answer = await agent.login()
    assert answer.json()["agent"]["id"] == agent.id and answer.json()["demo"] is True
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and f"Path={PREFIX}" in cookie
    me = await agent.get("/me")
    assert me["agent"]["id"] == agent.id and me["locked"] is False and me["settings"]["idle_lock_minutes"] == 15
    token = agent.http.cookies[COOKIE]
    await agent.does("/logout")
    agent.http.cookies.set(COOKIE, token)
    assert await agent.refused("GET", "/state") == (401, "login_needed")


async def test_password_and_token_are_not_stored(site: Site) -> None:
    agent = await site.person("general")
    token = agent.http.cookies[COOKIE]
    (row,) = await site.office.rows("SELECT password_hash FROM desk.agents WHERE id = %s", agent.id)
    assert row["password_hash"].startswith("$argon2id$") and PASSWORD not in row["password_hash"]
    logins = await site.office.rows("SELECT token_hash FROM desk.logins WHERE agent_id = %s", agent.id)
    assert token.encode() not in [bytes(login["token_hash"]) for login in logins]


async def test_five_wrong_tries_lock_the_name_also_for_the_right_password(site: Site) -> None:
    agent, other = await site.known("general"), await site.known("general")
    for _ in range(5):
        assert (await agent.login("wrong password")).status_code == 401
    locked = await agent.login()
    assert (locked.status_code, locked.json()["error"]["code"]) == (423, "login_locked")
    assert (await other.login()).status_code == 200
    await site.office.rows("UPDATE desk.login_failures SET at = at - interval '16 minutes'")
    assert (await agent.login()).status_code == 200


async def test_tries_at_the_same_time_do_not_slip_past_the_limit(site: Site) -> None:
    agent = await site.known("general")
    answers = await asyncio.gather(*(agent.login(f"guess number {n}") for n in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [423] * 7


async def test_thirty_wrong_tries_lock_the_address_whatever_the_names(site: Site) -> None:
    address = "127.0.0.1"
    for n in range(30):
        await site.office.rows("INSERT INTO desk.login_failures (name, address) VALUES (%s, %s)", f"name{n}", address)
    agent = await site.known("general")
    assert (await agent.login()).status_code == 423


async def test_an_unknown_name_is_refused_like_a_wrong_password(site: Site) -> None:
    nobody, agent = site.stranger(), await site.known("general")
    nobody.id = "nobody"
    one, other = await nobody.login(), await agent.login("wrong password")
    assert one.status_code == other.status_code == 401 and one.json() == other.json()


async def test_a_closed_account_ends_its_logins(site: Site) -> None:
    agent = await site.person("general")
    lead = await site.person(role="supervisor")
    await lead.does(f"/agents/{agent.id}", {"disabled": True}, method="PUT")
    assert await agent.refused("GET", "/state") == (401, "login_needed")
    assert (await agent.login()).status_code == 401


async def test_supervisors_need_a_one_time_code_outside_demo_mode_and_each_counts_once(settings: Settings) -> None:
    app = build(strict(settings), hub_settings=HubSettings(turn_seconds=2), sweep_every=0.2)
    async with serve(app) as site:
        secret = pyotp.random_base32()
        lead, agent = await site.known(role="supervisor", totp_secret=secret, totp_used=0), await site.known("general")
        assert (await agent.login()).status_code == 200
        assert (await lead.login()).json()["error"]["code"] == "totp_required"
        assert (await lead.login(code="000000")).json()["error"]["code"] == "totp_required"
        code = pyotp.TOTP(secret).now()
        assert (await lead.login(code=code)).status_code == 200
        assert (await lead.login(code=code)).status_code == 401
        assert (await lead.login("wrong password", code=code)).json()["error"]["code"] == "wrong_password"


async def test_a_supervisor_binds_an_authenticator_at_the_first_login_and_an_admin_may_reset_it(
    settings: Settings,
) -> None:
    app = build(strict(settings), hub_settings=HubSettings(turn_seconds=2), sweep_every=0.2)
    async with serve(app) as site:
        lead, admin = await site.known(role="supervisor"), await site.known(role="admin")

        async def offered(person: Person, **code: str) -> str:
            error = (await person.login(**code)).json()["error"]
            assert error["code"] == "totp_setup" and error["detail"]["qr"].startswith("data:image/svg+xml")
            uri = pyotp.parse_uri(error["detail"]["uri"])
            assert uri.secret == error["detail"]["secret"] and uri.name == person.id
            return str(uri.secret)

        assert (await lead.login("wrong password")).json()["error"]["detail"] == {}
        seen_by_another = await offered(lead, code="000000")  # no code is right where there is no secret yet
        secret = await offered(lead)
        assert (await lead.login(code=pyotp.TOTP(seen_by_another).now())).json()["error"]["code"] == "totp_required"
        code = pyotp.TOTP(secret).now()
        assert (await lead.login(code=code)).status_code == 200
        assert (await lead.login(code=code)).status_code == 401
        assert (await lead.login()).json()["error"]["code"] == "totp_required"
        await admin.login(code=pyotp.TOTP(await offered(admin)).now())
        await admin.does(f"/agents/{lead.id}/totp", method="DELETE")
        assert await lead.refused("GET", "/state") == (401, "login_needed")
        assert await offered(lead) != secret
        written = await site.office.rows(
            "SELECT action FROM desk.audit WHERE actor = ANY(%s) AND starts_with(action, 'agent.totp') ORDER BY id",
            [lead.id, admin.id],
        )
        assert [row["action"] for row in written] == ["agent.totp_bound", "agent.totp_bound", "agent.totp_reset"]


async def test_the_lock_keeps_login_and_drafts_and_opens_by_password_only(site: Site) -> None:
    agent = await site.person("general")
    conversation = await site.served_by(agent)
    async with agent.line() as line:
        await line.send("draft", conversation=conversation, text="您好，我看一下")
        await line.send("ping")
        await line.frame("pong")
    await agent.does("/lock")
    assert await agent.refused("GET", "/state") == (423, "desk_locked")
    assert await agent.refused("POST", f"/conversations/{conversation}/messages", {"key": "1", "text": "x"}) == (
        423,
        "desk_locked",
    )
    assert (await agent.get("/me"))["locked"] is True
    assert await agent.refused("POST", "/unlock", {"password": "wrong password"}) == (401, "wrong_password")
    assert (await agent.does("/unlock", {"password": PASSWORD}))["csrf"] == agent.headers["X-CSRF-Token"]
    assert (await agent.get(f"/conversations/{conversation}"))["draft"] == "您好，我看一下"


async def test_an_idle_login_is_locked_and_what_the_page_does_by_itself_is_no_sign_of_life(site: Site) -> None:
    agent = await site.person("general")
    await site.office.rows(
        "UPDATE desk.logins SET seen_at = now() - interval '14 minutes' WHERE agent_id = %s", agent.id
    )
    await agent.get("/state")
    await site.office.rows(
        "UPDATE desk.logins SET seen_at = seen_at - interval '2 minutes' WHERE agent_id = %s", agent.id
    )
    assert await agent.refused("GET", "/state") == (423, "desk_locked")
    await agent.does("/unlock", {"password": PASSWORD})
    await site.office.rows(
        "UPDATE desk.logins SET seen_at = now() - interval '14 minutes' WHERE agent_id = %s", agent.id
    )
    await agent.get("/conversations?view=queue")
    await site.office.rows(
        "UPDATE desk.logins SET seen_at = seen_at - interval '2 minutes' WHERE agent_id = %s", agent.id
    )
    await agent.get("/state")


async def test_a_locked_or_ended_login_loses_its_line_at_once(site: Site) -> None:
    agent, admin = await site.person("general"), await site.person(role="admin")
    async with agent.line() as line:
        await agent.does("/lock")
        assert await line.closed() == 4423 and line.passed[-1] == {"type": "locked"}
        assert await agent.refused("POST", "/socket-ticket") == (423, "desk_locked")
    await agent.does("/unlock", {"password": PASSWORD})
    async with agent.line() as line:
        await agent.does("/logout")
        assert await line.closed() == 4401
    await agent.login()
    async with agent.line() as line:
        await admin.does(f"/agents/{agent.id}", {"password": "another word 43"}, method="PUT")
        assert await line.closed() == 4401


async def test_a_login_that_another_process_locked_loses_its_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chebao.desk.socket.LOOK_AT_LOGIN_EVERY", 0)
    agent = await site.person("general")
    async with agent.line() as line:
        await site.office.rows("UPDATE desk.logins SET locked_at = now() WHERE agent_id = %s", agent.id)
        await line.send("ping")
        assert await line.closed() == 4423


async def test_writes_need_the_token_of_the_page(site: Site) -> None:
    agent = await site.person("general")
    for forged in ("", "guess"):
        assert await agent.refused("PUT", "/me/state", {"state": "busy"}, headers={"X-CSRF-Token": forged}) == (
            403,
            "csrf",
        )
    other = await site.person("general")
    stolen = {"X-CSRF-Token": other.headers["X-CSRF-Token"]}
    assert await agent.refused("PUT", "/me/state", {"state": "busy"}, headers=stolen) == (403, "csrf")
    await agent.does("/me/state", {"state": "busy"}, method="PUT")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://partner.example"},  # may embed the chat, not use the desk
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_pages_of_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    agent = await site.person("general")
    assert await agent.refused("GET", "/state", headers=headers) == (403, "wrong_origin")
    assert await agent.refused("POST", "/login", {"username": "a", "password": "b"}, headers=headers) == (
        403,
        "wrong_origin",
    )
    own = {"Origin": site.base, "Sec-Fetch-Site": "same-origin"}
    assert (await agent.call("GET", "/state", headers=own)).status_code == 200


async def test_a_socket_ticket_opens_once_and_soon(site: Site) -> None:
    agent = await site.person("general")
    address = f"{site.base.replace('http', 'ws')}{PREFIX}/socket"

    async def code(ticket: str) -> int | None:
        async with connect(f"{address}?ticket={ticket}") as socket:
            await socket.wait_closed()
            return socket.close_code

    ticket = (await agent.does("/socket-ticket"))["ticket"]
    async with connect(f"{address}?ticket={ticket}"):
        assert await code(ticket) == 4401
    late = (await agent.does("/socket-ticket"))["ticket"]
    await site.office.rows("UPDATE desk.socket_tickets SET until = now()")
    assert await code(late) == 4401
    assert await code("") == 4401 and await code("guess") == 4401


async def test_a_password_is_changed_by_its_owner_and_ends_his_other_logins(site: Site) -> None:
    agent = await site.person("general")
    elsewhere = site.stranger()
    elsewhere.id = agent.id
    await elsewhere.login()
    weak = {"old": PASSWORD, "new": "short"}
    assert await agent.refused("PUT", "/me/password", weak) == (422, "weak_password")
    assert await agent.refused("PUT", "/me/password", {"old": "wrong", "new": "another long one"}) == (
        401,
        "wrong_password",
    )
    await agent.does("/me/password", {"old": PASSWORD, "new": "another long one"}, method="PUT")
    assert await elsewhere.refused("GET", "/state") == (401, "login_needed")
    assert (await agent.get("/me"))["agent"]["id"] == agent.id
    assert (await agent.login()).status_code == 401 and (await agent.login("another long one")).status_code == 200


async def test_the_first_administrator_is_made_on_the_command_line(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    production = strict(settings)
    monkeypatch.setattr("chebao.desk.cli.get_settings", lambda: production)
    asked = ["agent", "add", "boss", "--name", "秦岚", "--password", PASSWORD]
    told = await asyncio.to_thread(CliRunner().invoke, command_line, asked)
    assert told.exit_code == 0, told.output
    weak = await asyncio.to_thread(CliRunner().invoke, command_line, [*asked[:-1], "boss"])
    assert weak.exit_code == 1
    async with serve(build(production, hub_settings=HubSettings(turn_seconds=2), sweep_every=0.2)) as site:
        boss = site.stranger()
        boss.id = "boss"
        await site.office.rows("UPDATE desk.agents SET disabled = false WHERE id = 'boss'")
        for _ in range(2):
            secret = (await boss.login()).json()["error"]["detail"]["secret"]
            assert (await boss.login(code=pyotp.TOTP(secret).now())).json()["agent"]["role"] == "admin"
            lost = await asyncio.to_thread(CliRunner().invoke, command_line, ["agent", "reset-totp", "boss"])
            assert lost.exit_code == 0, lost.output
            assert await boss.refused("GET", "/state") == (401, "login_needed")
    nobody = await asyncio.to_thread(CliRunner().invoke, command_line, ["agent", "reset-totp", "nobody"])
    assert nobody.exit_code == 1
