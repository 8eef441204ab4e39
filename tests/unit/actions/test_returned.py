"""After an agent, where no dialogue runs."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.returned import INTENT, ActionReturned
from tests.unit.actions.conversation import NOW


def told(slots: dict[str, Any], **entities: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is said, and the slots afterwards."""
    message = {
        "text": "",
        "pressed": True,
        "intent": {"name": INTENT, "confidence": 1.0},
        "entities": [{"entity": name, "value": value} for name, value in entities.items()],
        "metadata": {"received_at": NOW},
    }
    dispatcher, after = CollectingDispatcher(), dict(slots)
    tracker = Tracker("c1", slots, message, [], False, None, {}, "action_listen")
    for event in asyncio.run(ActionReturned().run(dispatcher, tracker, {})):
        after[event["name"]] = event["value"]
    return dispatcher.messages, after


def test_the_bot_says_that_it_is_there_and_forgets_its_misses() -> None:
    (said, over), slots = told({"fallback_misses": 2, "alerted": "in_danger"}, task=None, edits={})
    assert "告诉我" in said["text"] and over["custom"] == {"effects": [{"finished": {}}]}
    assert slots == {"agent_left_at": NOW, "fallback_misses": None, "unsure_of": None, "alerted": None}


def test_a_task_put_aside_is_asked_about() -> None:
    (said,), _ = told({"suspended_tasks": ["renewal"]}, task=None, edits={})
    assert said["text"] == "刚才的续保还没办完，要接着办吗？" and len(said["buttons"]) == 2


def test_nothing_is_left_of_a_matter_that_is_settled() -> None:
    (said,), slots = told({"suspended_tasks": ["renewal"], "renewal_draft": {"plate": "京A12345"}}, ended=True)
    assert said["custom"] == {"effects": [{"nothing": {}}]} and not said.get("text")
    assert slots["suspended_tasks"] is None and slots["renewal_draft"] is None
