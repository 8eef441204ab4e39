"""However a value is written, it is found whole, where it stands, and its normal form means itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from chebao.insurance import idcard
from chebao.insurance.amounts import find_amounts
from chebao.insurance.entities import find_all
from chebao.insurance.moments import find_moments
from chebao.insurance.numbers_zh import to_chinese
from chebao.insurance.phone import find_phones
from chebao.insurance.plate import find_plates
from chebao.insurance.plate_regions import PROVINCES

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=8)))
WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
SIGNS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
WAYS = st.sampled_from((str, str.lower, lambda text: text.translate(WIDE)))
"""As it is, in small letters, in full width."""
AROUND = st.sampled_from((("", ""), ("我的是", "，麻烦看下"), ("好，", "。")))

plates = st.builds(
    lambda head, letter, tail: head + letter + tail,
    st.sampled_from(sorted(PROVINCES)),
    st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZ"),
    st.one_of(
        st.text(alphabet=SIGNS, min_size=5, max_size=5).filter(lambda tail: any(sign.isdigit() for sign in tail)),
        st.builds(lambda a, b: a + b, st.sampled_from("ABCDEFGHJK"), st.from_regex(r"[0-9]{5}", fullmatch=True)),
    ),
)


@given(plates, st.sampled_from(("", " ", "·", ".", "-")), WAYS, AROUND)
def test_plates(plate: str, mark: str, way, around: tuple[str, str]) -> None:
    written = way(plate[:2] + mark + plate[2:])
    text = around[0] + written + around[1]
    (found,) = find_plates(text)
    assert found.value == plate
    assert text[found.start : found.end] == written
    assert [one.value for one in find_plates(found.value)] == [plate]


def _number(born: date, order: int) -> str:
    body = f"330106{born:%Y%m%d}{order:03d}"
    return next(body + sign for sign in "0123456789X" if idcard.is_valid(body + sign))


@given(st.dates(date(1930, 1, 1), date(2020, 12, 31)), st.integers(1, 999), WAYS, AROUND)
def test_id_cards(born: date, order: int, way, around: tuple[str, str]) -> None:
    number = _number(born, order)
    for mark in ("", " "):
        written = way(mark.join((number[:6], number[6:14], number[14:]))) if mark else way(number)
        text = around[0] + written + around[1]
        (found,) = find_all(text, NOW)
        assert (found.entity, found.value) == ("id_card", number)
        assert text[found.start : found.end] == written
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    assert idcard.find_id_cards(wrong) == []


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(("", " ", "-")), WAYS, AROUND)
def test_phones(phone: str, mark: str, way, around: tuple[str, str]) -> None:
    for written in (way(mark.join((phone[:3], phone[3:7], phone[7:]))), "+86" + way(phone)):
        (found,) = find_phones(around[0] + written + around[1])
        assert found.value == phone


@given(st.integers(1, 99_999_999), AROUND)
def test_amounts(yuan: int, around: tuple[str, str]) -> None:
    for written in (f"{yuan}元", f"{yuan:,}元", f"¥{yuan}", f"{to_chinese(yuan)}块钱"):
        text = around[0] + written + around[1]
        (found,) = find_amounts(text)
        assert Decimal(found.value) == yuan
        assert text[found.start : found.end] == written
        assert [one.value for one in find_amounts(found.value + "元")] == [found.value]


@given(st.dates(date(2001, 1, 1), date(2099, 12, 28)), st.integers(7, 23), st.integers(0, 59), AROUND)
def test_moments(day: date, hour: int, minute: int, around: tuple[str, str]) -> None:
    for written in (f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}"):
        (found,) = find_moments(around[0] + written + around[1], NOW)
        assert found.value == day.isoformat()
        assert [one.value for one in find_moments(found.value, NOW)] == [found.value]
    text = f"{around[0]}{day.isoformat()} {hour:02d}:{minute:02d}{around[1]}"
    (found,) = find_moments(text, NOW)
    assert found.value == f"{day.isoformat()}T{hour:02d}:{minute:02d}"
