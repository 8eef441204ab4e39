"""A developer chats through each channel on the pages of ``make run FAKES=1``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser import phone_pages
from tests.running import RunningStack


@pytest.mark.timeout(240)
@pytest.mark.parametrize("chats", [phone_pages.on_telegram, phone_pages.on_wechat], ids=["telegram", "wechat"])
def test_a_phones_page(stack: RunningStack, browser: Browser, chats: Callable[[Browser, str], None]) -> None:
    chats(browser, stack.url)
