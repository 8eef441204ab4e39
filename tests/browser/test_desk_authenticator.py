"""Supervisors and their one-time codes outside demo mode: bound by QR code at the first login, reset by an administrator."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyotp
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from tests.browser.desk import picture, window
from tests.browser.desk_office import PASSWORD, Desk, desk_stack, open_page
from tests.browser.test_desk_accessible import violations

_SECRETS = {
    name: SecretStr("0123456789abcdef")
    for name in ("chat_key", "backoffice_token", "events_secret", "session_secret", "desk_key")
}


@pytest.fixture(scope="module")
def desk(database_url: str) -> Iterator[Desk]:
    with desk_stack(database_url, settings={"mode": "production", **_SECRETS}) as running:
        running.account("shen", "沈静", "supervisor")
        running.account("root", "高远", "admin")
        yield running


def bind(page: Page, desk: Desk, name: str) -> str:
    """The first login of an account; its secret."""
    page.goto(f"{desk.url}/desk")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    setup = page.get_by_test_id("totp-setup")
    expect(setup.get_by_role("img", name="动态口令二维码")).to_be_visible()
    setup.get_by_text("扫不了码").click()
    secret = setup.get_by_test_id("totp-secret").inner_text().replace("\n", "").replace(" ", "")
    page.get_by_label("动态口令", exact=True).fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("state")).to_be_visible()
    return secret


def test_a_supervisor_binds_an_authenticator_by_its_qr_code(browser: Browser, desk: Desk) -> None:
    with window(browser) as page:
        page.goto(f"{desk.url}/desk")
        page.get_by_label("账号").fill("shen")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        code = page.get_by_label("动态口令", exact=True)
        expect(code).to_be_focused()
        drawn = page.get_by_role("img", name="动态口令二维码")
        assert drawn.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 100
        black = Image.open(io.BytesIO(drawn.screenshot())).convert("1").histogram()[0]
        assert black > 5_000  # a code, not an empty frame
        picture(page, "authenticator")
        assert violations(page) == []
        page.keyboard.type("000000")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("动态口令不正确")
        expect(drawn).to_be_visible()
        [row] = desk.rows("SELECT totp_secret FROM desk.agents WHERE id = 'shen'")
        code.fill(pyotp.TOTP(row["totp_secret"]).now())
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("state")).to_be_visible()
    with window(browser) as page:
        page.goto(f"{desk.url}/desk")
        page.get_by_label("账号").fill("shen")
        page.get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_label("动态口令", exact=True)).to_be_focused()
        expect(page.get_by_test_id("totp-setup")).to_have_count(0)


def test_an_administrator_resets_what_was_lost(browser: Browser, desk: Desk) -> None:
    desk.rows("UPDATE desk.agents SET totp_secret = NULL, totp_used = NULL")
    with window(browser) as lead, window(browser) as admin:
        secret = bind(lead, desk, "shen")
        bind(admin, desk, "root")
        open_page(admin, desk, "agents")
        admin.get_by_role("button", name="重置口令：沈静").click()
        admin.get_by_test_id("confirm").click()
        expect(admin.locator(".el-message").last).to_contain_text("已重置")
        lead.reload()
        assert bind(lead, desk, "shen") != secret
