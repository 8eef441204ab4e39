"""The three dialogues in Chromium against the real stack: Rasa, actions, back office and database are the real ones."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.driver import messages, open_chat, say
from tests.e2e.door import rows
from tests.running import RunningStack

#: Where `CHEBAO_SCREENSHOTS=docs/screenshots` puts the pictures of the dialogues.
_PICTURES = os.environ.get("CHEBAO_SCREENSHOTS")


@pytest.fixture(autouse=True)
def demo_data(stack: RunningStack) -> None:
    """Every dialogue starts from the demo data."""
    httpx.post(f"{stack.url}/backoffice/v1/demo/reset", headers={"Authorization": "Bearer demo"}).raise_for_status()


def answer(page: Page, text: str) -> None:
    """Types an answer and waits until the assistant has asked on."""
    before = messages(page, "bot").count()
    say(page, text)
    expect(messages(page, "bot").nth(before)).to_be_visible()
    _settled(page)


def press(page: Page, title: str) -> None:
    """Presses a quick reply of the newest question."""
    before = messages(page, "bot").count()
    # the accessible name starts with the number key, "1 同意"; "不同意" must not be pressed for "同意"
    page.get_by_role("button", name=re.compile(rf"(^|[\d\s]){title}")).last.click()
    expect(messages(page, "bot").nth(before)).to_be_visible()
    _settled(page)


def _settled(page: Page) -> None:
    """All bubbles of a turn come together; the last one is the question."""
    count = -1
    while count != (now := messages(page).count()):
        count = now
        page.wait_for_timeout(150)


def picture(page: Page, name: str) -> None:
    if _PICTURES:
        page.wait_for_timeout(400)
        page.screenshot(path=Path(_PICTURES) / f"dialogue-{name}.png")


def test_claim_with_a_reload_and_an_offline_stretch_in_the_middle(
    page: Page, context: BrowserContext, stack: RunningStack
) -> None:
    open_chat(page, stack.url)
    answer(page, "刚才倒车撞到小区的石墩了，我要报案")
    press(page, "没有人受伤")
    press(page, "同意")
    page.reload()
    expect(page.locator("[role=log]")).to_have_attribute("aria-busy", "false")
    press(page, "还没报警")
    answer(page, "京A12345")
    context.set_offline(True)
    expect(page.get_by_test_id("status")).to_contain_text("网络已断开")
    say(page, "北京市朝阳区望京西园四区东门")
    context.set_offline(False)
    expect(messages(page, "bot").filter(has_text="受损").last).to_be_visible(timeout=20_000)
    _settled(page)
    answer(page, "右后保险杠")
    press(page, "还能开")
    answer(page, "我自己开的，我姓王")
    press(page, "稍后上传")
    answer(page, "13800000001")
    picture(page, "claim-read-back")
    press(page, "确认提交")
    expect(page.get_by_text(re.compile(r"CL\d{10}")).first).to_be_visible()
    picture(page, "claim-receipt")
    made = [r for r in rows(stack.url, "/claims", plate="京A12345") if "望京西园" in r["place"]]
    assert len(made) == 1
    assert made[0]["accident_type"] == "single_vehicle"


def test_renewal_to_the_policy_numbers(page: Page, context: BrowserContext, stack: RunningStack) -> None:
    open_chat(page, stack.url)
    answer(page, "我的车险快到期了，想续保")
    answer(page, "13800000001")
    answer(page, "246810")
    picture(page, "renewal-plans")
    press(page, "去年的方案")
    press(page, "是我本人")
    press(page, "都没有")
    press(page, "可以")
    press(page, "我已阅读并同意")
    press(page, "确认续保")
    picture(page, "renewal-payment")
    with context.expect_page() as opened:
        page.get_by_role("link", name=re.compile("支付|付款")).last.click()
    cashier = opened.value
    expect(cashier.get_by_text("交强险").first).to_be_visible()
    picture(cashier, "cashier")
    cashier.get_by_role("button", name=re.compile("支付")).click()
    expect(cashier.get_by_text(re.compile("已支付|支付成功")).first).to_be_visible()
    expect(messages(page).filter(has_text="保单号").last).to_be_visible(timeout=20_000)
    picture(page, "renewal-issued")
    issued = rows(stack.url, "/applications", plate="京A12345")[0]
    assert issued["status"] == "issued"


def test_new_policy_up_to_the_payment_link(page: Page, stack: RunningStack) -> None:
    open_chat(page, stack.url)
    answer(page, "想给我的车买份保险，看看多少钱")
    press(page, "同意")
    answer(page, "苏E5K21Q")
    answer(page, "大众朗逸")
    answer(page, "2022年4月")
    press(page, "家用")
    picture(page, "new-policy-plans")
    answer(page, "三者调到300万")
    press(page, "您自选的方案")
    press(page, "是我本人")
    answer(page, "13700000123")
    answer(page, "246810")
    answer(page, "钱文博")
    answer(page, "320501199205173175")
    press(page, "都没有")
    press(page, "可以")
    press(page, "我已阅读并同意")
    press(page, "确认投保")
    picture(page, "new-policy-payment")
    made = rows(stack.url, "/applications", plate="苏E5K21Q")
    assert len(made) == 1
    assert made[0]["kind"] == "new_policy"
