"""Folding of a long conversation: the beginning becomes its result (slots, loop), the recent past stays word for word.

Rasa rebuilds its dialogue states from all events at every prediction, so an unfolded conversation grows dearer with each turn
(25 times at turn 200). Policies look back a few states only; those are kept, so no prediction changes: bot/tests/replay.py
plays every story and recorded conversation with and without. The bounds keep a late turn as cheap as the fifth.
"""

from __future__ import annotations

import itertools

from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

FOLD_AT = 64
"""Events from which a conversation in memory is folded."""

SNAPSHOT_AT = 160
"""Rows from which the folded conversation is stored as one, so that reading it again stays cheap."""

KEEP_ACTIONS = 8
KEEP_SHOWN = 6
"""Executed actions kept, and of them those which memoization sees (one more than its `max_history`)."""

KEEP_EVENTS = 90
"""Bound of the events kept, whatever is in them."""


def needs_folding(tracker: DialogueStateTracker) -> bool:
    """Whether the live tracker has grown beyond the bound."""
    return len(tracker.events) > FOLD_AT


def fold(tracker: DialogueStateTracker) -> list[Event]:
    """The events of an equal, shorter conversation; all of them when no turn boundary allows a cut."""
    applied = _without_old_words(tracker)
    cut = _cut(applied)
    if cut <= 0:
        return applied
    start = DialogueStateTracker(tracker.sender_id, list(tracker.slots.values()))
    start._reset()
    for event in applied[:cut]:
        event.apply_to(start)
    at = applied[cut].timestamp
    prefix: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME, timestamp=at), SessionStarted(timestamp=at)]
    for name, slot in start.slots.items():
        if slot.value != slot.initial_value:
            prefix.append(SlotSet(name, slot.value, timestamp=at))
    if start.active_loop_name:
        prefix.append(ActionExecuted(start.active_loop_name, timestamp=at))
        prefix.append(ActiveLoop(start.active_loop_name, timestamp=at))
    prefix.append(ActionExecuted(ACTION_LISTEN_NAME, timestamp=at))
    return prefix + applied[cut:]


def _without_old_words(tracker: DialogueStateTracker) -> list[Event]:
    """The applied events, of the assistant's words those of the last turn alone.

    A loop's messages are not among the applied events while its words are: those of earlier turns would look like the last ones,
    to `questions.question_of` after a turn without words and to `patches._said_last`.
    """
    last = itertools.takewhile(lambda event: not isinstance(event, UserUttered), reversed(tracker.events))
    said_last = {id(event) for event in last}
    return [event for event in tracker.applied_events() if not isinstance(event, BotUttered) or id(event) in said_last]


def _cut(applied: list[Event]) -> int:
    """Index of the customer's message with which the kept part begins; 0 for no cut."""
    actions = shown = 0
    for index in range(len(applied) - 1, 0, -1):
        event, before = applied[index], applied[index - 1]
        if isinstance(event, ActionExecuted):
            actions += 1
            shown += not event.hide_rule_turn
        enough = actions >= KEEP_ACTIONS and (shown >= KEEP_SHOWN or len(applied) - index >= KEEP_EVENTS)
        begins = isinstance(event, UserUttered) and isinstance(before, ActionExecuted)
        if enough and begins and before.action_name == ACTION_LISTEN_NAME:
            return index
    return 0
