"""Parts of our messages, for channels without cards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from actions.turn import Button
from channels.parts import (
    Card,
    Choice,
    Choices,
    File,
    Image,
    Link,
    LocationRequest,
    Part,
    PhoneRequest,
    Text,
    card_text,
    parts_of,
)
from chebao.conversations.api import Message, shown
from chebao.conversations.buttons import Tokens


def message(**fields: Any) -> dict[str, Any]:
    return {"text": "", "buttons": [], "image": None, "custom": None, "attachments": [], **fields}


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"text": "好的。"}, [Text("好的。")]),
        (
            {"text": "有人受伤吗？", "buttons": [{"title": "没有", "payload": "~1.0.x"}]},
            [Choices("有人受伤吗？", (Choice("没有", "~1.0.x"),))],
        ),
        ({"text": "在哪里？", "custom": {"wants": "location"}}, [LocationRequest("在哪里？")]),
        (
            {"text": "手机号？", "custom": {"wants": "phone"}, "buttons": [{"title": "换种方式", "payload": "~2.0.x"}]},
            [PhoneRequest("手机号？", (Choice("换种方式", "~2.0.x"),))],
        ),
        ({"image": "/pages/shot.png"}, [Image("https://chebao.example/pages/shot.png")]),
        ({"attachments": [{"id": "u1", "content_type": "application/pdf"}]}, [File("u1", "application/pdf")]),
        ({"text": "依据第 3 条。", "custom": {"knowledge": {"topic": "ncd", "version": 3}}}, [Text("依据第 3 条。")]),
    ],
)
def test_each_kind_of_message(fields: dict[str, Any], parts: list[Part]) -> None:
    assert parts_of(message(**fields), "https://chebao.example") == parts


def test_payment_card_keeps_the_link_apart_from_the_lines() -> None:
    card = {
        "type": "payment",
        "total": "3,948.15",
        "url": "https://pay.example/1",
        "expires_at": "2026-11-23T16:00:00+00:00",
        "lines": [{"name": "交强险", "amount": "855.00"}],
    }
    [part] = parts_of(message(custom={"card": card}))
    assert part == Card(
        "待付款 3,948.15 元",
        ("交强险 855.00 元", "请在 11月24日 00:00 前完成付款"),
        link=Link("去付款", "https://pay.example/1"),
    )
    assert card_text(part).endswith("去付款：https://pay.example/1")


def test_a_payment_card_without_a_web_address_is_no_card() -> None:
    assert parts_of(message(custom={"card": {"type": "payment", "url": "javascript:alert(1)"}})) == []


@pytest.mark.parametrize(
    "card",
    [{"type": "plans", "plans": "none"}, {"type": "poem"}, "words", {"type": "policy", "items": [1]}, {"type": []}],
)
def test_a_damaged_card_shows_as_nothing(card: Any) -> None:
    assert parts_of(message(text="文字还在。", custom={"card": card})) == [Text("文字还在。")]


def test_choices_of_a_card_carry_tokens_and_never_payloads(any_message: Message) -> None:
    [part] = parts_of(shown(Tokens("secret"), any_message))
    assert isinstance(part, Card)
    assert [c.title for c in part.choices] == ["选标准方案"]
    assert part.choices[0].token.startswith("~5.0.")


@pytest.fixture
def any_message() -> Message:
    plan = {"name": "标准方案", "total": "1.00", "payload": Button("", '/inform{"plan": "standard"}').payload}
    values: dict[str, Any] = dict.fromkeys(Message.__dataclass_fields__)
    values |= {"id": 1, "conversation_id": "c", "seq": 5, "sender": "bot", "text": "", "epoch": 0}
    values["custom"] = {"card": {"type": "plans", "title": "方案", "plans": [plan]}}
    values["at"] = datetime(2026, 11, 22)
    return Message(**values)
