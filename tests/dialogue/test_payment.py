"""From the payment link to the policy numbers, which arrive in the chat by themselves."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.running import RunningStack

_RENEWAL = ("我要续保", "13800000001", "246810", "去年的方案", "是我本人", "都没有", "可以", "看完了，我同意", "确认")


@pytest.fixture
def chat(stack: RunningStack) -> Iterator[_Chat]:
    with httpx.Client(
        base_url=stack.url, headers={"Authorization": "Bearer demo"}, timeout=30, follow_redirects=True
    ) as http:
        http.post("/backoffice/v1/demo/reset", json={}).raise_for_status()
        yield _Chat(http)


class _Chat:
    """One customer at the open door."""

    def __init__(self, http: httpx.Client) -> None:
        self.http, self.sender = http, f"pay-{uuid.uuid4().hex}"

    def say(self, message: str) -> list[dict[str, Any]]:
        answer = self.http.post("/webhooks/rest/webhook", json={"sender": self.sender, "message": message})
        answer.raise_for_status()
        return list(answer.json())

    def link(self, messages: tuple[str, ...]) -> str:
        """The payment link at the end of a purchase."""
        for message in messages[:-1]:
            self.say(message)
        texts = "\n".join(r.get("text") or "" for r in self.say(messages[-1]))
        links = re.findall(r"https?://\S+/cashier/[\w-]+", texts)
        assert len(links) == 1, texts
        return str(links[0])

    def policies(self, plate: str) -> list[dict[str, Any]]:
        return list(self.http.get("/backoffice/v1/policies", params={"plate": plate}).json()["items"])


def test_policy_numbers_come_first_after_payment(chat: _Chat) -> None:
    link = chat.link(_RENEWAL)
    assert "确认支付" in chat.http.get(link).text
    assert "已支付" in chat.http.post(link).text
    arrived: list[str] = []
    for _ in range(40):
        told = [r.get("text") or "" for r in chat.say("在吗")]
        arrived += told[:-1]
        if any("保单号" in text and "P2" in text for text in arrived):
            break
        time.sleep(0.25)
    issued = [p["policy_no"] for p in chat.policies("京A12345") if p["policy_no"] not in ("P20260001", "P20260002")]
    assert len(issued) == 2
    assert all(any(number in text for text in arrived) for number in issued), arrived


def test_paying_twice_issues_once(chat: _Chat) -> None:
    link = chat.link(_RENEWAL)
    chat.http.post(link)
    assert "已支付" in chat.http.post(link).text
    assert len(chat.policies("京A12345")) == 4  # the two of the ending term stay


def test_the_link_is_told_once(chat: _Chat) -> None:
    link = chat.link(_RENEWAL)
    assert all(link not in (r.get("text") or "") for r in chat.say("好的谢谢"))
