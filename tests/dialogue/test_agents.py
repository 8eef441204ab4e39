"""From the bot to a person and back, on the whole stack: nothing is said twice, nothing lost, nobody talks over anybody."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.dialogue.agent import Agent
from tests.e2e.door import Customer, rows
from tests.running import RunningStack

_OPENING = ["我的车停在小区被人刮了，要报案", "没有人受伤", "同意", "还没报警"]
_REST = {
    "车牌": "京B99T66",
    "时间|几点": "昨天晚上九点",
    "对方": "不知道是谁",
    "部位": "左后门和后保险杠",
    "正常开": "还能开",
    "怎么称呼": "我姓张，是车主",
    "照片": "稍后上传",
    "手机号": "13800000003",
    "确认提交": "确认提交",
}


def texts(replies: list[dict[str, Any]]) -> list[str]:
    return [reply.get("text") or "" for reply in replies]


def stream(stack: RunningStack, customer: Customer) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{stack.url}/api/conversations/{customer.sender}/messages", headers={"Authorization": "Bearer demo"}
    )
    messages: list[dict[str, Any]] = answer.raise_for_status().json()["messages"]
    return messages


def write(stack: RunningStack, customer: Customer, text: str) -> list[dict[str, Any]]:
    """Writes without waiting for more than the door's own answer."""
    body = {"sender": customer.sender, "message": text}
    headers = {"Authorization": "Bearer demo"}
    answer = httpx.post(f"{stack.url}/webhooks/rest/webhook", json=body, headers=headers, timeout=30)
    replies: list[dict[str, Any]] = answer.raise_for_status().json()
    return replies


def answer_on(customer: Customer, last: str, rest: dict[str, str]) -> None:
    """Answers what is asked until there is a report number."""
    for _ in range(16):
        question = last.rstrip().splitlines()[-1]
        words = next(said for asked, said in rest.items() if any(sign in question for sign in asked.split("|")))
        last = texts(customer.say(words))[-1]
        if "报案号" in customer.text():
            return
    raise AssertionError(customer.text())


def test_an_agent_helps_with_the_form_and_the_bot_finishes_the_claim(stack: RunningStack) -> None:
    customer = Customer(stack.url)
    for said in _OPENING:
        customer.say(said)
    handed = texts(customer.say("转人工"))
    assert "已为您转接人工客服" in handed[-1]
    agent = Agent(stack, customer.sender)
    case = agent.case()
    assert (case["reason"], case["task"], case["skill"]) == ("customer_request", "report_claim", "claims")
    assert case["summary"]["wants"] == "正在办理：事故报案" and ["人员伤亡", "没有人受伤"] in case["summary"]["known"]
    assert case["summary"]["open"] == "车牌号"

    agent.takes()
    agent.says("我是林晓，地点我来帮您填。")
    assert texts(customer.say("好的，在南山科苑路")) == [
        "客服林晓已接入，接下来由林晓为您服务。",
        "我是林晓，地点我来帮您填。",
    ]
    assert write(stack, customer, "还在吗") == []
    agent.gives_back(place="深圳市南山区科苑路和高新中四道交叉口", damage="左后门")
    told = texts(stream(stack, customer))
    assert told[-3] == "客服已处理完，由我继续为您服务。"
    assert "出险地点：深圳市南山区科苑路和高新中四道交叉口" in told[-2] and "受损部位：左后门" in told[-2]
    assert "车牌" in told[-1] and "客服" not in told[-1]

    before = {row["claim_no"] for row in rows(stack.url, "/claims", plate="京B99T66")}
    answer_on(customer, told[-1], _REST)
    assert not any("出险地点" in text and "哪" in text for text in texts(stream(stack, customer))[len(told) :])
    (made,) = [r for r in rows(stack.url, "/claims", plate="京B99T66") if r["claim_no"] not in before]
    assert made["place"] == "深圳市南山区科苑路和高新中四道交叉口" and made["damage"] == "左后门"


def test_an_injured_customers_report_goes_on_until_an_agent_has_come(stack: RunningStack) -> None:
    customer = Customer(stack.url)
    told = texts(customer.say("刚才撞车了，我的腿流血了"))
    queued = next(n for n, text in enumerate(told) if "优先转接" in text)
    assert queued < len(told) - 1  # the report goes on after the notice
    assert customer.state()["owner"] == "queued"
    assert texts(customer.say("同意"))[-1].rstrip().endswith("？")
    agent = Agent(stack, customer.sender)
    case = agent.case()
    assert (case["reason"], case["priority"], case["skill"]) == ("injury", 9, "claims")
    agent.takes()
    assert texts(customer.say("在三环上")) == ["客服林晓已接入，接下来由林晓为您服务。"]


@pytest.mark.parametrize(
    ("said", "reason", "priority"),
    [
        ("我要投诉，你们泄露我的个人信息，我要去银保监举报", "complaint_grave", 9),
        ("我不想活了", "distress", 9),
        ("转人工", "customer_request", 5),
    ],
)
def test_the_hand_off_is_the_last_thing_said(stack: RunningStack, said: str, reason: str, priority: int) -> None:
    customer = Customer(stack.url)
    told = texts(customer.say(said))
    assert "已为您转接人工客服" in told[-1] and customer.state()["owner"] == "queued"
    if reason == "complaint_grave":
        assert any("受理编号" in text for text in told[:-1])
    case = Agent(stack, customer.sender).case()
    assert (case["reason"], case["priority"]) == (reason, priority)


_UNANSWERED = (
    "请问你们公司老板的车是什么颜色的？",
    "请问你们公司经理的车是什么颜色的？",
    "请问你们公司司机的车是什么牌子的？",
    "请问你们公司门口的车是什么颜色的？",
    "请问你们公司老板的车停在几号车位？",
)


def ask_on(customer: Customer) -> list[str]:
    """Asks what no article answers until a person is called; the answers that were unsure before."""
    unsure = []
    for question in _UNANSWERED:
        told = texts(customer.say(question))
        if customer.state()["owner"] == "queued":
            assert "已为您转接人工客服" in told[-1]
            return unsure
        unsure += [text for text in told if "没有把握" in text]
    raise AssertionError(customer.text())


def test_a_second_question_that_nothing_answers_reaches_a_person_and_is_forgotten_after_him(
    stack: RunningStack,
) -> None:
    """Back from the agent the bot neither stays silent nor hands over again at the next miss."""
    customer = Customer(stack.url)
    assert len(ask_on(customer)) == 1
    agent = Agent(stack, customer.sender)
    case = agent.case()
    assert case["reason"] == "missing_knowledge" and case["summary"]["open"] in _UNANSWERED
    assert any(question in tried for tried in case["summary"]["tried"] for question in _UNANSWERED)
    agent.takes()
    agent.gives_back()
    assert "没有把握" in texts(customer.say(_UNANSWERED[0]))[-1]
    assert customer.state()["owner"] == "bot"


def test_a_story_that_changes_is_looked_at_by_a_person_and_the_customer_hears_no_word_of_it(
    stack: RunningStack,
) -> None:
    customer = Customer(stack.url)
    for said in _OPENING:
        customer.say(said)
    last = customer.heard[-1]["text"]
    rest = _REST | {"车牌": "京B99T68", "地点|哪里": "北京市海淀区中关村大街1号"}
    for words in ("京B99T68", "昨天晚上九点", "时间说错了，是前天下午三点", "时间又错了，是大前天早上八点"):
        last = texts(customer.say(words))[-1]
    answer_on(customer, last, rest)
    assert customer.state()["owner"] == "queued"
    case = Agent(stack, customer.sender).case()
    assert (case["reason"], case["skill"]) == ("fraud_signs", "claims")
    assert any("更正" in value for label, value in case["summary"]["known"] if label == "核实提示")
    heard = customer.text()
    assert "理赔同事会接着跟您核对" in heard
    assert not any(word in heard for word in ("更正了", "核实提示", "可疑", "欺诈", "骗", "异常"))
    assert "没有人受伤" not in texts(customer.say("谢谢"))[-1] and customer.state()["owner"] == "queued"


def test_what_an_agent_settled_is_over_for_the_bot_too(stack: RunningStack) -> None:
    customer = Customer(stack.url)
    for said in (*_OPENING, "转人工"):
        customer.say(said)
    agent = Agent(stack, customer.sender)
    agent.takes()
    agent.closes()
    told = texts(customer.say("好的，谢谢"))
    assert "本次人工服务已结束" in told[-2] and "车牌" not in told[-1]
    assert customer.state()["owner"] == "bot"


def test_without_a_task_the_bot_says_that_it_is_there_again(stack: RunningStack) -> None:
    customer = Customer(stack.url)
    customer.say("转人工")
    agent = Agent(stack, customer.sender)
    agent.takes()
    agent.gives_back()
    assert texts(stream(stack, customer))[-2:] == [
        "客服已处理完，由我继续为您服务。",
        "还有什么要办的，直接告诉我就行。",
    ]


def test_an_older_customer_who_asks_for_a_person_is_met_with_care(stack: RunningStack) -> None:
    customer = Customer(stack.url)
    for said in ("查一下我的保单", "13800000006", "246810"):
        customer.say(said)
    told = texts(customer.say("转人工"))
    assert "慢慢说" in told[-2] and Agent(stack, customer.sender).case()["reason"] == "care"
