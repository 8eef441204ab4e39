"""The form that all dialogues share: an ordered list of fields to ask for and steps to do.

Each dialogue is a Rasa form whose action of the same name runs here, so that a form turn costs one action call
(Rasa's own FormAction needs two or three). Rasa owns which form runs and which field is asked for; the answers stand in
one slot, `<task>_draft`. A turn goes through three stages:

1. hear: a pressed button, a correction, an answer, an interruption (question, other task, stop, person), or a miss;
2. advance: the first node whose value is missing is asked for (Field) or done (Step);
3. rest: the changed slots go back to Rasa.

Correcting a field drops everything that was computed from it (`depends`), and nothing else.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker

from actions import handoff, unsure
from actions.hearing import RETRY, Hearing
from actions.kept import Wait
from actions.nodes import KEPT, AskAgain, Draft, Field, Finish, GoTo, Miss, Parsed, Prompt, Step, always, nothing
from actions.tasks import TASKS
from actions.turn import HUMAN, Turn, command, option
from chebao.errors import ChebaoError, InputRefused, Locked, Unavailable

__all__ = ["AskAgain", "Draft", "Field", "Finish", "Form", "Miss", "Parsed", "Prompt", "Step", "always", "nothing"]

logger = logging.getLogger(__name__)


class Form(Action, ABC):
    """Base of all dialogues; subclasses name their task and list their nodes.

    Abstract, because rasa-sdk registers every concrete `Action` of the process.
    """

    nodes: ClassVar[Sequence[Field | Step]]
    hears_anger: ClassVar[bool] = False
    """Whether harsh words belong to what the form takes down, so that they do not end it."""
    hears_grief: ClassVar[bool] = False
    """Whether the form itself sees to people who are hurt, or to a customer who threatens."""
    stop_text: ClassVar[str] = "好的，已经停下，没有提交任何内容。需要时随时叫我。"

    @property
    @abstractmethod
    def task(self) -> str:
        """The intent that starts the dialogue."""

    def name(self) -> str:
        return f"{self.task}_form"

    @property
    def slot(self) -> str:
        return f"{self.task}_draft"

    collects_photos = False
    """Whether any photo belongs to the business, so that one without legible words is nothing odd."""

    async def begin(self, turn: Turn, draft: Draft) -> None:
        """Said or noted when the dialogue starts; the default says nothing."""

    async def watch(self, turn: Turn, draft: Draft) -> None:
        """Looks at every message of the dialogue, e.g. for an injury mentioned in passing; the default does nothing."""

    async def respond(self, turn: Turn, draft: Draft) -> bool:
        """Answers a question about this very business, e.g. why the price changed. Returns whether it did."""
        return False

    def restated(self, turn: Turn, draft: Draft, asked: Field) -> Field | None:
        """An answered field for which the message plainly wishes something else, though `asked` was the question."""
        return None

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Rasa's entry: one turn of the form."""
        return await _Run(self, Turn.of(dispatcher, tracker)).play()

    def field(self, name: str | None) -> Field | None:
        return next((n for n in self.nodes if isinstance(n, Field) and n.name == name), None)

    def known(self, turn: Turn, draft: Draft) -> list[tuple[str, str]]:
        """Label and value of every answer that is read back."""
        return [
            (n.label, n.show(draft[n.name]))
            for n in self.nodes
            if isinstance(n, Field) and n.show and draft.get(n.name) not in (None, "") and n.needed(turn, draft)
        ]

    def read_back(self, turn: Turn, draft: Draft) -> list[str]:
        """The same as lines to read before the customer confirms."""
        return [f"{label}：{value}" for label, value in self.known(turn, draft)]


class _Run(Hearing):
    """One turn of one form."""

    async def play(self) -> list[dict[str, Any]]:
        try:
            await self.hear()
            if not self.known:
                self.look()
            await self._advance()
        except Wait:
            pass
        except Finish as end:
            if end.text or end.buttons:
                self.turn.say(end.text, end.buttons)
            stopped = end.text == self.form.stop_text
            self._tell_finished(stopped=stopped)
            self._leave(stopped=stopped)
        except GoTo as other:
            self.draft, self.misses, self.requested, self.next_form = {}, {}, None, f"{other.task}_form"
        except Unavailable:
            logger.warning("back office unavailable in %s of %s", self.form.name(), self.turn.sender)
            self._offer_retry()
        except Locked as error:
            self.turn.say(error.message)
            handoff.request(self.turn, "policy_restriction", self._summary(), self.draft, task=self.task)
        except ChebaoError as error:
            self.turn.say(error.message, [command("换个问题", "help"), HUMAN])
            self._leave()
        self.note()
        return self._events()

    # --- advance ------------------------------------------------------------------------------------------------

    async def _advance(self) -> None:
        """Does steps and stops at the first field that must be asked for."""
        while True:
            turn, draft = self.turn, self.draft
            node = next((n for n in self.in_order if n.name not in draft and n.needed(turn, draft)), None)
            if node is None:
                raise Finish
            if isinstance(node, Field):
                prompt = node.ask(turn, draft)
                turn.say(prompt.text, prompt.buttons, prompt.wants, self.gives_way)
                self.requested = node.name
                return
            try:
                result = await node.run(turn, draft)
            except AskAgain as again:
                self.drop(again.field)
                continue
            except InputRefused as refused:
                self._refused(refused)
                continue
            self.learn(result)
            draft.setdefault(node.name, True if result is None else result)

    def _refused(self, refused: InputRefused) -> None:
        """The back office refused a value: it is forgotten, the reason told, and the field asked for again."""
        field = str(refused.detail.get("field", ""))
        if self.form.field(field) is None or field not in self.draft:
            raise refused
        self.turn.say(refused.message)
        self.drop(field)

    # --- rest ---------------------------------------------------------------------------------------------------

    def _offer_retry(self) -> None:
        self.turn.say(
            "系统这会儿有点忙，刚才的内容都给您留着，没有丢。过一会儿点“再试一次”，也可以请人工同事接手。",
            [option("再试一次", RETRY, True), HUMAN],
        )
        self.requested = RETRY

    def _tell_finished(self, *, stopped: bool) -> None:
        """The hub may ask how satisfied the customer is, where nothing goes on; a purchase is finished when it is paid.

        A task that was stopped is none to judge, but the agent who served the customer before is.
        """
        confirmed = self.draft.get("confirm")
        if self.suspended or self.turn.handed_over:
            return
        if stopped and self.turn.tracker.slots.get("agent_left_at"):
            self.turn.effect("finished", {})
        elif confirmed and not stopped and self.task not in ("new_policy", "renewal"):
            self.turn.effect("finished", {"task": self.task, "key": confirmed["at"]})

    def _leave(self, *, stopped: bool = False) -> None:
        """Ends the form. A suspended task goes on at once, or is offered where the customer has just stopped one."""
        self.kept |= self.draft.get(KEPT) or {}
        self.draft, self.misses, self.requested, self.next_form = {}, {}, None, None
        if not self.suspended or self.turn.handed_over:
            return
        task = self.suspended[0]
        if stopped:
            self.turn.say(
                f"刚才的{TASKS[task]}还没办完，要接着办吗？",
                [command(f"接着办{TASKS[task]}", task), command("先不办了", "deny")],
            )
        else:
            self.turn.say(f"我们接着办刚才的{TASKS[task]}。")
            self.next_form = f"{task}_form"

    def _events(self) -> list[dict[str, Any]]:
        events = [*self.alerted, *([] if self.running else [ActiveLoop(self.form.name())])]
        slots = self.turn.tracker.slots
        wanted = {
            self.form.slot: self.draft or None,
            "requested_slot": self.requested,
            "misses": self.misses or None,
            "suspended_tasks": self.suspended or None,
            **self.kept,
        }
        if self.next_form != self.form.name():
            wanted["requested_slot"] = None
            events.append(ActiveLoop(self.next_form))
        return unsure.past(self.turn, events + [SlotSet(k, v) for k, v in wanted.items() if slots.get(k) != v])
