"""kill -9 of Rasa, the action server or the app at any moment: nothing acknowledged is lost, nothing is written twice."""

from __future__ import annotations

import threading
import time

import pytest

from tests.e2e.door import Customer, rows
from tests.running import RunningStack

_CLAIM = [
    "我的车停在小区被人刮了，要报案",
    "没有人受伤",
    "同意",
    "还没报警",
    "{plate}",
    "昨天晚上九点",
    "深圳市南山区科苑路和高新中四道交叉口",
    "不知道是谁",
    "左后门和后保险杠",
    "还能开",
    "我姓张，是车主",
    "稍后上传",
    "13800000003",
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("server", "plate"), [("rasa", "粤B88K66"), ("actions", "苏A7B990"), ("app", "川A6T88P")])
def test_a_claim_survives_a_killed_server(stack: RunningStack, server: str, plate: str) -> None:
    before = {r["claim_no"] for r in rows(stack.url, "/claims", plate=plate)}
    customer = Customer(stack.url)
    for n, message in enumerate(_CLAIM):
        if n in (4, 9):
            stack.kill(server)
        customer.say(message.format(plate=plate))
    killer = threading.Timer(0.01, stack.kill, args=(server,))
    killer.start()
    customer.say("确认提交", within=90)
    killer.join()
    _until_up(stack)
    assert "报案号" in customer.text()
    assert "出险地点：深圳市南山区科苑路和高新中四道交叉口" in customer.text()
    made = [r for r in rows(stack.url, "/claims", plate=plate) if r["claim_no"] not in before]
    assert len(made) == 1


def _until_up(stack: RunningStack) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and len(stack.children()) < 3:
        time.sleep(0.2)
