"""Chromium and a stack to look at: ``CHEBAO_TEST_URL`` names a running one, else the scripted one is started."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import chromium
from tests.browser.driver import FLAGS, PHONE
from tests.browser.stack import Stack, scripted_stack


@pytest.fixture(scope="module")
def scripted(database_url: str) -> Iterator[Stack]:
    """The app and hub with a scripted dialogue."""
    with scripted_stack(database_url) as stack:
        yield stack


@pytest.fixture(scope="module")
def stack_url(request: pytest.FixtureRequest) -> str:
    """Address of the stack under test."""
    named = os.environ.get("CHEBAO_TEST_URL")
    if named:
        return named.rstrip("/")
    stack: Stack = request.getfixturevalue("scripted")
    return stack.url


# for one module: Playwright keeps an event loop running, which no other test may meet
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A customer's browser, with nothing stored."""
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=PHONE)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must end without an error or a breach of the content security policy."""
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    yield page
    assert problems == []
