"""The agents' desk in Chromium against the real app: nothing lost, nothing said twice, everything by keyboard."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import agent, clear, customer, log_in, picture, reply, said, take, waiting, window
from tests.browser.driver import messages, say

_LOADING_SECONDS = 60


@pytest.fixture
def word() -> str:
    """A word by which this test's customer is known."""
    return f"客户{uuid.uuid4().hex[:6]}"


@pytest.fixture(autouse=True)
def nobody_left(stack_url: str) -> Iterator[None]:
    """Each test ends with an empty desk: who is ready is given what waits."""
    yield
    clear(stack_url)


def test_wrong_password_is_refused_in_chinese_and_says_nothing_about_the_account(
    browser: Browser, stack_url: str
) -> None:
    with window(browser) as page:
        page.goto(f"{stack_url}/desk")
        said = []
        for name in ("agent1", "nobody"):
            page.get_by_label("账号").fill(name)
            page.get_by_label("密码").fill("wrong")
            page.get_by_role("button", name="登录").click()
            expect(page.get_by_role("button", name="登录")).to_be_enabled()
            said.append(page.get_by_role("alert").inner_text())
        assert said[0] == said[1]
        expect(page.get_by_test_id("state")).to_have_count(0)


def test_waiting_customer_is_taken_answered_and_hears_it(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, f"我是{word}")
        take(desk, word)
        reply(desk, "您好，我来帮您看。")
        expect(messages(chat, "agent").filter(has_text="您好，我来帮您看。")).to_have_count(1)
        expect(messages(chat, "agent").last).to_contain_text("林晓")
        answer = said(desk, "您好，我来帮您看。")
        expect(answer).to_have_count(1)
        expect(answer.get_by_test_id("delivery")).to_have_text("已发出")
        say(chat, "谢谢，能快点吗")
        expect(said(desk, "谢谢，能快点吗")).to_be_visible()
        expect(waiting(desk, "谢谢，能快点吗").locator(".wait")).to_be_visible()
        reply(desk, "马上。")
        expect(waiting(desk, "马上。").locator(".wait")).to_have_count(0)


def test_the_agent_sees_the_customer_writing_until_he_has_sent_it(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        writing = desk.get_by_test_id("customer-typing")
        for words in ("车牌是京A12345", "昨天刮的"):  # the second one at once after the first
            chat.get_by_test_id("input").press_sequentially(words)
            expect(writing).to_have_text("客户正在输入…")
            chat.get_by_test_id("send").click()
            expect(said(desk, words)).to_be_visible()
            expect(writing).to_have_text("")
        chat.get_by_test_id("input").press_sequentially("写了不发")
        expect(writing).to_have_text("客户正在输入…")
        expect(writing).to_have_text("", timeout=10_000)


def test_draft_survives_a_lock_a_reload_and_another_conversation(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        box = desk.get_by_test_id("input")
        box.fill("写到一半")
        desk.keyboard.press("Alt+l")
        lock = desk.get_by_test_id("lock")
        expect(lock).to_be_visible()
        picture(desk, "locked")
        expect(desk.get_by_test_id("log")).to_be_hidden()
        lock.get_by_label("密码").fill("wrong")
        lock.get_by_role("button", name="解锁").click()
        expect(lock.get_by_role("alert")).to_be_visible()
        desk.reload()
        lock.get_by_label("密码").fill("demo-agent1")
        lock.get_by_role("button", name="解锁").click()
        expect(box).to_have_value("写到一半")
        here = desk.url
        desk.goto(f"{stack_url}/desk#/")
        opened = desk.locator(f"[data-id='{here.rsplit('/', 1)[1]}']")
        expect(opened.get_by_text("草稿")).to_be_visible()
        desk.goto(here)
        expect(box).to_have_value("写到一半")


def test_broken_line_is_told_and_nothing_is_lost(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        desk.context.set_offline(True)
        expect(desk.get_by_test_id("stale")).to_contain_text("列表可能不是最新")
        reply(desk, "断线时写的")
        expect(said(desk, "断线时写的").get_by_test_id("delivery")).to_have_text("发送中")
        say(chat, "断线时说的")
        desk.context.set_offline(False)
        expect(said(desk, "断线时说的")).to_have_count(1)
        expect(desk.get_by_test_id("stale")).to_be_empty()
        expect(said(chat, "断线时写的")).to_have_count(1)
        expect(said(desk, "断线时写的")).to_have_count(1)


def test_notes_stay_at_the_desk(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        desk.keyboard.press("Alt+m")
        desk.keyboard.type("这位客户很着急")
        desk.keyboard.press("Enter")
        expect(desk.get_by_test_id("note")).to_contain_text("这位客户很着急")
        with agent(browser, stack_url, "lead1") as lead:
            lead.goto(desk.url)
            expect(lead.get_by_test_id("note")).to_contain_text("这位客户很着急")
            lead.get_by_test_id("mode-whisper").click()
            lead.get_by_test_id("input").fill("先安抚")
            lead.keyboard.press("Enter")
            expect(desk.get_by_test_id("note").filter(has_text="先安抚")).to_contain_text("悄悄话")
        desk.get_by_test_id("mode-reply").click()
        reply(desk, "我在。")
        expect(messages(chat).filter(has_text="我在。")).to_have_count(1)
        expect(chat.get_by_text("先安抚")).to_have_count(0)
        expect(chat.get_by_text("这位客户很着急")).to_have_count(0)


def test_two_at_one_conversation_are_warned_before_a_double_answer(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        with agent(browser, stack_url, "lead1") as lead:
            lead.goto(desk.url)
            expect(desk.get_by_test_id("others")).to_contain_text("沈静")
            lead.get_by_test_id("action-join").click()
            lead.get_by_test_id("mode-reply").click()
            desk.get_by_test_id("input").fill("我来回答")
            lead.get_by_test_id("input").press_sequentially("主管也在写")
            expect(desk.get_by_test_id("collision")).to_contain_text("沈静")
            desk.get_by_test_id("input").press("Enter")
            expect(desk.get_by_test_id("warning")).to_contain_text("沈静")
            expect(said(chat, "我来回答")).to_have_count(0)
            desk.get_by_test_id("input").press("Enter")
            expect(said(chat, "我来回答")).to_have_count(1)


def test_ready_words_and_articles_come_with_a_key(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, f"{word}，交强险赔多少")
        take(desk, word)
        box = desk.get_by_test_id("input")
        box.press_sequentially("/nh")
        expect(desk.get_by_test_id("canned").get_by_role("option")).to_have_count(1)
        box.press("Enter")
        expect(box).to_have_value("您好，我是客服林晓。前面您和助手说的我都看到了，我们接着办。")
        box.fill("")
        desk.keyboard.press("Alt+k")
        search = desk.get_by_test_id("knowledge")
        expect(search).to_be_focused()
        # the first to ask waits for the articles to be loaded
        for _ in range(_LOADING_SECONDS):
            search.fill("")
            search.fill("交强险赔多少")
            desk.wait_for_timeout(1_000)
            if desk.locator(".knowledge li").count():
                break
        expect(desk.locator(".knowledge li").first).to_contain_text("交强险")
        picture(desk, "knowledge")
        search.press("Enter")
        expect(desk.get_by_role("dialog")).to_be_hidden()
        expect(box).to_have_value(re.compile("交强险"))


def test_photo_of_the_customer_opens_large_and_ours_reaches_him(
    browser: Browser, stack_url: str, word: str, tmp_path: Path
) -> None:
    picture = tmp_path / "crash.jpg"
    Image.new("RGB", (640, 480), (70, 110, 120)).save(picture)
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        chat.get_by_test_id("file").set_input_files(picture)
        expect(chat.get_by_text("上传完成")).to_have_count(1)
        chat.get_by_test_id("send").click()
        desk.get_by_role("button", name="放大查看第 1 张照片").click()
        large = desk.locator(".el-image-viewer__img")
        expect(large).to_be_visible()
        assert large.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 640
        desk.keyboard.press("Escape")
        desk.get_by_test_id("file").set_input_files(picture)
        expect(desk.get_by_text("上传完成")).to_have_count(1)
        desk.get_by_test_id("send").click()
        expect(messages(chat, "agent").last.get_by_role("img", include_hidden=True)).to_have_count(1)


def test_everything_by_keyboard(browser: Browser, stack_url: str, word: str) -> None:
    with customer(browser, stack_url, "转人工") as chat, window(browser) as desk:
        say(chat, word)
        desk.goto(f"{stack_url}/desk")
        expect(desk.get_by_label("账号")).to_be_focused()
        desk.keyboard.type("agent1")
        desk.keyboard.press("Tab")
        desk.keyboard.type("demo-agent1")
        desk.keyboard.press("Enter")
        expect(desk.get_by_test_id("state")).to_be_visible()
        desk.keyboard.press("?")
        expect(desk.get_by_test_id("cheats")).to_contain_text("交回机器人")
        picture(desk, "keyboard")
        desk.keyboard.press("Escape")
        expect(desk.get_by_test_id("cheats")).to_be_hidden()
        desk.keyboard.press("Alt+s")
        expect(desk.get_by_test_id("state")).to_contain_text("就绪")
        # who is ready is given the one who waits
        expect(waiting(desk, word)).to_be_visible()
        desk.keyboard.press("Alt+n")
        expect(desk.get_by_test_id("owner")).to_contain_text("我在接待")
        expect(desk.get_by_test_id("input")).to_be_focused()
        desk.keyboard.type("第一行")
        desk.keyboard.press("Control+Enter")
        desk.keyboard.type("第二行")
        desk.keyboard.press("Enter")
        expect(messages(chat, "agent").last.locator(".plain")).to_have_text("第一行\n第二行", use_inner_text=True)
        seen = [pane(desk) for _ in range(4) if desk.keyboard.press("F6") is None]
        assert set(seen) >= {"会话列表", "会话", "客户资料"}
        desk.keyboard.press("Alt+h")
        expect(desk.get_by_role("dialog", name="挂起会话").locator("input:focus")).to_have_count(1)
        desk.keyboard.press("Enter")
        expect(desk.get_by_test_id("action-hold")).to_have_text("恢复")
        desk.keyboard.press("Alt+h")
        expect(desk.get_by_test_id("action-hold")).to_have_text("挂起")
        desk.keyboard.press("Alt+c")
        expect(desk.get_by_role("dialog", name="结束会话")).to_be_visible()
        desk.get_by_placeholder("做了什么，结果怎样").focus()
        desk.keyboard.type("已答复")
        for _ in range(3):
            desk.keyboard.press("Tab")
        desk.keyboard.press("Enter")
        expect(waiting(desk, word)).to_have_count(0)


def pane(page: Page) -> str:
    """Name of the column that has the focus."""
    return str(page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.className"))


def test_conversation_that_went_elsewhere_keeps_the_words(browser: Browser, stack_url: str, word: str) -> None:
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        desk.get_by_test_id("input").fill("还没发的话")
        with agent(browser, stack_url, "lead1") as lead:
            lead.goto(desk.url)
            lead.get_by_test_id("action-takeover").click()
            expect(lead.get_by_test_id("owner")).to_contain_text("我在接待")
            expect(desk.get_by_role("main", name="会话").get_by_role("alert")).to_be_visible()
            # the agent was writing a moment ago: who answers now would be warned
            expect(lead.get_by_test_id("mode-reply")).to_have_attribute("aria-checked", "true")
            expect(lead.get_by_test_id("collision")).to_have_count(0, timeout=15_000)
            reply(lead, "我是主管，我来处理。")
            expect(said(chat, "我是主管，我来处理。")).to_have_count(1)
            lead.get_by_test_id("action-transfer").click()
            lead.get_by_test_id("transfer-agent").select_option("agent1")
            lead.get_by_test_id("memo").fill("客户更愿意跟您说")
            lead.get_by_test_id("confirm").click()
            expect(desk.get_by_test_id("owner")).to_contain_text("我在接待")
            expect(desk.get_by_test_id("summary")).to_contain_text("客户更愿意跟您说")
            expect(desk.get_by_test_id("input")).to_have_value("还没发的话")


def test_what_a_customer_writes_is_never_run(browser: Browser, stack_url: str, word: str) -> None:
    hostile = [
        "<img src=x onerror=alert(1)>",
        "<script>alert(1)</script>",
        "<svg/onload=alert(1)>",
        "javascript:alert(1)",
        '"><iframe srcdoc="<script>alert(1)</script>">',
        "{{constructor.constructor('alert(1)')()}}",
        'javascript:alert(1)//https://example.com/?"onmouseover=alert(1)',
    ]
    with agent(browser, stack_url, "agent1") as desk, customer(browser, stack_url, "转人工") as chat:
        say(chat, word)
        take(desk, word)
        for text in hostile:
            say(chat, text)
            expect(messages(desk, "customer").last).to_contain_text(text.split("https://")[0])
        assert (
            desk.evaluate("document.querySelectorAll('.thread script, .thread iframe, .thread svg[onload]').length")
            == 0
        )
        assert desk.evaluate("[...document.links].every((link) => /^https?:/.test(link.href))")


def test_desk_asks_for_a_login_again_where_it_is_over(browser: Browser, stack_url: str) -> None:
    with window(browser) as page:
        log_in(page, stack_url, "agent2")
        page.context.clear_cookies()
        page.reload()
        expect(page.get_by_role("button", name="登录")).to_be_visible()
