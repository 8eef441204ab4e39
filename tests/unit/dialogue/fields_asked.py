"""All fields of all dialogues, and a turn and drafts with which any of them can be asked for."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker

import actions
from actions.forms import Form
from actions.nodes import Field, Prompt
from actions.turn import Turn

for _module in pkgutil.iter_modules(actions.__path__):
    if _module.name != "server":
        importlib.import_module(f"actions.{_module.name}")

_PLANS = [
    {
        "code": code,
        "name": name,
        "total": "3210.50",
        "covers": {"third_party": "1000000"},
        "note": "",
        "explanation": [],
    }
    for code, name in (
        ("last_year", "去年的方案"),
        ("suggested", "建议方案"),
        ("basic", "基础方案"),
        ("standard", "标准方案"),
        ("full", "全面方案"),
        ("custom", "您自选的方案"),
    )
]
_POLICY = {
    "policy_no": "P2026000101",
    "kind": "commercial",
    "plate": "沪AD12345",
    "start": "2026-01-10T00:00:00+08:00",
    "end": "2027-01-10T00:00:00+08:00",
    "premium": "2310.00",
    "covers": {"vehicle_damage": "120000", "third_party": "2000000"},
    "refundable": True,
}
_QUOTE = {
    "quote_no": "Q2026000101",
    "total": "3210.50",
    "start": "2026-11-23T00:00:00+08:00",
    "earliest_start": "2026-11-23T00:00:00+08:00",
    "immediate_allowed": True,
    "declared": True,
}
#: What steps and earlier answers have left in the draft by the time a field is asked for.
DRAFT: dict[str, Any] = {
    "accident_type": "rear_end",
    "amount": "100.00",
    "cars": ["沪AD12345", "沪B3F921"],
    "change": "phone",
    "city": "上海",
    "claim_no": "CL2026110003",
    "claims": [{"no": "CL2026110003", "what": "11-20 沪AD12345"}, {"no": "CL2026110004", "what": "11-21 沪AD12345"}],
    "confirm": {"at": "m1"},
    "customer": {"customer_id": "C901"},
    "dispute": "定损少了右大灯",
    "estimate": {"done": True, "refund": "810.20"},
    "estimate_body": {"plate": "沪AD12345", "model": "轩逸"},
    "id_challenge": {"challenge": "x", "phone": "139****1111"},
    "id_phone": "13900001111",
    "kind": "jump_start",
    "meeting": "branch",
    "model": "轩逸",
    "options": {"done": True},
    "phone": "13900001111",
    "photos": "later",
    "place": "上海市闵行区莘庄立交桥下",
    "plan": "standard",
    "plans": _PLANS,
    "plate": "沪AD12345",
    "policies": [_POLICY, {**_POLICY, "policy_no": "P2026000102", "kind": "compulsory"}],
    "policy_no": "P2026000101",
    "price": "150000",
    "quote": _QUOTE,
    "relation": "self",
    "requote": _QUOTE,
    "start": "default",
    "when": {"at": "2026-11-25T10:00:00+08:00", "precision": "minute"},
    "new_value": "13900002222",
    "occurred_at": {"at": "2026-11-20T20:30:00+08:00", "precision": "minute"},
}
#: The same in other circumstances, under which a field may ask in other words.
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"accident_type": "parked_hit"},
    {"accident_type": "pedestrian"},
    {"accident_type": "theft"},
    {"occurred_words": "11月20日", "place_hint": "北三环"},
    {"quote": {**_QUOTE, "immediate_allowed": False}},
    {"quote": {**_QUOTE, "declared": False, "immediate_allowed": False}},
    {"plans": [p for p in _PLANS if p["code"] in ("basic", "standard", "full")]},
    {"claims": []},
)


def concrete(base: type[Any]) -> Iterator[type[Any]]:
    """Subclasses that can be built and belong to this assistant."""
    for each in base.__subclasses__():
        if not getattr(each, "__abstractmethods__", None) and each.__module__.startswith("actions."):
            yield each
        yield from concrete(each)


def all_actions() -> list[Action]:
    """One of each action of the package."""
    return [each() for each in concrete(Action)]


def all_forms() -> list[Form]:
    """One of each dialogue."""
    return [each() for each in concrete(Form)]


def all_fields() -> list[tuple[Form, Field]]:
    """Every field with its form."""
    return [(form, node) for form in all_forms() for node in form.nodes if isinstance(node, Field)]


def turn() -> Turn:
    """A turn in which an unidentified customer says nothing of weight."""
    message = {
        "text": "好的",
        "intent": {"name": "affirm", "confidence": 0.9},
        "entities": [],
        "message_id": "m1",
        "metadata": {"received_at": "2026-11-22T10:00:00+08:00"},
    }
    tracker = Tracker("sender", {}, message, [], False, None, {}, "action_listen")
    return Turn.of(CollectingDispatcher(), tracker)


def prompts(field: Field) -> list[Prompt]:
    """The different prompts of a field."""
    asked = [field.ask(turn(), DRAFT | variant) for variant in VARIANTS]
    return [prompt for n, prompt in enumerate(asked) if prompt not in asked[:n]]
