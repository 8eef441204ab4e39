"""Resident identity numbers (GB 11643-1999): 17 digits and a check character."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chebao.insurance.found import Found, fold

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_SEP = r"[ \-]?"
_PATTERN = re.compile(rf"(?<![0-9A-Z])[1-9](?:{_SEP}[0-9]){{16}}{_SEP}[0-9X](?![0-9A-Z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")


def birth_date(s: str) -> date:
    """Date of birth in an 18-character number; ValueError where the digits are no date."""
    return date(int(s[6:10]), int(s[10:12]), int(s[12:14]))


def is_valid(s: str) -> bool:
    """Whether `s` has the right shape, check character and a birth date between 1900 and today."""
    if not _SHAPE.fullmatch(s):
        return False
    check = _CHECKS[sum(int(digit) * weight for digit, weight in zip(s[:17], _WEIGHTS, strict=True)) % 11]
    try:
        born = birth_date(s)
    except ValueError:
        return False
    return check == s[17] and date(1900, 1, 1) <= born <= datetime.now(_SHANGHAI).date()


def find_id_cards(text: str) -> list[Found]:
    """Valid numbers only; spaces and hyphens are removed, X is upper case."""
    found: list[Found] = []
    for match in _PATTERN.finditer(fold(text)):
        value = match.group().replace(" ", "").replace("-", "")
        if is_valid(value):
            found.append(Found("id_card", value, match.start(), match.end()))
    return found


CARE_FROM = 65
"""Years from which a customer is met with more care (保险销售行为管理, 令2025年第7号)."""


def age(born: date, today: date) -> int:
    """Completed years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def needs_care(number: str, today: date) -> bool:
    """Whether the owner of this id card is old enough to be met with more care."""
    return age(birth_date(number), today) >= CARE_FROM
