"""The small services and the demo data."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import inspect

from chebao.backoffice.reference import tables
from chebao.errors import InputRefused, RuleForbids
from chebao.insurance.dates import SHANGHAI
from tests.contract.backoffice.office_flows import apply, quote, report

pytestmark = pytest.mark.asyncio


async def test_a_surrender_returns_what_the_formula_says_once(stand) -> None:
    estimate = await stand.office.surrender_estimate("P20260009", as_customer="C005")
    assert estimate["allowed"] is True
    assert Decimal(estimate["refund"]) == (Decimal("2105.00") * 265 / 365).quantize(Decimal("0.01"))
    row = await stand.office.create_surrender("P20260009", "车卖了", stand.key(), as_customer="C005")
    assert (row["refund"], row["status"], row["customer_id"]) == (estimate["refund"], "submitted", "C005")
    with pytest.raises(RuleForbids) as caught:
        await stand.office.create_surrender("P20260009", "车卖了", stand.key(), as_customer="C005")
    assert caught.value.detail == {"surrender_no": row["surrender_no"]}


async def test_compulsory_cover_cannot_be_given_up_at_will(stand) -> None:
    estimate = await stand.office.surrender_estimate("P20260008", as_customer="C005")
    assert (estimate["allowed"], estimate["refund"]) == (False, "0.00")
    with pytest.raises(RuleForbids):
        await stand.office.create_surrender("P20260008", "不想要了", stand.key(), as_customer="C005")
    assert (await stand.office.create_surrender("P20260008", "stolen", stand.key(), as_customer="C005"))["surrender_no"]


async def test_endorsement_by_plate_names_the_commercial_policy(stand) -> None:
    row = await stand.office.create_endorsement(
        {"plate": "京A12345", "type": "add_cover", "new_value": "划痕险5000", "customer_id": "C001", "reference": "c"},
        stand.key(),
    )
    assert (row["policy_no"], row["status"], row["type"]) == ("P20260002", "submitted", "add_cover")
    assert await stand.office.list_rows("endorsements", as_customer="C001") == [row]


async def test_an_invoice_is_over_premium_and_collected_tax(stand) -> None:
    row = await stand.office.create_invoice(
        {"policy_no": "P20260001", "title": "王建国", "tax_no": None, "email": "a@example.com", "customer_id": "C001"},
        stand.key(),
    )
    assert (row["amount"], row["plate"]) == ("917.50", "京A12345")
    with pytest.raises(InputRefused):
        await stand.office.create_invoice({"policy_no": "P20260001", "title": "x", "email": "nowhere"}, stand.key())


async def test_a_rescue_and_an_appointment(stand) -> None:
    row = await stand.office.create_rescue({"plate": None, "phone": "13712345678", "place": "京港澳高速"}, stand.key())
    assert row["rescue_no"].startswith("RS")
    assert row["eta"]
    assert row["hotline"]
    tomorrow = (stand.clock.now + timedelta(days=1)).astimezone(SHANGHAI).replace(microsecond=0).isoformat()
    row = await stand.office.create_appointment({"kind": "branch", "city": "北京市", "at": tomorrow}, stand.key())
    assert (row["status"], row["at"]) == ("booked", tomorrow)
    with pytest.raises(RuleForbids):
        await stand.office.create_appointment({"kind": "branch", "city": "拉萨", "at": tomorrow}, stand.key())
    with pytest.raises(InputRefused):
        await stand.office.create_appointment({"kind": "callback", "at": "2020-01-01T10:00"}, stand.key())


@pytest.mark.parametrize(
    ("text", "told", "level", "hours", "days"),
    [
        ("接待的人态度不好", None, 1, 24, 15),
        ("定损金额少赔了，拖了半个月", 1, 2, 48, 30),
        ("我要向金融监管局投诉", 1, 3, 0, 30),
        ("接待的人态度不好", 3, 3, 0, 30),
    ],
)
async def test_a_complaint_has_level_and_due_dates(stand, text: str, told, level: int, hours: int, days: int) -> None:
    row = await stand.office.create_complaint({"text": text, "level": told, "phone": "13712345678"}, stand.key())
    assert (row["level"], row["status"]) == (level, "received")
    now = stand.clock.now.astimezone(SHANGHAI)
    assert row["respond_by"] == (now + timedelta(hours=hours)).isoformat(timespec="seconds")
    assert row["decide_by"] == (now.date() + timedelta(days=days)).isoformat()


async def test_reset_puts_everything_back_quickly_and_forgets_answers(stand) -> None:
    fresh = {name: await stand.office.list_rows(name) for name in ("customers", "vehicles", "policies", "claims")}
    await apply(stand, await quote(stand))
    claim = await stand.office.create_claim(report(occurred_at=stand.clock.now.isoformat()), "claim")
    for _ in range(5):
        sent = await stand.office.send_code(phone="13800000001", key=stand.key())
        with pytest.raises(Exception, match="验证"):
            await stand.office.verify_code(sent["challenge_id"], "1")
    began = time.perf_counter()
    assert (await stand.http.post("/demo/reset")).status_code == 200
    assert time.perf_counter() - began < 0.3
    assert {name: await stand.office.list_rows(name) for name in fresh} == fresh
    assert await stand.office.list_rows("applications") == []
    assert await stand.rows("SELECT 1 FROM backoffice.idempotency") == []
    sent = await stand.office.send_code(phone="13800000001", key="code")
    assert (await stand.office.verify_code(sent["challenge_id"], "246810"))["customer_id"] == "C001"
    again = await stand.office.create_claim(report(occurred_at=stand.clock.now.isoformat()), "claim")
    assert again["claim_no"] != claim["claim_no"]


async def test_new_numbers_never_meet_those_of_the_demo_data(stand) -> None:
    taken = {row["claim_no"] for row in await stand.office.claims()} | {
        row["policy_no"] for row in await stand.office.policies()
    }
    row = await apply(stand, await quote(stand))
    await stand.http.post(row["pay_url"])
    await stand.office.create_claim(report(occurred_at=stand.clock.now.isoformat()), stand.key())
    rows = [*(await stand.office.claims()), *(await stand.office.policies())]
    numbers = [row.get("claim_no") or row["policy_no"] for row in rows]
    assert len(numbers) == len(set(numbers)) == len(taken) + 3


async def test_demo_data_load_once_at_the_start_and_only_in_demo_mode(make_stand, stand) -> None:
    await stand.office.create_rescue({"place": "某处"}, stand.key())
    async with stand.app.router.lifespan_context(stand.app):
        assert len(await stand.office.list_rows("rescues")) == 1
    secrets = dict.fromkeys(("chat_key", "backoffice_token", "desk_key", "events_secret", "session_secret"), "s" * 20)
    real = await make_stand(mode="production", **secrets)
    assert (await real.http.post("/demo/reset")).status_code == 404
    await stand.rows("DELETE FROM backoffice.claims")
    await stand.rows("DELETE FROM backoffice.policies")
    await stand.rows("DELETE FROM backoffice.vehicles")
    await stand.rows("DELETE FROM backoffice.customers")
    async with real.app.router.lifespan_context(real.app):
        assert await real.office.customers() == []
    async with stand.app.router.lifespan_context(stand.app):
        assert len(await stand.office.customers()) == 6


async def test_the_migration_makes_exactly_the_tables_of_the_code(stand) -> None:
    def differences(connection) -> list[str]:
        found, database = [], inspect(connection)
        assert set(database.get_table_names("backoffice")) == {t.name for t in tables.metadata.sorted_tables}
        for table in tables.metadata.sorted_tables:
            columns = {c["name"]: c for c in database.get_columns(table.name, "backoffice")}
            wanted = {c.name: (str(c.type), c.nullable) for c in table.columns}
            made = {name: (str(c["type"]), c["nullable"]) for name, c in columns.items()}

            def normal(kinds: dict[str, tuple[str, bool]]) -> dict[str, tuple[str, bool]]:
                return {n: (t.replace("DATETIME", "TIMESTAMP"), nullable) for n, (t, nullable) in kinds.items()}

            if normal(wanted) != normal(made):
                found.append(f"{table.name}: {normal(wanted)} / {normal(made)}")
            if {i.name for i in table.indexes} - {i["name"] for i in database.get_indexes(table.name, "backoffice")}:
                found.append(f"{table.name}: indexes")
        return found

    async with stand.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
