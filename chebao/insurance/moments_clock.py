"""Hours of the day as customers say them: "晚上八点", "昨晚两点", "三点"."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from chebao.insurance.numbers_zh import chinese_to_int

_DAYPART_HOURS = {
    "凌晨": (0, 6), "清": (5, 9), "早": (6, 10), "晨": (5, 9), "上午": (8, 12), "中午": (11, 14), "正午": (11, 14),
    "午后": (13, 18), "下午": (12, 18), "后半晌": (12, 18), "后晌": (12, 18), "前半晌": (8, 12), "头晌": (8, 12), "晌午": (11, 13), "傍晚": (17, 20), "晚": (18, 24), "夜": (18, 24), "深夜": (22, 24), "半夜": (0, 5),
}  # fmt: skip
_EVENING = ("晚", "夜")


def number_of(text: str) -> int:
    value = chinese_to_int(text) if not text.isdigit() else int(text)
    return -1 if value is None else value


def read_clock(match: re.Match[str]) -> tuple[int, int, bool, bool] | None:
    """Hour, minute, whether minutes were said, whether the hour is plainly on the 24-hour clock."""
    if match["hm"]:
        hour, minute = (int(part) for part in match["hm"].replace(" ", "").split(":")[:2])
        plain = match["hm"].lstrip().startswith("0") or hour > 12
        return (hour, minute, True, plain) if hour < 24 else (0, minute, True, True)
    hour = number_of(match["hour"])
    if not 0 <= hour <= 24:
        return None
    minute = 0
    if match["half"]:
        minute = 30
    elif match["quarter"]:
        minute = 15 * number_of(match["quarter"])
    elif match["minute"]:
        minute = number_of(match["minute"])
    if not 0 <= minute < 60:
        return None
    return hour, minute, bool(match["half"] or match["quarter"] or match["minute"]), hour > 12 or hour == 0


def anchor(day: date, hour: int, part: str, plain: bool, now: datetime, lean: int) -> tuple[date, int]:
    """The calendar day and the hour of 0–23 that "{day} {part} {hour}点" means."""
    if hour == 24:
        return day + timedelta(days=1), 0
    if plain and hour:
        return day, hour
    if (
        part.endswith("半夜")
        or part in {"夜里", "夜间", "深夜", "午夜", "后半夜", "夜"}
        or any(sign in part for sign in _EVENING)
    ):
        return _night(day, hour, part, now, lean)
    if part in {"下午", "午后", "后半晌", "后晌"} or (part in {"中午", "正午"} and hour < 5):
        return day, hour + 12 if 0 < hour < 12 else hour
    if not part and 1 <= hour <= 6:
        return day, hour + 12
    return day, 0 if part == "凌晨" and hour == 12 else hour


def _night(day: date, hour: int, part: str, now: datetime, lean: int) -> tuple[date, int]:
    if 5 <= hour < 12:
        return day, hour + (12 if hour > 5 or "傍" in part or "晚" in part else 0)
    small = hour % 12
    # "13号半夜两点" is read by the calendar; only the nights around now are told by when one went to bed
    if "半夜" in part and day < now.date() - timedelta(days=1):
        return day, small
    # "今天半夜两点" told in the morning is the night just gone; "昨晚两点" is after midnight, so today
    if day == now.date() and "晚" not in part and lean <= 0:
        return day, small
    return day + timedelta(days=1), small


def bare_hour(hour: int, minute: int, now: datetime, lean: int) -> int:
    """ "三点" without a part of day: the latest one gone when told of the past, office hours otherwise."""
    if lean < 0:
        gone = [one % 24 for one in (hour, hour + 12) if one < 24 and (one, minute) <= (now.hour, now.minute)]
        return max(gone) if gone else (hour + 12) % 24 if hour < 12 else hour
    return hour + 12 if 1 <= hour <= 6 else hour


def clock_is_certain(match: re.Match[str], folded: str) -> bool:
    """A bare "一点" is mostly "a bit"; a clock needs a part of day, minutes, 钟 or a larger number."""
    if match["daypart"] or match["hm"] or match["half"] or match["quarter"] or match["minute"]:
        return True
    if "钟" in match.group() or match.group().endswith(("多", "左右", "整")):
        return True
    return match["hour"] not in {"一", "1"} and folded[max(0, match.start() - 1) : match.start()] not in {
        "第",
        "有",
        "这",
        "那",
        "几",
    }


def daypart_hours(part: str) -> tuple[int, int]:
    exact = _DAYPART_HOURS.get(part)
    if exact:
        return exact
    return next((hours for key, hours in _DAYPART_HOURS.items() if key in part), (0, 24))
