"""From the first word to the policy number: renewal, payment on the cashier page, the numbers arrive by themselves."""

from __future__ import annotations

import re
import time

import httpx

from tests.e2e.door import Customer, rows
from tests.running import RunningStack


def test_a_paid_renewal_tells_its_policy_numbers(stack: RunningStack) -> None:
    httpx.post(f"{stack.url}/backoffice/v1/demo/reset", headers={"Authorization": "Bearer demo"}).raise_for_status()
    customer = Customer(stack.url)
    for message in (
        "京A12345 要续保",
        "13800000001",
        "246810",
        "按去年的方案",
        "是我本人",
        "都没有",
        "可以",
        "我已阅读并同意",
        "确认续保",
    ):
        customer.say(message)
    link = re.search(r"https?://\S+/cashier/[\w-]+", customer.text())
    assert link, customer.text()
    assert httpx.get(link.group()).status_code == httpx.codes.OK
    httpx.post(link.group(), follow_redirects=True).raise_for_status()

    issued = _issued(stack.url)
    numbers = [issued["compulsory"]["policy_no"], issued["commercial"]["policy_no"]]
    customer.say("好的")
    assert all(number in customer.text() for number in numbers), customer.text()


def _issued(url: str) -> dict:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = [r for r in rows(url, "/applications", plate="京A12345") if r["status"] == "issued"]
        if found:
            time.sleep(1)
            return found[0]
        time.sleep(0.2)
    raise AssertionError("the application was not issued")
