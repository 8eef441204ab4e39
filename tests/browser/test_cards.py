"""Cards, buttons and plain text as the dialogue sends them, with the scripted dialogue."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.driver import DESKTOP, messages, mine, open_chat, say, wait_answer
from tests.browser.stack import Stack


def test_plan_is_chosen_from_the_card_once(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "方案")
    card = page.get_by_test_id("card-plans")
    expect(card.get_by_role("button")).to_have_count(3)
    expect(card).to_contain_text("不包含")
    card.get_by_role("button", name="选标准方案").click()
    wait_answer(page, "已选：standard")
    expect(card.get_by_role("button", disabled=False)).to_have_count(0)
    assert [turn["entities"] for turn in scripted.rasa.turns if "intent" in turn][-1] == {"plan": "standard"}


def test_plans_stand_side_by_side_on_a_desktop_and_swipe_on_a_phone(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "方案")
    row = page.locator(".plans-row")
    expect(row).to_be_visible()
    overflows = "row => row.scrollWidth > row.clientWidth"
    assert row.evaluate(overflows)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size(DESKTOP)
    assert not row.evaluate(overflows)
    tops = {box["y"] for box in (plan.bounding_box() for plan in page.locator(".plan").all()) if box}
    assert len(tops) == 1


def test_receipt_shows_number_materials_and_surveyor(page: Page, scripted: Stack) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_chat(page, scripted.url)
    say(page, "回执")
    card = page.get_by_test_id("card-claim_receipt")
    expect(card).to_contain_text("11月21日 20:10")
    expect(card.get_by_role("link")).to_have_attribute("href", "tel:057195000")
    card.get_by_role("button", name="复制报案号").click()
    expect(card).to_contain_text("已复制")
    assert page.evaluate("navigator.clipboard.readText()") == "CL2026112207"


def test_text_for_other_channels_is_not_repeated_beside_its_card(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "回执")
    expect(page.get_by_test_id("card-claim_receipt")).to_be_visible()
    expect(page.get_by_text("材料齐全后 30 日内作出核定")).to_have_count(1)
    say(page, "方案")
    wait_answer(page, "您想选哪一种")
    expect(messages(page, "bot").filter(has_text="三种方案的估算如下")).to_have_count(1)
    expect(page.get_by_text("【标准方案】")).to_have_count(0)


def test_payment_opens_the_cashier_in_a_new_tab(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "付款")
    link = page.get_by_test_id("card-payment").get_by_role("link")
    expect(link).to_have_attribute("href", "https://cashier.example/pay/A2026112201")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(page.get_by_test_id("card-payment")).to_contain_text("¥3,948.15")


def test_policy_and_progress_cards(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "保单")
    expect(page.get_by_test_id("card-policy")).to_contain_text("2026-11-23 至 2027-11-22")
    say(page, "进度")
    card = page.get_by_test_id("card-progress")
    expect(card).to_contain_text("核赔中")
    expect(card.locator("[aria-current=step]")).to_have_text("核赔")


def test_quick_replies_by_number_key_only_under_the_newest(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "我要报案")
    replies = page.get_by_test_id("replies").get_by_role("button")
    expect(replies).to_have_count(3)
    page.get_by_test_id("input").press("1")
    expect(page.get_by_test_id("input")).to_have_value("1")
    page.get_by_test_id("input").fill("")
    page.get_by_test_id("input").press("Alt+2")
    expect(mine(page, "有人受伤")).to_have_count(1)
    wait_answer(page, "已选：yes")
    expect(page.get_by_test_id("replies")).to_have_count(0)


def test_nothing_from_a_message_becomes_markup(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "链接")
    bubble = messages(page, "bot").last
    expect(bubble).to_contain_text("<b>注意</b> <img src=x onerror=alert(1)> javascript:alert(1)")
    links = bubble.get_by_role("link")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.com/terms?id=1")
    say(page, "<script>alert(1)</script>")
    expect(mine(page, "<script>alert(1)</script>")).to_have_count(1)


def test_broken_card_leaves_the_text(page: Page, scripted: Stack) -> None:
    open_chat(page, scripted.url)
    say(page, "坏卡片")
    wait_answer(page, "卡片有问题时文字还在。")
    expect(page.get_by_test_id("card-plans")).to_have_count(0)


def test_typing_dots_while_the_dialogue_thinks(page: Page, scripted: Stack) -> None:
    scripted.rasa.delay = 1.0
    try:
        open_chat(page, scripted.url)
        say(page, "你好")
        expect(page.get_by_test_id("typing")).to_be_visible()
        wait_answer(page, "收到：你好")
        expect(page.get_by_test_id("typing")).to_have_count(0)
    finally:
        scripted.rasa.delay = 0.15
