"""A general question that was taken for a task, or for nothing, is answered from the articles all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actions.claim import ReportClaimForm
from actions.forms import Form
from actions.renewal import RenewalForm
from actions.talk import ActionFallback
from tests.unit.actions.conversation import Conversation
from tests.unit.actions.turns import turn

QUESTION = "三者险的保额买多少合适"


def answered(replies: list[dict[str, Any]]) -> list[str]:
    """The articles of the answers given."""
    records = [(reply.get("custom") or {}).get("knowledge") for reply in replies]
    return [record["topic"] for record in records if record]


def begun(form: Form, said: str) -> Conversation:
    conversation = Conversation(form)
    conversation.say(said, intent=form.task)
    return conversation


def test_the_answer_comes_before_the_tasks_own_question() -> None:
    conversation = begun(RenewalForm(), QUESTION)
    assert answered(conversation.replies) == ["cover_third_party"]
    assert "依据：" in conversation.replies[0]["text"]
    assert not conversation.replies[0].get("buttons"), "the task has begun already"
    assert conversation.asked
    assert len(conversation.replies) > 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (RenewalForm(), "我要续保"),
        (RenewalForm(), "续保多少钱"),
        (RenewalForm(), "我的车苏E6K21P三者险的保额买多少合适"),
        (ReportClaimForm(), "撞了人，三者险的保额够不够"),
    ],
)
def test_a_wish_ones_own_car_and_an_accident_go_first(form: Form, said: str) -> None:
    conversation = begun(form, said)
    assert answered(conversation.replies) == []
    assert conversation.asked


def test_what_was_not_understood_is_looked_up_before_it_counts_as_a_miss() -> None:
    asked = turn(QUESTION, intent="nlu_fallback")
    asyncio.run(ActionFallback().reply(asked))
    assert answered(asked.dispatcher.messages) == ["cover_third_party"]
    lost = turn("呜噜呜噜", intent="nlu_fallback")
    events = asyncio.run(ActionFallback().reply(lost))
    assert answered(lost.dispatcher.messages) == []
    assert [event["value"] for event in events] == [1]
