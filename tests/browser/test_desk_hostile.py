"""Scripts that customers or colleagues smuggle in do not run at the desk, in a real browser.

By text, customer's name, plate, place, hand-off summary and memo, file names and types, notes, ticket subjects and steps,
canned replies, an agent's name, the words of a survey. keep no nicknames, so there is none to carry a script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg.types.json import Jsonb

from chebao.conversations.api import Incoming
from chebao.desk import surveys, tickets
from tests.browser.desk import log_in
from tests.browser.stack import Stack
from tests.contract.desk.hostile import PAYLOADS
from tests.contract.desk.office import Office


def run[T](stack: Stack, work: Coroutine[Any, Any, T]) -> T:
    """Runs in the stack's own loop."""
    return asyncio.run_coroutine_threadsafe(work, stack.loop).result(120)


async def smuggle(office: Office, words: Sequence[str]) -> str:
    """A conversation with a payload wherever a customer or a colleague can put words."""
    conversation = await office.waiting("general")
    (row,) = await office.rows("SELECT peer FROM hub.conversations WHERE id = %s", conversation)
    for payload in words:
        await office.hub.accept(Incoming("door", "", row["peer"], None, payload))
    for payload in PAYLOADS[::20]:
        file = {"id": payload[:100], "content_type": payload[:100], "url": f"https://files.example/{payload}"}
        await office.hub.accept(Incoming("door", "", row["peer"], None, "", attachments=[file]))
    name = {"name": PAYLOADS[0], "phone": PAYLOADS[1], "customer_id": None, "until": "2099-01-01T00:00:00+00:00"}
    await office.rows("UPDATE hub.conversations SET verified = %s WHERE id = %s", Jsonb(name), conversation)
    known = [["车牌号", PAYLOADS[41]], *([payload, payload] for payload in PAYLOADS[:20])]
    summary = {"wants": PAYLOADS[2], "known": known, "tried": list(PAYLOADS[20:40]), "open": PAYLOADS[40]}
    await office.rows(
        "UPDATE desk.episodes SET task = 'report_claim', slots = %s, summary = %s, memo = %s WHERE conversation_id = %s",
        Jsonb({"plate": PAYLOADS[41], "place": PAYLOADS[42]}), Jsonb(summary), PAYLOADS[43], conversation,
    )  # fmt: skip
    lead = await office.known("lead1")
    for payload in PAYLOADS[60:70]:
        await office.handling.add_note(lead, conversation, payload)
    async with office.desk.pool.connection() as connection, connection.transaction():
        for payload in PAYLOADS[70:80]:
            made = await tickets.open_ticket(
                connection, kind="general", subject=payload, detail=payload, conversation_id=conversation, created_by="lead1"
            )  # fmt: skip
            await tickets.add_step(connection, made.number, "lead1", "note", payload)
    return conversation


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A supervisor's window, which must end without a dialog or a breach of the content security policy."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 720})
    context.set_default_timeout(20_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    yield page
    context.close()
    assert problems == []


@pytest.mark.timeout(300)
def test_none_of_a_hundred_payloads_runs(scripted: Stack, page: Page) -> None:
    office = Office(scripted.app.state.hub, scripted.app.state.desk)
    conversations = [run(scripted, smuggle(office, PAYLOADS[n : n + 34])) for n in (0, 34, 68)]
    answer = page.goto(f"{scripted.url}/desk")
    assert answer is not None and "unsafe-inline" not in answer.headers["content-security-policy"]
    log_in(page, scripted.url, "lead1")
    seen: set[str] = set()
    for conversation in conversations:
        page.goto(f"{scripted.url}/desk#/c/{conversation}")
        seen |= read_through(page)
    read = seen & {payload.strip() for payload in PAYLOADS}
    assert len(read) >= 90  # a few lose a tab or a space on the way to the eye
    beside = page.get_by_label("客户资料")
    for shown in (PAYLOADS[2], PAYLOADS[40], PAYLOADS[41], PAYLOADS[43], PAYLOADS[79]):
        expect(beside.get_by_text(shown).first).to_be_attached()
    page.goto(f"{scripted.url}/desk#/tickets")
    page.get_by_text("全部", exact=True).click()
    expect(page.get_by_text(PAYLOADS[79], exact=True).first).to_be_visible()
    assert page.evaluate("window.__xss") is None


async def colleague(office: Office) -> str:
    """A conversation that lead1 has, a colleague whose name is a payload, ready replies and a survey's words that are some."""
    for n, payload in enumerate(PAYLOADS[:5]):
        # past the rules for shortcuts, which let no sign through
        await office.rows(
            "INSERT INTO desk.canned_replies (title, shortcut, text, changed_by) VALUES (%s, %s, %s, %s)",
            payload, f"{PAYLOADS[65]}{n}", PAYLOADS[66], PAYLOADS[0],
        )  # fmt: skip
    await office.rows(
        "INSERT INTO desk.agents (id, name, role, skills, password_hash) VALUES ('smuggler', %s, 'agent', '{}', 'none')",
        PAYLOADS[67],
    )
    conversation = await office.waiting("general")
    async with office.desk.pool.connection() as connection, connection.transaction():
        await surveys.ask(connection, conversation, "episode", agent_id="smuggler")
        await surveys.answer(connection, conversation, 1, comment=PAYLOADS[68])
    await office.desk.presence.set_state("lead1", "busy")
    await office.handling.takeover(await office.known("lead1"), conversation)
    return conversation


@pytest.mark.timeout(300)
def test_nor_those_in_ready_replies_names_survey_words_and_file_names(scripted: Stack, page: Page) -> None:
    office = Office(scripted.app.state.hub, scripted.app.state.desk)
    conversation = run(scripted, colleague(office))
    log_in(page, scripted.url, "lead1")
    page.goto(f"{scripted.url}/desk#/c/{conversation}")
    page.get_by_test_id("input").fill("/onerror")
    found = page.get_by_test_id("canned").get_by_role("option")
    expect(found.filter(has_text=PAYLOADS[0])).to_contain_text(f"/{PAYLOADS[65]}0{PAYLOADS[66]}")
    page.get_by_test_id("input").press("Enter")
    expect(page.get_by_test_id("input")).to_have_value(PAYLOADS[66])
    name = f"{PAYLOADS[0]}.jpg"
    page.get_by_test_id("file").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": b"no picture"})
    expect(page.get_by_test_id("photo").get_by_label(f"移除 {name}")).to_be_visible()
    for place, shown in (
        ("canned", PAYLOADS[65]),
        ("agents", PAYLOADS[67]),
        ("wall", PAYLOADS[67]),
        ("surveys", PAYLOADS[67]),
        ("surveys", PAYLOADS[68]),
    ):
        page.goto(f"{scripted.url}/desk#/{place}")
        expect(page.locator(f"[data-page={place}]").get_by_text(shown).first).to_be_visible()
    assert page.evaluate("window.__xss") is None


def read_through(page: Page) -> set[str]:
    """Brings the messages of the open conversation to the screen; what was read."""
    seen: set[str] = set()
    expect(page.get_by_test_id("message").first).to_be_visible()
    for _ in range(12):
        page.wait_for_timeout(150)
        seen |= {text.strip() for text in page.get_by_test_id("message").all_inner_texts() for text in text.split("\n")}
        page.evaluate("document.querySelectorAll('[role=log]').forEach(log => log.scrollBy(0, -600))")
    return seen
