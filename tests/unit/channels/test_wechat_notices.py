"""Short notices: within WeChat's fields, without numbers, and how every error of the API ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from channels.wechat.client import ACTIONS, Action, WeChatError
from channels.wechat.notices import facts, matters
from channels.wechat.templates import Setting, Template, Unusable, fitted, form
from chebao.conversations.api import Message
from tests.fakes.wechat_rules import fits

AT = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


def message(text: str, sender: str = "system", key: str | None = "k") -> Message:
    return Message.of({"id": 1, "sender": sender, "text": text, "platform_key": key})


@pytest.mark.parametrize(
    ("said", "subject", "number"),
    [
        (message("您的报案 CLM2026112207 有新进展：定损已完成。\n详情……"), "您的报案有新进展：定损已完成。", "CLM2026112207"),
        (message("您的工单（GD20261122-0003）有新进展：已联系修理厂。"), "您的工单有新进展：已联系修理厂。", "GD20261122-0003"),
        (message("您的保单已出具（京A12345）。"), "您的保单已出具（京A12345）。", ""),
        (message("材料收齐了", "agent"), "客服回复：材料收齐了", ""),
        (message("", "agent"), "客服给您发来了文件", ""),
    ],
)  # fmt: skip
def test_a_notice_says_what_it_is_about_and_the_number_apart(said: Message, subject: str, number: str) -> None:
    told = facts(said, AT)
    assert (told["subject"], told["number"]) == (subject, number)


def test_only_news_and_agents_answers_matter() -> None:
    assert matters(message("赔款已支付")) and matters(message("", "agent", None))
    assert not matters(message("您好", "bot", None)) and not matters(message("排队第 2 位", "system", None))


def template(content: str, **row: object) -> dict[str, Template]:
    return {"t": Template.of({"priTmplId": "t", "content": content, **row})}


def filled(content: str, setting: str = "t", said: Message | None = None) -> dict[str, str]:
    told = facts(said or message("您的报案 CLM2026112207 有新进展：定损已完成。"), AT)
    values = form(Setting.of(setting), template(content)).filled(told)
    assert fits(content, {name: {"value": value} for name, value in values.items()}), "the fake account takes it too"
    return values


def test_a_template_without_a_mapping_is_filled_by_the_kinds_of_its_fields() -> None:
    content = "事项:{{thing12.DATA}}\n备注:{{thing3.DATA}}\n状态:{{phrase1.DATA}}\n单号:{{character_string4.DATA}}\n时间:{{time7.DATA}}\n"
    assert filled(content) == {
        "thing12": "您的报案有新进展：定损已完成。", "thing3": "发任意一条消息查看全文", "phrase1": "请查看",
        "character_string4": "CLM2026112207", "time7": "2026年11月22日 14:05",
    }  # fmt: skip
    assert Template.of({"priTmplId": "t", "type": 3, "content": content}).lasting
    assert filled("{{first.DATA}}\n{{keyword1.DATA}}\n{{keyword2.DATA}}\n{{remark.DATA}}")["keyword2"].startswith(
        "2026年"
    )


def test_a_mapping_says_what_goes_into_fields_of_any_name() -> None:
    content = "类型:{{const1.DATA}}\n说明:{{thing2.DATA}}\n进度:{{thing5.DATA}}\n日期:{{date3.DATA}}\n电话:{{phone_number4.DATA}}"
    setting = "t:const1=text:车险服务,thing2=hint,thing5=subject,date3=time,phone_number4=text:95000"
    assert filled(content, setting) == {
        "const1": "车险服务", "thing2": "发任意一条消息查看全文", "thing5": "您的报案有新进展：定损已完成。",
        "date3": "2026年11月22日 14:05", "phone_number4": "95000",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        ("thing", "字" * 30, "字" * 19 + "…"),
        ("thing", "第一行\n第二行", "第一行 第二行"),
        ("phrase", "定损已完成，请查看", "定损已完成"),
        ("phrase", "OK", "请查看"),
        ("character_string", "报案 CLM-1", "CLM-1"),
        ("character_string", "", "-"),
        ("character_string", "A" * 40, "A" * 32),
        ("number", "CLM2026", "2026"),
        ("number", "", "0"),
        ("phone_number", "95000（演示）", "95000"),
        ("keyword", "字" * 201, "字" * 199 + "…"),
    ],
)
def test_a_value_is_made_to_fit_its_field(kind: str, value: str, taken: str) -> None:
    assert fitted(kind, value) == taken
    assert fits(f"{{{{{kind}1.DATA}}}}", {f"{kind}1": {"value": taken}})


@pytest.mark.parametrize(
    ("content", "setting", "why"),
    [
        ("{{thing1.DATA}}", "other", "no template other"),
        ("{{thing1.DATA}}{{amount2.DATA}}", "t", "nothing is set for its field amount2"),
        ("{{time1.DATA}}", "t", "what it is about"),
        ("", "t", "what it is about"),
        ("{{thing1.DATA}}", "t:thing2=subject", "no field thing2"),
        ("{{thing1.DATA}}{{time2.DATA}}", "t:thing1=subject", "nothing is set for its field time2"),
        ("{{thing1.DATA}}", "t:thing1=topic", "topic is not known"),
        ("{{thing1.DATA}}{{time2.DATA}}", "t:thing1=subject,time2=hint", "time2 does not take hint"),
        ("{{thing1.DATA}}{{phrase2.DATA}}", "t:thing1=subject,phrase2=time", "phrase2 does not take time"),
        ("{{thing1.DATA}}{{phrase2.DATA}}", "t:thing1=subject,phrase2=text:请您尽快查看", "does not take that text"),
        ("{{thing1.DATA}}", "t:thing1", "not of the form"),
        ("{{thing1.DATA}}", "t thing1=subject", "not of the form"),
    ],
)
def test_a_template_that_cannot_be_filled_says_why(content: str, setting: str, why: str) -> None:
    with pytest.raises(Unusable, match=why) as problem:
        form(Setting.of(setting), template(content))
    assert re.search("[一-鿿]", problem.value.chinese)


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
