"""Dates of festivals that customers name. Lunar ones by year (Purple Mountain Observatory calendar), 2024 to 2030."""

from __future__ import annotations

from datetime import date, timedelta

_SOLAR = {
    "元旦": (1, 1),
    "五一": (5, 1),
    "劳动节": (5, 1),
    "国庆": (10, 1),
    "十一": (10, 1),
    "圣诞": (12, 25),
    "平安夜": (12, 24),
    "情人节": (2, 14),
}
_SPRING = {2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3)}
_QINGMING = {2024: (4, 4), 2025: (4, 4), 2026: (4, 5), 2027: (4, 5), 2028: (4, 4), 2029: (4, 4), 2030: (4, 5)}
_DRAGON_BOAT = {2024: (6, 10), 2025: (5, 31), 2026: (6, 19), 2027: (6, 9), 2028: (5, 28), 2029: (6, 16), 2030: (6, 5)}
_MID_AUTUMN = {2024: (9, 17), 2025: (10, 6), 2026: (9, 25), 2027: (9, 15), 2028: (10, 3), 2029: (9, 22), 2030: (9, 12)}
_LUNAR = {"清明": _QINGMING, "端午": _DRAGON_BOAT, "中秋": _MID_AUTUMN, "春节": _SPRING}
_AFTER_SPRING_FESTIVAL = {
    "除夕": -1,
    "大年三十": -1,
    "大年初一": 0,
    "大年初二": 1,
    "大年初三": 2,
    "元宵": 14,
    "正月十五": 14,
}

NAMES = tuple(sorted([*_SOLAR, *_LUNAR, *_AFTER_SPRING_FESTIVAL], key=len, reverse=True))


def date_of(name: str, year: int) -> date | None:
    """Day of the festival in that year; None outside the table."""
    if name in _SOLAR:
        return date(year, *_SOLAR[name])
    if name in _LUNAR:
        day = _LUNAR[name].get(year)
        return date(year, *day) if day else None
    spring = _SPRING.get(year)
    return date(year, *spring) + timedelta(days=_AFTER_SPRING_FESTIVAL[name]) if spring else None
