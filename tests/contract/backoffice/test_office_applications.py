"""The life of an application: superseding, payment, policies, events, and parts that do not wait for each other."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from chebao.backoffice.reference.events import Delivery
from chebao.errors import NotFound, RuleForbids
from tests.contract.backoffice.office_flows import ACKNOWLEDGED, apply, quote

pytestmark = pytest.mark.asyncio


async def pay(stand, row):
    return await stand.http.post(row["pay_url"])


async def test_a_renewal_is_paid_and_issued_with_new_numbers(stand) -> None:
    quoted = await quote(stand)
    row = await apply(stand, quoted)
    assert row["status"] == "awaiting_payment"
    assert row["total"] == quoted["total"]
    assert row["pay_url"].startswith("http://office.test/backoffice/v1/cashier/")
    page = await stand.http.get(row["pay_url"], headers={"Authorization": ""})
    assert "确认支付（演示）" in page.text
    assert f"{Decimal(row['total']):,.2f} 元" in page.text
    assert "王*" in page.text
    assert "王建国" not in page.text
    assert "京A12345" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert (await pay(stand, row)).status_code == 303
    after = await stand.office.application(row["application_no"], as_customer="C001")
    assert after["status"] == after["compulsory"]["status"] == after["commercial"]["status"] == "issued"
    numbers = {after["compulsory"]["policy_no"], after["commercial"]["policy_no"]}
    assert len(numbers) == 2
    issued = {p["policy_no"]: p for p in await stand.office.policies(plate="京A12345") if p["policy_no"] in numbers}
    assert issued[after["compulsory"]["policy_no"]]["premium"] == quoted["compulsory"]["premium"]
    assert issued[after["commercial"]["policy_no"]]["covers"] == quoted["covers"]
    assert {p["start"] for p in issued.values()} == {quoted["start"]}
    assert [step["status"] for step in after["history_of_status"]] == [
        "submitted", "underwriting", "awaiting_payment", "paid", "issued",
    ]  # fmt: skip


async def test_paying_twice_even_at_once_issues_once(stand) -> None:
    row = await apply(stand, await quote(stand))
    answers = await asyncio.gather(*(pay(stand, row) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(await stand.rows("SELECT 1 FROM backoffice.policies WHERE application_no IS NOT NULL")) == 2
    page = await stand.http.get(row["pay_url"])
    assert "已支付" in page.text
    assert "确认支付" not in page.text


async def test_events_are_signed_in_order_and_sent_again_until_taken(stand) -> None:
    row = await apply(stand, await quote(stand))
    await pay(stand, row)
    stand.hub.refuse = 2
    for _ in range(6):
        await stand.deliver()
        stand.clock.forward(seconds=5)
    told = [json.loads(request.content) for request in stand.hub.taken]
    assert [event["type"] for event in told] == ["application_paid", "application_issued"]
    assert len(stand.hub.calls) == 4
    assert len({bytes(request.content) for request in stand.hub.calls[:3]}) == 1
    request = stand.hub.taken[-1]
    expected = "sha256=" + hmac.new(b"demo", request.content, hashlib.sha256).hexdigest()
    assert request.headers["X-Chebao-Signature"] == expected
    assert request.url.path == "/api/backoffice/events"
    event = told[1]
    assert event["reference"] == "conversation-1"
    after = await stand.office.application(row["application_no"])
    for part in ("compulsory", "commercial"):
        assert event["data"][part]["policy_no"] == after[part]["policy_no"]
    assert {"name": "第三者责任险", "sum": "200万元"} in event["data"]["commercial"]["covers"]
    assert await stand.deliver() == 0


async def test_an_event_waits_for_its_own_reference_only(stand) -> None:
    first = await apply(stand, await quote(stand), reference="slow")
    await pay(stand, first)
    second = await apply(stand, await quote(stand, "粤B88K66"), reference="quick")
    await pay(stand, second)
    stand.hub.refuse = 1
    await stand.deliver()
    assert [json.loads(request.content)["reference"] for request in stand.hub.taken] == ["quick"]


async def test_an_unpaid_or_rolled_back_payment_leaves_no_event(stand) -> None:
    row = await apply(stand, await quote(stand))
    stand.clock.forward(hours=25)
    answer = await pay(stand, row)
    assert answer.status_code == 409
    assert "过期" in answer.text
    assert await stand.rows("SELECT 1 FROM backoffice.outbox") == []
    assert (await stand.office.application(row["application_no"]))["status"] == "awaiting_payment"


async def test_the_background_task_delivers_by_itself(stand) -> None:
    delivery = Delivery(stand.app.state.office, httpx.MockTransport(stand.hub))
    delivery.start()
    try:
        await pay(stand, await apply(stand, await quote(stand)))
        for _ in range(100):
            if len(stand.hub.taken) == 2:
                break
            await asyncio.sleep(0.05)
    finally:
        await delivery.stop()
    assert len(stand.hub.taken) == 2


async def test_starting_again_supersedes_the_unfinished_one(stand) -> None:
    old = await apply(stand, await quote(stand))
    new = await apply(stand, await quote(stand, covers={"third_party": 2000000}))
    assert (await stand.office.application(old["application_no"]))["status"] == "superseded"
    assert [row["status"] for row in await stand.office.applications(plate="京A12345")] == [
        "awaiting_payment",
        "superseded",
    ]
    assert (await pay(stand, old)).status_code == 409
    assert (await pay(stand, new)).status_code == 303


async def test_two_starts_at_once_leave_one_unfinished(stand) -> None:
    quotes = [await quote(stand) for _ in range(3)]
    await asyncio.gather(*(apply(stand, one) for one in quotes))
    states = [row["status"] for row in await stand.office.applications(plate="京A12345")]
    assert sorted(states) == ["awaiting_payment", "superseded", "superseded"]


async def test_an_inspection_never_holds_up_the_compulsory_part(stand) -> None:
    quoted = await quote(stand, "川A6T88P", plan="standard")
    row = await apply(stand, quoted)
    assert row["status"] == row["commercial"]["status"] == "inspection_required"
    assert row["compulsory"]["status"] == "awaiting_payment"
    assert row["inspection"]["status"] == "required"
    assert row["referred_reasons"]
    assert row["total"] == row["payable"]
    assert "商业险" not in [line["name"] for line in row["payment_lines"]]
    assert (await pay(stand, row)).status_code == 303
    after = await stand.office.application(row["application_no"])
    assert after["compulsory"]["status"] == "issued"
    assert (after["status"], after["commercial"]["policy_no"]) == ("inspection_required", None)
    assert [p["kind"] for p in await stand.office.policies(plate="川A6T88P")] == ["compulsory", "compulsory"]

    path = f"/applications/{row['application_no']}/commercial-decision"
    decided = await stand.http.post(path, json={"result": "approved"}, headers={"Idempotency-Key": stand.key()})
    assert decided.json()["commercial"]["status"] == "awaiting_payment"
    assert decided.json()["payable"] == quoted["commercial"]["premium"]
    assert (await pay(stand, row)).status_code == 303
    after = await stand.office.application(row["application_no"])
    assert after["status"] == after["commercial"]["status"] == "issued"
    for _ in range(5):
        await stand.deliver()
    issued = [json.loads(r.content)["data"] for r in stand.hub.taken if b"application_issued" in r.content]
    assert issued[0]["compulsory"]["policy_no"]
    assert issued[0]["commercial"]["policy_no"] is None
    assert "compulsory" not in issued[1]
    assert issued[1]["commercial"]["policy_no"]


async def test_a_declined_commercial_part_leaves_the_compulsory_one(stand) -> None:
    row = await apply(stand, await quote(stand, disclosure={"modified": True, "modification_text": "降低车身"}))
    assert row["status"] == "referred"
    path = f"/applications/{row['application_no']}/commercial-decision"
    answer = await stand.http.post(
        path, json={"result": "declined", "reason": "改装影响安全"}, headers={"Idempotency-Key": "d"}
    )
    assert (answer.json()["status"], answer.json()["commercial"]["status"]) == ("awaiting_payment", "declined")
    assert (await pay(stand, row)).status_code == 303
    after = await stand.office.application(row["application_no"])
    assert (after["status"], after["commercial"]["reasons"]) == ("issued", ["改装影响安全"])
    again = await stand.http.post(path, json={"result": "approved"}, headers={"Idempotency-Key": "e"})
    assert again.status_code == 422


async def test_missing_documents_block_nothing(stand) -> None:
    photo = {"id": "upload-7", "name": "车架号照片"}
    row = await apply(stand, await quote(stand), documents_missing=["车架号"], documents=[photo])
    assert row["documents"] == [photo]
    assert (row["status"], row["documents_missing"]) == ("awaiting_payment", ["车架号"])


async def test_cover_is_never_sold_twice(stand) -> None:
    first, second = await quote(stand), await quote(stand)
    await pay(stand, await apply(stand, first))
    with pytest.raises(RuleForbids) as caught:
        await apply(stand, second)
    assert caught.value.code in ("overlap", "too_early")


async def test_what_stops_an_application(stand) -> None:
    quoted = await quote(stand)
    for change, code in (
        ({"clauses_acknowledged": None}, "clauses_not_acknowledged"),
        ({"policyholder": {"name": "王建国", "phone": "13800000001"}}, "policyholder_unknown"),
    ):
        with pytest.raises(RuleForbids) as caught:
            await apply(stand, quoted, **change)
        assert caught.value.code == code
    with pytest.raises(NotFound):
        await apply(stand, quoted, policyholder={"name": "李敏", "phone": "13800000002", "customer_id": "C002"})
    stand.clock.forward(days=4)
    with pytest.raises(RuleForbids) as caught:
        await apply(stand, quoted)
    assert caught.value.code == "quote_expired"
    assert await stand.office.applications() == []


async def test_a_new_customer_buys_for_a_platform_car(stand) -> None:
    made = await stand.office.upsert_customer("孙浩然", "330106199203145017", "13700000088", "杭州", stand.key())
    body = {"plate": "浙A3K9P7", "city": "杭州", "price": "128000", "plan": "standard", "customer_id": made["id"]}
    quoted = await stand.office.create_quote(body, stand.key())
    application = {
        "kind": "new_policy", "quote_no": quoted["quote_no"], "clauses_acknowledged": ACKNOWLEDGED, "reference": "c",
        "policyholder": {"name": "孙浩然", "phone": "13700000088", "customer_id": made["id"]},
    }  # fmt: skip
    row = await stand.office.create_application(application, stand.key())
    assert (await pay(stand, row)).status_code == 303
    assert [v["plate"] for v in await stand.office.vehicles(customer_id=made["id"])] == ["浙A3K9P7"]
    [commercial] = [p for p in await stand.office.policies(as_customer=made["id"]) if p["kind"] == "commercial"]
    assert commercial["insured_years"] == 4


async def test_an_immediate_start_is_the_minute_of_payment_and_a_late_payment_moves_the_start(stand) -> None:
    row = await apply(stand, await quote(stand, "川A6T88P", start="immediate"))
    stand.clock.forward(hours=3)
    await pay(stand, row)
    [policy] = [p for p in await stand.office.policies(plate="川A6T88P") if p["application_no"]]
    started = await stand.rows(
        "SELECT starts_at FROM backoffice.policies WHERE policy_no = :no", no=policy["policy_no"]
    )
    assert timedelta(0) < started[0]["starts_at"] - stand.clock.now <= timedelta(minutes=1)

    row = await apply(stand, await quote(stand, "粤B88K66"))
    stand.clock.forward(days=2, hours=20)
    await stand.office.resend_payment(row["application_no"], stand.key(), as_customer="C003")
    fresh = await stand.office.application(row["application_no"])
    assert fresh["pay_url"] != row["pay_url"]
    assert (await stand.http.get(row["pay_url"])).status_code == 404
    await pay(stand, fresh)
    after = await stand.rows(
        "SELECT min(starts_at) AS at FROM backoffice.policies WHERE application_no = :no", no=row["application_no"]
    )
    assert after[0]["at"] > stand.clock.now


async def test_cancelling(stand) -> None:
    row = await apply(stand, await quote(stand))
    assert (await stand.office.cancel_application(row["application_no"], stand.key(), as_customer="C001"))[
        "status"
    ] == "cancelled"
    assert (await pay(stand, row)).status_code == 409
    paid = await apply(stand, await quote(stand))
    await pay(stand, paid)
    with pytest.raises(RuleForbids):
        await stand.office.cancel_application(paid["application_no"], stand.key())


async def test_the_cashier_escapes_and_is_closed_to_guesses_and_outside_demo(stand, make_stand) -> None:
    row = await apply(stand, await quote(stand))
    await stand.rows("UPDATE backoffice.applications SET application_no = '<b>x</b>'")
    assert "<b>x" not in (await stand.http.get(row["pay_url"])).text
    assert (await stand.http.get("/cashier/guess")).status_code == 404
    assert len(row["pay_url"].rsplit("/", 1)[1]) >= 43
    assert (await stand.http.get("/cashier.css")).headers["content-type"].startswith("text/css")
    secrets = dict.fromkeys(("chat_key", "backoffice_token", "desk_key", "events_secret", "session_secret"), "s" * 20)
    real = await make_stand(mode="production", **secrets)
    assert "确认支付" not in (await real.http.get(row["pay_url"])).text
    assert (await real.http.post(row["pay_url"])).status_code == 409
    assert await real.rows("SELECT 1 FROM backoffice.policies WHERE application_no IS NOT NULL") == []
