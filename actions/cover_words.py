"""What customers say to change a plan: "三者调到300万，不要划痕", "座位险提到5万", "只买交强险"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chebao.insurance import covers as cover_names
from chebao.insurance import plate
from chebao.insurance.amounts import parse_amount
from chebao.insurance.found import Found
from chebao.insurance.products import TERMS, codes_for, offered_sums, with_default_sums

_COMPULSORY_ONLY = re.compile(
    r"(只|就|单|光|仅|先)(想|先|要|买|上|投|保|办|交|选|续)*(一?个)?交?强(制险?|险|(?=$|[，,。！!]))(?!制|险|[和跟加、及与])|交强险?就(行|够|可以|好)|(不要|不买|不用|不上|去掉|不续)(任何)?商业"
)
_REMOVE = re.compile(r"不想?要|去掉|取消|不买|删|减掉|不用|去除|不保|不加|不上|不投|去了|拿掉")
_CHANGE = re.compile(
    r"调|改|加|提|升|增|换|要|买|降|减|保|选|上到|来个|[高低多少][一点些]|[0-9一二两三四五六七八九十百千]+万"
)
_HIGHER = re.compile(r"提高|提一|调高|往上|升|高一|高点|高些|多保|大一点|加高")
_LOWER = re.compile(r"降|调低|往下|低一|低点|低些|少保|减少|小一点")
_ALONE = re.compile(r"(只|光|仅|单)(想|先|要|买|上|投|保|办|留)+[^，,。]{0,8}$")
_NUMBER = r"[\d一二两三四五六七八九十百千][\d一二两三四五六七八九十百千万,.]*\s*[万wWkK]?"
_AFTER = re.compile(_NUMBER)
_BEFORE = re.compile(rf"({_NUMBER})元?的?$")


@dataclass(frozen=True)
class CoverWish:
    """The covers that the customer wants now.

    Attributes:
        covers: code → sum or True; empty means compulsory only.
        dropped: add-ons that fell away because what they belong to was removed.
        included: old cover names (玻璃险 …) that are part of the vehicle damage cover and are not sold apart.
    """

    covers: dict[str, Any]
    dropped: tuple[str, ...] = ()
    included: tuple[str, ...] = ()


def only_compulsory(text: str) -> bool:
    """ "只买交强险"."""
    return bool(_COMPULSORY_ONLY.search(text))


def find_wish(text: str, base: Mapping[str, Any]) -> CoverWish | None:
    """What `text` makes of the covers `base`; None where it changes nothing."""
    if _COMPULSORY_ONLY.search(text):
        return CoverWish({})
    for named in reversed(plate.find_plates(text)):
        text = text[: named.start] + " " + text[named.end :]
    said = _spelled_out(text)
    found = [f for f in cover_names.find_coverages(said) if codes_for(f.value)]
    if not found or not (_REMOVE.search(said) or _CHANGE.search(said)):
        return None
    alone = _ALONE.search(said[: found[0].start])
    covers, removed, included, mode = {} if alone else dict(base), set[str](), list[str](), ""
    for n, cover in enumerate(found):
        before = said[found[n - 1].end if n else 0 : cover.start]
        after = _behind(said, found, n)
        mode = _mode(before, after) or mode or "set"
        if cover.value in cover_names.CUSTOMER_WORDS_ONLY:
            included.append(cover_names.COVERS[cover.value])
            continue
        for code in _codes(cover.value, said[cover.start : cover.end]):
            if mode == "remove":
                covers.pop(code, None)
                removed.add(code)
            else:
                covers[code] = _sum(code, base.get(code), before, after)
    kept = _without_orphans(covers) if removed else covers
    sums = {code: int(s) if isinstance(s, Decimal) else s for code, s in with_default_sums(kept).items()}
    return CoverWish(sums, tuple(cover_names.COVERS[c] for c in covers if c not in kept), tuple(included))


def _behind(said: str, found: Sequence[Found], n: int) -> str:
    """What is said of cover `n` behind its name; of "司机和乘客都提到5万" both share the end."""
    ends = [*(other.start for other in found[n + 1 :]), len(said)]
    for m, end in enumerate(ends):
        part = said[found[n + m].end : end]
        if not re.fullmatch(r"\s*[和跟与及、加]\s*", part):
            return part
    return ""


def _spelled_out(text: str) -> str:
    """Short names as `find_coverages` knows them: 座位 → 座位险, 划痕 → 划痕险."""
    said = re.sub(r"划痕(?!险|损)", "划痕险", text)
    said = re.sub(r"座位(?!险|责)", "座位险", said)
    return re.sub(r"(司机|乘客)(?!座|险|责|意)", r"\1座位险", said)


def _mode(before: str, after: str) -> str:
    """remove | set for the cover between the two texts, by the nearest verb; "" where there is none."""
    verbs = [(m.start(), "remove") for m in _REMOVE.finditer(before)]
    removing = [start for start, _ in verbs]
    verbs += [(m.start(), "set") for m in _CHANGE.finditer(before) if not any(s <= m.start() < s + 3 for s in removing)]
    if verbs:
        return max(verbs)[1]
    clause = re.split(r"[，,。；;！!\s]|再|另外|然后", after, maxsplit=1)[0]
    if _REMOVE.search(clause):
        return "remove"
    return "set" if _CHANGE.search(clause) or _AFTER.search(clause) else ""


def _codes(value: str, words: str) -> tuple[str, ...]:
    if value == "passenger" and re.search(r"司机|驾驶", words):
        return ("driver",)
    if value == "passenger" and "乘客" in words:
        return ("passengers",)
    return codes_for(value)


def _sum(code: str, now: Any, before: str, after: str) -> Any:
    """The sum that is named beside the cover, else one step up or down, else what it was."""
    if code == "vehicle_damage" or (not offered_sums(code) and TERMS[code].unit == "flag"):
        return True
    told = _AFTER.search(after) or _BEFORE.search(before)
    amount = parse_amount(told[1] if told.re is _BEFORE else told.group()) if told else None
    if amount is not None and amount >= 1000:
        return int(amount)
    if now in (None, True, False):
        return True
    around = before[-4:] + after[:6]
    steps = [s for s in offered_sums(code) if (s > int(float(now)) if _HIGHER.search(around) else s < int(float(now)))]
    if _HIGHER.search(around) and steps:
        return steps[0]
    return steps[-1] if _LOWER.search(around) and steps else now


def _without_orphans(covers: Mapping[str, Any]) -> dict[str, Any]:
    """The covers without add-ons whose main cover is not chosen."""
    return {
        c: s
        for c, s in covers.items()
        if c not in TERMS or not TERMS[c].needs or any(n in covers for n in TERMS[c].needs)
    }
