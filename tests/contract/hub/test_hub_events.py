"""Back-office events: signed, said once, in the conversation that started the business."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from chebao.backoffice.reference.events import Delivery
from chebao.backoffice.reference.work import Office
from chebao.db import make_engine
from chebao.outreach.api import signature_of
from chebao.settings import Settings
from tests.contract.hub.running import Running
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio

ISSUED = {
    "application_no": "A1",
    "plate": "浙A3K9P7",
    "compulsory": {
        "policy_no": "P20260001",
        "start": "2026-11-23T00:00:00+08:00",
        "end": "2027-11-23T00:00:00+08:00",
        "premium": "855.00",
        "covers": [],
    },
    "commercial": {
        "policy_no": "P20260002",
        "start": "2026-11-23T00:00:00+08:00",
        "end": "2027-11-23T00:00:00+08:00",
        "premium": "2100.50",
        "covers": [{"name": "机动车第三者责任保险", "sum": "2000000元"}],
    },
}


async def send(app: Running, event: dict[str, Any], secret: str = "demo") -> tuple[int, dict[str, Any]]:
    body = json.dumps(event, ensure_ascii=False).encode()
    headers = {"X-Chebao-Signature": signature_of(secret, body), "Content-Type": "application/json"}
    answer = await app.http.post("/api/backoffice/events", content=body, headers=headers)
    return answer.status_code, answer.json()


async def test_issued_policies_arrive_by_themselves_once(app: Running, rasa: FakeRasa, sender: str) -> None:
    await app.say(sender, "投保")
    event = {"event_id": f"{sender}-e1", "type": "application_issued", "data": ISSUED}
    event["reference"] = await app.conversation_id(sender)
    assert await send(app, event) == (200, {"said": True})
    assert await send(app, event) == (200, {"said": False})
    told = await app.say(sender, "付好了")
    assert "P20260001" in told[0]["text"] and "P20260002" in told[0]["text"]
    assert "2026年11月23日 0:00" in told[0]["text"] and "浙A3K9P7" in told[0]["text"]
    card = told[0]["custom"]["card"]
    assert card["type"] == "policy" and [i["policy_no"] for i in card["items"]] == ["P20260001", "P20260002"]
    assert card["items"][1]["covers"] == [{"name": "机动车第三者责任保险", "sum": "2000000元"}]
    assert "您打几分" in told[1]["text"] and [r["text"] for r in told[2:]] == ["收到：付好了"]


async def test_an_event_reaches_the_customer_whoever_owns_the_conversation(app: Running, sender: str) -> None:
    await app.say(sender, "投保")
    conversation = await app.conversation_id(sender)
    taken = await app.agent_takes(sender)
    data = {"claim_no": "CL2026000101", "status": "loss_assessed"}
    event = {"event_id": f"{sender}-e1", "type": "claim_status", "reference": conversation, "data": data}
    assert await send(app, event) == (200, {"said": True})
    first, told = await app.texts(sender, "好")
    assert first == taken and "CL2026000101" in told and "定损" in told


async def test_a_commercial_part_under_review_is_said_so(app: Running, sender: str) -> None:
    await app.say(sender, "投保")
    data = ISSUED | {"commercial": {"policy_no": None, "status": "inspection_required"}}
    event = {"event_id": f"{sender}-e1", "type": "application_issued", "data": data}
    await send(app, event | {"reference": await app.conversation_id(sender)})
    (told,) = [m for m in await app.stream(sender) if "P20260001" in m["text"]]
    assert "商业险部分还在审核" in told["text"]


async def test_forged_events_and_unknown_conversations(app: Running, sender: str) -> None:
    event = {"event_id": f"{sender}-e1", "type": "application_issued", "reference": "nobody", "data": ISSUED}
    status, body = await send(app, event, secret="guess")
    assert status == 401 and body["error"]["message"] == "签名不正确。"
    assert await send(app, event) == (200, {"said": False})
    assert (await send(app, {"type": "x"}))[0] == 422
    assert (await send(app, event | {"type": "unheard_of"})) == (200, {"said": False})


async def test_delivery_outlives_an_error_nobody_thought_of(settings: Settings) -> None:
    class Broken(Office):
        tries = 0

        def work(self) -> Any:
            Broken.tries += 1
            raise KeyError("nobody thought of this")

    office = Broken(make_engine(str(settings.database_url)), settings)
    delivery = Delivery(office)
    delivery.start()
    await asyncio.sleep(0.1)
    before = Broken.tries
    office.tell_written()
    await asyncio.sleep(0.1)
    await delivery.stop()
    assert Broken.tries > before > 1
