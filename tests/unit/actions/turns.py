"""Turns for the tests of what is made of customers' words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.turn import Turn
from tests.unit.actions.conversation import NOW


def turn(text: str, **more: Any) -> Turn:
    """A customer's message; `more` sets further attributes of the turn."""
    tracker = Tracker("c1", {}, {"text": "", "metadata": {"received_at": NOW}}, [], False, None, {}, "action_listen")
    return replace(Turn.of(CollectingDispatcher(), tracker), text=text, **more)
