"""Two agents and a customer in three windows: a claim from the first word to its number, with people in between."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import agent, picture, reply, said, window
from tests.browser.driver import PHONE, messages, open_chat, say
from tests.browser.test_dialogues import answer, press
from tests.e2e.door import rows
from tests.running import RunningStack


@pytest.fixture(autouse=True)
def demo_data(stack: RunningStack) -> None:
    """The claim starts from the demo data, with nobody waiting whom other tests on this stack have left in the queue."""
    lead = {"Authorization": "Bearer demo", "X-Chebao-Agent": "lead1"}
    with httpx.Client(base_url=stack.url, headers=lead) as client:
        client.post("/backoffice/v1/demo/reset").raise_for_status()
        waiting = client.get("/api/desk/v1/conversations", params={"view": "queue", "limit": 100}).json()["rows"]
        for row in waiting:
            talk = f"/api/desk/v1/conversations/{row['id']}"
            client.post(f"{talk}/takeover").raise_for_status()
            client.post(f"{talk}/return", json={}).raise_for_status()


def edit(page: Page, field: str, words: str) -> None:
    """Writes into a field of the running form."""
    row = page.locator(f"[data-field={field}]")
    row.get_by_role("button", name="修改").click()
    row.locator("input").fill(words)
    row.locator("input").press("Enter")


def test_claim_with_two_agents_in_between(browser: Browser, stack: RunningStack) -> None:
    with (
        agent(browser, stack.url, "agent1", state="就绪") as lin,
        agent(browser, stack.url, "agent3") as he,
        window(browser, PHONE) as chat,
    ):
        open_chat(chat, stack.url)
        answer(chat, "刚才倒车撞到小区的石墩了，我要报案")
        press(chat, "没有人受伤")
        press(chat, "同意")
        press(chat, "还没报警")
        answer(chat, "京A12345")
        say(chat, "转人工")

        # the first agent is given the conversation, sees the form and answers
        lin.get_by_test_id("conversation").first.click()
        expect(lin.get_by_test_id("owner")).to_contain_text("我在接待")
        form = lin.get_by_test_id("form")
        expect(form.locator("[data-field=plate]")).to_contain_text("京A12345")
        expect(lin.get_by_test_id("summary")).to_contain_text("京A12345")
        reply(lin, "您好，我是客服林晓，您的报案我接着办。")
        expect(messages(chat, "agent").filter(has_text="您的报案我接着办")).to_have_count(1)
        edit(lin, "plate", "京A1")
        expect(form.get_by_role("alert")).to_be_visible()
        picture(lin, "form")
        lin.locator("[data-field=plate]").get_by_role("button", name="取消").click()
        edit(lin, "place", "北京市朝阳区望京西园四区东门")
        expect(form.locator("[data-field=place] .field-value")).to_contain_text("望京西园")

        # transfer with a memo
        lin.get_by_test_id("action-transfer").click()
        lin.get_by_test_id("transfer-agent").select_option("agent3")
        lin.get_by_test_id("memo").fill("地点已核对，客户想知道能不能先开走")
        picture(lin, "transfer")
        lin.get_by_test_id("confirm").click()
        expect(he.get_by_test_id("conversation")).to_have_count(1)
        expect(lin.get_by_test_id("conversation")).to_have_count(0)
        he.get_by_test_id("conversation").first.click()
        expect(he.get_by_test_id("summary")).to_contain_text("地点已核对")
        say(chat, "车还能开，能先开走吗")
        expect(said(he, "车还能开，能先开走吗")).to_be_visible()
        reply(he, "可以，拍好照片后先开到安全的地方。")
        expect(messages(chat, "agent").filter(has_text="先开到安全的地方")).to_have_count(1)
        picture(he, "conversation")

        # back to the assistant, which asks on by itself
        before = messages(chat, "bot").count()
        he.get_by_test_id("action-return").click()
        picture(he, "return")
        he.get_by_test_id("confirm").click()
        expect(he.get_by_test_id("conversation")).to_have_count(0)
        expect(messages(chat, "bot").nth(before)).to_be_visible()
        expect(messages(chat, "bot").nth(before)).not_to_contain_text("在哪里")
        answer(chat, "右后保险杠")
        press(chat, "还能开")
        answer(chat, "我自己开的，我姓王")
        press(chat, "稍后上传")
        answer(chat, "13800000001")
        press(chat, "确认提交")
        expect(chat.get_by_text(re.compile(r"CL\d{10}")).first).to_be_visible()

    made = [row for row in rows(stack.url, "/claims", plate="京A12345") if "望京西园" in row["place"]]
    assert len(made) == 1
