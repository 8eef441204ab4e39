"""How tests and screenshots drive the chat page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, ViewportSize, expect

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 820}
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def open_chat(page: Page, url: str) -> None:
    """Opens the chat page and waits until it is ready to send."""
    page.goto(f"{url}/chat")
    expect(page.locator("[role=log]")).to_have_attribute("aria-busy", "false")


def messages(page: Page, sender: str | None = None) -> Locator:
    """Bubbles in order, all or of one sender (customer, bot, agent, system)."""
    return page.locator(f"[data-testid=message][data-from={sender}]" if sender else "[data-testid=message]")


def mine(page: Page, text: str) -> Locator:
    """The customer's own bubbles with exactly this text."""
    return messages(page, "customer").filter(has=page.get_by_text(text, exact=True))


def say(page: Page, text: str) -> None:
    """Types and sends."""
    page.get_by_test_id("input").fill(text)
    page.get_by_test_id("send").click()


def wait_answer(page: Page, text: str) -> None:
    """Waits until the bot's bubble with this text is there."""
    expect(messages(page, "bot").filter(has_text=text).last).to_be_visible()
