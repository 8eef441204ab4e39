"""The photos that a claim needs, in the order in which they are easiest to take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """One photo: its code, its name, and how to take it (a clause of Chinese)."""

    code: str
    name: str
    how: str


_CORNERS = tuple(
    Shot(code, name, f"站在{name}外斜 45° 拍，车牌要拍进去")
    for code, name in (
        ("front_left", "左前角"),
        ("front_right", "右前角"),
        ("rear_left", "左后角"),
        ("rear_right", "右后角"),
    )
)
_SCENE = Shot("scene", "现场全景", "退远一点，车的位置和路面标线都拍到")
_DAMAGE = Shot("damage", "损失部位", "离受损的地方半米左右，对好焦")
_OTHER = Shot("other_plate", "对方车牌", "对方的车牌和碰撞部位一起拍")
_WATER = Shot("water_line", "水位线", "车身或室内最高的水痕拍清楚")
_HIT = Shot("hit_object", "被撞的东西", "被撞的护栏、墙等整个拍到")
VEHICLE_LICENCE = Shot("vehicle_licence", "行驶证", "正页摊平，四边都拍到")
DRIVING_LICENCE = Shot("driving_licence", "驾驶证", "正页摊平，四边都拍到")
DOCUMENTS = (VEHICLE_LICENCE, DRIVING_LICENCE)

_BY_TYPE: dict[str, tuple[Shot, ...]] = {
    "theft": (),
    "fire": (_SCENE, *_CORNERS[:2], _DAMAGE),
    "flood": (_SCENE, _WATER, *_CORNERS),
    "glass": (_CORNERS[0], _DAMAGE),
    "scratch": (_CORNERS[0], _DAMAGE),
    "parked_hit": (_SCENE, *_CORNERS, _DAMAGE),
    "falling_object": (_SCENE, *_CORNERS[:2], _DAMAGE),
    "single_vehicle": (_SCENE, *_CORNERS, _DAMAGE, _HIT),
    "charging": (_SCENE, *_CORNERS[:2], _DAMAGE),
    "animal": (_SCENE, *_CORNERS[:2], _DAMAGE),
}


def shots_for(accident_type: str, *, other_car: bool = False) -> tuple[Shot, ...]:
    """The list for one accident; an unknown type gets the one of a collision, and documents stand at the end of each."""
    listed = _BY_TYPE.get(accident_type, (_SCENE, *_CORNERS, _DAMAGE))
    return (*listed, *((_OTHER,) if other_car else ()), *DOCUMENTS)
