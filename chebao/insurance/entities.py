"""All finders at once, with overlaps resolved."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from chebao.insurance.accidents import find_accident_types
from chebao.insurance.amounts import find_amounts
from chebao.insurance.cars import find_car_models
from chebao.insurance.covers import find_coverages
from chebao.insurance.found import Found, Taken, fold
from chebao.insurance.idcard import find_id_cards
from chebao.insurance.moments import find_moments, lean_of
from chebao.insurance.people import find_person_names
from chebao.insurance.phone import find_phones
from chebao.insurance.places import find_locations
from chebao.insurance.plate import find_plates
from chebao.insurance.policy_numbers import find_claim_nos, find_policy_nos
from chebao.insurance.vin import find_vins

_NUMBERS: tuple[Callable[[str], list[Found]], ...] = (
    find_claim_nos,
    find_policy_nos,
    find_id_cards,
    find_vins,
    find_plates,
    find_phones,
)
_WORDS: tuple[Callable[[str], list[Found]], ...] = (
    find_coverages,
    find_car_models,
    find_locations,
    find_accident_types,
    find_amounts,
    find_person_names,
)
_LONG_NUMBER = re.compile(r"[0-9]{9,}")
# Kinds that name something exactly may not lose words to a kind that only guesses a span.
_RANK = {"coverage": 0, "datetime": 1, "car_model": 2, "amount": 3, "location": 4, "person_name": 5, "accident_type": 6}


def find_all(text: str, now: datetime, question: str = "") -> list[Found]:
    """Every entity of `spec` kind in the message (plus `vin`), in order and without overlaps.

    Identifiers go first, longest wins (an id card holds no phone); then words, where the longer wins and among equals the
    more exact kind. A date that could be past or future ("周三") is what `question`, just asked, speaks of.
    """
    folded = fold(text)
    kept: list[Found] = []
    taken = Taken(len(text))
    if any("0" <= sign <= "9" for sign in folded) or any(sign in folded for sign in "零〇一幺"):
        _keep([one for finder in _NUMBERS for one in finder(text)], kept, taken, key=lambda one: (one.start - one.end,))
    words = [one for finder in _WORDS for one in finder(text)]
    words += find_moments(text, now, lean_of(text) or lean_of(question))
    names = [one for one in words if one.entity == "person_name"]
    words = [one for one in words if one.entity != "datetime" or not _inside_name(one, names)]
    for code in _LONG_NUMBER.finditer(folded):
        taken.take(*code.span())
    _keep(words, kept, taken, key=lambda one: (_RANK[one.entity] > 2, one.start - one.end, _RANK[one.entity]))
    return sorted(kept, key=lambda one: one.start)


def _inside_name(one: Found, names: list[Found]) -> bool:
    """Whether it is a part of somebody's name: 董国庆 is no holiday."""
    return any(name.start < one.start and one.end <= name.end for name in names)


def _keep(candidates: list[Found], kept: list[Found], taken: Taken, key: Callable[[Found], tuple[int, ...]]) -> None:
    for one in sorted(candidates, key=key):
        if taken.free(one.start, one.end):
            taken.take(one.start, one.end)
            kept.append(one)
