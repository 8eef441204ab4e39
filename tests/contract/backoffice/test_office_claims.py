"""Claims: always a number, one claim for one event, neutral words, and the staff's way to payment."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import pytest

from chebao.errors import InputRefused, NotFound, RuleForbids
from chebao.insurance.dates import SHANGHAI
from tests.contract.backoffice.office_flows import report

pytestmark = pytest.mark.asyncio


def at(stand, **ago: float) -> str:
    """Local ISO moment some time ago."""
    return (stand.clock.now - timedelta(**ago)).astimezone(SHANGHAI).replace(microsecond=0).isoformat()


async def file(stand, **more):
    return await stand.office.create_claim(report(**{"occurred_at": at(stand, minutes=20), **more}), stand.key())


async def move(stand, claim_no: str, status: str, **more):
    body = {"status": status, **more}
    return await stand.http.post(f"/claims/{claim_no}/status", json=body, headers={"Idempotency-Key": stand.key()})


async def test_a_report_gets_number_policies_and_the_citys_surveyor(stand) -> None:
    row = await file(stand)
    assert re.fullmatch(r"CL\d{10}", row["claim_no"])
    assert (row["policy_no"], row["compulsory_policy_no"]) == ("P20260002", "P20260001")
    assert (row["status"], row["joined"], row["accident_type"]) == ("reported", False, "rear_end")
    assert row["surveyor"] == "孟查勘"
    assert row["surveyor_phone"] == "13900000010"
    assert row["occurred_at"].endswith("+08:00")
    assert row["reported"] == stand.clock.now.astimezone(SHANGHAI).date().isoformat()
    assert row["coverage_notice"] is None
    [stored] = await stand.rows(
        "SELECT plate, occurred_at FROM backoffice.claims WHERE claim_no = :no", no=row["claim_no"]
    )
    assert stored["plate"] == "京A12345"
    assert abs(stored["occurred_at"] - (stand.clock.now - timedelta(minutes=20))) < timedelta(seconds=1)


async def test_an_unknown_car_and_caller_get_a_number_too(stand) -> None:
    row = await file(
        stand, plate="湘A00000", reporter={"name": None, "phone": "13712345678"}, place="某条山路", accident_type=None
    )
    assert row["claim_no"].startswith("CL")
    assert (row["policy_no"], row["customer_id"], row["coverage_notice"]) == (None, None, None)
    assert row["surveyor"] == "值班查勘"
    assert (await file(stand, plate=None, reporter={}))["claim_no"] != row["claim_no"]


@pytest.mark.parametrize(("minutes", "joins"), [(100, True), (119, True), (125, False)])
async def test_a_second_report_within_two_hours_joins_the_open_claim(stand, minutes: int, joins: bool) -> None:
    first = await file(stand, occurred_at=at(stand, minutes=130), place=None)
    again = await file(
        stand, occurred_at=at(stand, minutes=130 - minutes), plate="京A·12345", photos=["up-1"], staff_notes=["改口"]
    )
    assert again["joined"] is joins
    assert (again["claim_no"] == first["claim_no"]) is joins
    if joins:
        assert again["place"] == report()["place"]
        assert len(again["reports"]) == 2
        assert [document["id"] for document in again["documents"]] == ["up-1"]
        assert len(await stand.office.claims(plate="京A12345")) == 1


async def test_where_only_the_day_is_known_the_same_day_joins_and_another_does_not(stand) -> None:
    first = await file(stand, occurred_at=at(stand, days=3)[:10], occurred_precision="day")
    assert (await file(stand, occurred_at=at(stand, days=3)[:10] + "T21:00"))["claim_no"] == first["claim_no"]
    assert (await file(stand, occurred_at=at(stand, days=2)[:10], occurred_precision="day"))["joined"] is False


async def test_a_closed_claim_takes_no_second_report_and_another_car_does_not_join(stand) -> None:
    first = await file(stand)
    await stand.office.withdraw_claim(first["claim_no"], stand.key(), as_customer="C001")
    assert (await file(stand))["joined"] is False
    assert (await file(stand, plate="沪AD12345"))["joined"] is False


async def test_two_reports_at_once_make_one_claim(stand) -> None:
    rows = await asyncio.gather(*(file(stand) for _ in range(4)))
    assert len({row["claim_no"] for row in rows}) == 1
    assert sorted(row["joined"] for row in rows) == [False, True, True, True]


async def test_missing_cover_is_said_neutrally_and_to_the_holder_only(stand) -> None:
    own = {"plate": "浙A66K12", "accident_type": "single_vehicle", "place": "杭州市西湖区"}
    holder = {"name": "刘桂英", "phone": "13800000006", "customer_id": "C006"}
    row = await file(stand, **own, reporter=holder)
    assert "没有车损险" in row["coverage_notice"]
    assert "由理赔员核定" in row["coverage_notice"]
    assert row["claim_no"]
    for stranger in ({"phone": "13712345678"}, {"customer_id": "C001", "phone": "13800000001"}):
        other = await file(stand, **own, reporter=stranger, occurred_at=at(stand, days=9))
        assert other["coverage_notice"] is None
        await stand.office.withdraw_claim(other["claim_no"], stand.key())


async def test_a_lapsed_policy_is_not_named_and_the_number_still_comes(stand) -> None:
    row = await file(stand, plate="川A6T88P", reporter={"customer_id": "C004", "phone": "13800000004"})
    assert row["compulsory_policy_no"] is None
    assert row["customer_id"] == "C004"
    assert "没有查到" in row["coverage_notice"]


async def test_times_to_come_and_unknown_types_are_refused(stand) -> None:
    for change in ({"occurred_at": at(stand, hours=-2)}, {"occurred_at": "昨晚"}, {"accident_type": "meteor"}):
        with pytest.raises(InputRefused):
            await file(stand, **change)
    assert await stand.office.claims(plate="京A12345") == []


async def test_what_staff_note_is_in_no_row(stand) -> None:
    row = await file(stand, staff_notes=["前后说法不一"])
    shown = json.dumps(
        [row, await stand.office.claim(row["claim_no"]), await stand.office.claims()], ensure_ascii=False
    )
    assert "前后说法不一" not in shown
    notes = await stand.http.get(f"/claims/{row['claim_no']}/staff-notes")
    assert notes.json()["notes"] == ["前后说法不一"]


async def test_staff_move_a_claim_to_payment_and_the_conversation_hears_of_each_step(stand) -> None:
    number = (await file(stand))["claim_no"]
    for status, more in (
        ("surveying", {}),
        ("documents_missing", {"missing": ["驾驶证照片"]}),
        ("loss_assessed", {"assessed_amount": "3200.50", "fault": "full"}),
        ("adjudicating", {}),
        ("agreed", {}),
        ("paid", {}),
    ):
        assert (await move(stand, number, status, **more)).status_code == 200
        if status == "documents_missing":
            row = await stand.office.add_claim_documents(number, [{"id": "u1", "name": "驾驶证照片"}], stand.key())
            assert row["missing"] == []
    row = await stand.office.claim(number, as_customer="C001")
    assert (row["status"], row["paid_amount"]) == ("paid", "3200.50")
    today = stand.clock.now.astimezone(SHANGHAI).date().isoformat()
    assert {row[name] for name in ("documents_complete", "decided", "agreed", "paid", "notice_sent")} == {today}
    assert [step["status"] for step in row["history"]] == [
        "reported", "surveying", "documents_missing", "loss_assessed", "adjudicating", "agreed", "paid",
    ]  # fmt: skip
    while await stand.deliver():
        pass
    told = [json.loads(r.content) for r in stand.hub.taken]
    assert [event["type"] for event in told] == ["claim_reported", *["claim_status"] * 6]
    assert [event["data"]["status"] for event in told[1:]] == [s["status"] for s in row["history"][1:]]
    assert (await move(stand, number, "refused", reason="x")).status_code == 422


async def test_a_refusal_needs_its_reason(stand) -> None:
    number = (await file(stand))["claim_no"]
    assert (await move(stand, number, "refused")).status_code == 422
    assert (await move(stand, number, "refused", reason="不属于保险责任")).json()["reason"] == "不属于保险责任"
    with pytest.raises(RuleForbids):
        await stand.office.withdraw_claim(number, stand.key())


async def test_disputes_are_kept_beside_the_status(stand) -> None:
    row = await stand.office.dispute_claim("CL2026000104", "拒赔理由不成立", "d1", as_customer="C002")
    assert (row["status"], row["disputes"][0]["text"]) == ("refused", "拒赔理由不成立")
    with pytest.raises(NotFound):
        await stand.office.dispute_claim("CL2026000104", "拒赔理由不成立", "d2", as_customer="C001")
