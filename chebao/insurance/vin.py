"""Vehicle identification numbers (GB 16735-2019): 17 characters without I, O, Q; the ninth is a check digit."""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold

_SIGN = "[0-9A-HJ-NPR-Z]"
_PATTERN = re.compile(rf"(?<![0-9A-Z]){_SIGN}(?:[ \-]?{_SIGN}){{16}}(?![0-9A-Z])")
_SHAPE = re.compile(rf"{_SIGN}{{17}}")
_VALUES = {sign: value for value, sign in enumerate("0123456789")} | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def is_valid(s: str) -> bool:
    """Whether `s` has the shape of a VIN and the right check digit."""
    if not _SHAPE.fullmatch(s):
        return False
    remainder = sum(_VALUES[sign] * weight for sign, weight in zip(s, _WEIGHTS, strict=True)) % 11
    return s[8] == "0123456789X"[remainder]


def find_vins(text: str) -> list[Found]:
    """Everything shaped like a VIN (letters and four last digits), also with a wrong check digit: see `is_valid`."""
    found: list[Found] = []
    for match in _PATTERN.finditer(fold(text)):
        value = match.group().replace(" ", "").replace("-", "")
        if value[-4:].isdigit() and not value.isdigit() and sum(sign.isalpha() for sign in value[:11]) >= 2:
            found.append(Found("vin", value, match.start(), match.end()))
    return found
