"""What a dialogue is made of: fields to ask for and steps to do, and the ways in which they end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from actions.turn import Button, Turn, Wants

Draft = dict[str, Any]

KEPT = "kept"
"""Key of the draft whose slots outlive the form."""


@dataclass(frozen=True)
class Prompt:
    """A question: one sentence at its end asks for one thing.

    Attributes:
        wants: what it may be answered with besides words, see `Wants`.
    """

    text: str
    buttons: Sequence[Button] = ()
    wants: Wants = ""


@dataclass(frozen=True)
class Miss:
    """An answer that was understood but cannot be taken; `why` is said at once, with buttons before the question's own."""

    why: str
    buttons: Sequence[Button] = ()


class Finish(Exception):
    """Ends the form early. `text` is the last thing said, if any."""

    def __init__(self, text: str = "", buttons: Sequence[Button] = ()) -> None:
        super().__init__(text)
        self.text, self.buttons = text, buttons


class AskAgain(Exception):
    """Raised by a step that found a field must be asked for again."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class GoTo(Exception):
    """Raised by a step that found that the message belongs to another task."""

    def __init__(self, task: str) -> None:
        super().__init__(task)
        self.task = task


def always(turn: Turn, draft: Draft) -> bool:
    """The default of `needed`."""
    return True


def nothing(turn: Turn, draft: Draft) -> Any:
    """The default of `take`: the field is only ever filled by an answer to its question."""
    return None


Parsed = Any | Miss | None


@dataclass(frozen=True)
class Field:
    """Something to ask for.

    Attributes:
        name: key in the draft and value of Rasa's requested_slot.
        label: what customers and agents call it.
        ask: the question, given what is known.
        parse: answer → value, Miss, or None where it was not understood; may be async.
        explain: said after the second miss instead of the same question again.
        words: words by which a customer names the field when correcting it.
        take: finds the value in a message that was not an answer to this question (opening, side remark, correction).
        needed: whether the field is asked for at all.
        depends: fields whose correction makes this value void.
        free: any text would do as an answer, so interruptions are looked for first.
        show: value → text of the read-back; None: not read back.
        why: answers "为什么要这个"; "" where that is a question like any other.
        open_until: step until which a later remark replaces what an earlier one said ("蹭了" … "蹭到柱子了").
    """

    name: str
    label: str
    ask: Callable[[Turn, Draft], Prompt]
    parse: Callable[[Turn, Draft], Parsed | Awaitable[Parsed]]
    explain: str
    words: tuple[str, ...] = ()
    take: Callable[[Turn, Draft], Any] = nothing
    needed: Callable[[Turn, Draft], bool] = always
    depends: tuple[str, ...] = ()
    free: bool = False
    show: Callable[[Any], str] | None = None
    why: str = ""
    open_until: str = ""


@dataclass(frozen=True)
class Step:
    """Something to do once everything before it is known. What `run` returns is kept in the draft under `name`."""

    name: str
    run: Callable[[Turn, Draft], Awaitable[Any]]
    needed: Callable[[Turn, Draft], bool] = always
    depends: tuple[str, ...] = ()
