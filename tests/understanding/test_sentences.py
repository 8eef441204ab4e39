"""What the trained model promises of single sentences: one process, one line a promise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from benchmarks.understanding.assistant import OURS, understand
from benchmarks.understanding.lines import Line

NOW = datetime.fromisoformat("2026-11-22T10:00:00+08:00")

SAME = {
    "full width and odd spaces": ("我要　续保，车牌京Ａ１２３４５", "renewal"),
    "traditional characters": ("我的車剛剛被追尾了，我要報案", "report_claim"),
    "traditional, a wish to pay": ("付款連結打不開", "payment_issue"),
    "sound for sound: 报按": ("我要报按", "report_claim"),
    "sound for sound: 续宝": ("我要续宝", "renewal"),
    "sound for sound: 交强显": ("交强显和商业险有什么区别", "faq"),
    "sound for sound: 理陪": ("我的理陪到哪一步了", "claim_progress"),
    "emoji": ("😭😭我的车被撞了🚗💥", "report_claim"),
    "spelled emoji": ("[流泪]车被刮了要报案[流泪]", "report_claim"),
    "fillers of voice typing": ("嗯那个，就是说，呃，我想把保险退了", "policy_cancel"),
    "invisible signs": ("我\u200b要\u200d开\ufeff发票", "invoice"),
    "letters drawn out": ("转人工工工工工工工", "human_agent"),
}
SHORT = {
    ("有人受伤吗？", "没有"): "deny",
    ("您的车牌号是多少？", "还没上牌"): "inform",
    ("事故大概是什么时间发生的？", "13号"): "inform",
    ("事故大概是什么时间发生的？", "前天"): "inform",
    ("您想选哪个方案？", "第二个"): "inform",
    ("您想选哪个方案？", "就那个"): "inform",
    ("您想选哪个方案？", "这几个方案有什么区别"): "faq",
    ("您的车是什么品牌和车型？", "大众的"): "inform",
    ("您是想退保，对吗？", "不是，我想续保"): "renewal",
    ("请您核对，没问题就确认提交。", "没问题"): "affirm",
}
SEVERAL = {
    "我要报案，追尾了前车，顺便帮我把车险续上": ("report_claim", ["renewal"]),
    "先帮我开个发票，另外我要查一下理赔进度": ("invoice", ["claim_progress"]),
    "我要退保，还有上次的投诉处理得怎么样了，我要投诉": ("policy_cancel", ["complaint"]),
}
FELT = {
    "你们这破公司太气人了！！我要退保": ("policy_cancel", "angry"),
    "急死我了，刚刚撞车了，怎么报案啊，我手都在抖": ("report_claim", "anxious"),
    "再不给我理赔我就去法院告你们，我的案子到底到哪一步了": ("claim_progress", "threat"),
    "我要续保": ("renewal", "calm"),
}


@pytest.fixture(scope="module")
def understood() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """(question, text) → parse result."""
    asked = [("", text) for text, _ in SAME.values()] + list(SHORT) + [("", text) for text in (*SEVERAL, *FELT)]
    lines = [Line(number, text, question=question) for number, (question, text) in enumerate(asked)]
    return dict(zip(asked, (one.parse for one in understand(OURS, lines, NOW)), strict=True))


Results = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.mark.parametrize(("text", "intent"), SAME.values(), ids=SAME)
def test_however_it_is_written_it_means_the_same(understood: Results, text: str, intent: str) -> None:
    assert understood["", text]["intent"]["name"] == intent


@pytest.mark.parametrize(("asked", "intent"), SHORT.items(), ids=[f"{q}{a}" for q, a in SHORT])
def test_a_short_answer_is_read_in_the_light_of_the_question(
    understood: Results, asked: tuple[str, str], intent: str
) -> None:
    assert understood[asked]["intent"]["name"] == intent


@pytest.mark.parametrize(("text", "wishes"), SEVERAL.items(), ids=SEVERAL)
def test_several_wishes_are_kept_in_their_order(understood: Results, text: str, wishes: tuple[str, list[str]]) -> None:
    found = understood["", text]
    assert (found["intent"]["name"], found["also"]) == wishes


@pytest.mark.parametrize(("text", "both"), FELT.items(), ids=FELT)
def test_a_feeling_stands_beside_the_wish(understood: Results, text: str, both: tuple[str, str]) -> None:
    found = understood["", text]
    assert (found["intent"]["name"], found["emotion"]["name"]) == both
