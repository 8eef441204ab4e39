"""Estimates, formal quotes, renewals: the figures of the demo cars and what underwriting says of them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from chebao.backoffice import reference
from chebao.errors import InputRefused, NotFound, RuleForbids
from tests.contract.backoffice.office_flows import OWNERS, quote

pytestmark = pytest.mark.asyncio

SEED = yaml.safe_load((Path(reference.__file__).parent / "demo_data.yml").read_text("utf-8"))
FAMILY_CAR = {
    "plate": "浙AZ8888", "city": "杭州", "usage": "family", "model": "大众朗逸 1.5L", "price": "128000",
    "first_registered": "2023-05", "seats": 5, "energy": "fuel",
}  # fmt: skip


@pytest.mark.parametrize("plate", list(SEED["expected"]))
async def test_every_demo_car_is_underwritten_as_expected(stand, plate: str) -> None:
    expected = SEED["expected"][plate]
    plan = {"plan": "standard"} if isinstance(expected, dict) else {"plan": "last_year"}
    if expected == "too_early":
        with pytest.raises(RuleForbids) as caught:
            await quote(stand, plate, **plan)
        assert caught.value.code == "too_early"
        ends = [p["end"] for p in await stand.office.policies(plate=plate)]
        told = caught.value.detail["earliest"]
        days = await stand.rows("SELECT CAST(:a AS date) - CAST(:b AS date) AS days", a=min(ends), b=told)
        assert days == [{"days": 60}]
        options = await stand.office.renewal_options(plate=plate, as_customer=OWNERS[plate][0])
        assert options["too_early"] == {"earliest": told}
        return
    wanted = expected if isinstance(expected, dict) else {"compulsory": expected, "commercial": expected}
    result = (await quote(stand, plate, **plan))["underwriting"]
    assert {part: result[part] for part in wanted} == wanted


async def test_a_declared_unknown_family_car_is_approved_and_marked(stand) -> None:
    body = {**FAMILY_CAR, "customer_id": "C006", "disclosure": {"modification_text": None}, "start": None}
    row = await stand.office.create_quote(body, stand.key())
    assert row["declared"] is True
    assert row["underwriting"]["commercial"] == "approved"
    assert row["commercial"]["ncd"] == "1.0"


async def test_a_quote_never_takes_the_no_claim_grade_from_the_customers_word(stand) -> None:
    history = {"insured_years": 5, "claims_last_3y": 0, "claim_free_years": 5, "previous_end": None}
    quoted = await stand.office.create_quote({**FAMILY_CAR, "customer_id": "C006", "history": history}, stand.key())
    assert quoted["commercial"]["ncd"] == "1.0"
    assert quoted["compulsory"]["accident_factor"] == "1"
    estimated = await stand.office.estimate({**FAMILY_CAR, "history": history})
    assert estimated["plans"][0]["commercial"]["ncd"] == "0.5"


async def test_an_estimate_shows_three_plans_and_stores_nothing(stand) -> None:
    found = await stand.office.estimate({k: v for k, v in FAMILY_CAR.items() if k != "plate"})
    assert [plan["code"] for plan in found["plans"]] == ["basic", "standard", "full"]
    totals = [Decimal(plan["total"]) for plan in found["plans"]]
    assert totals == sorted(totals)
    for plan in found["plans"]:
        parts = (
            Decimal(plan["compulsory"]["premium"])
            + Decimal(plan["commercial"]["premium"])
            + Decimal(plan["vehicle_tax"])
        )
        assert parts == Decimal(plan["total"])
        assert sum(Decimal(line["premium"]) for line in plan["commercial"]["lines"]) == Decimal(
            plan["commercial"]["premium"]
        )
        assert plan["explanation"]
        assert "车损险" in plan["not_covered"] or "vehicle_damage" in plan["covers"]
    assert any("核保" in note for note in found["notes"])
    assert await stand.office.list_rows("quotes") == []


async def test_free_choice_gives_one_plan_and_its_covers_can_be_quoted(stand) -> None:
    covers = {"third_party": 3000000, "vehicle_damage": True, "scratch": False}
    [plan] = (await stand.office.estimate({**FAMILY_CAR, "covers": covers}))["plans"]
    assert plan["code"] == "custom"
    assert set(plan["covers"]) == {"third_party", "vehicle_damage"}
    row = await stand.office.create_quote(
        {**FAMILY_CAR, "customer_id": "C006", "plan": "custom", "covers": plan["covers"]}, stand.key()
    )
    assert (row["plan"], row["total"]) == ("custom", plan["total"])


async def test_a_sum_that_is_not_on_sale_is_explained(stand) -> None:
    with pytest.raises(InputRefused) as caught:
        await stand.office.estimate({**FAMILY_CAR, "covers": {"third_party": 1234567}})
    assert caught.value.code == "not_offered"
    assert "第三者责任险" in caught.value.message


@pytest.mark.parametrize("city", ["拉萨", "乌鲁木齐市"])
async def test_a_city_without_branch_is_refused_before_any_price(stand, city: str) -> None:
    for call in (
        stand.office.estimate({**FAMILY_CAR, "city": city}),
        stand.office.create_quote({**FAMILY_CAR, "city": city}, "k"),
    ):
        with pytest.raises(RuleForbids) as caught:
            await call
        assert caught.value.code == "no_branch"


async def test_the_platform_knows_its_car_and_the_quote_uses_it(stand) -> None:
    found = await stand.office.platform_lookup("浙A·3K9P7", "孙浩然")
    assert found["vehicle"]["vin"] == "LSVND2BR9P2000088"
    assert found["history"]["insured_years"] == 3
    body = {**FAMILY_CAR, "plate": "浙A3K9P7", "seats": 7, "history": {"insured_years": 0}, "plan": "standard"}
    row = await stand.office.create_quote({**body, "customer_id": "C006"}, stand.key())
    assert row["declared"] is False
    assert row["vehicle"]["seats"] == 5
    assert row["commercial"]["ncd"] == "0.6"
    assert row["underwriting"]["commercial"] == "approved"
    with pytest.raises(NotFound):
        await stand.office.platform_lookup("浙A00000")


async def test_a_new_car_without_plate_is_quoted_by_model(stand) -> None:
    body = {
        "city": "杭州",
        "model": "特斯拉Model 3",
        "energy": "electric",
        "first_registered": "2026-11",
        "plan": "full",
    }
    row = await stand.office.create_quote({**body, "customer_id": "C006"}, stand.key())
    assert row["plate"] is None
    assert row["vehicle"]["first_registered"] is None
    assert row["immediate_allowed"] is True
    assert row["commercial"]["product"] == "nev"
    with pytest.raises(InputRefused) as caught:
        await stand.office.estimate({"city": "杭州", "model": "不存在的车"})
    assert caught.value.code == "price_missing"


async def test_renewal_options_price_last_year_and_explain(stand) -> None:
    found = await stand.office.renewal_options(policy_no="P20260006", as_customer="C003")
    assert [plan["code"] for plan in found["plans"]][:2] == ["last_year", "suggested"]
    assert {p["policy_no"]: p["days_left"] for p in found["policies"]} == {"P20260005": 2, "P20260006": 2}
    assert found["lapsed"] is False
    assert found["plans"][0]["commercial"]["ncd"] == "0.7"
    assert set(found["plans"][0]["covers"]) == {"vehicle_damage", "third_party"}
    assert found["changes"]
    assert all(change["reason"] for change in found["changes"])
    assert "200万" in found["suggestions"][0]["text"]
    adjusted = {
        "plate": "粤B88K66", "city": found["city"], "history": found["history"], "last_year_policy_no": "P20260006",
        "covers": found["plans"][0]["covers"],
    }  # fmt: skip
    chosen = await quote(stand, "粤B88K66", plan="suggested", covers=found["plans"][1]["covers"])
    assert (chosen["plan"], chosen["total"]) == ("custom", found["plans"][1]["total"])
    [again] = (await stand.office.estimate(adjusted))["plans"]
    assert again["total"] == found["plans"][0]["total"]


async def test_a_lapsed_compulsory_policy_can_be_renewed_alone(stand) -> None:
    found = await stand.office.renewal_options(plate="川A6T88P", as_customer="C004")
    assert found["lapsed"] is True
    assert found["plans"][0]["covers"] == {}
    row = await quote(stand, "川A6T88P", start="immediate")
    assert row["commercial"] is None
    assert row["underwriting"] == {
        "compulsory": "approved",
        "commercial": None,
        "reasons": [],
        "needs_inspection": False,
    }
    assert row["starts"]["compulsory"]["immediate"] is True


async def test_the_start_never_lies_in_existing_cover(stand) -> None:
    day = (stand.clock.now + timedelta(days=3)).date().isoformat()
    row = await quote(stand, "京A12345", start=day)
    assert row["start"] == row["earliest_start"][:10] == (await stand.office.policy("P20260001"))["end"]
    assert row["start_note"]
    later = (stand.clock.now + timedelta(days=30)).date().isoformat()
    row = await quote(stand, "京A12345", start=later)
    assert (row["start"], row["start_note"]) == (later, None)
    with pytest.raises(RuleForbids):
        await quote(stand, "京A12345", start=(stand.clock.now + timedelta(days=200)).date().isoformat())
    with pytest.raises(InputRefused):
        await quote(stand, "京A12345", start="下周")


async def test_somebody_elses_car_with_us_is_unknown_but_not_insured_twice(stand) -> None:
    body = {**FAMILY_CAR, "plate": "京A12345", "city": "北京", "customer_id": "C002"}
    assert (await stand.office.estimate(body))["declared"] is True
    with pytest.raises(RuleForbids) as caught:
        await stand.office.create_quote(body, stand.key())
    assert caught.value.code == "overlap"
    assert "2026" not in caught.value.message


async def test_ride_hailing_refers_the_commercial_part_only(stand) -> None:
    row = await quote(stand, disclosure={"ride_hailing": True, "modified": False, "loan": False})
    assert row["underwriting"]["compulsory"] == "approved"
    assert row["underwriting"]["commercial"] == "referred"
    assert row["underwriting"]["reasons"]


async def test_a_hire_car_has_prices_of_its_own(stand) -> None:
    [family, *_] = (await stand.office.estimate(FAMILY_CAR))["plans"]
    [hire, *_] = (await stand.office.estimate({**FAMILY_CAR, "usage": "ride_hailing"}))["plans"]
    assert Decimal(hire["compulsory"]["base"]) > Decimal(family["compulsory"]["base"])
    assert Decimal(hire["total"]) > Decimal(family["total"])


async def test_models_are_found_best_first(stand) -> None:
    found = await stand.office.models("朗逸")
    assert found[0]["model"] == "大众朗逸"
    assert {"model", "price", "seats", "energy"} == set(found[0])
    assert await stand.office.models("不存在的车") == []
