"""Which messages call for a person by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions import handoff
from actions.forms import Form
from actions.nodes import Field
from actions.turn import Turn
from chebao.handoff import Summary
from tests.unit.actions.conversation import NOW, Conversation
from tests.unit.dialogue.fields_asked import all_forms


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


@pytest.mark.parametrize(
    ("form", "asked"),
    [(form, node.name) for form in all_forms() for node in form.nodes if isinstance(node, Field)],
    ids=lambda value: value if isinstance(value, str) else value.task,
)
def test_one_message_reaches_the_queue_from_every_question_of_every_dialogue(form: Form, asked: str) -> None:
    talk = Conversation(form, slots={form.slot: {"opening": "您好"}, "requested_slot": asked}, loop=form.name())
    talk.say("转人工", intent="human_agent")
    (called,) = [effect["handoff"] for effect in talk.effects]
    assert (called["reason"], called["task"]) == ("customer_request", form.task)


@pytest.mark.parametrize(("emotion", "priority"), [("distress", 9), ("threat", 8), ("angry", None), ("calm", None)])
def test_a_grave_feeling_calls_a_colleague_and_leaves_the_task(emotion: str, priority: int | None) -> None:
    said = turn("唉", emotion={"name": emotion})
    assert handoff.needed(said) is None
    handoff.alerted(said, Summary("客户说：唉"))
    effects = [e["handoff"] for m in said.dispatcher.messages for e in (m.get("custom") or {}).get("effects", ())]
    assert [e["priority"] for e in effects] == ([priority] if priority else [])
    assert not said.handed_over


def test_a_question_about_deaths_calls_nobody() -> None:
    said = turn("撞死人了保险怎么赔", "faq", emotion={"name": "distress"})
    handoff.alerted(said, Summary(""))
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
    summary = Summary("正在办理：续保", [("车牌号", "京A12345")], open="方案")
    handoff.by_words(said, summary, {"plate": "京A12345"}, task="renewal")
    assert _effect(said) == {
        "reason": "customer_request",
        "summary": {"wants": "正在办理：续保", "known": [["车牌号", "京A12345"]], "tried": [], "open": "方案"},
        "slots": {"plate": "京A12345"},
        "task": "renewal",
        "emotion": "calm",
        "priority": 5,
        "skill": "renewal",
        "keep_bot": False,
    }
    assert said.handed_over


def _effect(said: Turn) -> dict[str, Any]:
    effect: dict[str, Any] = said.dispatcher.messages[-1]["custom"]["effects"][0]["handoff"]
    return effect


@pytest.mark.parametrize(
    ("mark", "text", "reason", "priority"),
    [
        ("vip", "转人工", "vip", 7),
        ("care", "转人工", "care", 7),
        ("vip", "再不赔我就去砍了你们", "threat", 9),
        ("care", "我不想活了", "distress", 9),
    ],
)
def test_who_is_to_be_served_sooner_waits_less(mark: str, text: str, reason: str, priority: int) -> None:
    said = turn(text, metadata={"received_at": NOW, "verified": {"customer_id": "C002", "phone": "", mark: True}})
    handoff.by_words(said, Summary("要人工"))
    effect = _effect(said)
    assert (effect["reason"], effect["priority"]) == (reason, priority)
