"""Short notices: within WeChat's fields, without numbers, and how every error of the API ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.wechat.client import ACTIONS, Action, WeChatError
from channels.wechat.notices import Subscription, headline, matters
from chebao.conversations.api import Message

AT = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def message(text: str, sender: str = "system", key: str | None = "k") -> Message:
    return Message.of({"id": 1, "sender": sender, "text": text, "platform_key": key})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (message("您的报案 CL2026112207 有新进展：定损已完成。\n详情……"), "您的报案有新进展：定损已完成。"),
        (message("您的工单（GD20261122-0003）有新进展：已联系修理厂。"), "您的工单有新进展：已联系修理厂。"),
        (message("您的保单已出具（京A12345）。"), "您的保单已出具（京A12345）。"),
        (message("字" * 30), "字" * 19 + "…"),
        (message("材料收齐了", "agent"), "客服回复：材料收齐了"),
        (message("", "agent"), "客服给您发来了文件"),
    ],
)
def test_a_headline_fits_and_says_what_it_is_about(said: Message, told: str) -> None:
    assert headline(said) == told and len(told) <= 20


def test_only_news_and_agents_answers_matter() -> None:
    assert matters(message("赔款已支付")) and matters(message("", "agent", None))
    assert not matters(message("您好", "bot", None)) and not matters(message("排队第 2 位", "system", None))


def test_templates_are_filled_by_the_kinds_of_their_fields() -> None:
    row = {
        "priTmplId": "t",
        "type": 3,
        "content": "事项:{{thing12.DATA}}\n备注:{{thing3.DATA}}\n状态:{{phrase1.DATA}}\n时间:{{time7.DATA}}\n",
    }
    subscription = Subscription.of(row)
    assert subscription.usable and subscription.lasting
    assert subscription.filled("定损已完成", AT) == {
        "thing12": "定损已完成", "thing3": "发任意一条消息查看全文", "phrase1": "请查看", "time7": "2026-11-22 14:05",
    }  # fmt: skip
    for content in ("", "{{time1.DATA}}", "{{thing1.DATA}}{{amount2.DATA}}"):
        assert not Subscription.of({"priTmplId": "t", "type": 2, "content": content}).usable


def test_every_error_of_the_table_ends_in_its_action() -> None:
    wanted = {
        Action.LATER: [-1, 45011],
        Action.RENEW: [40001, 40014, 42001],
        Action.UNREACHABLE: [40003, 43004, 50005],
        Action.TOMORROW: [45009, 48006],
        Action.PARK: [45015, 45047],
        Action.SPLIT: [45002],
        Action.CONFIGURE: [40013, 40037, 40125, 40164, 47003, 48001, 50002],
        Action.MEDIA_GONE: [40007],
        Action.IGNORE: [45072, 45080, 45081],
        Action.NO_MENU: [40200],
        Action.WITHDRAWN: [43101],
    }
    assert {code: action for action, codes in wanted.items() for code in codes} == ACTIONS
    assert WeChatError(99999).action is Action.GIVE_UP
