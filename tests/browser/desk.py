"""How tests and screenshots drive the desk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.driver import PHONE, messages, open_chat, say

SCREEN: ViewportSize = {"width": 1280, "height": 720}


@contextmanager
def window(browser: Browser, viewport: ViewportSize = SCREEN, *, dark: bool = False) -> Iterator[Page]:
    """A window of its own, which must end without an error or a breach of the content security policy."""
    context = browser.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport=viewport,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert problems == []


@contextmanager
def agent(browser: Browser, url: str, name: str, *, state: str = "忙碌", dark: bool = False) -> Iterator[Page]:
    """An agent at his desk, in this state: 忙碌 takes by hand what 就绪 is given."""
    with window(browser, dark=dark) as page:
        log_in(page, url, name)
        set_state(page, state)
        yield page
        set_state(page, "离线")


def log_in(page: Page, url: str, name: str, password: str | None = None) -> None:
    """Logs in as a demo account."""
    page.goto(f"{url}/desk")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(password or f"demo-{name}")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_test_id("state")).to_be_visible()


def set_state(page: Page, name: str) -> None:
    """Switches the agent's state."""
    switch = page.get_by_test_id("state")
    if name in switch.inner_text():
        return
    switch.click()
    page.get_by_role("menuitem", name=name).click()
    expect(switch).to_contain_text(name)


@contextmanager
def customer(browser: Browser, url: str, *words: str) -> Iterator[Page]:
    """A customer at the web chat who has said these words, each answered."""
    with window(browser, PHONE) as page:
        open_chat(page, url)
        for text in words:
            before = messages(page).count()
            say(page, text)
            expect(messages(page).nth(before + 1)).to_be_visible()
        yield page


def clear(url: str) -> None:
    """Ends every conversation that people have, as a supervisor does."""
    with httpx.Client(base_url=f"{url}/api/desk/v1/", headers={"Origin": url}, timeout=30) as lead:
        login = lead.post("login", json={"username": "lead1", "password": "demo-lead1"}).json()
        lead.headers["X-CSRF-Token"] = login["csrf"]
        lead.put("me/state", json={"state": "busy"}).raise_for_status()
        for row in lead.get("conversations", params={"view": "open", "limit": 200}).json()["rows"]:
            lead.post(f"conversations/{row['id']}/takeover").raise_for_status()
            wrapup = {"wrapup": {"outcome": "solved"}, "survey": False}
            lead.post(f"conversations/{row['id']}/close", json=wrapup).raise_for_status()
        lead.put("me/state", json={"state": "offline"}).raise_for_status()


def waiting(page: Page, words: str) -> Locator:
    """The row of the list whose last message holds these words."""
    return page.get_by_test_id("conversation").filter(has_text=words)


def take(page: Page, words: str) -> None:
    """Takes the waiting customer whose last message holds these words."""
    page.get_by_test_id("tab-queue").click()
    waiting(page, words).get_by_role("button", name="接入").click()
    expect(page.get_by_test_id("owner")).to_contain_text("我在接待")
    page.get_by_test_id("tab-mine").click()


def picture(page: Page, name: str) -> None:
    """Takes a picture for the documentation where `CHEBAO_SCREENSHOTS=docs/screenshots` asks for it."""
    if folder := os.environ.get("CHEBAO_SCREENSHOTS"):
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"desk-{name}.png")


def reply(page: Page, text: str) -> None:
    """Writes to the customer."""
    expect(page.get_by_test_id("mode-reply")).to_have_attribute("aria-checked", "true")
    page.get_by_test_id("input").fill(text)
    page.get_by_test_id("send").click()


def said(page: Page, text: str) -> Locator:
    """The bubbles of the open conversation with exactly this text."""
    return messages(page).filter(has=page.get_by_text(text, exact=True))
