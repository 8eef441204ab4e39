"""Supervisors at their pages, in a real Chromium, against the real app."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from chebao.desk import surveys
from tests.browser.desk import SCREEN, log_in, set_state, window
from tests.browser.desk_office import PASSWORD, Desk, desk_stack, open_page, pick

_HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def desk(database_url: str) -> Iterator[Desk]:
    with desk_stack(database_url) as running:
        running.account("lin", "程岚", "agent", "claims", "general")
        running.account("shen", "杜衡", "supervisor")
        running.account("lu", "陆遥", "supervisor")
        running.account("root", "高远", "admin")
        yield running


@pytest.fixture
def lead(page: Page, desk: Desk) -> Page:
    """A supervisor who has just logged in."""
    page.set_viewport_size(SCREEN)
    page.set_default_timeout(5_000)
    desk.rows("UPDATE hub.conversations SET owner = 'closed', agent_id = NULL, queued_at = NULL")
    desk.rows("UPDATE desk.agents SET state = 'offline'")
    log_in(page, desk.url, "shen", PASSWORD)
    return page


def row(page: Page, kind: str, text: str) -> Locator:
    return page.get_by_test_id(f"{kind}-row").filter(has_text=text)


def said(page: Page, words: str) -> None:
    expect(page.locator(".el-message").filter(has_text=words).last).to_be_visible()


def test_the_wall_follows_what_happens(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "wall")
    expect(lead.get_by_test_id("waiting")).to_contain_text("没有人在等")
    desk.run(desk.office.waiting("claims"))
    desk.run(desk.office.waiting("renewal"))
    expect(lead.get_by_test_id("waiting").locator(".big")).to_have_text("2")
    expect(lead.get_by_text("1 人，最久").first).to_be_visible()
    desk.run(desk.office.desk.presence.set_state("lin", "ready"))
    expect(lead.get_by_test_id("waiting").locator(".big")).to_have_text("1")
    expect(lead.get_by_test_id("serving").locator(".big")).to_have_text("1")
    expect(lead.get_by_role("row").filter(has_text="程岚")).to_contain_text("就绪")
    desk.run(desk.office.desk.presence.set_state("lin", "break", reason="午饭"))
    expect(lead.get_by_role("row").filter(has_text="程岚")).to_contain_text("午饭")


def test_a_supervisor_whispers_takes_over_and_reassigns(lead: Page, desk: Desk) -> None:
    talk = desk.run(desk.office.waiting("claims"))
    desk.run(desk.office.desk.presence.set_state("lin", "ready"))
    desk.run(desk.office.owned_by(talk, "agent"))
    desk.run(desk.office.writes(talk, "照片收到了吗"))
    set_state(lead, "忙碌")
    open_page(lead, desk, "watch")
    watched = lead.get_by_test_id("watch-row")
    expect(watched).to_contain_text("照片收到了吗")
    expect(watched).to_contain_text("程岚")
    watched.get_by_role("button", name="悄悄提醒").click()
    lead.get_by_label("提醒内容").fill("先说明定损依据")
    lead.get_by_role("button", name="发送提醒").click()
    said(lead, "已提醒")
    [note] = desk.rows("SELECT text, whisper FROM desk.notes WHERE conversation_id = %s", talk)
    assert note == {"text": "先说明定损依据", "whisper": True}
    watched.get_by_role("button", name="接管").click()
    expect(lead).to_have_url(f"{desk.url}/desk#/c/{talk}")
    assert desk.run(desk.office.conversation(talk)).agent_id == "shen"
    open_page(lead, desk, "watch")
    watched.get_by_role("button", name="改派").click()
    lead.get_by_text("转给技能组").click()
    lead.get_by_test_id("transfer-skill").select_option("claims")
    lead.get_by_test_id("memo").fill("客户等定损员电话")
    lead.get_by_test_id("confirm").click()
    said(lead, "已改派")


def test_a_ticket_is_opened_moved_on_and_told_to_the_customer(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "tickets")
    lead.get_by_role("button", name="新建工单").click()
    pick(lead, "类型", "事项")
    lead.get_by_label("事由").fill("补寄纸质保单")
    lead.get_by_role("button", name="建工单", exact=True).click()
    expect(lead.get_by_role("heading", name="补寄纸质保单")).to_be_visible()
    number = lead.url.rsplit("/", 1)[1]
    expect(lead.locator(".clock-bar").first).to_contain_text("还有")
    talk = desk.run(desk.office.customer())
    desk.rows("UPDATE desk.tickets SET conversation_id = %s WHERE number = %s", talk, number)
    lead.reload()
    lead.get_by_label("这一步做了什么").fill("保单今天下午寄出，顺丰到付免费。")
    lead.get_by_role("button", name="记录并告诉客户").click()
    said(lead, "已记录并告诉客户")
    expect(lead.locator(".steps-list li").first).to_contain_text("顺丰到付免费")
    pick(lead, "状态", "已有结果")
    lead.get_by_role("button", name="保存安排").click()
    said(lead, "请先写明处理结果")
    lead.get_by_label("处理结果").fill("已寄出，运单号会发给您。")
    lead.get_by_role("button", name="保存安排").click()
    said(lead, "已保存")
    [kept] = desk.rows("SELECT state, resolution FROM desk.tickets WHERE number = %s", number)
    assert kept == {"state": "resolved", "resolution": "已寄出，运单号会发给您。"}


def test_what_is_half_written_at_a_ticket_survives_a_reload_with_whom_it_is_for(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "tickets")
    lead.get_by_role("button", name="新建工单").click()
    lead.get_by_label("事由").fill("补寄交强险标志")
    lead.get_by_role("button", name="建工单", exact=True).click()
    expect(lead.get_by_role("heading", name="补寄交强险标志")).to_be_visible()
    number = lead.url.rsplit("/", 1)[1]
    talk = desk.run(desk.office.customer())
    desk.rows("UPDATE desk.tickets SET conversation_id = %s WHERE number = %s", talk, number)
    lead.reload()
    words = lead.get_by_label("这一步做了什么")
    words.fill("客户地址写错过一次")
    pick(lead, "这一步的类型", "内部备注")
    lead.get_by_label("下一步", exact=True).fill("核对地址后补寄")
    lead.reload()
    expect(lead.get_by_label("下一步", exact=True)).to_have_value("核对地址后补寄")
    lead.get_by_role("button", name="保存安排").click()
    said(lead, "已保存")
    desk.rows("UPDATE desk.tickets SET next_action = '等客户回信' WHERE number = %s", number)
    lead.reload()
    expect(lead.get_by_label("下一步", exact=True)).to_have_value("等客户回信")
    expect(words).to_have_value("客户地址写错过一次")
    lead.get_by_role("button", name="记录", exact=True).click()
    expect(lead.locator(".steps-list li").first).to_contain_text("客户地址写错过一次")
    expect(lead.locator(".steps-list li").first).not_to_contain_text("告诉客户")
    lead.reload()
    expect(words).to_have_value("")


def test_what_must_move_today_stands_first(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "tickets")
    lead.get_by_role("button", name="新建工单").click()
    lead.get_by_label("事由").fill("核对发票抬头")
    lead.get_by_role("button", name="建工单", exact=True).click()
    expect(lead.get_by_role("heading", name="核对发票抬头")).to_be_visible()
    number = lead.url.rsplit("/", 1)[1]
    desk.rows(
        "UPDATE desk.clocks SET started_at = now() - interval '2 days', due_at = now() - interval '1 hour', warned = 100"
        " WHERE number = %s",
        number,
    )
    open_page(lead, desk, "tickets")
    overdue = lead.locator("[data-urgency=over]")
    expect(overdue).to_contain_text("已超时，先办这些")
    expect(overdue).to_contain_text("核对发票抬头")
    expect(overdue).to_contain_text("已超 1 小时")


def test_an_agent_is_added_licensed_and_disabled(lead: Page, desk: Desk, browser: Browser) -> None:
    open_page(lead, desk, "agents")
    lead.get_by_role("button", name="添加坐席").click()
    lead.get_by_label("登录名").fill("fang")
    lead.get_by_label("姓名").fill("方宁")
    lead.get_by_label("初始密码").fill("a good long password")
    lead.get_by_role("button", name="保存").click()
    expect(row(lead, "agent", "方宁")).to_contain_text("未登记，不能报价")
    row(lead, "agent", "方宁").get_by_role("button", name="修改方宁").click()
    lead.get_by_label("执业证号").fill("02000144030080020210001234")
    lead.get_by_role("button", name="保存").click()
    expect(row(lead, "agent", "方宁")).to_contain_text("02000144030080020210001234")
    expect(row(lead, "agent", "陆遥").get_by_role("button", name="修改陆遥")).to_be_disabled()
    with window(browser) as fang:
        log_in(fang, desk.url, "fang", "a good long password")
        lead.get_by_role("button", name="停用方宁").click()
        expect(row(lead, "agent", "方宁")).to_contain_text("已停用")
        fang.reload()
        expect(fang.get_by_label("账号")).to_be_visible()


def test_canned_replies_are_written_with_variables(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "canned")
    lead.get_by_role("button", name="新增常用语").click()
    lead.get_by_label("标题").fill(_HOSTILE)
    lead.get_by_label("内容").fill("{客户}您好，{谁}会联系您。")
    expect(lead.locator(".canned-preview .unknown")).to_have_text("{谁}")
    lead.get_by_role("button", name="保存").click()
    said(lead, "没有“{谁}”这个变量")
    lead.get_by_label("内容").fill("{客户}您好，查勘员会联系您。")
    lead.get_by_role("button", name="保存").click()
    expect(row(lead, "canned", _HOSTILE)).to_contain_text("查勘员会联系您")
    row(lead, "canned", _HOSTILE).get_by_role("button", name="删除").click()
    row(lead, "canned", _HOSTILE).get_by_role("button", name="确定删除").click()
    expect(row(lead, "canned", _HOSTILE)).to_have_count(0)


def test_service_hours_have_several_periods_and_own_dates(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "hours")
    monday = lead.get_by_role("group", name="周一")
    monday.get_by_label("周一第 2 段开始").select_option("11:30")
    expect(monday).to_contain_text("重叠")
    expect(lead.get_by_role("button", name="保存")).to_be_disabled()
    monday.get_by_label("周一第 2 段开始").select_option("14:00")
    lead.get_by_role("button", name="添加自定日期").click()
    lead.get_by_label("自定日期 1").first.fill("2027年3月15日")
    lead.keyboard.press("Enter")
    lead.get_by_label("说明 1").fill("系统升级")
    lead.get_by_role("button", name="保存").click()
    said(lead, "服务时间已保存")
    [kept] = desk.rows("SELECT value, changed_by FROM desk.settings WHERE name = 'hours'")
    assert kept["changed_by"] == "shen"
    assert kept["value"]["week"]["1"] == [["08:30", "12:00"], ["14:00", "20:00"]]
    assert kept["value"]["own"] == [{"date": "2027-03-15", "note": "系统升级", "periods": []}]
    lead.reload()
    expect(lead.get_by_label("周一第 2 段开始")).to_have_value("14:00")


def test_a_reason_for_a_hand_off_gets_another_rank(lead: Page, desk: Desk) -> None:
    open_page(lead, desk, "triggers")
    reason = row(lead, "trigger", "系统没有处理成功")
    reason.get_by_role("spinbutton").fill("8")
    reason.get_by_role("spinbutton").press("Enter")
    lead.get_by_role("button", name="保存").click()
    said(lead, "已保存")
    [kept] = desk.rows("SELECT value FROM desk.settings WHERE name = 'triggers'")
    assert kept["value"] == {"tool_failure": {"priority": 8}}
    reason.get_by_role("button", name="恢复默认").click()
    expect(reason.get_by_role("button", name="恢复默认")).to_have_count(0)
    with lead.expect_response(lambda answer: answer.request.method == "PUT"):
        lead.get_by_role("button", name="保存").click()
    assert desk.rows("SELECT value FROM desk.settings WHERE name = 'triggers'") == [{"value": {}}]


def test_an_article_is_changed_by_one_and_published_by_another(lead: Page, desk: Desk, browser: Browser) -> None:
    open_page(lead, desk, "articles", "add_cover_midterm")
    body = lead.get_by_label("正文", exact=True)
    body.fill(body.input_value().replace("## 现在可以做什么\n", "## 现在可以做什么\n先核对车牌，"))
    expect(lead.locator(".article-preview")).to_contain_text("先核对车牌")
    lead.get_by_role("button", name="保存草稿").click()
    said(lead, "草稿已保存")
    lead.get_by_role("button", name="送审").click()
    expect(lead.get_by_text("自己写的内容要请另一位同事审核")).to_be_visible()
    expect(lead.get_by_role("button", name="审核通过")).to_have_count(0)
    with window(browser) as other:
        log_in(other, desk.url, "lu", PASSWORD)
        open_page(other, desk, "articles", "add_cover_midterm")
        expect(other.locator(".diff .added")).to_contain_text("先核对车牌")
        other.get_by_role("button", name="审核通过").click()
        other.get_by_role("button", name="发布").click()
        said(other, "已发布")
        expect(other.locator(".versions li").first).to_contain_text("正在回答")
    [live] = desk.rows("SELECT published FROM knowledge.articles WHERE id = 'add_cover_midterm'")
    assert live == {"published": 2}


def test_an_article_half_written_survives_a_reload_until_it_is_saved_or_given_up(lead: Page, desk: Desk) -> None:
    body = lead.get_by_label("正文", exact=True)
    save, give_up = (lead.get_by_role("button", name=name) for name in ("保存草稿", "放弃修改"))

    def write(words: str) -> None:
        body.fill(body.input_value().replace("## 现在可以做什么\n", f"## 现在可以做什么\n{words}"))
        lead.reload()
        expect(body).to_have_value(re.compile(words))

    open_page(lead, desk, "articles", "surrender")
    write("先看退保日期，")
    save.click()
    said(lead, "草稿已保存")
    expect(save).to_be_disabled()
    write("再看一眼，")
    give_up.click()
    lead.reload()
    expect(body).to_have_value(re.compile("## 现在可以做什么\n先看退保日期，"))
    expect(save).to_be_disabled()
    assert lead.evaluate("Object.keys(localStorage).filter((key) => key.includes('article'))") == []


def test_an_unanswered_message_is_given_its_meaning(lead: Page, desk: Desk) -> None:
    talk = desk.run(desk.office.customer())
    desk.rows(
        "INSERT INTO quality.reviews (message_id, conversation_id, at, reasons, text, context, intent, state) "
        "SELECT id, conversation_id, at, '{unanswered}', %s, '', 'nlu_fallback', 'open' FROM hub.messages "
        "WHERE conversation_id = %s AND sender = 'customer'",
        "13800000000 这个号码要换", talk,
    )  # fmt: skip
    open_page(lead, desk, "reviews")
    card = lead.get_by_test_id("review").filter(has_text="这个号码要换")
    expect(card).to_contain_text("请选客户的意思")
    card.get_by_role("combobox", name="客户的意思").click(force=True)
    lead.get_by_role("option", name="保单变更").click()
    card.get_by_label("要标的词").fill("13800000000")
    card.get_by_role("combobox", name="是什么").click(force=True)
    lead.get_by_role("option", name="手机号").click()
    card.get_by_role("button", name="标上").click()
    card.get_by_role("button", name="标好了").click()
    expect(card).to_have_count(0)
    [kept] = desk.rows(
        "SELECT state, label_intent, label_entities FROM quality.reviews WHERE conversation_id = %s", talk
    )
    assert kept == {
        "state": "approved",
        "label_intent": "policy_change",
        "label_entities": [{"entity": "phone", "value": "13800000000"}],
    }


def test_low_scores_are_listed_and_the_month_can_be_taken_along(lead: Page, desk: Desk, tmp_path: Path) -> None:
    talk = desk.run(desk.office.waiting())
    desk.run(score(desk, talk))
    open_page(lead, desk, "surveys")
    expect(row(lead, "survey", "说好的电话没有打")).to_contain_text("GD")
    with lead.expect_download() as download:
        lead.get_by_test_id("report-days").click()
    file = tmp_path / "month.csv"
    download.value.save_as(file)
    lines = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    assert lines[-1]["日期"].endswith("合计") and "到人工首句中位（秒）" in lines[-1]


async def score(desk: Desk, conversation_id: str) -> None:
    """A customer of 程岚 was not content."""
    async with desk.office.desk.pool.connection() as connection, connection.transaction():
        await surveys.ask(connection, conversation_id, "episode", agent_id="lin")
        await surveys.answer(connection, conversation_id, 1, comment="说好的电话没有打")


def test_an_agent_sees_tickets_only(page: Page, desk: Desk) -> None:
    log_in(page, desk.url, "lin", PASSWORD)
    open_page(page, desk, "wall")
    expect(page.get_by_text("这个页面需要主管权限")).to_be_visible()
    expect(page.get_by_role("link", name="现场大屏")).to_have_count(0)
    open_page(page, desk, "tickets")
    expect(page.get_by_role("heading", name="工单", exact=True)).to_be_visible()
