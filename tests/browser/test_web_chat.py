"""The chat page against a running stack: nothing lost, nothing doubled, usable by keyboard, everything in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.driver import messages, mine, open_chat, say


def answered(page: Page) -> None:
    """Waits for any reply after the customer's last message."""
    expect(messages(page).last).not_to_have_attribute("data-from", "customer")


def picture(folder: Path, name: str = "crash.jpg") -> Path:
    path = folder / name
    Image.new("RGB", (640, 480), (70, 110, 120)).save(path)
    return path


def test_sent_message_is_delivered_and_answered(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    say(page, "你好")
    expect(mine(page, "你好").get_by_test_id("state")).to_have_text("已送达")
    answered(page)
    expect(page.get_by_test_id("input")).to_have_value("")


def test_enter_sends_and_shift_enter_breaks_the_line(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    box = page.get_by_test_id("input")
    box.click()
    page.keyboard.type("第一行")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("第二行")
    page.keyboard.press("Enter")
    expect(messages(page, "customer")).to_have_count(1)
    expect(messages(page, "customer").locator(".plain")).to_have_text("第一行\n第二行", use_inner_text=True)


def test_reload_restores_history_once_and_draft(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    say(page, "你好")
    answered(page)
    before = messages(page).count()
    page.get_by_test_id("input").fill("写到一半")
    page.reload()
    expect(messages(page)).to_have_count(before)
    expect(mine(page, "你好")).to_have_count(1)
    expect(page.get_by_test_id("input")).to_have_value("写到一半")


def test_offline_messages_wait_and_are_sent_once_in_order(page: Page, context: BrowserContext, stack_url: str) -> None:
    open_chat(page, stack_url)
    context.set_offline(True)
    expect(page.get_by_test_id("status")).to_contain_text("网络已断开")
    say(page, "离线一")
    say(page, "离线二")
    expect(mine(page, "离线一").get_by_test_id("state")).to_have_text("待网络恢复后发送")
    context.set_offline(False)
    expect(page.locator(".message.sending, .message.waiting")).to_have_count(0)
    expect(mine(page, "离线二").get_by_test_id("state")).to_have_text("已送达")
    expect(page.get_by_test_id("status")).to_be_empty()
    page.reload()
    expect(mine(page, "离线二")).to_have_count(1)
    said = messages(page, "customer").locator(".bubble").all_inner_texts()
    assert [text.strip() for text in said] == ["离线一", "离线二"]


def test_unsent_message_survives_closing_the_page(page: Page, context: BrowserContext, stack_url: str) -> None:
    open_chat(page, stack_url)
    context.set_offline(True)
    say(page, "关掉之前")
    expect(mine(page, "关掉之前").get_by_test_id("state")).to_have_text("待网络恢复后发送")
    page.close()
    context.set_offline(False)
    again = context.new_page()
    open_chat(again, stack_url)
    expect(mine(again, "关掉之前").get_by_test_id("state").first).to_have_text("已送达")
    expect(mine(again, "关掉之前")).to_have_count(1)


def test_two_tabs_show_one_conversation(page: Page, context: BrowserContext, stack_url: str) -> None:
    open_chat(page, stack_url)
    other = context.new_page()
    open_chat(other, stack_url)
    say(page, "来自第一个标签页")
    for tab in (page, other):
        expect(mine(tab, "来自第一个标签页")).to_have_count(1)
        expect(mine(tab, "来自第一个标签页").get_by_test_id("state").first).to_have_text("已送达")


def test_bad_files_are_refused_in_chinese(page: Page, stack_url: str, tmp_path: Path) -> None:
    open_chat(page, stack_url)
    text = tmp_path / "notes.txt"
    text.write_text("x")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    page.get_by_test_id("file").set_input_files([text, broken])
    expect(page.get_by_test_id("refused")).to_contain_text("notes.txt：只支持 JPG、PNG、WebP 照片和 PDF 文件")
    problem = page.get_by_test_id("photo").get_by_role("alert")
    expect(problem).to_have_text(re.compile("[一-鿿]{4,}"))
    expect(page.get_by_test_id("send")).to_be_disabled()
    page.get_by_role("button", name="移除 broken.jpg").click()
    expect(page.get_by_test_id("photo")).to_have_count(0)


def test_photos_are_previewed_uploaded_and_sent_together(page: Page, stack_url: str, tmp_path: Path) -> None:
    open_chat(page, stack_url)
    page.get_by_test_id("file").set_input_files([picture(tmp_path, "a.jpg"), picture(tmp_path, "b.png")])
    expect(page.get_by_text("上传完成")).to_have_count(2)
    page.get_by_test_id("send").click()
    photos = messages(page, "customer").locator(".photos img")
    expect(photos).to_have_count(2)
    expect(messages(page, "customer").get_by_test_id("state")).to_have_text("已送达")
    assert photos.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_role("button", name="放大查看第 1 张照片").click()
    expect(page.locator(".el-image-viewer__wrapper")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".el-image-viewer__wrapper")).to_be_hidden()


def test_location_is_asked_for_with_a_reason_and_sent(page: Page, context: BrowserContext, stack_url: str) -> None:
    context.grant_permissions(["geolocation"])
    context.set_geolocation({"latitude": 30.27415, "longitude": 120.15515, "accuracy": 20})
    open_chat(page, stack_url)
    page.get_by_role("button", name="发送位置").click()
    expect(page.get_by_role("dialog")).to_contain_text("不会持续跟踪")
    page.get_by_role("button", name="同意并定位").click()
    page.get_by_label("补充说明").fill("高架出口")
    page.get_by_role("dialog").get_by_role("button", name="发送位置").click()
    expect(messages(page, "customer")).to_contain_text("高架出口")
    expect(messages(page, "customer").get_by_test_id("state")).to_have_text("已送达")


def test_refused_location_falls_back_to_typing(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    page.get_by_role("button", name="发送位置").click()
    page.get_by_role("button", name="同意并定位").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("直接输入地点")
    page.get_by_role("button", name="改为打字").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_test_id("input")).to_be_focused()


def test_person_is_one_press_away_and_buttons_work_once(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    page.get_by_test_id("human").click()
    expect(page.get_by_test_id("owner")).to_contain_text("转接人工")
    expect(page.get_by_test_id("human")).to_be_disabled()
    back = page.get_by_test_id("replies").get_by_role("button", name="返回机器人")
    back.click()
    expect(mine(page, "返回机器人")).to_have_count(1)
    expect(page.get_by_test_id("owner")).to_contain_text("智能客服")
    expect(page.get_by_role("button", name="返回机器人", disabled=False)).to_have_count(0)


def test_an_answer_can_be_voted_on_and_the_vote_stays(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    say(page, "交强险赔多少")
    vote = page.get_by_role("group", name="这个回答有帮助吗").get_by_role("button", name="没帮助")
    expect(vote).to_have_attribute("aria-pressed", "false")
    vote.click()
    expect(vote).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(vote).to_have_attribute("aria-pressed", "true")
    say(page, "你好")
    answered(page)
    expect(page.get_by_role("group", name="这个回答有帮助吗")).to_have_count(1)


def test_large_type_is_remembered(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    size = "() => parseFloat(getComputedStyle(document.querySelector('[data-testid=input]')).fontSize)"
    normal = page.evaluate(size)
    page.get_by_role("button", name="大字模式").click()
    assert page.evaluate(size) >= normal * 1.25
    page.reload()
    expect(page.get_by_role("button", name="大字模式")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate(size) >= normal * 1.25
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everything_by_keyboard(page: Page, stack_url: str) -> None:
    open_chat(page, stack_url)
    seen: list[str] = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText.split('\\n')[0]")
        )
        if seen[-1].startswith("输入消息"):
            break
    assert [
        name for name in ("大字模式", "转人工客服", "聊天记录", "出险报案", "添加照片", "发送位置") if name not in seen
    ] == []
    page.keyboard.type("你好")
    page.keyboard.press("Enter")
    expect(mine(page, "你好")).to_have_count(1)
    answered(page)
    while page.evaluate("document.activeElement.dataset.testid") != "human":
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("replies").get_by_role("button", name="返回机器人")).to_be_visible()
    page.keyboard.press("1")
    expect(mine(page, "返回机器人")).to_have_count(1)


def test_embedded_launcher_opens_closes_and_counts_unread(page: Page, stack_url: str) -> None:
    page.goto(stack_url)
    launcher = page.get_by_role("button", name="打开在线客服")
    launcher.click()
    frame = page.frame_locator("iframe[title=在线客服]")
    expect(frame.locator("[role=log]")).to_have_attribute("aria-busy", "false")
    frame.get_by_test_id("input").fill("你好")
    frame.get_by_test_id("send").click()
    frame.get_by_test_id("input").press("Escape")
    expect(page.locator(".panel")).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("条未读消息"))).to_be_focused()
    page.get_by_role("button", name=re.compile("打开在线客服")).click()
    expect(page.locator(".badge")).to_be_hidden()
    frame.get_by_role("button", name="收起聊天窗口").click()
    expect(page.locator(".panel")).to_be_hidden()
