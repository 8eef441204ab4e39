"""Few bubbles, none too long, nothing cut in the middle of a character."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.parts import Card, Choice, Choices, Image, Link, LocationRequest, Text
from channels.wechat import bubbles
from channels.wechat.bubbles import LIMIT, Picture, Words

YES, NO = Choice("是", "~1.0.aaaaaaaaaaaaaaaa"), Choice("不是", "~1.1.aaaaaaaaaaaaaaaa")


@given(st.text(alphabet=st.sampled_from("车保a\n👩‍👩‍👧é "), max_size=3000))
def test_pieces_fit_and_lose_nothing_but_line_breaks(text: str) -> None:
    pieces = bubbles.split(text)
    assert all(len(piece.encode()) <= LIMIT for piece in pieces)
    assert "".join(pieces).split() == text.split() or "".join("".join(pieces).split()) == "".join(text.split())


def test_a_family_is_not_torn_apart() -> None:
    family = "👩‍👩‍👧"
    pieces = bubbles.split(family * 200)
    assert len(pieces) > 1 and all(piece.count(family) * len(family) == len(piece) for piece in pieces)


def test_words_share_a_bubble_and_choices_end_it() -> None:
    planned = bubbles.plan([(1, [Text("一")]), (2, [Text("二"), Choices("三？", (YES, NO))]), (3, [Text("四")])])
    assert planned == [Words((1, 2), "一\n\n二\n\n三？", (YES, NO)), Words((3,), "四")]
    assert bubbles.squeeze(planned, 1) == [Words((1, 2, 3), "一\n\n二\n\n三？\n1. 是\n2. 不是\n\n四")]


def test_pictures_keep_their_place() -> None:
    planned = bubbles.plan([(1, [Text("一"), Image("http://x/a.png"), Text("二")])])
    assert planned == [Words((1,), "一"), Picture((1,), url="http://x/a.png"), Words((1,), "二")]
    assert bubbles.squeeze(planned, 1) == planned


def test_a_long_question_keeps_its_choices_with_its_end() -> None:
    planned = bubbles.plan([(1, [Choices("字" * 1500, (YES, NO))])])
    assert len(planned) == 3 and planned[-1].choices == (YES, NO)
    assert all(len(bubbles.passive(w).encode()) <= LIMIT for w in planned)


def test_what_customers_write_never_becomes_a_link() -> None:
    (words,) = bubbles.plan([(1, [Text('<a href="http://evil">领奖</a>'), Link("去付款", 'https://pay/?a="1"')])])
    assert words.text == '＜a href="http://evil">领奖＜/a>\n\n<a href="https://pay/?a=%221%22">去付款</a>'


def test_cards_and_requests_for_a_place_are_words() -> None:
    card = Card("待付款 100 元", ("交强险 100 元",), (YES,), Link("去付款", "https://pay"))
    planned = bubbles.plan([(1, [card]), (2, [LocationRequest("在哪里？")])])
    assert planned[0] == Words((1,), '【待付款 100 元】\n交强险 100 元\n<a href="https://pay">去付款</a>', (YES,))
    assert planned[1].text.startswith("在哪里？\n（点输入框旁的“＋”")


def test_menus_and_their_numbered_form() -> None:
    words = Words((1,), "受伤了吗？", (YES, NO))
    assert bubbles.as_call(words)["msgmenu"]["list"][0] == {"id": YES.token, "content": "是"}
    assert bubbles.as_text(words)["text"]["content"] == "受伤了吗？\n1. 是\n2. 不是"
    assert "msgmenuid=~1.0.aaaaaaaaaaaaaaaa" in bubbles.passive(words)
