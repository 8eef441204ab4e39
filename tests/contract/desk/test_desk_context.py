"""What stands beside a conversation: masked data, policies, claims with clocks, the form, licences; and what the audit keeps."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from PIL import Image
from psycopg.types.json import Jsonb

from chebao.app import build
from chebao.backoffice.reference import create_backoffice
from chebao.conversations.api import HubSettings
from chebao.db import make_engine
from chebao.settings import Settings
from tests.contract.desk.office import until
from tests.contract.desk.site import Person, Site, serve

pytestmark = pytest.mark.asyncio

LI_MIN = {"customer_id": "C002", "phone": "13800000002", "name": "李敏"}
LIU = {"customer_id": "C006", "phone": "13800000006", "name": "刘桂英"}


@pytest_asyncio.fixture
async def insured(settings: Settings, few_articles: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """The app beside a real insurer's core with the demo data."""
    monkeypatch.setattr("chebao.app._ARTICLES", few_articles)
    engine = make_engine(str(settings.database_url))
    office = create_backoffice(engine, settings)
    server = uvicorn.Server(uvicorn.Config(office, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    known = settings.model_copy(update={"backoffice_url": url})
    async with serve(build(known, hub_settings=HubSettings(turn_seconds=2), sweep_every=0.2)) as site:
        yield site
    server.should_exit = True
    await serving
    await engine.dispose()


async def proved(site: Site, conversation: str, who: dict[str, Any]) -> None:
    """The customer proved who he is."""
    until = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    await site.office.rows(
        "UPDATE hub.conversations SET verified = %s WHERE id = %s", Jsonb(who | {"until": until}), conversation
    )
    await site.office.rows(
        "INSERT INTO hub.links (conversation_id, customer_id, phone, linked_at) VALUES (%s, %s, %s, now())",
        conversation, who["customer_id"], who["phone"],
    )  # fmt: skip


async def test_the_right_column_is_masked_and_whole(insured: Site) -> None:
    agent = await insured.person("claims")
    conversation = await insured.served_by(agent, "claims")
    await proved(insured, conversation, LI_MIN)
    answer = await agent.call("GET", f"/conversations/{conversation}")
    shown = answer.json()
    assert shown["customer"] | {"consents": None, "verified_until": None} == {
        "customer_id": "C002", "name": "李*", "phone": "138****0002", "id_card": "3101**********2029", "city": "上海",
        "tier": "vip", "care": False, "vip": True, "consents": None, "verified_until": None,
    }  # fmt: skip
    for secret in ("李敏", "13800000002", "310104199007152029"):
        assert secret not in answer.text
    assert {p["policy_no"]: p["days_left"] for p in shown["policies"]} == {"P20260003": 165, "P20260004": 165}
    assessed = next(c for c in shown["claims"] if c["claim_no"] == "CL2026000101")
    assert assessed["status_label"] == "已定损"
    assert {c["name"] for c in assessed["clocks"]} == {"交强险：核定", "商业险：核定", "商业险：先予支付能确定的部分"}
    assert all(c["legal"] and c["share"] > 0 for c in assessed["clocks"])
    assert shown["missing"] == [] and shown["can"]["say"] and shown["can"]["reveal"] and not shown["can"]["take"]


async def test_customers_of_65_and_over_are_marked_for_care(insured: Site) -> None:
    agent = await insured.person("claims")
    conversation = await insured.served_by(agent, "claims")
    await proved(insured, conversation, LIU)
    assert (await agent.get(f"/conversations/{conversation}"))["customer"]["care"] is True


async def test_a_masked_datum_is_shown_with_a_reason_and_kept_in_the_audit(insured: Site) -> None:
    agent, system = await insured.person("claims"), insured.program()
    conversation = await insured.served_by(agent, "claims")
    await proved(insured, conversation, LI_MIN)
    path = f"/conversations/{conversation}/reveal"
    for field, value in {"phone": "13800000002", "id_card": "310104199007152029", "name": "李敏"}.items():
        body = {"field": field, "reason": "回拨核实事故地点"}
        assert await agent.does(path, body) == {"field": field, "value": value}
    assert (await agent.refused("POST", path, {"field": "phone", "reason": ""}))[0] == 422
    assert (await agent.refused("POST", path, {"field": "password_hash", "reason": "好奇看看"}))[0] == 422
    assert (await system.refused("POST", path, {"field": "phone", "reason": "好奇看看"}))[0] == 403
    kept = await insured.office.rows(
        "SELECT actor, reason, detail FROM desk.audit WHERE conversation_id = %s AND action = 'reveal' ORDER BY id",
        conversation,
    )
    assert [row["detail"]["field"] for row in kept] == ["phone", "id_card", "name"]
    assert {row["actor"] for row in kept} == {agent.id} and {row["reason"] for row in kept} == {"回拨核实事故地点"}


async def test_what_the_core_does_not_give_in_time_is_named_and_the_rest_is_shown(site: Site) -> None:
    agent = await site.person("claims")
    conversation = await site.served_by(agent, "claims")
    await proved(site, conversation, LI_MIN)
    shown = await agent.get(f"/conversations/{conversation}")
    assert set(shown["missing"]) == {"customer", "policies", "claims"}
    assert shown["customer"]["phone"] == "138****0002" and shown["row"]["id"] == conversation


async def test_only_licensed_staff_send_payment_links(insured: Site) -> None:
    agent = await insured.person("renewal")
    conversation = await insured.served_by(agent, "renewal")
    await proved(insured, conversation, LI_MIN)
    body = {"application_no": "A20260000001"}
    path = f"/conversations/{conversation}/payment-link"
    assert await agent.refused("POST", path, body) == (403, "licence_required")
    await insured.office.rows("UPDATE desk.agents SET licence_no = 'L1' WHERE id = %s", agent.id)
    status, code = await agent.refused("POST", path, body)
    assert (status, code) == (404, "not_found")  # licensed now; the customer has no such application


async def test_agents_send_pictures_and_see_those_of_the_customer(site: Site) -> None:
    agent, other = await site.person("claims"), await site.person("renewal")
    conversation = await site.served_by(agent, "claims")
    raw = io.BytesIO()
    Image.effect_noise((640, 480), 90).convert("RGB").save(raw, "JPEG")
    files = {"file": ("<img src=x onerror=alert(1)>.jpg", raw.getvalue(), "image/jpeg")}
    address = f"{agent.base}/api/desk/v1/conversations/{conversation}/uploads"
    kept = (await agent.http.post(address, files=files, headers=agent.headers)).json()
    assert set(kept) == {"id", "content_type", "width", "height", "url", "thumbnail_url"}
    said = await agent.does(
        f"/conversations/{conversation}/messages", {"key": "p1", "text": "请看标红处", "attachments": [kept["id"]]}
    )
    rows = (await agent.get(f"/conversations/{conversation}/messages"))["rows"]
    (picture,) = next(row for row in rows if row["seq"] == said["seq"])["attachments"]
    for url in (picture["url"], picture["thumbnail_url"]):
        answer = await agent.http.get(f"{agent.base}{url}", headers=agent.headers)
        assert answer.headers["content-type"] == "image/jpeg" and Image.open(io.BytesIO(answer.content)).size
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
        refused = await other.http.get(f"{other.base}{url}", headers=other.headers)
        assert refused.status_code == 403
    customer = await site.office.hub.messages_after(conversation, said["seq"] - 1)
    assert customer[0].attachments and customer[0].attachments[0]["url"] == f"/api/web/uploads/{kept['id']}"
    elsewhere = await site.served_by(agent, "claims")
    body = {"key": "p2", "text": "", "attachments": [kept["id"]]}
    assert (await agent.refused("POST", f"/conversations/{elsewhere}/messages", body))[0] == 404


async def running_form(site: Site, conversation: str) -> None:
    slots = {"plate": "沪AD12345", "place": "世纪大道"}
    await site.office.rows(
        "UPDATE desk.episodes SET task = 'report_claim', slots = %s WHERE conversation_id = %s AND ended_at IS NULL",
        Jsonb(slots), conversation,
    )  # fmt: skip


async def test_an_agent_changes_the_running_form_by_words_that_are_checked(site: Site) -> None:
    agent = await site.person("claims")
    conversation = await site.served_by(agent, "claims")
    assert (await agent.get(f"/conversations/{conversation}"))["form"] is None
    await running_form(site, conversation)
    form = (await agent.get(f"/conversations/{conversation}"))["form"]
    fields = {field["name"]: field for field in form["fields"]}
    assert form["task"] == "report_claim" and fields["place"]["words"] == "世纪大道"
    path = f"/conversations/{conversation}/form"
    changed = await agent.does(path, {"place": "上海市浦东新区张杨路500号"}, method="PATCH")
    assert {f["name"]: f["words"] for f in changed["form"]["fields"]}["place"] == "上海市浦东新区张杨路500号"
    answer = await agent.call("PATCH", path, {"place": "上海市浦东新区张杨路501号", "no_such_field": "x"})
    assert answer.status_code == 422 and set(answer.json()["error"]["detail"]) == {"no_such_field"}
    again = (await agent.get(f"/conversations/{conversation}"))["form"]
    assert {f["name"]: f["words"] for f in again["fields"]}["place"] == "上海市浦东新区张杨路500号"


async def test_ready_sentences_and_articles_are_suggested_for_the_last_question(site: Site) -> None:
    agent, lead = await site.person("claims"), await site.person(role="supervisor")
    wanted = {"title": "玻璃险说明", "text": "{客户}，玻璃单独破碎要看有没有投保玻璃险。", "skill": "claims"}
    reply = await lead.does("/canned", wanted)
    conversation = await site.served_by(agent, "claims")
    await site.office.writes(conversation, "玻璃单独破碎赔不赔")
    path = f"/conversations/{conversation}/suggestions"

    async def loaded() -> bool:
        return (await agent.call("GET", path)).status_code != 503

    await until(loaded, within=60)
    rows = (await agent.get(path))["rows"]
    article = rows[0]
    assert (article["kind"], article["topic"]) == ("knowledge", "cover_glass") and article["source"] and article["text"]
    assert [r["title"] for r in rows if r["kind"] == "canned"] == ["玻璃险说明"]
    await lead.does(f"/canned/{reply['id']}", method="DELETE")


async def test_lists_show_what_is_ones_own(site: Site) -> None:
    agent, other, lead = await site.person("claims"), await site.person("renewal"), await site.person(role="supervisor")
    mine, waiting = await site.served_by(agent, "claims"), await site.office.waiting("claims")

    async def ids(person: Person, view: str, q: str = "") -> set[str]:
        rows = (await person.get(f"/conversations?view={view}&q={q}"))["rows"]
        return {row["id"] for row in rows} & {mine, waiting}

    assert await ids(agent, "mine") == {mine} and await ids(agent, "queue") == {waiting}
    assert await ids(other, "open") == set() and await ids(lead, "open") == {mine, waiting}
    await site.office.writes(mine, "我的车牌是沪AD12345")
    assert await ids(lead, "open", q="沪AD12345") == {mine}
    wrapup = {"wrapup": {"outcome": "solved", "category": "理赔咨询", "note": "已说明"}, "survey": False}
    await agent.does(f"/conversations/{mine}/close", wrapup)
    assert await ids(agent, "closed") == {mine} == await ids(lead, "closed") and await ids(other, "closed") == set()
    shown = await agent.get(f"/conversations/{mine}")
    assert shown["row"]["owner"] == "closed" and shown["episode"]["wrapup"]["category"] == "理赔咨询"
    assert not any(shown["can"][name] for name in ("say", "take", "hold", "return", "close"))
