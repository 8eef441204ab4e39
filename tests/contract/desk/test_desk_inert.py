"""What customers smuggle in reaches the desk as words: JSON that no browser takes for a page, the words unchanged."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from psycopg.types.json import Jsonb

from tests.contract.desk.hostile import PAYLOADS
from tests.contract.desk.site import Site

pytestmark = pytest.mark.asyncio


@pytest.mark.timeout(240)
async def test_a_hundred_payloads_stay_words(site: Site) -> None:
    agent = await site.person("claims")
    conversation = await site.served_by(agent, "claims")
    for payload in PAYLOADS:
        await site.office.writes(conversation, payload)
    await site.office.rows(
        "UPDATE hub.conversations SET verified = %s WHERE id = %s",
        Jsonb({"name": PAYLOADS[0], "phone": PAYLOADS[1], "customer_id": None, "until": "2099-01-01T00:00:00+00:00"}),
        conversation,
    )
    await site.office.rows(
        "UPDATE desk.episodes SET task = 'report_claim', slots = %s, summary = %s WHERE conversation_id = %s",
        Jsonb({"plate": PAYLOADS[2], "place": PAYLOADS[3]}),
        Jsonb({"wants": PAYLOADS[4], "known": [["车牌", PAYLOADS[5]]], "tried": [PAYLOADS[6]], "open": PAYLOADS[7]}),
        conversation,
    )
    messages = await agent.call("GET", f"/conversations/{conversation}/messages?limit=200")
    assert {row["text"] for row in messages.json()["rows"]} >= {payload.replace("\t", " ") for payload in PAYLOADS} or {
        row["text"] for row in messages.json()["rows"]
    } >= set(PAYLOADS)
    detail = await agent.call("GET", f"/conversations/{conversation}")
    assert detail.json()["episode"]["summary"]["wants"] == PAYLOADS[4]
    state = await agent.call("GET", "/state")
    for answer in (messages, detail, state):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("payload", PAYLOADS[::10])
async def test_a_payload_in_an_address_is_not_told_back(site: Site, payload: str) -> None:
    agent = await site.person("claims")
    for path in (
        "/conversations/{}",
        "/conversations/{}/messages",
        "/tickets/{}",
        "/knowledge/articles/{}",
        "/agents/{}",
    ):
        answer = await agent.call("GET", path.format(quote(payload, safe="")))
        assert answer.status_code >= 400
        assert "__xss" not in answer.text and answer.headers["content-type"] == "application/json"
