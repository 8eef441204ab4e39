"""What the tests of an agent's day share: the staff, two customers, a conversation that somebody has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import log_in, set_state
from tests.browser.desk_office import PASSWORD, Desk, desk_stack

LI_MIN: dict[str, Any] = {"customer_id": "C002", "phone": "13800000002", "name": "李敏", "vip": True}
LIU: dict[str, Any] = {"customer_id": "C006", "phone": "13800000006", "name": "刘桂英"}


@contextmanager
def staffed(database_url: str) -> Iterator[Desk]:
    """A desk with two agents, one of them licensed, and a supervisor."""
    with desk_stack(database_url, insured=True) as running:
        running.account("lin", "林晓", "agent")
        running.account("zhou", "周敏", "agent", licence_no="L0001")
        running.account("shen", "沈静", "supervisor")
        yield running


def empty(desk: Desk) -> None:
    """Everybody goes home, every conversation is over."""
    desk.rows("UPDATE desk.agents SET state = 'offline'")
    desk.rows("UPDATE hub.conversations SET owner = 'closed', agent_id = NULL, queued_at = NULL")
    desk.rows("UPDATE desk.episodes SET ended_at = now() WHERE ended_at IS NULL")


def at_desk(page: Page, desk: Desk, name: str, conversation: str = "") -> None:
    """Logs in, takes nothing by himself, opens a conversation."""
    log_in(page, desk.url, name, PASSWORD)
    set_state(page, "忙碌")
    if conversation:
        page.goto(f"{desk.url}/desk#/c/{conversation}")
        expect(page.get_by_test_id("customer")).to_be_attached()


def served(desk: Desk, agent_id: str, words: str, skill: str = "general", **proved: Any) -> str:
    """A conversation that this agent has."""
    conversation = desk.waiting(words, skill, **proved)

    async def take() -> None:
        await desk.office.desk.presence.set_state(agent_id, "busy")
        await desk.office.handling.takeover(await desk.office.known(agent_id), conversation)

    desk.run(take())
    return conversation


async def close(desk: Desk, name: str, conversation: str) -> None:
    await desk.office.handling.close(await desk.office.known(name), conversation, wrapup={})


def dialog(page: Page, title: str) -> Locator:
    return page.get_by_role("dialog", name=title)


def told(page: Page, words: str) -> None:
    expect(page.locator(".el-message").filter(has_text=words).last).to_be_visible()
