"""What staff should look at in a report: from the files and from how the story was told, never more than a note."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from actions import claim_signs, forms_desk
from chebao.backoffice.client import BackOffice
from tests.unit.actions.turns import turn

_NOW = turn("").now
_DRAFT = {
    "plate": "京A12345",
    "injury": "no",
    "accident_type": "rear_end",
    "description": "前车急刹，我没刹住追尾了",
    "occurred_at": {"at": _NOW.isoformat(), "precision": "minute"},
    "place": "北京市海淀区中关村大街1号",
}


def _day(days: int) -> str:
    return (_NOW.date() + timedelta(days=days)).isoformat()


def _policy(start: int, end: int, kind: str = "commercial") -> dict[str, Any]:
    return {"kind": kind, "plate": "京A12345", "start": _day(start), "end": _day(end)}


def _codes(monkeypatch: pytest.MonkeyPatch, policies: list[dict[str, Any]], claims: list[int]) -> set[str]:
    """The signs of a plain report where the insurer's files hold this; claims by the days since they were reported."""

    def answer(request: httpx.Request) -> httpx.Response:
        rows = policies if request.url.path.endswith("/policies") else [{"reported": _day(-days)} for days in claims]
        return httpx.Response(200, json={"items": rows})

    office = BackOffice("http://office.test/backoffice/v1", "demo", httpx.MockTransport(answer))
    monkeypatch.setattr(claim_signs, "backoffice", lambda: office)
    files = asyncio.run(claim_signs.look_up(turn(""), dict(_DRAFT)))
    return {sign.code for sign in claim_signs.signs({**_DRAFT, "files": files}, _NOW)}


def test_an_accident_just_after_the_cover_began_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _codes(monkeypatch, [_policy(-1, 364)], []) == {"just_after_inception"}
    assert _codes(monkeypatch, [_policy(3, 368)], []) == {"before_inception"}
    assert _codes(monkeypatch, [_policy(-10, 355)], []) == {"soon_after_inception"}


def test_a_renewed_cover_is_no_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _codes(monkeypatch, [_policy(-1, 364), _policy(-366, -1)], []) == set()


def test_many_claims_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _codes(monkeypatch, [_policy(-100, 265)], [3, 9, 20]) == {"several_claims", "many_claims"}
    assert _codes(monkeypatch, [_policy(-100, 265)], [40, 90, 200]) == {"many_claims"}
    assert _codes(monkeypatch, [_policy(-100, 265)], [400]) == set()


def test_a_report_does_not_wait_for_files_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    office = BackOffice("http://office.test", "demo", httpx.MockTransport(lambda request: httpx.Response(404, json={})))
    monkeypatch.setattr(claim_signs, "backoffice", lambda: office)
    assert asyncio.run(claim_signs.look_up(turn(""), dict(_DRAFT))) == {}


@pytest.mark.parametrize(
    ("places", "hours", "changes"),
    [
        (["北京市海淀区", "北京市海淀区中关村大街1号"], [0, 0.5], False),  # told more exactly
        (["北京市海淀区中关村", "天津市和平区南京路"], [0], False),  # once is a slip
        (["北京市海淀区中关村", "天津市和平区南京路"], [0, 20], True),
        (["北京市海淀区中关村"], [0, 20, 50], True),
    ],
)
def test_corrections_that_contradict_each_other_are_counted(
    places: list[str], hours: list[float], changes: bool
) -> None:
    draft = dict(_DRAFT)
    for place in places:
        asyncio.run(_told(draft, place=place))
    for back in hours:
        at = {"at": (_NOW - timedelta(hours=back)).isoformat(), "precision": "minute"}
        asyncio.run(_told(draft, occurred_at=at))
    notes = forms_desk.notes("report_claim", draft, {})
    assert any("更正" in note for note in notes) == changes


async def _told(draft: dict[str, Any], **values: Any) -> None:
    draft |= values
    await claim_signs.remember(turn(""), draft)


def test_other_forms_have_no_notes() -> None:
    assert forms_desk.notes("renewal", {"plate": "京A12345"}, {}) == []
