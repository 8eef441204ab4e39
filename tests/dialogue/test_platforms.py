"""The three dialogues through WeChat and Telegram on the whole stack: from the first word to the claim number or the policy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.dialogue.phones import PHONES, Bubble, Phone, WeChatPhone
from tests.e2e.door import rows
from tests.e2e.journeys import JOURNEYS, Step
from tests.running import RunningStack

_PLATES = {"报案": "京A12345", "续保": "京A12345", "投保": "苏E5K21Q"}
_CASHIER = re.compile(r"https?://\S+/cashier/[\w-]+")


@pytest.fixture(params=PHONES, ids=lambda kind: kind.platform)
def phone(request: pytest.FixtureRequest, stack: RunningStack) -> Iterator[Phone]:
    reset = {"url": f"{stack.url}/backoffice/v1/demo/reset", "headers": {"Authorization": "Bearer demo"}, "json": {}}
    httpx.post(**reset).raise_for_status()
    phone: Phone = request.param(stack.url)
    yield phone
    phone.close()


def follow(phone: Phone, steps: tuple[Step, ...]) -> list[Bubble]:
    """Goes through a journey, step by step; where the channel asks first whether it may be used, it may."""
    heard: list[Bubble] = []
    for kind, *words in steps:
        getattr(phone, kind)(*words)
        new = phone.heard()
        if any("境外" in bubble.text for bubble in new):
            phone.press("同意")
            new += phone.heard()
        heard += new
    return heard


@pytest.mark.timeout(120)
def test_a_claim_is_reported(stack: RunningStack, phone: Phone) -> None:
    before = {row["claim_no"] for row in rows(stack.url, "/claims", plate=_PLATES["报案"])}
    heard = follow(phone, JOURNEYS["报案"])
    [made] = [row for row in rows(stack.url, "/claims", plate=_PLATES["报案"]) if row["claim_no"] not in before]
    assert any(f"报案号：{made['claim_no']}" in bubble.text for bubble in heard)
    assert "望京" in str(made)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("journey", ["续保", "投保"])
def test_a_policy_is_paid_for_and_its_numbers_come_by_themselves(
    stack: RunningStack, phone: Phone, journey: str
) -> None:
    before = {row["policy_no"] for row in rows(stack.url, "/policies", plate=_PLATES[journey])}
    said = "\n".join(bubble.text for bubble in follow(phone, JOURNEYS[journey]))
    [link] = set(_CASHIER.findall(said))
    assert "已支付" in httpx.post(link, follow_redirects=True).text
    told = "\n".join(bubble.text for bubble in phone.heard("险保单号："))
    issued = {row["policy_no"] for row in rows(stack.url, "/policies", plate=_PLATES[journey])} - before
    assert len(issued) == 2
    assert all(number in told for number in issued), told


@pytest.fixture
def wechat(stack: RunningStack) -> Iterator[WeChatPhone]:
    phone = WeChatPhone(stack.url)
    yield phone
    phone.close()


def test_a_renewal_letters_code_renews_its_policy_after_identification(wechat: WeChatPhone) -> None:
    wechat.scan("renew_P20260001")
    [asked] = wechat.heard()
    assert "手机号" in asked.text and "京A12345" not in asked.text
    for words in ("13800000001", "246810"):
        wechat.say(words)
        told = wechat.heard()
    assert any("查到 京A12345 的保单" in bubble.text for bubble in told)


def test_a_new_follower_is_greeted_and_can_press_at_once(wechat: WeChatPhone) -> None:
    wechat.follow()
    [welcome] = wechat.heard()
    assert "欢迎关注" in welcome.text
    wechat.press(next(title for title in welcome.titles if "报案" in title))
    assert any("受伤" in bubble.text for bubble in wechat.heard())
