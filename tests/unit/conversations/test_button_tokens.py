"""Tokens, payloads and typed choices."""

from __future__ import annotations

import pytest

from chebao.conversations import buttons
from chebao.conversations.buttons import Tokens

OFFERED = [{"title": t, "payload": f"/inform{{{n}}}"} for n, t in enumerate(["基础方案", "标准方案", "全面方案"])]
COUNTS = [{"title": t, "payload": "/inform"} for t in ("0次", "1次", "2次及以上")]


def test_a_token_is_read_back_in_its_conversation_only() -> None:
    tokens = Tokens("secret")
    token = tokens.make("c1", 12, 2)
    assert tokens.read("c1", token) == (12, 2)
    assert tokens.read("c2", token) is None
    assert Tokens("other").read("c1", token) is None
    assert buttons.looks_like_token(f" {token} ")


@pytest.mark.parametrize("token", ["", "~", "~c.2.short", "~zz.0.aaaaaaaaaaaaaaaa", "/inform", "~c.2." + "a" * 17])
def test_damaged_tokens_are_none(token: str) -> None:
    assert Tokens("secret").read("c1", token) is None


@pytest.mark.parametrize(
    ("payload", "parsed"),
    [
        ('/inform{"plan": "standard"}', {"intent": "inform", "entities": {"plan": "standard"}}),
        ("/affirm", {"intent": "affirm", "entities": {}}),
        ('/inform {"a": [1, 2]}', {"intent": "inform", "entities": {"a": [1, 2]}}),
        ("/inform{broken", None),
        ("/inform[1]", None),
        ("同意", None),
        ("", None),
    ],
)
def test_payloads(payload: str, parsed: object) -> None:
    assert buttons.parse_payload(payload) == parsed


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("标准方案", "标准方案"),
        (" 标准方案。", "标准方案"),
        ("1", "基础方案"),
        ("２", "标准方案"),
        ("三", "全面方案"),
        ("第二个", "标准方案"),
        ("选3", "全面方案"),
        ("我选第一个吧", "基础方案"),
        ("4", None),
        ("标准", None),
        ("第二天", None),
        ("12", None),
        ("", None),
    ],
)
def test_typed_choices(text: str, title: str | None) -> None:
    found = buttons.typed_choice(text, OFFERED)
    assert (found and found["title"]) == title


def test_a_bare_number_is_no_place_where_titles_hold_numbers() -> None:
    assert buttons.typed_choice("1", COUNTS) is None
    assert buttons.typed_choice("1次", COUNTS) == COUNTS[1]
    assert buttons.typed_choice("第一个", COUNTS) == COUNTS[0]


@pytest.mark.parametrize("text", ["就那个", "就这个吧", "那个", "我要这个", "就它"])
def test_that_one_means_the_only_button_beside_a_person(text: str) -> None:
    person = {"title": "转人工", "payload": "/human_agent"}
    assert buttons.typed_choice(text, [OFFERED[0], person]) == OFFERED[0]
    assert buttons.typed_choice(text, OFFERED) is None
    assert buttons.typed_choice(text, [person]) is None


def test_nothing_can_be_typed_without_an_offer() -> None:
    assert buttons.typed_choice("1", None) is None and buttons.typed_choice("1", []) is None


def test_every_payload_of_a_message_becomes_a_token_and_back() -> None:
    tokens = Tokens("secret")
    card = {"card": {"plans": [{"name": "甲", "payload": "/a"}, {"name": "乙", "payload": "/b"}], "note": "/no"}}
    shown, custom = buttons.with_tokens(tokens, "c", 7, OFFERED[:1], card)
    pressed = [shown[0]["payload"], *(p["payload"] for p in (custom or {})["card"]["plans"])]
    places = [tokens.read("c", t) for t in pressed]
    assert places == [(7, 0), (7, 1), (7, 2)]
    assert [b["payload"] for b in buttons.payloads(OFFERED[:1], card)] == ["/inform{0}", "/a", "/b"]
    assert card["card"]["plans"][0]["payload"] == "/a"  # type: ignore[index]


def test_a_number_is_no_answer_where_there_is_no_choice() -> None:
    only = [{"title": "转人工", "payload": "/human_agent"}]
    assert buttons.typed_choice("1", only) is None and buttons.typed_choice("转人工", only) == only[0]
