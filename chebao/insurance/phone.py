"""Mobile numbers of mainland China."""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold

_SEP = r"[ \-·.]{0,2}"
_WRITTEN = re.compile(
    rf"(?:(?<![0-9])|(?<=\+86)|(?<=0086)|(?<=\+86[ \-])|(?<=0086[ \-]))1{_SEP}[3-9](?:{_SEP}[0-9]){{9}}(?![0-9])"
)
_NUMERALS = "零〇一二三四五六七八九幺"
_SPOKEN = re.compile(rf"(?<![{_NUMERALS}])[一幺]{_SEP}[三四五六七八九](?:{_SEP}[{_NUMERALS}]){{9}}(?![{_NUMERALS}])")
_TO_DIGITS = str.maketrans(_NUMERALS, "001234567891")
_NOISE = str.maketrans("", "", " -·.")


def find_phones(text: str) -> list[Found]:
    """Mobile numbers, spoken ones ("一三八…") included; the value is the bare 11 digits without a country code."""
    folded = fold(text)
    return sorted(
        (
            Found("phone", match.group().translate(_NOISE).translate(_TO_DIGITS), match.start(), match.end())
            for pattern in (_WRITTEN, _SPOKEN)
            for match in pattern.finditer(folded)
        ),
        key=lambda found: found.start,
    )
