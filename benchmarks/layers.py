"""Sorts profile samples into the layers of a turn, pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_ANY = re.compile("")
_IDLE = re.compile(r"Condition\.wait \(threading|Queue\.get \(queue|select \(selectors|_worker \(concurrent")
"""Threads that wait; py-spy takes some of them for running."""

_RASA = (
    ("tracker store", re.compile(r"tracker_store\.py|bot/database\.py|bot/history\.py")),
    ("understanding", re.compile(r"parse_message \(|bot/nlu/|rasa/nlu/")),
    ("call of the action", re.compile(r"rasa/utils/endpoints\.py|_request \(bot/patches|aiohttp/|_validate_action_result|_action_call_format|_small_payload")),
    ("policies", re.compile(r"core/policies/|predict_next|_predict \(")),
    ("tracker copies", re.compile(r"copy \(rasa/shared/core/trackers|_copy \(bot/patches|from_events")),
    ("rest of Rasa's turn", re.compile(r"rasa/core/|rasa/shared/|rasa/engine|bot/channel\.py")),
    ("HTTP and event loop", _ANY),
)  # fmt: skip

LAYERS: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "rasa": _RASA,
    "actions": (
        ("calls to the back office", re.compile(r"chebao/backoffice/")),
        ("knowledge search", re.compile(r"chebao/knowledge/")),
        ("the action's own code", re.compile(r"\(actions/(?!server)|chebao/insurance/")),
        ("HTTP and event loop", _ANY),
    ),
    "app": (
        ("back office", re.compile(r"chebao/backoffice/")),
        ("hub asks Rasa", re.compile(r"conversations/rasa\.py")),
        ("outbox: replies out", re.compile(r"conversations/(outbox|unit|turns|effects|delivery)\.py")),
        ("ledger: message in", re.compile(r"conversations/ledger\.py|_admit \(")),
        ("rest of the hub", re.compile(r"chebao/conversations/|channels/")),
        ("HTTP and event loop", _ANY),
    ),
}
"""Process → layers in the order in which they are looked for in a stack: the first one found anywhere in it counts."""


def layer_of(process: str, stack: str) -> str | None:
    """The layer of one collapsed stack (``frame;frame;…``, root first), or None for a thread that waits."""
    if _IDLE.search(stack):
        return None
    for layer, pattern in LAYERS[process]:
        if pattern.search(stack):
            return layer
    raise AssertionError("the last layer takes everything")


def shares(process: str, collapsed: Iterable[str]) -> dict[str, float]:
    """Layer → share of the process's busy samples; `collapsed` are lines ``stack count``."""
    counts: Counter[str] = Counter()
    for line in collapsed:
        stack, _, count = line.rpartition(" ")
        if stack and (layer := layer_of(process, stack)):
            counts[layer] += int(count)
    total = sum(counts.values()) or 1
    return {layer: counts[layer] / total for layer, _ in LAYERS[process] if counts[layer]}
