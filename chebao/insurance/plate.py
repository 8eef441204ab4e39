"""Number plates of mainland China: finding, normalising, where they are from (GA 36-2018)."""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold
from chebao.insurance.plate_regions import CITIES, MUNICIPALITIES, PROVINCES

_SEP = r"[ \t·•・.\-—_‧∙●]*"
_HEAD = rf"(?P<head>[{''.join(PROVINCES)}]{_SEP}[A-HJ-NP-Z])"
_SIGN = "[0-9A-HJ-NP-Z]"
_NEV = "[A-HJK]"


def _spaced(*parts: str) -> str:
    return _SEP.join(parts)


_WRITTEN = re.compile(
    _HEAD
    + _SEP
    + "(?P<tail>"
    + "|".join(
        (
            _spaced(_NEV, _SIGN, *["[0-9]"] * 4),
            _spaced(*["[0-9]"] * 5, _NEV),
            _spaced(*[_SIGN] * 4, "[警学挂港澳领试超]"),
            _spaced(*[_SIGN] * 5),
        )
    )
    + ")(?![0-9A-Z])"
)
_NUMERALS = "零〇一二三四五六七八九幺"
_SPOKEN_SIGN = f"[0-9A-HJ-NP-Z{_NUMERALS}]"
_SPOKEN = re.compile(
    _HEAD
    + _SEP
    + "(?P<tail>"
    + _spaced(_NEV, _SPOKEN_SIGN, *[f"[0-9{_NUMERALS}]"] * 4)
    + f"|{_spaced(*[_SPOKEN_SIGN] * 5)})(?![0-9A-Z{_NUMERALS}])"
)
_MISTYPED = re.compile(
    rf"(?<![A-Z0-9])([\u4e00-\u9fff]){_SEP}([0-9A-Z]{_SEP}(?:[0-9A-Z]{_SEP}){{4,5}}[0-9A-Z])(?![0-9A-Z])"
)
_HEARD = dict(
    zip(
        "经晶精金今户护沪越月遇玉予继记寄路卤卢素酥这哲干甘额饿贵桂请轻清穿传陕闪",
        "京京京津津沪沪沪粤粤豫豫豫冀冀冀鲁鲁鲁苏苏浙浙赣赣鄂鄂桂贵青青青川川陕陕",
        strict=True,
    )
)
"""Characters that typing by sound puts in the place of a province."""
_LOOKS = str.maketrans("OI", "01")
"""Letters that no plate has, so that nobody takes them for the digits that they look like."""

_TO_DIGITS = str.maketrans(_NUMERALS, "00123456789" + "1")
_NOISE = str.maketrans("", "", " \t·•・.-—_‧∙●")
_NEV_SHAPE = re.compile(rf".[A-Z](?:{_NEV}{_SIGN}[0-9]{{4}}|[0-9]{{5}}{_NEV})")


def find_plates(text: str) -> list[Found]:
    """Plates in the text, spoken ones ("京A一二三四五") included; the value is without separators, upper case."""
    folded = fold(text)
    found: list[Found] = []
    for match in _WRITTEN.finditer(folded):
        if any(sign.isdigit() for sign in match["tail"]):
            found.append(Found("plate", match.group().translate(_NOISE), match.start(), match.end()))
    for match in _SPOKEN.finditer(folded):
        if sum(sign in _NUMERALS for sign in match["tail"]) < 3 or any(one.start == match.start() for one in found):
            continue
        value = match.group().translate(_NOISE).translate(_TO_DIGITS)
        found.append(Found("plate", value, match.start(), match.end()))
    return sorted(found, key=lambda one: one.start)


def meant_plate(text: str) -> str | None:
    """The plate that was meant where one sign of what was typed cannot be right; to be asked about, never taken.

    The letters O and I stand on no plate, and the province may be another character of its sound ("经A12345").
    """
    if find_plates(text):
        return None
    for match in _MISTYPED.finditer(fold(text)):
        province, rest = match[1], match[2].translate(_NOISE)
        for read in {rest[0] + rest[1:].translate(_LOOKS), rest}:
            for first in (province, _HEARD.get(province, "")):
                if (meant := normalise_plate(first + read)) is not None:
                    return meant
    return None


def normalise_plate(s: str) -> str | None:
    """The plate that `s` holds and nothing beside it, or None."""
    stripped = s.strip(" \t\r\n\u3000，。,；;！!")
    found = find_plates(stripped)
    if len(found) == 1 and found[0].start == 0 and found[0].end == len(stripped):
        return found[0].value
    return None


def is_nev(plate: str) -> bool:
    """Whether a normalised plate is a green new-energy one (8 characters)."""
    return len(plate) == 8 and _NEV_SHAPE.fullmatch(plate) is not None


def province_of(plate: str) -> str | None:
    """ "浙A66K12" → "浙江"."""
    return PROVINCES.get(plate.strip()[:1])


def city_of(plate: str) -> str | None:
    """ "浙A66K12" or "浙A" → "杭州"; None where the code is not certain."""
    head = fold(plate).translate(_NOISE)[:2]
    if head[:1] in MUNICIPALITIES:
        return PROVINCES[head[0]]
    return CITIES.get(head)
