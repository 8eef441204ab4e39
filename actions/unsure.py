"""Where the articles do not help: a second question running without an answer, or choices that are all refused, call for a person."""

from __future__ import annotations

import re
from typing import Any, Final

from rasa_sdk.events import SlotSet

from actions import handoff
from actions.turn import Turn
from chebao.handoff import Summary
from chebao.knowledge.search import Answer

SLOT: Final = "unsure_of"
"""Rasa's slot: the question that was not answered for certain, ``{"question", "choices"}``; None after one that was."""

_NONE_OF_THEM: Final = re.compile(
    r"都不(是|对|行|符合|沾边)|(没|没有)(一个|哪个)(是|对)|没有?我(要|想)(问|找|了解)?的|不是(这|那)(个|些|几个|几样)|(以上|上面)(都|全)?(不是|没有)"
)
_NO: Final = re.compile(r"^(都)?(不是|不对|没有|不要)[的啊呀吧。！!]*$")
_WORDS: Final = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]+")


def note(turn: Turn, found: Answer) -> dict[str, Any] | None:
    """The slot after an answer."""
    return None if found.kind == "confident" else {"question": turn.text[:200], "choices": found.kind == "choices"}


def again(turn: Turn, found: Answer) -> bool:
    """Whether this is another question running that nobody but a person can answer; the same one repeated is none."""
    known = turn.tracker.slots.get(SLOT)
    return found.kind == "none" and known is not None and _same(known["question"]) != _same(turn.text)


def refuses_choices(turn: Turn) -> bool:
    """Whether the customer finds none of the articles offered to be what he asks."""
    known = turn.tracker.slots.get(SLOT)
    if not (known and known["choices"]) or turn.pressed or len(turn.text) > 20:
        return False
    return bool(_NONE_OF_THEM.search(turn.text) or (_NO.match(turn.text) and not turn.in_dialogue))


def call(turn: Turn, summary: Summary, slots: dict[str, Any] | None = None, *, task: str | None = None) -> None:
    """Hands over what the articles do not answer."""
    known = turn.tracker.slots.get(SLOT) or {}
    asked = [f"客户问过“{known['question']}”，资料里没有把握的答案"] if known.get("question") else []
    open_ = known.get("question", "") if refuses_choices(turn) else turn.text[:120]
    told = Summary(summary.wants, summary.known, [*summary.tried, *asked], open_ or summary.open)
    handoff.request(turn, "missing_knowledge", told, slots, task=task)


def past(turn: Turn, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a turn, after which a "都不是" is no answer to choices offered before it."""
    known = turn.tracker.slots.get(SLOT)
    if not (known and known["choices"]) or any(e.get("name") == SLOT for e in events):
        return events
    return [*events, SlotSet(SLOT, known | {"choices": False})]


def _same(text: str) -> str:
    return "".join(_WORDS.findall(text))
