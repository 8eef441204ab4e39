"""Which messages call for a person by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import handoff
from actions.turn import Turn
from tests.unit.actions.conversation import NOW


def turn(text: str, intent: str = "inform", **message: Any) -> Turn:
    latest = {
        "text": text,
        "intent": {"name": intent, "confidence": 0.9},
        "metadata": {"received_at": NOW},
        **message,
    }
    return Turn.of(CollectingDispatcher(), Tracker("c1", {}, latest, [], False, None, {}, "action_listen"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("转人工", "customer_request"),
        ("给我找个真人", "customer_request"),
        ("我不想活了", "distress"),
        ("再不赔我就去砍了你们", "threat"),
        ("不用转人工，你说就行", None),
        ("人工智能吗", None),
        ("车头撞烂了", None),
    ],
)
def test_reason_by_words(text: str, reason: str | None) -> None:
    assert handoff.needed(turn(text)) == reason


@pytest.mark.parametrize(("emotion", "priority"), [("distress", 9), ("threat", 8), ("angry", None), ("calm", None)])
def test_a_grave_feeling_calls_a_colleague_and_leaves_the_task(emotion: str, priority: int | None) -> None:
    said = turn("唉", emotion={"name": emotion})
    assert handoff.needed(said) is None
    handoff.alerted(said, "客户说：唉")
    effects = [e["handoff"] for m in said.dispatcher.messages for e in (m.get("custom") or {}).get("effects", ())]
    assert [e["priority"] for e in effects] == ([priority] if priority else [])
    assert not said.handed_over


def test_a_question_about_deaths_calls_nobody() -> None:
    said = turn("撞死人了保险怎么赔", "faq", emotion={"name": "distress"})
    handoff.alerted(said, "")
    assert said.dispatcher.messages == []


def test_abuse_needs_a_sure_classifier() -> None:
    assert handoff.needed(turn("你们真差劲", "abuse")) == "abuse"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("打了三遍电话客服都不理我", None), ("换个人处理", None), ("让你们经理来跟我谈", "customer_request")],
)
def test_an_answer_about_people_is_no_request_for_one(text: str, reason: str | None) -> None:
    asked = turn(text, "human_agent")
    assert handoff.needed(asked, in_answer=True) == reason
    assert handoff.needed(asked) == "customer_request"


def test_effect_goes_to_the_hub_with_its_priority() -> None:
    said = turn("转人工")
    handoff.by_words(said, "客户要人工", {"plate": "京A12345"})
    effect = said.dispatcher.messages[-1]["custom"]["effects"][0]["handoff"]
    assert effect["priority"] == 5
    assert effect["slots"] == {"plate": "京A12345"}
    assert said.handed_over
