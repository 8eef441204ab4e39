"""Provinces and cities: which province a city lies in, and its group for the compulsory accident float."""

from __future__ import annotations

from chebao.insurance import tables
from chebao.insurance.plate_regions import CITIES as _CITY_OF_HEAD
from chebao.insurance.plate_regions import MUNICIPALITIES


def _short(name: str) -> str:
    """`浙江省` → `浙江`, `内蒙古自治区` → `内蒙古`, `杭州市` → `杭州`."""
    name = name.strip()
    for ending in ("维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市"):
        if name.endswith(ending) and len(name) > len(ending) + 1:
            return name[: -len(ending)]
    return name


_PROVINCE_OF_LETTER: dict[str, str] = {row["abbreviation"]: row["province"] for row in tables.rows("region_groups")}
_PROVINCE_OF_CITY: dict[str, str] = {city: _PROVINCE_OF_LETTER[head[0]] for head, city in _CITY_OF_HEAD.items()}
_GROUP: dict[str, str] = {row["province"]: row["group"] for row in tables.rows("region_groups")}

CITIES: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *(_PROVINCE_OF_LETTER[letter] for letter in sorted(MUNICIPALITIES)),
            *(city for head, city in _CITY_OF_HEAD.items() if head[1] == "A"),
            *_CITY_OF_HEAD.values(),
        ]
    )
)
"""City names; municipalities and capitals first, so that `长春市朝阳区` is read as 长春 and not as 朝阳."""


def province_of_city(city: str) -> str | None:
    """Province of a city or of a province's own name, None when unknown."""
    short = _short(city)
    if short in _GROUP:
        return short
    return _PROVINCE_OF_CITY.get(short)


def province_of_plate(plate: str) -> str | None:
    """Province by the first character of a normalised plate."""
    return _PROVINCE_OF_LETTER.get(plate[:1])


def float_group(province: str) -> str:
    """Group A–E of the compulsory accident float; unknown provinces belong to E, the smallest discount."""
    return _GROUP.get(_short(province), "E")
