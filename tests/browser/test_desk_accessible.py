"""The desk for everybody: axe-core finds no serious or critical violation of WCAG 2.1 A and AA on its pages, light or dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from chebao.settings import ROOT
from tests.browser.desk import log_in, set_state, window
from tests.browser.desk_day import LI_MIN, served
from tests.browser.desk_office import PASSWORD, Desk, desk_stack, open_page

_AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
_VIOLATIONS = """async () => {
  const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
  return found.violations
    .filter((rule) => ["serious", "critical"].includes(rule.impact))
    .flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`));
}"""


def violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it is now."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_VIOLATIONS)
    return found


@pytest.fixture(scope="module")
def desk(database_url: str) -> Iterator[Desk]:
    with desk_stack(database_url, insured=True) as running:
        running.account("zhou", "周敏", "agent", licence_no="L0001")
        running.account("shen", "沈静", "supervisor")
        running.account("root", "高远", "admin")
        talk = running.run(running.office.customer())
        running.rows(
            "INSERT INTO quality.reviews (message_id, conversation_id, at, reasons, text, context, intent, state) "
            "SELECT id, conversation_id, at, '{unanswered}', '充电桩坏了赔吗', '', 'nlu_fallback', 'open' "
            "FROM hub.messages WHERE conversation_id = %s AND sender = 'customer'",
            talk,
        )
        yield running


@pytest.mark.parametrize("dark", [False, True])
def test_login_and_lock(browser: Browser, desk: Desk, dark: bool) -> None:
    with window(browser, dark=dark) as page:
        page.goto(f"{desk.url}/desk")
        expect(page.get_by_label("账号")).to_be_visible()
        assert violations(page) == []
        log_in(page, desk.url, "zhou", PASSWORD)
        page.keyboard.press("Alt+l")
        expect(page.get_by_test_id("lock")).to_be_visible()
        assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True])
def test_workplace(browser: Browser, desk: Desk, dark: bool) -> None:
    talk = served(desk, "zhou", "我的理赔到哪了", "claims", **LI_MIN)
    desk.waiting("排队的客户，已经等了很久", "claims")
    desk.rows(
        "UPDATE hub.conversations SET queued_at = %s WHERE owner = 'queued'", datetime.now(UTC) - timedelta(minutes=9)
    )
    with window(browser, dark=dark) as page:
        log_in(page, desk.url, "zhou", PASSWORD)
        set_state(page, "忙碌")
        found = violations(page)
        page.goto(f"{desk.url}/desk#/c/{talk}")
        expect(page.get_by_test_id("claims")).to_be_visible()
        page.get_by_test_id("input").fill("您好")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("delivery").first).to_be_visible()
        page.keyboard.press("Alt+m")
        page.keyboard.type("客户着急")
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("note")).to_be_visible()
        page.get_by_test_id("tab-queue").click()
        found += violations(page)
        for keys, name in (
            ("Alt+t", "转接会话"), ("Alt+h", "挂起会话"), ("Alt+b", "交回机器人"), ("Alt+c", "结束会话"), ("Alt+j", "新建工单"),
            ("Alt+y", "预约回电"), ("Alt+p", "发付款链接"), ("Alt+k", "查知识库"), ("?", "键盘快捷键"),
        ):  # fmt: skip
            page.get_by_test_id("action-close").focus()
            page.keyboard.press(keys)
            expect(page.get_by_role("dialog", name=name)).to_be_visible()
            found += violations(page)
            page.get_by_role("dialog", name=name).get_by_label("关闭此对话框").click()
            expect(page.get_by_role("dialog")).to_have_count(0)
        assert not found, "\n".join(found)


@pytest.mark.parametrize("dark", [False, True])
def test_pages_of_supervisors(browser: Browser, desk: Desk, dark: bool) -> None:
    desk.waiting("没有人理我", "complaint")
    with window(browser, dark=dark) as page:
        log_in(page, desk.url, "root", PASSWORD)
        found = []
        for name in (
            "wall",
            "watch",
            "tickets",
            "surveys",
            "agents",
            "canned",
            "hours",
            "triggers",
            "articles",
            "reviews",
        ):
            open_page(page, desk, name)
            expect(page.locator(".admin h1")).to_be_visible()
            page.wait_for_load_state("networkidle")
            found += violations(page)
        open_page(page, desk, "tickets")
        page.get_by_role("button", name="新建工单").click()
        page.get_by_label("事由").fill("核对发票抬头")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="核对发票抬头")).to_be_visible()
        found += violations(page)
        open_page(page, desk, "articles", "add_cover_midterm")
        expect(page.get_by_label("正文", exact=True)).to_be_visible()
        found += violations(page)
        open_page(page, desk, "agents")
        page.get_by_role("button", name="添加坐席").click()
        expect(page.get_by_label("登录名")).to_be_visible()
        found += violations(page)
        assert not found, "\n".join(found)
