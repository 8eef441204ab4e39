"""Who may see what: token, someone else's objects, lists, sizes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from chebao.errors import NotFound
from tests.contract.backoffice.office_flows import apply, quote, report

pytestmark = pytest.mark.asyncio

RESOURCES = [
    "customers",
    "vehicles",
    "policies",
    "quotes",
    "applications",
    "claims",
    "endorsements",
    "surrenders",
    "appointments",
    "rescues",
    "invoices",
    "complaints",
]


@pytest.mark.parametrize("resource", RESOURCES)
async def test_every_resource_needs_the_token(stand, resource: str) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic demo"}):
        answer = await stand.http.get(f"/{resource}", headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()["error"]) >= {"code", "message", "detail"}
    assert (await stand.http.get(f"/{resource}?nonsense=1")).status_code == 200


async def test_openapi_and_docs_are_served_under_the_mount(stand) -> None:
    document = (await stand.http.get("/openapi.json")).json()
    assert {"/codes", "/applications", "/claims", "/policies/{policy_no}"} <= set(document["paths"])
    assert "/backoffice/v1/openapi.json" in (await stand.http.get("/docs")).text


async def _errors_of_unknown_and_foreign(call, unknown: str, foreign: str) -> list[tuple[str, str, dict]]:
    told = []
    for number in (unknown, foreign):
        with pytest.raises(NotFound) as caught:
            await call(number)
        told.append((caught.value.code, caught.value.message, caught.value.detail))
    return told


async def test_unknown_and_someone_elses_look_the_same(stand) -> None:
    office = stand.office
    quoted = await quote(stand)
    applied = await apply(stand, quoted)
    cases = [
        (lambda no: office.policy(no, as_customer="C001"), "P99999999", "P20260003"),
        (lambda no: office.claim(no, as_customer="C001"), "CL2099000001", "CL2026000102"),
        (lambda no: office.application(no, as_customer="C002"), "A2099000001", applied["application_no"]),
        (lambda no: office.quote(no, as_customer="C002"), "Q2099000001", quoted["quote_no"]),
        (lambda no: office.surrender_estimate(no, as_customer="C001"), "P99999999", "P20260004"),
        (lambda no: office.dispute_claim(no, "不同意", "k1", as_customer="C001"), "CL2099000001", "CL2026000101"),
        (lambda no: office.renewal_options(plate=no, as_customer="C001"), "京Z00000", "沪AD12345"),
        (lambda no: office.platform_lookup(no, customer_id="C001"), "京Z00000", "沪AD12345"),
        (lambda no: office.platform_lookup(no, owner_name="王建国"), "京Z00000", "沪AD12345"),
        (lambda no: office.send_code(plate=no, id_last4="0013", key="k2"), "京Z00000", "沪AD12345"),
        (
            lambda no: office.create_invoice(
                {"policy_no": no, "title": "个人", "email": "a@b.cn", "customer_id": "C001"}, "k3"
            ),
            "P99999999",
            "P20260003",
        ),
        (
            lambda no: office.create_endorsement({"plate": no, "type": "phone", "customer_id": "C001"}, "k4"),
            "京Z00000",
            "沪AD12345",
        ),
    ]
    for call, unknown, foreign in cases:
        first, second = await _errors_of_unknown_and_foreign(call, unknown, foreign)
        assert first == second


async def test_lists_hold_only_the_customers_own(stand) -> None:
    await stand.office.create_claim(report(occurred_at=stand.clock.now.isoformat()), stand.key())
    assert {row["customer_id"] for row in await stand.office.policies(as_customer="C002")} == {"C002"}
    assert {row["plate"] for row in await stand.office.claims(as_customer="C001")} == {"京A12345"}
    assert await stand.office.claims(as_customer="C001", plate="沪AD12345") == []
    for resource in RESOURCES:
        items = await stand.office.list_rows(resource, as_customer="C404")
        assert items == [], resource


async def test_lists_filter_ignore_what_they_do_not_know_and_start_with_the_newest(stand) -> None:
    for number in range(3):
        stand.clock.forward(seconds=1)
        await stand.office.create_rescue({"plate": "京·A 12345", "place": f"地点{number}"}, stand.key())
    rows = await stand.office.list_rows("rescues", plate="京A12345", colour="red")
    assert [row["place"] for row in rows] == ["地点2", "地点1", "地点0"]
    assert [row["policy_no"] for row in await stand.office.list_rows("policies", phone="13800000004")] == ["P20260007"]
    assert len(await stand.office.list_rows("claims", policy_no="P20260003")) == 1
    assert len(await stand.office.list_rows("claims", claim_no="CL2026000103")) == 1
    assert await stand.office.list_rows("claims", status="withdrawn") == []


async def test_a_page_holds_at_least_fifty_and_never_more_than_the_cap(stand) -> None:
    await stand.rows(
        "INSERT INTO backoffice.service_requests (no, resource, status, created_at) "
        "SELECT 'RS' || n, 'rescues', 'dispatched', now() FROM generate_series(1, 260) n"
    )
    sizes = {
        query: len((await stand.http.get(f"/rescues{query}")).json()["items"])
        for query in ("", "?page_size=5", "?page_size=100000", "?page=6")
    }
    assert sizes == {"": 50, "?page_size=5": 50, "?page_size=100000": 200, "?page=6": 10}


async def test_rows_do_not_change_by_themselves(stand) -> None:
    await apply(stand, await quote(stand))
    await stand.office.create_claim(report(occurred_at=stand.clock.now.isoformat()), stand.key())
    before = {name: await stand.office.list_rows(name) for name in RESOURCES}
    stand.clock.forward(days=3)
    assert {name: await stand.office.list_rows(name) for name in RESOURCES} == before


async def test_a_large_body_is_refused_and_a_bug_shows_nothing(stand, caplog, monkeypatch) -> None:
    answer = await stand.http.post("/complaints", json={"text": "x" * 300_000}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 413

    async def broken(*_: object) -> None:
        raise ValueError("13800000001")

    monkeypatch.setattr("chebao.backoffice.reference.services.create_rescue", broken)
    with caplog.at_level(logging.DEBUG):
        answer = await stand.http.post(
            "/rescues", json={"place": "京A12345", "phone": "13800000001"}, headers={"Idempotency-Key": "k"}
        )
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "13800000001" not in caplog.text + answer.text


async def test_refused_input_is_not_echoed(stand) -> None:
    answer = await stand.http.post(
        "/invoices", json={"policy_no": ["110101198503070013"]}, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["kind"] == "input_refused"
    assert "110101198503070013" not in answer.text


async def test_money_is_never_a_float(stand) -> None:
    await apply(stand, await quote(stand))
    answers = await asyncio.gather(
        *(stand.http.get(f"/{name}") for name in RESOURCES), stand.http.get("/renewals?plate=京A12345")
    )

    def floats(value: object) -> list[float]:
        if isinstance(value, dict):
            return [found for item in value.values() for found in floats(item)]
        if isinstance(value, list):
            return [found for item in value for found in floats(item)]
        return [value] if isinstance(value, float) else []

    for answer in answers:
        assert floats(answer.json()) == []
        assert answer.json()
