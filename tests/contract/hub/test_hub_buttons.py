"""Buttons: tokens out, intents in, and nothing a customer types is ever executed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hub.running import Running
from tests.fakes.rasa import FakeRasa

pytestmark = pytest.mark.asyncio

PLANS = [
    {"title": "基础方案", "payload": '/inform{"plan": "basic"}'},
    {"title": "标准方案", "payload": '/inform{"plan": "standard"}'},
]
CARD = {"type": "plans", "plans": [{"name": "全面方案", "payload": '/inform{"plan": "full"}'}]}


def offering(body: dict[str, Any]) -> list[dict[str, Any]]:
    if "intent" in body:
        return [{"text": f"选了 {body['entities'].get('plan')}"}]
    return [{"text": "请选择", "buttons": PLANS, "custom": {"card": CARD}}]


async def offered(app: Running, sender: str) -> dict[str, Any]:
    return (await app.say(sender, "报价"))[-1]


async def test_a_token_is_mapped_back_to_intent_and_entities(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = offering
    reply = await offered(app, sender)
    assert [b["title"] for b in reply["buttons"]] == ["基础方案", "标准方案"]
    tokens = [b["payload"] for b in reply["buttons"]] + [reply["custom"]["card"]["plans"][0]["payload"]]
    assert "inform" not in str(reply) and len(set(tokens)) == 3
    for token, plan in zip(tokens, ("basic", "standard", "full"), strict=True):
        assert await app.texts(sender, token) == [f"选了 {plan}"]
        assert rasa.turns[-1]["intent"] == "inform" and rasa.turns[-1]["entities"] == {"plan": plan}
    assert [m["text"] for m in await app.stream(sender) if m["from"] == "customer"][1:] == [
        "基础方案",
        "标准方案",
        "全面方案",
    ]


@pytest.mark.parametrize(
    ("typed", "plan"), [("标准方案", "standard"), ("2", "standard"), ("第二个", "standard"), ("选1", "basic")]
)
async def test_typing_a_title_or_its_number_counts_as_pressing(
    app: Running, rasa: FakeRasa, sender: str, typed: str, plan: str
) -> None:
    rasa.script = offering
    await offered(app, sender)
    assert await app.texts(sender, typed) == [f"选了 {plan}"]


async def test_only_the_newest_offer_can_be_typed(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = offering
    await offered(app, sender)
    rasa.script = lambda body: [{"text": f"听到 {body['text']}"}]
    await app.say(sender, "先问一句")
    assert await app.texts(sender, "2") == ["听到 2"]
    assert rasa.turns[1]["metadata"]["buttons"][0] == PLANS[0] and rasa.turns[2]["metadata"]["buttons"] == []


async def test_foreign_and_invented_tokens_get_a_polite_line(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = offering
    token = (await offered(app, sender))["buttons"][0]["payload"]
    other = f"{sender}-other"
    await app.say(other, "你好")
    asked = len(rasa.asked)
    for wrong in (token, token[:-1] + ("A" if token[-1] != "A" else "B"), "~3.9.aaaaaaaaaaaaaaaa"):
        assert "失效" in (await app.texts(other, wrong))[-1]
    assert len(rasa.asked) == asked


async def test_a_typed_payload_stays_text(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = offering
    await offered(app, sender)
    assert await app.texts(sender, PLANS[0]["payload"]) != ["选了 basic"]
    assert "intent" not in rasa.turns[-1]


async def test_an_old_button_never_takes_a_conversation_from_an_agent(
    app: Running, rasa: FakeRasa, sender: str
) -> None:
    rasa.script = offering
    token = (await offered(app, sender))["buttons"][0]["payload"]
    taken = await app.agent_takes(sender)
    assert await app.texts(sender, token) == [taken] and (await app.state(sender))["owner"] == "agent"
    assert len(rasa.asked) == 1


async def test_a_notice_does_not_take_the_place_of_the_choice(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.script = lambda body: [{"text": "哪一个？", "buttons": PLANS}]
    await app.say(sender, "报价")
    rasa.errors = 2
    assert "抱歉" in (await app.texts(sender, "嗯"))[-1]
    await app.say(sender, "1")
    assert rasa.turns[-1]["intent"] == "inform" and rasa.turns[-1]["entities"] == {"plan": "basic"}


async def test_a_number_after_an_apology_asks_for_nobody(app: Running, rasa: FakeRasa, sender: str) -> None:
    rasa.errors = 2
    await app.say(sender, "嗯")
    assert await app.texts(sender, "1") == ["收到：1"]
