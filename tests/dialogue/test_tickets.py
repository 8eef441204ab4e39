"""Complaints and call-backs of the dialogue are tickets of the desk, and the customer asks for them by number."""

from __future__ import annotations

import re
import time
import uuid

import httpx

from tests.running import RunningStack


class Caller:
    """A customer at the open chat door."""

    def __init__(self, stack: RunningStack) -> None:
        self._url, self._sender = stack.url, f"ticket-{uuid.uuid4().hex}"

    def say(self, text: str) -> str:
        answer = httpx.post(
            f"{self._url}/webhooks/rest/webhook",
            json={"sender": self._sender, "message": text},
            headers={"Authorization": "Bearer demo"},
            timeout=30,
        )
        return "\n".join(reply.get("text") or "" for reply in answer.raise_for_status().json())

    def asks_for(self, number: str) -> str:
        """Asks until the ticket is there: the back office tells of it a moment after the customer hears his number."""
        deadline = time.monotonic() + 20
        while "GD" not in (told := self.say(f"{number}怎么样了")):
            assert time.monotonic() < deadline, told
            time.sleep(0.5)
        return told


def test_a_complaint_is_a_ticket_that_the_customer_asks_for(stack: RunningStack) -> None:
    customer = Caller(stack)
    told = customer.say("我要投诉你们，再不处理我就打12378")
    number = re.search(r"TS\d+", told)
    assert number, told
    ticket = customer.asks_for(number[0])
    gd = re.search(r"GD\d{12,}", ticket)
    assert gd and "处理决定" in ticket
    assert gd[0] in customer.say(f"我的工单{gd[0]}怎么样了")
    assert "没有查到" in Caller(stack).say(f"我的工单{gd[0]}怎么样了")


def test_a_call_back_is_a_ticket_with_its_time(stack: RunningStack) -> None:
    customer = Caller(stack)
    told = customer.say("帮我预约明天上午十点回电")
    for _ in range(6):
        if number := re.search(r"AP\d+", told):
            break
        told = customer.say("13800000009" if "手机" in told else "确认提交" if "确认" in told else "明天上午十点")
    assert number, told
    assert re.search(r"10:00.*回电", customer.asks_for(number[0]))
