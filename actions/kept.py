"""The answers of one form during one turn: taken, dropped with what depends on them, and corrected."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from actions import wording
from actions.nodes import Draft, Field, Miss, Parsed, Step
from actions.turn import Turn, command

CHANGING = "changing"
"""Key in the draft while the customer is asked which answer to change."""


_MOST_BUTTONS = 9


class Wait(Exception):
    """The turn ends here; the same field stays asked for."""


async def value_of(parsed: Parsed | Awaitable[Parsed]) -> Parsed:
    """What a parser found; some of them ask the back office."""
    return await parsed if inspect.isawaitable(parsed) else parsed


class Answers:
    """The kept answers of a form, and how a message changes them."""

    def __init__(self, nodes: Sequence[Field | Step], turn: Turn, draft: Draft, misses: dict[str, int]) -> None:
        self.nodes, self.turn, self.draft, self.misses = nodes, turn, draft, misses

    @property
    def answered(self) -> list[Field]:
        return [n for n in self.nodes if isinstance(n, Field) and n.name in self.draft]

    def field(self, name: str | None) -> Field | None:
        return next((n for n in self.nodes if isinstance(n, Field) and n.name == name), None)

    def take(self, field: Field, value: Any) -> None:
        if field.name in self.draft and self.draft[field.name] != value:
            self.drop(field.name)
        self.draft[field.name] = value
        self.misses.pop(field.name, None)
        self.learn(value)

    def drop(self, name: str) -> None:
        """Forgets a value and all that was computed from it."""
        self.draft.pop(name, None)
        for node in self.nodes:
            if name in node.depends and node.name in self.draft:
                self.drop(node.name)

    def volunteer(self, skip: str = "") -> bool:
        """Fills other open fields from what the message also says. Returns whether any was filled."""
        filled = False
        for node in self.nodes:
            if isinstance(node, Field) and node.name != skip and self._open(node):
                value = node.take(self.turn, self.draft)
                if value is not None and value != self.draft.get(node.name):
                    self.take(node, value)
                    filled = True
        return filled

    def _open(self, field: Field) -> bool:
        empty = self.draft.get(field.name, "") == ""
        return empty or bool(field.open_until and field.open_until not in self.draft)

    def learn(self, result: Any) -> None:
        if isinstance(result, Mapping) and "verified" in result:
            self.turn = self.turn.identified(result["verified"])

    async def corrected(self, asked: Field) -> bool:
        """Handles "时间说错了，是前天晚上": changes the field meant, or asks which one is."""
        turn = self.turn
        answered = self.answered
        chosen = self.draft.pop(CHANGING, False)
        if chosen and (target := self._named(answered)):
            await self._change(target)
            return True
        meant = turn.is_intent("change_answer", least=0.6)
        refused = asked.name == "confirm" and (wording.is_denial(turn.text) or turn.is_intent("deny", least=0.7))
        # A free question would swallow "时间是昨天下午三点"; it says which field it means and holds another value for it.
        restated = asked.free and wording.names_a_value(turn.text) and self._named(self._told(answered)) is not None
        if not (meant or refused or restated or wording.is_correction(turn.text)):
            return False
        told = self._told(answered)
        target = self._named(told) or self._named(answered) or next(iter(told), None)
        if target is not None:
            await self._change(target)
            return True
        if (
            (not meant and not refused)
            or (asked.free and len(turn.text) > 8)
            or asked.take(turn, self.draft) is not None
        ):
            return False
        if not any(n.show for n in answered):
            return False
        self._ask_what_to_change(answered)
        raise Wait

    def _named(self, fields: Sequence[Field]) -> Field | None:
        """The field that the message calls by name."""
        text = self.turn.text
        return next((n for n in fields if n.label in text or any(w in text for w in n.words)), None)

    def _told(self, fields: Sequence[Field]) -> list[Field]:
        """The fields for which the message holds another value than the one kept."""
        return [n for n in fields if (v := self._new_value(n)) is not None and v != self.draft[n.name]]

    def _new_value(self, field: Field) -> Any:
        """What `field` finds behind "改成" or "是", else anywhere in the message."""
        rest = wording.corrected_to(self.turn.text)
        value = field.take(self.turn.saying(rest), self.draft) if rest else None
        return field.take(self.turn, self.draft) if value is None else value

    async def _change(self, target: Field) -> None:
        turn = self.turn
        value = self._new_value(target)
        rest = wording.corrected_to(turn.text)
        if value is None and rest:
            value = await value_of(target.parse(turn.saying(rest), self.draft))
        self.drop(target.name)
        if isinstance(value, Miss):
            turn.say(value.why)
        elif value is not None:
            self.take(target, value)
            shown = f"：{target.show(value)}" if target.show else ""
            turn.say(f"好的，{target.label}已改过来{shown}。")

    def choose_change(self, name: str) -> None:
        """The button "改一下", or one of the fields that it offered."""
        if self.field(name) is None:
            self._ask_what_to_change(self.answered)
            raise Wait
        self.draft.pop(CHANGING, None)
        self.drop(name)

    def _ask_what_to_change(self, answered: Sequence[Field]) -> None:
        changeable = [n for n in answered if n.show]
        self.draft[CHANGING] = True
        hint = "好的，没列出来的直接说就行。" if len(changeable) > _MOST_BUTTONS else "好的，"
        buttons = [command(n.label, "change_answer", field=n.name) for n in changeable[:_MOST_BUTTONS]]
        self.turn.say(f"{hint}您想改哪一项？", buttons)
