"""Same key and body: one row and the first answer; another body: conflict."""

from __future__ import annotations

import asyncio

import pytest

from chebao.errors import Conflict, InputRefused

pytestmark = pytest.mark.asyncio

RESCUE = {"phone": "13800000001", "place": "北京市朝阳区", "kind": "tow"}


async def test_same_key_and_body_answers_like_the_first_time(stand) -> None:
    first = await stand.office.create_rescue(RESCUE, "same")
    stand.clock.forward(minutes=5)
    assert await stand.office.create_rescue(RESCUE, "same") == first
    assert len(await stand.rows("SELECT 1 FROM backoffice.service_requests")) == 1


async def test_the_order_of_names_does_not_make_another_body(stand) -> None:
    first = await stand.office.create_rescue(RESCUE, "same")
    assert await stand.office.create_rescue(dict(reversed(RESCUE.items())), "same") == first


async def test_another_body_under_the_key_is_a_conflict(stand) -> None:
    await stand.office.create_rescue(RESCUE, "same")
    with pytest.raises(Conflict):
        await stand.office.create_rescue({**RESCUE, "place": "别处"}, "same")


async def test_the_same_key_on_another_resource_is_a_conflict(stand) -> None:
    await stand.office.create_rescue(RESCUE, "same")
    with pytest.raises(Conflict):
        await stand.office.create_complaint({"text": "态度差"}, "same")


async def test_many_equal_requests_at_once_make_one_row(stand) -> None:
    answers = await asyncio.gather(*(stand.office.create_rescue(RESCUE, "race") for _ in range(8)))
    assert {answer["rescue_no"] for answer in answers} == {answers[0]["rescue_no"]}
    assert len(await stand.rows("SELECT 1 FROM backoffice.service_requests")) == 1


async def test_different_bodies_at_once_under_one_key_let_one_win(stand) -> None:
    bodies = [{**RESCUE, "place": f"地点{n}"} for n in range(4)]
    answers = await asyncio.gather(*(stand.office.create_rescue(b, "race") for b in bodies), return_exceptions=True)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 3
    assert len(await stand.rows("SELECT 1 FROM backoffice.service_requests")) == 1


async def test_a_refused_request_leaves_its_key_free(stand) -> None:
    past = {"kind": "callback", "at": "2020-01-01T10:00", "phone": "13800000001"}
    with pytest.raises(InputRefused):
        await stand.office.create_appointment(past, "again")
    later = (stand.clock.now.date()).replace(year=stand.clock.now.year + 1).isoformat()
    assert (await stand.office.create_appointment({**past, "at": later}, "again"))["status"] == "booked"


async def test_a_write_without_key_is_refused(stand) -> None:
    answer = await stand.http.post("/rescues", json=RESCUE)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "idempotency_key_missing"
