"""The question that a message answers: "没有" after "有人受伤吗？" is not "没有" after "您想选哪个方案？"."""

from __future__ import annotations

import random
import re
from contextvars import ContextVar
from typing import Any

_KINDS = (
    ("confirm", r"核对|确认|同意|对吗|是吗|可以吗"),
    ("choice", r"哪个方案|哪一|选|还是"),
    ("yes_no", r"吗|是否|有没有|是不是"),
    ("value", r"多少|什么|哪|谁|几|提供|输入|称呼|告诉|描述|留|发"),
)
_PATTERNS = [(name, re.compile(pattern)) for name, pattern in _KINDS]
KINDS = ("none", *(name for name, _ in _KINDS), "other")
"""What a question asks for; ``none`` where the assistant asked nothing."""

asked: ContextVar[str] = ContextVar("asked", default="")
"""What the assistant asked before the message that is being understood."""

_ASKING = re.compile(r"[？?]|请|可以打字|哪|吗")
_SHARE, _SEED = 0.3, 20260102


def kind(question: str) -> str:
    """The kind of a question, one of `KINDS`."""
    if not question:
        return "none"
    return next((name for name, pattern in _PATTERNS if pattern.search(question)), "other")


def question_of(events: Any) -> str:
    """What the assistant asked last in a conversation, or "" where its last words asked nothing."""
    for event in reversed(list(events)):
        name = event.type_name
        if name == "user":
            return ""
        if name == "bot" and event.text:
            return str(event.text) if _ASKING.search(event.text) else ""
    return ""


def paired(examples: list[tuple[str, str, str]]) -> list[tuple[int, str]]:
    """A question for some of the sentences that have none, so that what leads away from a question is learnt too.

    Args:
        examples: (text, question, intent) of each training sentence.

    Returns:
        (number of the sentence, question) of the additional examples.
    """
    questions = sorted({question for _, question, _ in examples if question})
    chance = random.Random(_SEED)
    alone = [i for i, (_, question, _) in enumerate(examples) if not question]
    return [(i, chance.choice(questions)) for i in alone if chance.random() < _SHARE] if questions else []
