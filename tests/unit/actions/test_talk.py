"""What the actions outside the dialogues do before they answer: a person where one is needed, a task where one is told."""

from __future__ import annotations

import asyncio

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.talk import ActionStop, task_told
from tests.unit.actions.conversation import NOW
from tests.unit.actions.turns import turn


@pytest.mark.parametrize(
    ("text", "intent", "task"),
    [
        ("我这苏E6K21P买全险要多少钱", "faq", "new_policy"),
        ("投保苏E6K21P", "inform", "new_policy"),
        ("苏E6K21P下个月到期了", "inform", "renewal"),
        ("家里那辆想上个保险", "inform", "new_policy"),
        ("苏E6K21P撞了护栏", "inform", "report_claim"),
        ("苏E6K21P被追尾了能赔多少钱", "faq", None),
        ("车险保费怎么算", "faq", None),
        ("全险是什么意思", "inform", None),
        ("苏E6K21P", "inform", None),
        ("高速上爆胎了", "inform", "roadside_assistance"),
        ("被追尾以后走保险的流程", "out_of_scope", None),
    ],
)
def test_a_message_that_begins_a_task(text: str, intent: str, task: str | None) -> None:
    assert task_told(turn(text, intent=intent, confidence=0.9)) == task


def test_despair_understood_as_stop_still_reaches_a_person() -> None:
    dispatcher = CollectingDispatcher()
    latest = {
        "text": "撑不下去了，不想活了",
        "intent": {"name": "cancel", "confidence": 0.9},
        "metadata": {"received_at": NOW},
    }
    tracker = Tracker("c1", {}, latest, [], False, None, {}, "action_listen")
    asyncio.run(ActionStop().run(dispatcher, tracker, {}))
    effects = [e for m in dispatcher.messages for e in (m.get("custom") or {}).get("effects", [])]
    assert [e["handoff"]["reason"] for e in effects] == ["distress"]
