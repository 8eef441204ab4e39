"""The phones of ``make run FAKES=1`` in a browser; ``python -m tests.browser.phone_pages [folder]`` takes their pictures."""

from __future__ import annotations

import re
import sys
import tempfile
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

from chebao.fakes import address
from chebao.settings import Settings
from tests import chromium
from tests.browser.driver import FLAGS
from tests.dialogue.web_customer import photo
from tests.running import running_stack

_PATIENCE = 30_000


def _opened(browser: Browser, app_url: str, platform: str, query: str = "") -> Page:
    page = browser.new_page(
        viewport={"width": 430, "height": 860}, device_scale_factor=2, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    port = urlsplit(app_url).port
    assert port
    page.goto(address(Settings(port=port, _env_file=None), platform) + "/" + query)
    return page


def _says(page: Page, text: str, answer: str | re.Pattern[str]) -> None:
    page.locator("#text").fill(text)
    page.locator("[type=submit]").click()
    _hears(page, answer)


def _hears(page: Page, answer: str | re.Pattern[str]) -> None:
    expect(page.get_by_text(answer).last).to_be_visible(timeout=_PATIENCE)


def _presses(page: Page, title: str, answer: str) -> None:
    page.get_by_role("button", name=title, exact=True).last.click()
    _hears(page, answer)


def _sends_photo(page: Page) -> None:
    page.locator("#photo").set_input_files({"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photo()})


def _shoot(page: Page, folder: Path | None, name: str) -> None:
    if folder:
        page.wait_for_timeout(800)
        page.screenshot(path=folder / f"{name}.png")


def on_telegram(browser: Browser, app_url: str, folder: Path | None = None) -> None:
    """Commands, consent, buttons under messages and in place of the keyboard, photo, place, an edited message, blocking."""
    page = _opened(browser, app_url, "telegram")
    page.locator("#who").fill(str(int(time.time()) % 1_000_000))
    _presses(page, "/start", "您同意在 Telegram 上跟我们沟通吗")
    _shoot(page, folder, "phone-telegram-consent")
    _presses(page, "同意", "直接说就行")
    _says(page, "刚才倒车撞到小区的石墩了，我要报案", "有人受伤吗")
    _presses(page, "没有人受伤", "您同意吗")
    _sends_photo(page)
    _hears(page, "照片已收到")
    expect(page.locator(".me img")).to_have_js_property("naturalWidth", 640)
    _presses(page, "同意", "报警了吗")
    _presses(page, "还没报警", "车牌号")
    _says(page, "京A12345", "哪里")
    _presses(page, "发送我的位置", "望京西园")
    _shoot(page, folder, "phone-telegram-claim")
    page.once("dialog", lambda asked: asked.accept("京A12346"))
    page.locator(".me .m", has_text="京A12345").dblclick()
    _hears(page, "已修改")
    page.get_by_role("button", name="拉黑", exact=True).click()
    _hears(page, "您已拉黑机器人")
    page.close()


def on_wechat(browser: Browser, app_url: str, folder: Path | None = None) -> None:
    """Following, the account's menu, choices in a passive reply and in a menu message, place, photo."""
    page = _opened(browser, app_url, "wechat", f"?openid=oPages{uuid.uuid4().hex}")
    page.get_by_role("button", name="关注", exact=True).click()
    _hears(page, "欢迎关注")
    page.get_by_role("button", name="我的服务").click()
    _shoot(page, folder, "phone-wechat-menu")
    page.get_by_role("button", name="转人工", exact=True).last.click()
    _hears(page, re.compile("已为您转接人工客服|人工客服现在不在班"))
    _says(page, "返回机器人", re.compile("已取消排队|现在就是我"))
    _says(page, "刚才倒车撞到小区的石墩了，我要报案", "有人受伤吗")
    _presses(page, "没有人受伤", "您同意吗")
    _sends_photo(page)
    _hears(page, "照片已收到")
    expect(page.locator(".customer img")).to_have_js_property("naturalWidth", 640)
    _presses(page, "同意", "报警了吗")
    _presses(page, "还没报警", "车牌号")
    _says(page, "京A12345", "哪里")
    _presses(page, "位置", "王府井")
    _shoot(page, folder, "phone-wechat-claim")
    page.close()


def main(folder: Path) -> None:
    """Starts the stack with both fakes and takes the pictures."""
    with (
        tempfile.TemporaryDirectory(prefix="chebao-phones-") as data,
        running_stack(Path(data) / "data", CHEBAO_FAKES="1") as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        on_telegram(browser, stack.url, folder)
        on_wechat(browser, stack.url, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots"))
