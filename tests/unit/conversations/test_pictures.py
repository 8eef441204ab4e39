"""What is seen in a picture before it is stored bare."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from chebao.conversations.pictures import flaw_of, judge
from tests.dialogue.web_customer import photo


@pytest.mark.parametrize(
    ("picture", "flaw"),
    [(photo(), None), (photo(blurred=True), "blurred"), (photo(dark=True), "dark")],
    ids=["sharp", "blurred", "dark"],
)
def test_flaws(picture: bytes, flaw: str | None) -> None:
    assert judge(picture).flaw == flaw


def test_a_bare_surface_is_not_called_blurred() -> None:
    assert flaw_of(Image.new("RGB", (640, 480), (200, 30, 30))) is None
    assert flaw_of(Image.new("RGB", (3, 3), (200, 30, 30))) is None


def test_place_is_read_and_removed_from_the_bytes() -> None:
    judged = judge(photo(at=(30.25, 120.125)))
    assert judged.place == {"latitude": 30.25, "longitude": 120.125}
    with Image.open(io.BytesIO(judged.content)) as clean:
        assert not clean.getexif()


@pytest.mark.parametrize("at", [(0.0, 0.0), (95.0, 20.0)])
def test_impossible_places_are_none(at: tuple[float, float]) -> None:
    assert judge(photo(at=at)).place is None
