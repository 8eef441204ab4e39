"""Disclosure, start and acknowledgement as customers say them."""

from __future__ import annotations

from typing import Any

import pytest

from actions.new_policy import NewPolicyForm
from actions.nodes import Finish, Miss
from actions.purchase import CLAUSES_VERSION, parse_clauses
from actions.quoting import beneficiary_field, modification_field, parse_disclosure, parse_start
from tests.unit.actions.turns import turn

QUOTE = {"start": "2026-11-23T00:00:00+08:00", "earliest_start": "2026-11-23T00:00:00+08:00"}


@pytest.mark.parametrize(
    "said", ["都没有", "没有", "没改装也没贷款", "无", "不是网约车，没改过", "贷款早还清了", "没跑过滴滴", "这些都没"]
)
def test_denials_disclose_nothing(said: str) -> None:
    assert parse_disclosure(turn(said), {}) == {}


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("有车贷", {"loan"}),
        ("车贷还没还清，其他没有", {"loan"}),
        ("没改装，但是还在还按揭", {"loan"}),
        ("平时跑滴滴", {"ride_hailing"}),
        ("加装了行李架，贷款没有", {"modified"}),
        ("换了轮毂，也在按揭", {"modified", "loan"}),
    ],
)
def test_what_is_told_is_kept(said: str, names: set[str]) -> None:
    told = parse_disclosure(turn(said), {})
    assert {name for name in ("ride_hailing", "modified", "loan") if told.get(name)} == names
    assert told["text"] == said


@pytest.mark.parametrize("said", ["改装指的是什么？", "嗯", "北京"])
def test_neither_yes_nor_no(said: str) -> None:
    assert parse_disclosure(turn(said), {}) is None


def test_the_button_for_some_asks_which() -> None:
    assert isinstance(parse_disclosure(turn("", pressed={"disclosure": "some"}), {}), Miss)


@pytest.mark.parametrize(
    ("said", "what"), [("换了排气和轮毂", "换了排气和轮毂"), ("改装过，加装了踏板", "加装了踏板"), ("就是改装过", None)]
)
def test_modification_needs_a_what(said: str, what: str | None) -> None:
    assert modification_field().take(turn(said), {"disclosure": {"modified": True}}) == what


@pytest.mark.parametrize(
    ("said", "lender"),
    [
        ("没改装，贷款是在工商银行办的", "工商银行"),
        ("车贷，招商银行的", "招商银行"),
        ("大众汽车金融", "大众汽车金融"),
        ("有贷款", None),
    ],
)
def test_lender(said: str, lender: str | None) -> None:
    assert beneficiary_field().take(turn(said), {"disclosure": {"loan": True}}) == lender
    assert beneficiary_field().take(turn(said), {"disclosure": {}}) is None


def _start(said: str, *, immediate: bool = False, **more: Any) -> Any:
    return parse_start(turn(said, **more), {"quote": QUOTE | {"immediate_allowed": immediate}})


@pytest.mark.parametrize("said", ["可以", "行，就这天", "默认吧", "明天开始", "好的"])
def test_default_start(said: str) -> None:
    assert _start(said) == "default"


def test_another_day() -> None:
    assert _start("12月15日开始") == "2026-12-15"


@pytest.mark.parametrize("said", ["昨天", "11月20号", "换个日期", "不行", "马上生效"])
def test_what_cannot_be_is_explained(said: str) -> None:
    assert isinstance(_start(said), Miss)


def test_immediate_where_it_is_offered() -> None:
    assert _start("马上生效", immediate=True) == "immediate"


@pytest.mark.parametrize("said", ["我已阅读并同意", "看完了", "没问题", "好的", "清楚了，确认", "嗯"])
def test_acknowledged(said: str) -> None:
    assert parse_clauses(turn(said, message_id="m7"), {}) == {"version": CLAUSES_VERSION, "at_message_id": "m7"}


@pytest.mark.parametrize(
    "said", ["我不同意", "还没看完", "想了解一下涉水赔不赔？", "可以不看吗", "不太明白第二条", "等我看看", "有疑问"]
)
def test_a_doubt_is_no_acknowledgement(said: str) -> None:
    assert parse_clauses(turn(said), {}) is None


@pytest.mark.parametrize(
    ("said", "known", "ends"),
    [
        ("我就问问价", {}, True),
        ("再考虑一下", {}, True),
        ("标准方案看看", {}, False),
        ("回头再补", {"platform": True}, False),
        ("能先看看吗？", {}, False),
    ],
)
async def test_a_price_without_obligation(said: str, known: dict[str, Any], ends: bool) -> None:
    draft = {"plans": [{"code": "standard", "name": "标准方案", "covers": {}}], **known}
    if ends:
        with pytest.raises(Finish):
            await NewPolicyForm().watch(turn(said), draft)
    else:
        await NewPolicyForm().watch(turn(said), draft)
