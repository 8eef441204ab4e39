"""The scripted stack with an office behind it: agents and customers of the tests of the supervisors' pages."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect
from psycopg.types.json import Jsonb

from chebao.desk.auth import hash_password
from tests.browser.stack import Stack, scripted_stack
from tests.contract.desk.office import Office

PASSWORD = "correct horse 42"


@dataclass
class Desk:
    """A running stack seen from the desk; work on the office runs in the app's own loop."""

    stack: Stack
    office: Office

    @property
    def url(self) -> str:
        return self.stack.url

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.stack.loop).result(20)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        return self.run(self.office.rows(query, *values))

    def account(self, id_: str, name: str, role: str = "agent", *skills: str, licence_no: str | None = None) -> None:
        """Somebody who can log in with `PASSWORD`."""
        self.rows(
            "INSERT INTO desk.agents (id, name, role, skills, licence_no, password_hash) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (id) DO NOTHING",
            id_, name, role, list(skills) or ["claims", "complaint", "general", "new_policy", "renewal"], licence_no,
            hash_password(PASSWORD),
        )  # fmt: skip

    def waiting(self, words: str, skill: str = "general", **proved: Any) -> str:
        """A customer in the queue who has written this; `proved` is what is known of him, with his number C001 to C006."""
        conversation = self.run(self.office.waiting(skill))
        self.run(self.office.writes(conversation, words))
        if proved:
            until = "2099-01-01T00:00:00+00:00"
            known = Jsonb({"until": until, **proved})
            self.rows("UPDATE hub.conversations SET verified = %s WHERE id = %s", known, conversation)
            self.rows(
                "INSERT INTO hub.links (conversation_id, customer_id, phone, linked_at) VALUES (%s, %s, %s, now())",
                conversation, proved["customer_id"], proved["phone"],
            )  # fmt: skip
        return conversation


@contextmanager
def desk_stack(database_url: str, *, insured: bool = False, settings: dict[str, Any] | None = None) -> Iterator[Desk]:
    """The scripted stack, with nobody at the desk yet."""
    with scripted_stack(database_url, insured=insured, settings=settings) as stack:
        yield Desk(stack, Office(stack.app.state.hub, stack.app.state.desk))


def open_page(page: Page, desk: Desk, *parts: str) -> None:
    """Opens a page of somebody who is logged in."""
    page.goto(f"{desk.url}/desk#/{'/'.join(parts)}")
    expect(page.locator(f"[data-page={parts[0]}]")).to_be_visible()


def pick(page: Page, label: str, option: str) -> None:
    """Chooses from a list by its label."""
    # the chosen words lie over the field
    page.get_by_role("combobox", name=label, exact=True).click(force=True)
    page.get_by_role("option", name=option, exact=True).click()
