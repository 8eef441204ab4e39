"""Where the articles do not help: the second question without an answer, and choices that are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.claim import ReportClaimForm
from actions.services import knowledge
from actions.talk import ActionAnswer, ActionSmallTalk, Talk
from actions.unsure import SLOT
from chebao.knowledge.search import Answer
from tests.unit.actions.conversation import NOW, Conversation

_UNKNOWN = ("无人机坠毁怎么理赔", "月球车能上保险吗？")


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What the articles have for a question: nothing, but for what a test puts here."""
    answers: dict[str, Answer] = {}
    monkeypatch.setattr("actions.answers.find", lambda turn: answers.get(turn.text, Answer("none")))
    return answers


class Talker:
    """A customer outside the dialogues."""

    def __init__(self) -> None:
        self.slots: dict[str, Any] = {}

    def say(self, text: str, intent: str = "faq", action: type[Talk] = ActionAnswer) -> dict[str, Any] | None:
        """The hand-off that the message led to."""
        latest = {"text": text, "intent": {"name": intent, "confidence": 0.9}, "metadata": {"received_at": NOW}}
        tracker, dispatcher = (
            Tracker("c1", self.slots, latest, [], False, None, {}, "action_listen"),
            CollectingDispatcher(),
        )
        for event in asyncio.run(action().run(dispatcher, tracker, {})):
            if event["event"] == "slot":
                self.slots[event["name"]] = event["value"]
        effects = [e for m in dispatcher.messages for e in (m.get("custom") or {}).get("effects", [])]
        return effects[0]["handoff"] if effects else None


@pytest.mark.parametrize("intent", ["faq", "out_of_scope"])
def test_a_second_question_without_an_answer_calls_a_person_who_reads_both(intent: str) -> None:
    talk = Talker()
    assert talk.say(_UNKNOWN[0]) is None
    called = talk.say(_UNKNOWN[1], intent, ActionAnswer if intent == "faq" else ActionSmallTalk)
    assert called is not None and called["reason"] == "missing_knowledge"
    assert called["summary"]["open"] == _UNKNOWN[1] and any(
        _UNKNOWN[0] in tried for tried in called["summary"]["tried"]
    )
    assert talk.slots[SLOT] is None


def test_the_same_question_once_more_and_one_that_is_answered_in_between_call_nobody(found: dict[str, Answer]) -> None:
    article = knowledge().article("cover_third_party")
    assert article is not None
    found["三者险是什么"] = Answer("confident", article, article.lead)
    talk = Talker()
    for said in (_UNKNOWN[0], f"{_UNKNOWN[0]}？", "三者险是什么", _UNKNOWN[1]):
        assert talk.say(said) is None


@pytest.mark.parametrize("no", ["都不是", "这几个都不对", "没有我要问的", "不是"])
def test_who_finds_his_question_in_none_of_the_choices_gets_a_person(found: dict[str, Answer], no: str) -> None:
    found["代步车"] = Answer("choices")
    talk = Talker()
    assert talk.say("代步车") is None and talk.slots[SLOT] == {"question": "代步车", "choices": True}
    called = talk.say(no, "deny", ActionSmallTalk)
    assert called is not None and called["reason"] == "missing_knowledge" and called["summary"]["open"] == "代步车"


def test_a_no_that_comes_later_refuses_nothing(found: dict[str, Answer]) -> None:
    found["代步车"] = Answer("choices")
    talk = Talker()
    talk.say("代步车")
    assert talk.say("谢谢", "thank", ActionSmallTalk) is None
    assert talk.say("都不是", "deny", ActionSmallTalk) is None


def test_within_a_dialogue_the_form_goes_to_the_person_as_it_is(found: dict[str, Answer]) -> None:
    claim = Conversation(ReportClaimForm())
    claim.say("我的车追尾了", intent="report_claim")
    claim.say("没有人受伤")
    assert "没有把握" in claim.say(_UNKNOWN[0], intent="faq")
    assert claim.asked == "consent" and not claim.effects
    claim.say(_UNKNOWN[1], intent="faq")
    (called,) = [e["handoff"] for e in claim.effects]
    assert (called["reason"], called["task"], called["slots"]["injury"]) == ("missing_knowledge", "report_claim", "no")
    found["代步车"] = Answer("choices")
    claim.slots[SLOT] = None
    claim.say("代步车", intent="faq")
    claim.say("都不是", intent="deny")
    assert [e["handoff"]["reason"] for e in claim.effects] == ["missing_knowledge"]
