"""Shared positions, as the back office gets them."""

from __future__ import annotations

from actions.whereabouts import coordinates, shared_place
from tests.unit.actions.turns import turn


def test_a_position_of_shifted_maps_says_so() -> None:
    spot = {"latitude": 39.9087, "longitude": 116.3975, "label": None}
    assert coordinates(spot) == {"lat": 39.9087, "lon": 116.3975}
    assert coordinates(spot | {"datum": "GCJ-02"}) == {"lat": 39.9087, "lon": 116.3975, "datum": "GCJ-02"}
    assert shared_place(turn("", location=spot)) == "39.9087,116.3975"
    assert shared_place(turn("", location=spot | {"datum": "GCJ-02"})) == "39.9087,116.3975（GCJ-02）"
    assert shared_place(turn("", location=spot | {"datum": "GCJ-02", "label": "东长安街"})) == "东长安街"
    assert shared_place(turn("没有发位置")) is None
