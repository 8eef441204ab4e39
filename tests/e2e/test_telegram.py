"""The three dialogues through Telegram on the real stack, each to its end."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.door import rows
from tests.e2e.journeys import JOURNEYS
from tests.e2e.phone import Phone
from tests.running import RunningStack

_CHATS = {name: 9001 + n for n, name in enumerate(JOURNEYS)}


@pytest.fixture
def phones(stack: RunningStack, telegram_url: str) -> dict[str, Phone]:
    """Three customers who have agreed to the channel."""
    httpx.post(f"{stack.url}/backoffice/v1/demo/reset", headers={"Authorization": "Bearer demo"}).raise_for_status()
    return {name: Phone(telegram_url, chat) for name, chat in _CHATS.items()}


@pytest.mark.timeout(150)
def test_the_three_dialogues_reach_their_ends_on_telegram(stack: RunningStack, phones: dict[str, Phone]) -> None:
    def play(name: str) -> None:
        phone = phones[name]
        phone.do(JOURNEYS[name][0])
        assert "境外" in phone.text()
        for step in (("press", "同意"), *JOURNEYS[name][1:]):
            phone.do(step)

    with ThreadPoolExecutor(len(phones)) as together:
        list(together.map(play, phones))

    assert re.search(r"报案号：CL\d{10}", phones["报案"].text())
    [made] = [r for r in rows(stack.url, "/claims", plate="京A12345") if r["place"].startswith("39.99")]
    assert made["accident_type"] == "single_vehicle"
    [link] = set(re.findall(r"http\S+/cashier/[\w-]+", phones["续保"].text()))
    httpx.post(link).raise_for_status()
    phones["续保"].until(lambda: "保单号：P2" in phones["续保"].text(), "the payment")
    assert "待付款" in phones["投保"].text()
    assert [r["kind"] for r in rows(stack.url, "/applications", plate="苏E5K21Q")] == ["new_policy"]
    for phone in phones.values():
        phone.close()
