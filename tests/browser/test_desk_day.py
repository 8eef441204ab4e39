"""A day at the desk: what an agent sees of a customer, and every quick action."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from chebao.conversations.api import MESSAGE, Allowances, Incoming, Rule
from tests.browser.desk import log_in, said, waiting, window
from tests.browser.desk_day import LI_MIN, LIU, at_desk, close, dialog, empty, served, staffed, told
from tests.browser.desk_office import PASSWORD, Desk
from tests.contract.desk.test_desk_queue import FakeWeChat


@pytest.fixture(scope="module")
def desk(database_url: str) -> Iterator[Desk]:
    with staffed(database_url) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_left(desk: Desk) -> Iterator[None]:
    """Each test ends with an empty desk."""
    yield
    empty(desk)


def test_the_column_beside_the_conversation_is_whole_and_masked(browser: Browser, desk: Desk) -> None:
    earlier = served(desk, "zhou", "上次的事", "claims", **LI_MIN)
    desk.run(close(desk, "zhou", earlier))
    talk = served(desk, "lin", "我的理赔到哪了", "claims", **LI_MIN)
    noted = '{"notes": ["照片时间早于报案时间三天"]}'
    desk.rows("UPDATE backoffice.claims SET staff = %s::jsonb WHERE claim_no = 'CL2026000101'", noted)
    with window(browser) as page:
        at_desk(page, desk, "lin", talk)
        customer = page.get_by_test_id("customer")
        expect(customer).to_contain_text("138****0002")
        expect(customer).to_contain_text("已核实")
        expect(page.get_by_role("heading", name="李*")).to_contain_text("VIP")
        expect(page.get_by_test_id("policies")).to_contain_text("剩 165 天")
        claims = page.get_by_test_id("claims")
        expect(claims).to_contain_text("已定损")
        expect(claims.locator(".clock").first).to_contain_text("法定")
        expect(page.get_by_test_id("fraud")).to_contain_text("照片时间早于报案时间三天")
        expect(page.get_by_test_id("history")).to_contain_text("周敏")
        assert "13800000002" not in page.content() and "李敏" not in page.content()


def test_messages_say_how_far_they_have_come_and_why_one_did_not_arrive(browser: Browser, desk: Desk) -> None:
    talk = served(desk, "zhou", "收得到吗", "claims")
    with window(browser) as page:
        at_desk(page, desk, "zhou", talk)
        page.get_by_test_id("input").fill("收得到")
        page.keyboard.press("Enter")
        answer = said(page, "收得到")
        expect(answer.get_by_test_id("delivery")).to_have_text("已发出")
        for state, reason, words in (
            ("queued", None, "待发送"),
            ("delivered", None, "已送达"),
            ("parked", "no_window", "没有可用的发送窗口，要等客户下次发消息"),
            ("failed", "blocked", "客户已停用或屏蔽了机器人"),
        ):
            desk.rows(
                "UPDATE hub.messages SET delivery = %s, delivery_reason = %s WHERE conversation_id = %s AND sender = 'agent'",
                state, reason, talk,
            )  # fmt: skip
            page.reload()
            expect(answer).to_contain_text(words)


def test_a_customer_of_65_and_over_is_marked_for_care(browser: Browser, desk: Desk) -> None:
    talk = served(desk, "lin", "我想问一下保单", care=True, **LIU)
    with window(browser) as page:
        at_desk(page, desk, "lin", talk)
        expect(waiting(page, "我想问一下保单")).to_contain_text("关怀")
        expect(page.get_by_role("heading", name="刘*")).to_contain_text("65 岁以上")
        expect(page.get_by_test_id("customer")).to_contain_text("慢一点、说清楚")


def test_masked_data_are_shown_for_a_reason_for_a_minute_and_audited(browser: Browser, desk: Desk) -> None:
    talk = served(desk, "lin", "请回电话给我", **LI_MIN)
    with window(browser) as page:
        page.clock.install()
        at_desk(page, desk, "lin", talk)
        customer = page.get_by_test_id("customer")
        customer.get_by_role("button", name="查看 手机").click()
        asked = dialog(page, "查看手机")
        expect(asked.get_by_test_id("confirm")).to_be_disabled()
        expect(asked.get_by_role("textbox")).to_be_focused()
        page.keyboard.type("客户要求回电")
        page.keyboard.press("Enter")
        expect(customer).to_contain_text("13800000002")
        page.clock.fast_forward("01:01")
        expect(customer).not_to_contain_text("13800000002")
    [kept] = desk.rows("SELECT actor, reason FROM desk.audit WHERE conversation_id = %s AND action = 'reveal'", talk)
    assert kept == {"actor": "lin", "reason": "客户要求回电"}


def test_only_licensed_staff_are_offered_the_payment_link(browser: Browser, desk: Desk) -> None:
    for name, licensed in (("lin", False), ("zhou", True)):
        talk = served(desk, name, "我要付款", "renewal", **LI_MIN)
        with window(browser) as page:
            at_desk(page, desk, name, talk)
            page.get_by_test_id("more").click()
            expect(page.get_by_role("menuitem", name="预约回电")).to_be_visible()
            expect(page.get_by_role("menuitem", name="发付款链接")).to_have_count(int(licensed))
            page.keyboard.press("Escape")
            page.keyboard.press("Alt+p")
            expect(dialog(page, "发付款链接")).to_have_count(int(licensed))
            if licensed:
                page.get_by_test_id("application").fill("A20260000001")
                page.keyboard.press("Enter")
                told(page, "没有查到这份投保单")
                expect(page.get_by_test_id("application")).to_have_value("A20260000001")


def test_ticket_and_appointment_are_made_by_keyboard_and_stand_beside_the_conversation(
    browser: Browser, desk: Desk
) -> None:
    talk = served(desk, "zhou", "帮我记一下", **LI_MIN)
    with window(browser) as page:
        at_desk(page, desk, "zhou", talk)
        page.keyboard.press("Alt+j")
        expect(dialog(page, "新建工单").get_by_label("事由")).to_be_focused()
        page.keyboard.type("补寄纸质保单")
        page.keyboard.press("Enter")
        told(page, "工单已建好")
        expect(dialog(page, "新建工单")).to_have_count(0)
        expect(page.get_by_label("客户资料").get_by_text("补寄纸质保单")).to_be_visible()
        page.keyboard.press("Alt+y")
        page.get_by_test_id("appointment-about").fill("告知续保价格")
        page.keyboard.press("Enter")
        told(page, "已预约")
        expect(page.get_by_label("客户资料").get_by_text("告知续保价格")).to_be_visible()
    kinds = desk.rows("SELECT kind FROM desk.tickets WHERE conversation_id = %s ORDER BY kind", talk)
    assert [row["kind"] for row in kinds] == ["callback", "general"]


def test_transfer_return_and_close_by_keyboard_bring_up_the_next_one(browser: Browser, desk: Desk) -> None:
    talks = [served(desk, "zhou", f"第{n}位客户", "claims") for n in range(4)]
    with window(browser) as page:
        at_desk(page, desk, "zhou", talks[0])
        page.keyboard.press("Alt+t")
        page.get_by_text("转给技能组").click()
        page.get_by_test_id("transfer-skill").select_option("complaint")
        expect(page.get_by_test_id("confirm")).to_be_disabled()
        page.get_by_test_id("memo").fill("客户要投诉定损")
        page.get_by_test_id("confirm").click()
        told(page, "已转接")
        expect(page).not_to_have_url(f"{desk.url}/desk#/c/{talks[0]}")
        expect(page.get_by_test_id("action-return")).to_be_visible()
        page.keyboard.press("Alt+b")
        expect(page.get_by_test_id("return-words")).to_be_focused()
        page.keyboard.type("接下来由助手帮您。")
        page.get_by_test_id("confirm").click()
        told(page, "已交回机器人")
        expect(page.get_by_test_id("action-close")).to_be_visible()
        page.keyboard.press("Alt+c")
        closing = dialog(page, "结束会话")
        closing.get_by_text("待跟进").click()
        expect(page.get_by_test_id("confirm")).to_be_disabled()
        closing.get_by_text("已解决").click()
        page.get_by_test_id("confirm").click()
        told(page, "会话已结束")
    owners = desk.rows("SELECT owner FROM hub.conversations WHERE id = ANY(%s) ORDER BY owner", talks)
    assert sorted(row["owner"] for row in owners) == ["agent", "bot", "closed", "queued"]


def test_lists_are_moved_through_by_keyboard(browser: Browser, desk: Desk) -> None:
    mine = served(desk, "zhou", "已经在聊", "claims")
    desk.waiting("排在前面", "claims")
    desk.waiting("排在后面", "claims")
    with window(browser) as page:
        at_desk(page, desk, "zhou", mine)
        for number, tab in enumerate(("mine", "queue", "open", "tickets"), 1):
            page.keyboard.press(f"Alt+{number}")
            expect(page.get_by_test_id(f"tab-{tab}")).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Alt+2")
        page.keyboard.press("Alt+ArrowDown")
        expect(page.get_by_test_id("readonly")).to_contain_text("客户在排队")
        first = page.url
        page.keyboard.press("Alt+ArrowDown")
        expect(page).not_to_have_url(first)
        page.keyboard.press("Alt+ArrowUp")
        expect(page).to_have_url(first)
        expect(page.get_by_test_id("readonly")).to_be_visible()
        page.keyboard.press("Alt+a")
        expect(page.get_by_test_id("owner")).to_contain_text("我在接待")
        expect(page.get_by_test_id("input")).to_be_focused()
        # the pages behind the button, too
        page.get_by_test_id("me").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("menuitem", name="退出登录")).to_be_visible()
        page.keyboard.press("Escape")
        # a key counts for the dialog that is open, not for what lies behind it
        page.keyboard.press("Alt+t")
        expect(dialog(page, "转接会话")).to_be_visible()
        page.keyboard.press("Alt+c")
        expect(page.get_by_role("dialog")).to_have_count(1)


def test_suggested_answer_is_taken_with_a_key_and_names_its_source(browser: Browser, desk: Desk) -> None:
    talk = served(desk, "zhou", "定损金额不认可怎么办", "claims")
    with window(browser) as page:
        at_desk(page, desk, "zhou", talk)
        first = page.locator(".suggestions button").first
        expect(first).to_be_visible(timeout=60_000)
        expect(first.locator(".suggestion-source")).not_to_be_empty()
        page.keyboard.press("Alt+g")
        expect(page.get_by_test_id("input")).not_to_have_value("")


def test_wechat_says_how_much_may_still_be_sent_and_for_how_long(browser: Browser, desk: Desk) -> None:
    office = desk.office

    async def from_wechat() -> str:
        rules = {MESSAGE: Rule(5, timedelta(hours=48))}
        office.hub.delivery.add(FakeWeChat(Allowances(office.hub.engine, rules)))
        accepted = await office.hub.accept(Incoming("wechat", "gh", "openid-day", "key-1", "微信里问一句"))
        assert await office.hub.turn_over(accepted, within=5)
        await office.hand_off(accepted.conversation_id, "claims")
        await office.desk.presence.set_state("zhou", "busy")
        await office.handling.takeover(await office.known("zhou"), accepted.conversation_id)
        return accepted.conversation_id

    talk = desk.run(from_wechat())
    with window(browser) as page:
        at_desk(page, desk, "zhou", talk)
        expect(page.get_by_test_id("allowance")).to_contain_text("还可发")
        expect(page.get_by_test_id("allowance")).to_contain_text("剩 1天23小时")
        for n in range(5):
            page.get_by_test_id("input").fill(f"第 {n} 句")
            page.keyboard.press("Enter")
            expect(said(page, f"第 {n} 句")).to_have_count(1)
        expect(page.get_by_test_id("allowance")).to_contain_text("现在发的会等客户再来消息时送出")


def test_a_supervisor_looks_at_a_conversation_without_being_in_it(browser: Browser, desk: Desk) -> None:
    talk = served(desk, "zhou", "主管请看这里", "claims")
    with window(browser) as page:
        at_desk(page, desk, "shen")
        page.get_by_role("link", name="会话监看").click()
        page.get_by_test_id("watch-row").filter(has_text="主管请看这里").get_by_role("button", name="查看").click()
        expect(page.get_by_test_id("readonly")).to_contain_text("周敏在接待")
        expect(page.get_by_test_id("mode-reply")).to_have_count(0)
    [row] = desk.rows("SELECT agent_id, owner FROM hub.conversations WHERE id = %s", talk)
    assert row == {"agent_id": "zhou", "owner": "agent"}


def test_an_agent_changes_his_own_password(browser: Browser, desk: Desk) -> None:
    desk.account("fang", "方宁")
    with window(browser) as page:
        log_in(page, desk.url, "fang", PASSWORD)
        page.get_by_test_id("me").click()
        page.get_by_role("menuitem", name="修改密码").click()
        page.wait_for_timeout(500)  # the menu has closed by then
        expect(page.get_by_label("现在的密码")).to_be_focused()
        page.get_by_label("现在的密码").fill(PASSWORD)
        page.get_by_label("新密码，至少 10 位").fill("another long one")
        page.get_by_label("再输一遍新密码").fill("another long on")
        expect(page.get_by_test_id("confirm")).to_be_disabled()
        page.get_by_label("再输一遍新密码").fill("another long one")
        page.keyboard.press("Enter")
        told(page, "密码已修改")
    with window(browser) as page:
        log_in(page, desk.url, "fang", "another long one")
