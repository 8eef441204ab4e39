"""Every route of the desk, asked by everybody: where the answer differs from the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chebao.desk.access import table
from tests.contract.desk.site import Person, Site

# What a call needs besides its path; the gate answers before any of it is looked at in earnest.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/login"): {"username": "nobody", "password": "x"},
    ("PUT", "/me/state"): {"state": "busy"},
    ("PUT", "/me/password"): {"old": "x", "new": "y"},
    ("POST", "/unlock"): {"password": "x"},
    ("GET", "/knowledge"): None,
}
REFUSALS = {"unauthorized", "login_needed", "forbidden", "csrf", "wrong_origin", "desk_locked"}


@dataclass
class Cast:
    """Who asks, each with the columns of the table that are his; what they ask for."""

    site: Site
    people: dict[str, tuple[Person, set[str]]]
    values: dict[str, str]

    async def renew(self) -> None:
        """A conversation that the assigned agent has, one that waits, and a ticket that is his: the last call may have moved them."""
        assigned, _ = self.people["assigned agent"]
        await self.site.office.desk.presence.set_state(assigned.id, "busy")  # a slow machine takes him for gone
        self.values["conversation"] = await self.site.served_by(assigned, "claims")
        self.values["waiting"] = await self.site.office.waiting("renewal")
        self.values["number"] = NUMBER
        await self.site.office.rows("DELETE FROM desk.ticket_steps WHERE number = %s", NUMBER)
        await self.site.office.rows("DELETE FROM desk.clocks WHERE number = %s", NUMBER)
        await self.site.office.rows("DELETE FROM desk.tickets WHERE number = %s", NUMBER)
        await self.site.office.rows(
            "INSERT INTO desk.tickets (number, kind, level, subject, state, owner_id, created_by)"
            " VALUES (%s, 'general', 1, 'x', 'open', %s, 'system')",
            NUMBER,
            assigned.id,
        )

    def path(self, path: str, *, waiting: bool) -> str:
        values = self.values | ({"conversation": self.values["waiting"]} if waiting else {})
        return path.format(**values)


NUMBER = "GD202611229999"


async def gather_cast(site: Site) -> Cast:
    """An agent with a conversation and a ticket, one with the skill for what waits, one with neither, and their superiors."""
    assigned, near = await site.person("claims"), await site.person("renewal")
    customer = site.stranger()
    session = await customer.http.post(f"{site.base}/api/web/sessions", json={})
    customer.headers["Authorization"] = f"Bearer {session.json()['token']}"
    people = {
        "no login": (site.stranger(), {"nobody"}),
        "other customer": (customer, {"nobody"}),
        "wrong key": (site.program(key="guess"), {"nobody"}),
        "unassigned agent": (await site.person("complaint"), {"agent"}),
        "agent of the queue": (near, {"agent"}),
        "assigned agent": (assigned, {"agent"}),
        "supervisor": (await site.person(role="supervisor"), {"lead"}),
        "admin": (await site.person(role="admin"), {"admin"}),
        "system": (site.program(), {"system"}),
        "system for the assigned": (site.program(assigned.id), {"system"}),
    }
    values = {
        "file": "0" * 32,
        "topic": "no_such_topic",
        "version": "1",
        "review_id": "999999",
        "reply": "999999",
        "agent": "nobody",
        "webhook": "999999",
    }
    return Cast(site, people, values)


def columns_of(who: str, path: str, *, waiting: bool) -> set[str]:
    """How somebody stands to what the path names."""
    assigned = who in ("assigned agent", "system for the assigned")
    if "{conversation}" in path and waiting:
        return {"near"} if who == "agent of the queue" else set()
    if "{conversation}" in path or "{number}" in path:
        return {"mine"} if assigned else set()
    return set()


async def asked(person: Person, method: str, path: str, body: Any) -> bool:
    """Whether the gate lets through; what the route makes of it is another matter."""
    answer = await person.call(method, path, body)
    assert answer.status_code != 500, answer.text
    if answer.status_code not in (401, 403, 423):
        return True
    return answer.json()["error"]["code"] not in REFUSALS


async def violations(cast: Cast) -> list[str]:
    """Every call whose answer is not the table's."""
    found = []
    for (method, path), allowed in table().items():
        if path in ("/logout", "/lock"):
            continue  # told in test_desk_login: they end what the next line needs
        body = BODIES.get((method, path), {} if method != "GET" else None)
        await cast.renew()
        # Once for the conversation that somebody has, once for the one that waits; the rest has no such difference.
        for waiting in (False, True) if "{conversation}" in path else (False,):
            for who, (person, columns) in cast.people.items():
                relations = columns_of(who, path, waiting=waiting)
                if relations:
                    await cast.renew()
                expected = "nobody" in allowed or bool((columns | relations) & allowed)
                if await asked(person, method, cast.path(path, waiting=waiting), body) != expected:
                    found.append(f"{who}: {method} {path} waiting={waiting} expected={expected}")
    return found
