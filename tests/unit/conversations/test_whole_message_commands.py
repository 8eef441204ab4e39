"""Whole messages that the hub itself understands."""

from __future__ import annotations

import pytest

from chebao.conversations import commands


@pytest.mark.parametrize(
    "text",
    [
        "人工",
        "转人工",
        "人工客服",
        "转人工！",
        " 我要人工 ",
        "请帮我转人工客服",
        "找真人",
        "人 工",
        "转接人工服务",
        "我要转人工",
    ],
)
def test_asking_for_a_person(text: str) -> None:
    assert commands.wants_person(text)


@pytest.mark.parametrize(
    "text", ["", "不用人工了", "人工费多少", "人工智能", "你是人工吗", "别跟我说机器人的话，转人工" * 3, "人"]
)
def test_not_asking_for_a_person(text: str) -> None:
    assert not commands.wants_person(text)


@pytest.mark.parametrize(
    "text", ["返回机器人", "不用人工了", "取消排队", "不排队了。", "取消转人工", "回到机器人吧", "不等了"]
)
def test_leaving_the_queue(text: str) -> None:
    assert commands.wants_bot_back(text)


@pytest.mark.parametrize("text", ["", "人工", "取消", "不用了", "机器人", "取消保单", "好的"])
def test_staying_in_the_queue(text: str) -> None:
    assert not commands.wants_bot_back(text)


def test_readable_text_keeps_words_and_line_breaks_only() -> None:
    assert commands.readable(" 京A\x0012345\n\x1b[31m好\ud800\ufffd ") == "京A12345\n[31m好"
    assert commands.readable("👨‍👩‍👧 𠮷") == "👨‍👩‍👧 𠮷"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("退出登录", "here"),
        ("解除关联", "everywhere"),
        ("请解除微信绑定", "everywhere"),
        ("忘掉我的信息", "everywhere"),
        ("删除我的资料", "deletion"),
        ("帮我把我的个人信息全部删掉", "deletion"),
        ("注销我的账号吧", "deletion"),
        ("我要删除我的数据！", "deletion"),
        ("删除我的保单", None),
        ("取消关联的保单", None),
        ("删除我的资料要多久", None),
        ("怎么解除关联", None),
    ],
)
def test_asking_to_be_forgotten(text: str, how: str | None) -> None:
    assert commands.forgets(text) == how
