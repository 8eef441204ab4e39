"""Until when a car is covered elsewhere, as customers say it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from actions.previous_cover import cover_end, transferred_field
from actions.turn import SHANGHAI
from tests.unit.actions.turns import turn

NOW = datetime(2026, 11, 22, 12, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("said", "first_day_without"),
    [
        ("我现在的保险在平安，12月18号到期", "2026-12-19"),
        ("去年在别家买的，今天到期", "2026-11-23"),
        ("保险还有20天到期", "2026-12-12"),
        ("车脱保两个月了，还能买吗", "2026-09-22"),
        ("交强险过期三天了", "2026-11-19"),
        ("断保半年", "2026-05-22"),
        ("刚过期", "2026-11-22"),
    ],
)
def test_the_end_of_cover_elsewhere(said: str, first_day_without: str) -> None:
    assert cover_end(said, NOW) == date.fromisoformat(first_day_without)


@pytest.mark.parametrize(
    "said", ["驾照12月18号到期", "保险快到期了", "还没到期", "12月18号提车", "下个月到期", "年检过期了"]
)
def test_what_tells_no_end(said: str) -> None:
    assert cover_end(said, NOW) is None


@pytest.mark.parametrize(
    ("said", "told"),
    [("昨天刚过户了一台二手车", True), ("刚买的二手车", True), ("三年前买的二手车", None), ("新车", None)],
)
def test_a_car_that_has_just_changed_hands(said: str, told: bool | None) -> None:
    assert transferred_field().take(turn(said), {}) is told
