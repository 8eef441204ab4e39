"""Vehicle and driving licence from the lines that the OCR found, pure.

Both cards print a label and its value beside or below it; long values may run into a second line. Labels are found by their
characters, values by their shape where they have one (plate, VIN, dates), else by their place beside the label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from chebao.insurance.plate import find_plates
from chebao.insurance.vin import find_vins, is_valid

Kind = Literal["vehicle_licence", "driving_licence"]

_TITLE: Final = {"vehicle_licence": "行驶证", "driving_licence": "驾驶证"}
_VEHICLE_LABELS: Final = (
    "号牌号码",
    "车辆类型",
    "所有人",
    "使用性质",
    "品牌型号",
    "车辆识别代号",
    "发动机号码",
    "注册日期",
    "发证日期",
)
_DRIVING_LABELS: Final = ("姓名", "性别", "国籍", "出生日期", "初次领证日期", "准驾车型", "有效期限", "证号")
_DATE: Final = re.compile(r"(\d{4})[-.年/](\d{1,2})[-.月/](\d{1,2})")
_LEAST_SCORE: Final = 0.6
_LEAST_LABELS: Final = 3
"""So many labels of one card must be seen, or its title: a photo of a car shows none."""


@dataclass(frozen=True)
class Line:
    """A piece of text on the picture: words, confidence 0–1, left, top and height in pixels."""

    text: str
    score: float
    left: float
    top: float
    height: float


def read(lines: Iterable[Line]) -> dict[str, str]:
    """What the card says; empty where the lines are no licence.

    Returns:
        ``kind`` and what was legible. Of any other paper only the ``vin``. Vehicle licence: ``plate, owner, vin, model, engine_no, use, registered_on, issued_on``.
        Driving licence: ``name, licence_no, classes, first_issued_on, valid_from, valid_until``. Dates are ISO.
    """
    seen = [line for line in lines if line.score >= _LEAST_SCORE]
    kind = _kind(seen)
    if kind is None:
        vin = _vin(" ".join(line.text for line in seen))
        return {"kind": "other", "vin": vin} if vin else {}
    found = _vehicle(seen) if kind == "vehicle_licence" else _driving(seen)
    return {"kind": kind} | {name: value for name, value in found.items() if value}


def _kind(lines: Sequence[Line]) -> Kind | None:
    words = "".join(line.text for line in lines)
    for kind, labels in (("vehicle_licence", _VEHICLE_LABELS), ("driving_licence", _DRIVING_LABELS)):
        if _TITLE[kind] in words or sum(label in words for label in labels) >= _LEAST_LABELS:
            return kind  # type: ignore[return-value]
    return None


def _vehicle(lines: Sequence[Line]) -> dict[str, str]:
    words = " ".join(line.text for line in lines)
    plates = find_plates(_beside(lines, "号牌号码") or words) or find_plates(words)
    return {
        "plate": plates[0].value if plates else "",
        "vin": _vin(words),
        "owner": _beside(lines, "所有人"),
        "model": _beside(lines, "品牌型号"),
        "engine_no": _beside(lines, "发动机号码"),
        "use": _beside(lines, "使用性质"),
        "registered_on": _date(_beside(lines, "注册日期")),
        "issued_on": _date(_beside(lines, "发证日期")),
    }


def _driving(lines: Sequence[Line]) -> dict[str, str]:
    words = " ".join(line.text for line in lines)
    number = re.search(r"(?<!\d)\d{17}[\dXx](?!\d)", words)
    period = _DATE.findall(_beside(lines, "有效期限"))
    classes = re.search(r"[ABC][1-6][A-Z0-9]{0,6}", _beside(lines, "准驾车型"))
    return {
        "name": _beside(lines, "姓名"),
        "licence_no": number[0].upper() if number else "",
        "classes": classes[0] if classes else "",
        "first_issued_on": _date(_beside(lines, "初次领证日期")),
        "valid_from": _iso(period[0]) if period else "",
        "valid_until": _iso(period[1]) if len(period) > 1 else "",
    }


def _beside(lines: Sequence[Line], label: str) -> str:
    """The value printed after the label: in the same piece of text, or the nearest piece to its right on the same height."""
    for line in lines:
        _, found, rest = line.text.replace(" ", "").partition(label)
        if not found:
            continue
        if rest.strip("：:"):
            return rest.strip("：:")
        same_row = [
            other
            for other in lines
            if other is not line
            and other.left > line.left
            and abs(other.top - line.top) < 0.8 * max(line.height, other.height)
        ]
        if same_row:
            return min(same_row, key=lambda other: other.left).text.strip()
    return ""


def _vin(text: str) -> str:
    """The first number with a right check digit: one misread letter would name another car."""
    return next((found.value for found in find_vins(text) if is_valid(found.value)), "")


def _date(text: str) -> str:
    found = _DATE.search(text)
    return _iso(found.groups()) if found else ""


def _iso(parts: Sequence[str | None]) -> str:
    """An ISO date, or empty for one that does not exist."""
    try:
        return date(*(int(part or 0) for part in parts)).isoformat()
    except ValueError:
        return ""
