"""Takes the screenshots of the web chat for the documentation: ``python -m tests.browser.screenshots [folder]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from chebao import db, postgres
from tests import chromium
from tests.browser.driver import DESKTOP, FLAGS, PHONE, open_chat, say
from tests.browser.stack import scripted_stack

_TALL: ViewportSize = {"width": 390, "height": 844}


def _page(browser: Browser, viewport: ViewportSize, *, dark: bool = False) -> Page:
    context = browser.new_context(
        viewport=viewport,
        device_scale_factor=2 if viewport["width"] < 600 else 1,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        color_scheme="dark" if dark else "light",
        has_touch=viewport["width"] < 600,
        reduced_motion="reduce",
    )
    return context.new_page()


def _turn(page: Page, text: str, *, settle: int = 700) -> None:
    say(page, text)
    page.wait_for_timeout(settle)


def _shoot(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=folder / f"{name}.png")


def _photo(folder: Path) -> Path:
    """A drawn stand-in for a photo of a bumper."""
    picture = Image.new("RGB", (800, 600), (134, 152, 160))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 430, 800, 600), fill=(88, 96, 101))
    draw.rounded_rectangle((90, 190, 710, 470), 60, fill=(41, 74, 102))
    draw.rounded_rectangle((170, 220, 630, 320), 30, fill=(170, 196, 208))
    draw.ellipse((150, 410, 270, 530), fill=(30, 32, 34))
    draw.ellipse((530, 410, 650, 530), fill=(30, 32, 34))
    draw.polygon([(560, 340), (700, 360), (690, 430), (580, 420)], fill=(24, 48, 70))
    path = folder / "现场.jpg"
    picture.save(path)
    return path


def _phone(browser: Browser, url: str, folder: Path, photo: Path) -> None:
    page = _page(browser, _TALL)
    open_chat(page, url)
    _shoot(page, folder, "web-chat-phone-welcome")
    _turn(page, "我要报案")
    _shoot(page, folder, "web-chat-phone-buttons")
    page.get_by_role("button", name="没有人受伤").click()
    page.wait_for_timeout(700)
    page.get_by_test_id("file").set_input_files([photo, photo])
    page.get_by_text("上传完成").nth(1).wait_for(state="attached")
    _shoot(page, folder, "web-chat-phone-photos")
    page.get_by_test_id("send").click()
    page.wait_for_timeout(800)
    for text, name in (
        ("方案", "plans"),
        ("付款", "payment"),
        ("保单", "policy"),
        ("进度", "progress"),
        ("回执", "receipt"),
    ):
        _turn(page, text)
        _shoot(page, folder, f"web-chat-phone-{name}")
    page.get_by_role("button", name="大字模式").click()
    page.wait_for_timeout(300)
    _shoot(page, folder, "web-chat-phone-large")
    page.get_by_role("button", name="大字模式").click()
    page.get_by_test_id("human").click()
    page.wait_for_timeout(700)
    page.context.set_offline(True)
    _turn(page, "我在现场等着")
    _shoot(page, folder, "web-chat-phone-queued-offline")
    page.context.set_offline(False)


def _narrow(browser: Browser, url: str, folder: Path) -> None:
    page = _page(browser, PHONE, dark=True)
    open_chat(page, url)
    _turn(page, "方案")
    _shoot(page, folder, "web-chat-phone-dark")


def _desktop(browser: Browser, url: str, folder: Path, photo: Path) -> None:
    page = _page(browser, DESKTOP)
    open_chat(page, url)
    _shoot(page, folder, "web-chat-desktop-welcome")
    _turn(page, "方案")
    _shoot(page, folder, "web-chat-desktop-plans")
    _turn(page, "付款")
    _turn(page, "我要报案")
    page.get_by_test_id("file").set_input_files([photo])
    page.get_by_text("上传完成").wait_for(state="attached")
    _shoot(page, folder, "web-chat-desktop-claim")
    page.get_by_test_id("send").click()
    _turn(page, "回执")
    _turn(page, "进度")
    _shoot(page, folder, "web-chat-desktop-progress")
    page.get_by_role("button", name="发送位置").click()
    page.wait_for_timeout(400)
    _shoot(page, folder, "web-chat-desktop-location")


def _embedded(browser: Browser, url: str, folder: Path) -> None:
    page = _page(browser, DESKTOP)
    page.goto(url)
    page.get_by_role("button", name="打开在线客服").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="出险报案").click()
    page.wait_for_timeout(1200)
    _shoot(page, folder, "web-chat-embedded")
    phone = _page(browser, _TALL)
    phone.goto(url)
    phone.wait_for_timeout(300)
    _shoot(phone, folder, "web-chat-landing-phone")


def main(folder: Path) -> None:
    """Starts the scripted stack and takes every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chebao-shots-") as temporary:
        data = Path(temporary) / "pg"
        url = postgres.start(data)
        try:
            db.migrate(url)
            with scripted_stack(url) as stack, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
                photo = _photo(Path(temporary))
                _phone(browser, stack.url, folder, photo)
                _narrow(browser, stack.url, folder)
                _desktop(browser, stack.url, folder, photo)
                _embedded(browser, stack.url, folder)
                browser.close()
        finally:
            postgres.stop(data)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots"))
