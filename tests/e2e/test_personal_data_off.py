"""``CHEBAO_TELEGRAM_PERSONAL_DATA=off``: what needs personal data is done on the web page, general questions are answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actions.tasks import TASKS
from tests.dialogue.phones import TelegramPhone, WeChatPhone
from tests.e2e.door import Customer
from tests.running import RunningStack, running_stack

_ASKED = {
    "report_claim": "我的车刚才被追尾了，要报案",
    "renewal": "我要续保",
    "new_policy": "想给我的车买份保险，看看多少钱",
    "claim_progress": "我的理赔到哪一步了",
    "claim_dispute": "定损金额太低了，我不同意",
    "policy_query": "查一下我的保单",
    "policy_change": "我要把保单上的车牌改一下",
    "policy_cancel": "我要退保",
    "payment_issue": "我付款没有成功",
    "invoice": "帮我开一张发票",
    "complaint": "我要投诉你们",
    "roadside_assistance": "车在高速上抛锚了，帮我叫拖车",
    "appointment": "帮我预约明天上午回电话",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of its own: the setting is the action server's."""
    data = tmp_path_factory.mktemp("personal-data-off") / "data"
    with running_stack(data, CHEBAO_FAKES="1", CHEBAO_TELEGRAM_PERSONAL_DATA="off") as running:
        yield running


@pytest.fixture(scope="module")
def phone(stack: RunningStack) -> Iterator[TelegramPhone]:
    """A customer who has agreed to the channel."""
    phone = TelegramPhone(stack.url)
    phone.say("你好")
    phone.heard("境外")
    phone.press("同意")
    phone.heard()
    yield phone
    phone.close()


def test_every_dialogue_is_asked_for_below() -> None:
    assert set(_ASKED) == set(TASKS)


@pytest.mark.parametrize("task", _ASKED)
def test_a_dialogue_that_identifies_is_led_to_the_web_page(
    stack: RunningStack, phone: TelegramPhone, task: str
) -> None:
    phone.say(_ASKED[task])
    told = "\n".join(bubble.text for bubble in phone.heard())
    assert f"{stack.url}/chat" in told and TASKS[task] in told
    assert told.count("？") == 0, "nothing is asked where nothing may be answered"


@pytest.mark.parametrize("question", ["三者险买多少保额合适？", "追尾了谁的责任？", "交强险和商业险有什么区别？"])
def test_a_general_question_is_answered(stack: RunningStack, phone: TelegramPhone, question: str) -> None:
    phone.say(question)
    told = "\n".join(bubble.text for bubble in phone.heard())
    assert f"{stack.url}/chat" not in told and len(told) > 40 and "人工" not in told[:20]


def test_other_channels_go_on_as_ever(stack: RunningStack) -> None:
    assert "手机号" in "\n".join(r["text"] for r in Customer(stack.url).say("我要续保"))
    wechat = WeChatPhone(stack.url)
    wechat.say("我要续保")
    assert any("手机号" in bubble.text for bubble in wechat.heard())
    wechat.close()
