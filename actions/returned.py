"""The end of a human stretch: an agent gave the conversation back, or ended it; said by the hub, never by a customer.

The hub's turn has the intent `returned_from_agent` and as its pressed entities ``task`` and ``edits`` (field → value, what the
agent changed in the form), or ``ended`` where the agent settled the matter. What misled the bot before is forgotten, so that it
does not hand over again for it.
"""

from __future__ import annotations

from typing import Any, Final

from rasa_sdk.events import SlotSet

from actions.continued import over
from actions.kept import Answers
from actions.talk import Talk
from actions.tasks import TASKS
from actions.turn import Turn, command

INTENT: Final = "returned_from_agent"
NOTHING: Final = "nothing"
"""Effect of a turn in which the bot has nothing to say."""


def marks(turn: Turn) -> dict[str, Any]:
    """The slots that every such turn sets."""
    return {"agent_left_at": turn.now.isoformat(), "fallback_misses": None, "unsure_of": None, "alerted": None}


def ended(turn: Turn) -> bool:
    """Whether the agent settled the matter, so that no task of before goes on."""
    return turn.pressed.get("ended") is True


def take_edits(form: Answers, task: str) -> None:
    """Puts the agent's changes into the form and says which they are."""
    edits = form.turn.pressed.get("edits") if form.turn.pressed.get("task") == task else None
    told = []
    for field in [n for n in form.nodes if n.name in (edits or {})]:
        value = (edits or {})[field.name]
        if (known := form.field(field.name)) is None or form.draft.get(field.name) == value:
            continue
        form.take(known, value)
        told.append(f"{known.label}：{known.show(value)}" if known.show else known.label)
    if told:
        form.turn.say("客服已帮您填好：" + "；".join(told) + "。")


class ActionReturned(Talk):
    """No dialogue runs: the bot says that it is there again, and asks about a task put aside."""

    def name(self) -> str:
        return "action_returned"

    async def reply(self, turn: Turn) -> list[dict[str, Any]]:
        slots = turn.tracker.slots
        events = [SlotSet(name, value) for name, value in marks(turn).items()]
        if ended(turn):
            drafts = [s for s, v in slots.items() if s.endswith("_draft") and v]
            over(turn, [slot.removesuffix("_draft") for slot in drafts])
            turn.effect(NOTHING, {})
            return events + [SlotSet(slot, None) for slot in [*drafts, "suspended_tasks"]]
        if suspended := slots.get("suspended_tasks"):
            task = suspended[0]
            turn.say(
                f"刚才的{TASKS[task]}还没办完，要接着办吗？",
                [command(f"接着办{TASKS[task]}", task), command("先不办了", "deny")],
            )
        else:
            turn.say("还有什么要办的，直接告诉我就行。")
            turn.effect("finished", {})
        return events
