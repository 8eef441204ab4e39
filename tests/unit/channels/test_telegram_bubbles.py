"""As few Telegram messages as hold a reply, each as Telegram takes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from channels.parts import Card, Choice, Choices, File, Image, Link, LocationRequest, PhoneRequest, Text
from channels.split import utf16_units
from channels.telegram.bubbles import Bubble, render

YES, NO = Choice("是", "~1.0.aaaaaaaaaaaaaaaa"), Choice("不是", "~1.1.aaaaaaaaaaaaaaaa")


def titles(bubble: Bubble) -> list[str]:
    return [key.title for key in (*bubble.keys, *bubble.keyboard)]


def test_words_share_a_message_and_choices_end_it() -> None:
    first, second = render([(1, [Text("一 <二> & 三")]), (2, [Choices("四？", (YES, NO))]), (3, [Text("五")])])
    assert (first.html, titles(first), first.ids) == ("一 &lt;二&gt; &amp; 三\n\n四？", ["是", "不是"], [1, 2])
    assert (second.html, second.ids) == ("五", [3])


def test_a_card_has_a_bold_title_and_its_page_as_a_button() -> None:
    [bubble] = render([(1, [Card("方案", ("甲 1 元",), (YES,), Link("去付款", "https://chebao.example/cashier/x"))])])
    assert bubble.html == "<b>方案</b>\n甲 1 元"
    assert [(key.title, key.url) for key in bubble.keys] == [("是", ""), ("去付款", "https://chebao.example/cashier/x")]


def test_an_address_that_telegram_refuses_for_a_button_stands_in_the_words() -> None:
    for address in ("http://127.0.0.1:8000/x", "http://localhost/x", "http://10.0.0.1/x"):
        [bubble] = render([(1, [Card("付款", (), link=Link("去付款", address))])])
        assert address in bubble.html and bubble.keys == []


def test_the_question_after_a_card_has_the_buttons() -> None:
    [bubble] = render([(1, [Card("方案", ("甲",), (YES, NO))]), (2, [Choices("您选哪个？", (YES, NO))])])
    assert bubble.html.endswith("您选哪个？") and titles(bubble) == ["是", "不是"]


def test_a_picture_takes_the_words_of_its_own_message_as_caption() -> None:
    [bubble] = render([(1, [Choices("是这里吗？", (YES, NO)), Image("https://x.example/1.png")])])
    assert (bubble.html, bubble.photo, titles(bubble)) == ("是这里吗？", "https://x.example/1.png", ["是", "不是"])
    [bubble] = render([(1, [Text("合同"), File("u1", "application/pdf")])])
    assert bubble.html == "合同" and bubble.upload == File("u1", "application/pdf")


def test_a_picture_leaves_alone_what_is_not_its_own_or_too_long() -> None:
    assert [b.html for b in render([(1, [Text("别的事")]), (2, [Image("https://x.example/1.png")])])] == ["别的事", ""]
    for words, messages in (("字" * 1024, 1), ("字" * 1025, 2), ("👍" * 512, 1), ("👍" * 513, 2)):
        assert len(render([(1, [Text(words), Image("https://x.example/1.png")])])) == messages
    first, second = render([(1, [Text("两张"), Image("https://x.example/1.png"), Image("https://x.example/2.png")])])
    assert (first.html, second.html) == ("两张", "")


def test_a_place_and_a_phone_are_asked_for_with_the_platforms_own_buttons() -> None:
    [place] = render([(1, [LocationRequest("在哪里？", (YES,))])])
    assert [(key.title, key.asks) for key in place.keyboard] == [("发送我的位置", "location"), ("是", "")]
    [phone] = render([(1, [PhoneRequest("手机号？")])])
    assert [(key.title, key.asks) for key in phone.keyboard] == [("发送我的手机号", "phone")]


def test_choices_whose_data_is_too_long_become_numbered_words() -> None:
    [bubble] = render([(1, [Choices("哪个？", (YES, Choice("另一个", "字" * 22)))])])
    assert bubble.html == "哪个？\n1. 是\n2. 另一个" and bubble.keys == []


@given(st.text(alphabet=st.sampled_from("车保<&a\n👩‍👩‍👧é "), max_size=9000))
def test_no_message_is_beyond_the_limit_and_nothing_is_lost(text: str) -> None:
    bubbles = render([(1, [Text(text)])])
    plain = [b.html.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for b in bubbles]
    assert all(utf16_units(words) <= 4096 and b.size <= 4096 for words, b in zip(plain, bubbles, strict=True))
    assert "".join("".join(plain).split()) == "".join(text.split())
