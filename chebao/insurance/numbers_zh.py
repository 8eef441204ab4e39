"""Chinese numerals, as written and as spoken ("两万五" is 25,000)."""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    **{sign: value for value, sign in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2, "俩": 2, "幺": 1, "貳": 2, "兩": 2,
}  # fmt: skip
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10_000, "萬": 10_000, "亿": 100_000_000}
_LONGEST = 30
_ASCII = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_MIXED = re.compile(r"(?P<head>[0-9]+(?:\.[0-9]+)?)(?P<unit>[百千万亿])(?P<tail>.*)")
_UNITS = {"百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}

NUMERAL_CLASS = "零〇一二三四五六七八九十百千万亿两俩壹贰叁肆伍陆柒捌玖拾佰仟"
"""Characters of a numeral, for use inside a character class."""


def chinese_to_int(s: str) -> int | None:
    """Value of a Chinese numeral, or None where `s` is none.

    Also digit strings ("二零二六", two or more digits without units) and the spoken short form, in which a last digit
    stands for the next lower unit: 两万五 → 25000, 三百二 → 320, 一千零二 → 1002.
    """
    if not 0 < len(s) <= _LONGEST or any(
        sign not in _DIGITS and sign not in _SMALL and sign not in _LARGE for sign in s
    ):
        return None
    if all(sign in _DIGITS for sign in s):
        return int("".join(str(_DIGITS[sign]) for sign in s))
    return _with_units(s)


def _with_units(s: str) -> int | None:
    total = section = 0
    digit: int | None = None
    last_unit = 1
    after_zero = False
    for sign in s:
        if sign in _DIGITS:
            if digit not in (None, 0):
                return None
            digit = _DIGITS[sign]
            after_zero = after_zero or digit == 0
            continue
        if sign in _SMALL:
            unit = _SMALL[sign]
            if not digit and unit > 10:
                return None
            section += (digit or 1) * unit
        else:
            unit = _LARGE[sign]
            section += digit or 0
            if section == 0 and total == 0:
                return None
            total = (total + section) * unit if unit > 10_000 else total + section * unit
            section = 0
        digit, last_unit, after_zero = None, unit, False
    tail = digit or 0
    if tail and last_unit >= 100 and not after_zero:
        tail *= last_unit // 10
    return total + section + tail


def chinese_to_decimal(s: str) -> Decimal | None:
    """Value of a Chinese, ASCII or mixed number ("一点五", "十二点八万", "12.8万", "3千5"), or None."""
    s = s.strip().replace(",", "").replace("，", "")
    if _ASCII.fullmatch(s):
        return Decimal(s)
    mixed = _MIXED.fullmatch(s)
    if mixed:
        return _mixed(Decimal(mixed["head"]), _UNITS[mixed["unit"]], mixed["tail"])
    if s == "半":
        return Decimal("0.5")
    if "点" in s:
        return _with_point(s)
    value = chinese_to_int(s)
    return None if value is None else Decimal(value)


def _mixed(head: Decimal, unit: int, tail: str) -> Decimal | None:
    value = head * unit
    if not tail:
        return value
    if tail in _LARGE:
        return value * _LARGE[tail]
    rest = chinese_to_decimal(tail.lstrip("零"))
    if rest is None or rest >= unit:
        return None
    if rest < 10 and rest == int(rest) and not tail.startswith("零"):
        return value + rest * unit / 10
    return value + rest


def _with_point(s: str) -> Decimal | None:
    whole, _, rest = s.partition("点")
    unit = 1
    if rest[-1:] in _LARGE:
        unit = _LARGE[rest[-1]]
        rest = rest[:-1]
    head = chinese_to_decimal(whole)
    if head is None or not rest or any(sign not in _DIGITS for sign in rest):
        return None
    return (head + Decimal("0." + "".join(str(_DIGITS[sign]) for sign in rest))) * unit


def to_chinese(number: int) -> str:
    """Standard numeral of 0 ≤ number < 10^12, e.g. 10205 → 一万零二百零五."""
    if not 0 <= number < 10**12:
        raise ValueError(number)
    if number < 10_000:
        return _below_ten_thousand(number) or "零"
    for name, unit in (("亿", 100_000_000), ("万", 10_000)):
        if number >= unit:
            head, rest = divmod(number, unit)
            gap = "零" if 0 < rest < unit // 10 else ""
            tail = to_chinese(rest) if rest else ""
            return to_chinese(head) + name + gap + ("一" + tail if tail.startswith("十") else tail)
    raise AssertionError


def _below_ten_thousand(number: int) -> str:
    out = ""
    for name, unit in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // unit % 10
        if digit:
            out += "零一二三四五六七八九"[digit] + name
        elif out and not out.endswith("零") and number % unit:
            out += "零"
    return out.removeprefix("一") if 10 <= number < 20 else out
