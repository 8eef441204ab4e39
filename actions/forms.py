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

import inspect
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar

from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker

from actions import answers, handoff, wording
from actions.nodes import AskAgain, Draft, Field, Finish, Miss, Parsed, Prompt, Step, always, nothing
from actions.tasks import TASKS
from actions.turn import HUMAN, Turn, command, option
from chebao.errors import ChebaoError, InputRefused, Locked, Unavailable

__all__ = ["AskAgain", "Draft", "Field", "Finish", "Form", "Miss", "Parsed", "Prompt", "Step", "always", "nothing"]

logger = logging.getLogger(__name__)

RETRY = "retry"
_CHANGING = "changing"
"""Key in the draft while the customer is asked which answer to change."""
_MISSES_BEFORE_PERSON = 3


class Form(Action, ABC):
    """Base of all dialogues; subclasses name their task and list their nodes.

    Abstract, because rasa-sdk registers every concrete `Action` of the process.
    """

    nodes: ClassVar[Sequence[Field | Step]]
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

    async def begin(self, turn: Turn, draft: Draft) -> None:
        """Said or noted when the dialogue starts; the default says nothing."""

    async def watch(self, turn: Turn, draft: Draft) -> None:
        """Looks at every message of the dialogue, e.g. for an injury mentioned in passing; the default does nothing."""

    async def respond(self, turn: Turn, draft: Draft) -> bool:
        """Answers a question about this very business, e.g. why the price changed. Returns whether it did."""
        return False

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Rasa's entry: one turn of the form."""
        return await _Run(self, Turn.of(dispatcher, tracker)).play()

    def field(self, name: str | None) -> Field | None:
        return next((n for n in self.nodes if isinstance(n, Field) and n.name == name), None)

    def read_back(self, turn: Turn, draft: Draft) -> list[str]:
        """``label：value`` of every answer that is read back before the customer confirms."""
        return [
            f"{n.label}：{n.show(draft[n.name])}"
            for n in self.nodes
            if isinstance(n, Field) and n.show and draft.get(n.name) not in (None, "") and n.needed(turn, draft)
        ]


class _Run:
    """One turn of one form."""

    def __init__(self, form: Form, turn: Turn) -> None:
        slots = turn.tracker.slots
        self.form, self.turn = form, turn
        self.draft: Draft = dict(slots.get(form.slot) or {})
        self.misses: dict[str, int] = dict(slots.get("misses") or {})
        self.suspended: list[str] = list(slots.get("suspended_tasks") or [])
        self.running = (turn.tracker.active_loop or {}).get("name") == form.name()
        requested = slots.get("requested_slot") if self.running else None
        self.requested: str | None = requested
        self.next_form: str | None = form.name()
        if not turn.verified:
            self._learn(self.draft.get("id_code"))

    async def play(self) -> list[dict[str, Any]]:
        try:
            await self._hear()
            await self._advance()
        except _Wait:
            pass
        except Finish as end:
            if end.text or end.buttons:
                self.turn.say(end.text, end.buttons)
            self._leave(stopped=end.text == self.form.stop_text)
        except Unavailable:
            logger.warning("back office unavailable in %s of %s", self.form.name(), self.turn.sender)
            self._offer_retry()
        except Locked as error:
            self.turn.say(error.message)
            handoff.request(self.turn, "policy_restriction", self._summary(), self.draft)
        except ChebaoError as error:
            self.turn.say(error.message, [command("换个问题", "help"), HUMAN])
            self._leave()
        return self._events()

    # --- hear ---------------------------------------------------------------------------------------------------

    async def _hear(self) -> None:
        """Takes in the message; raises _Wait where the turn ends without asking on."""
        turn, form = self.turn, self.form
        if handoff.needed(turn):
            handoff.by_words(turn, self._summary(), self.draft)
            raise _Wait
        starts = not self.running or self.requested is None
        resumed = starts and bool(self.draft) and turn.after_other_form(form.name())
        if starts and not self.draft:
            await form.begin(turn, self.draft)
        if starts:
            self.suspended = [t for t in self.suspended if t != form.task]
        if resumed:  # the message was meant for the task that has just ended
            return
        await form.watch(turn, self.draft)
        if starts:
            self._volunteer()
        elif turn.pressed or not turn.text:
            await self._pressed()
        elif self.requested == RETRY:
            self._stop_if_asked()
        elif (field := form.field(self.requested)) is not None:
            await self._hear_answer(field)

    async def _hear_answer(self, field: Field) -> None:
        turn = self.turn
        if await self._corrected(field):
            return
        polite = wording.is_polite_no(turn.text)
        if not polite:
            self._stop_if_asked()
        interruption = self._interruption(field)
        if interruption and (field.free or len(turn.text) > 12 or turn.looks_like_question):
            self._interrupted(interruption)
            return
        parsed = await _value(field.parse(turn, self.draft))
        if parsed is not None and not isinstance(parsed, Miss):
            self._take(field, parsed)
            self._volunteer(skip=field.name)
            return
        if polite:
            self._stop_if_asked()
        if interruption and not isinstance(parsed, Miss):
            self._interrupted(interruption)
        elif isinstance(parsed, Miss) or not self._volunteer(skip=field.name):
            self._missed(field, parsed)

    def _stop_if_asked(self) -> None:
        text = self.turn.text.strip()
        if len(text) <= 20 and (self.turn.is_intent("cancel", least=0.8) or wording.is_stop(text)):
            raise Finish(self.form.stop_text)

    async def _pressed(self) -> None:
        """A button, or a photo or position without words."""
        turn = self.turn
        if not turn.pressed and (turn.attachments or turn.location):
            await self._sent()
            return
        if turn.intent == "change_answer":
            self._choose_change(str(turn.pressed.get("field") or ""))
            return
        known = RETRY in turn.pressed
        for name in turn.pressed:
            if (field := self.form.field(name)) is not None:
                parsed = await _value(field.parse(turn, self.draft))
                self._take(field, turn.pressed[name] if parsed is None or isinstance(parsed, Miss) else parsed)
                known = True
        if not known:
            self._interrupted(turn.intent)

    async def _sent(self) -> None:
        """A photo or position: the answer to the question where that takes one, else of use for another field."""
        asked = self.form.field(self.requested)
        parsed = await _value(asked.parse(self.turn, self.draft)) if asked else None
        if isinstance(parsed, Miss) and asked:
            self.turn.say(parsed.why, asked.ask(self.turn, self.draft).buttons)
            raise _Wait
        if asked and parsed is not None:
            self._take(asked, parsed)
        self._volunteer()

    def _take(self, field: Field, value: Any) -> None:
        if field.name in self.draft and self.draft[field.name] != value:
            self._drop(field.name)
        self.draft[field.name] = value
        self.misses.pop(field.name, None)
        self._learn(value)

    def _drop(self, name: str) -> None:
        """Forgets a value and all that was computed from it."""
        self.draft.pop(name, None)
        for node in self.form.nodes:
            if name in node.depends and node.name in self.draft:
                self._drop(node.name)

    def _volunteer(self, skip: str = "") -> bool:
        """Fills other empty fields from what the message also says. Returns whether any was filled."""
        filled = False
        for node in self.form.nodes:
            if isinstance(node, Field) and node.name != skip and self.draft.get(node.name, "") == "":
                value = node.take(self.turn, self.draft)
                if value is not None:
                    self._take(node, value)
                    filled = True
        return filled

    # --- corrections --------------------------------------------------------------------------------------------

    async def _corrected(self, asked: Field) -> bool:
        """Handles "时间说错了，是前天晚上": changes the field meant, or asks which one is."""
        turn = self.turn
        answered = [n for n in self.form.nodes if isinstance(n, Field) and n.name in self.draft]
        chosen = self.draft.pop(_CHANGING, False)
        if chosen and (target := self._named(answered)):
            await self._change(target)
            return True
        meant = turn.is_intent("change_answer", least=0.6)
        refused = asked.name == "confirm" and (wording.is_denial(turn.text) or turn.is_intent("deny", least=0.7))
        if not (meant or refused or wording.is_correction(turn.text)):
            return False
        told = self._told(answered)
        target = self._named(told) or self._named(answered) or next(iter(told), None)
        if target is not None:
            await self._change(target)
            return True
        if (not meant and not refused) or (asked.free and len(turn.text) > 8):
            return False
        self._ask_what_to_change(answered)
        raise _Wait

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
            value = await _value(target.parse(turn.saying(rest), self.draft))
        self._drop(target.name)
        if isinstance(value, Miss):
            turn.say(value.why)
        elif value is not None:
            self._take(target, value)
            shown = f"：{target.show(value)}" if target.show else ""
            turn.say(f"好的，{target.label}已改过来{shown}。")

    def _choose_change(self, name: str) -> None:
        """The button "改一下", or one of the fields that it offered."""
        if self.form.field(name) is None:
            self._ask_what_to_change([n for n in self.form.nodes if isinstance(n, Field) and n.name in self.draft])
            raise _Wait
        self.draft.pop(_CHANGING, None)
        self._drop(name)

    def _ask_what_to_change(self, answered: Sequence[Field]) -> None:
        changeable = [n for n in answered if n.show]
        self.draft[_CHANGING] = True
        self.turn.say("好的，您想改哪一项？", [command(n.label, "change_answer", field=n.name) for n in changeable])

    # --- interruptions ------------------------------------------------------------------------------------------

    def _interruption(self, field: Field) -> str | None:
        """The intent that leads away from the question, or None. An answer in free words needs a clearer sign."""
        turn = self.turn
        if turn.intent in TASKS and turn.intent != self.form.task and turn.confidence >= 0.75:
            return turn.intent if not field.free or wording.is_wish(turn.text) else None
        if turn.is_intent("faq", least=0.5):
            return "faq" if not field.free or turn.looks_like_question else None
        talk = ("help", "bot_challenge", "repeat", "chitchat", "out_of_scope", "greet", "thank", "goodbye")
        return turn.intent if turn.is_intent(*talk, least=0.75 if field.free else 0.5) else None

    def _interrupted(self, intent: str) -> None:
        """Answers an interruption; then the question just asked is asked again, unless another task takes over."""
        turn = self.turn
        if intent == "human_agent":
            handoff.by_words(turn, self._summary(), self.draft)
            raise _Wait
        if intent == "cancel":
            raise Finish(self.form.stop_text)
        if intent in TASKS and intent != self.form.task:
            turn.say(f"好的，先为您办{TASKS[intent]}，刚才的{TASKS[self.form.task]}我先留着。")
            self.suspended = [self.form.task, *(t for t in self.suspended if t != self.form.task)]
            self.next_form = f"{intent}_form"
            raise _Wait
        if not answers.small_talk(turn, intent) and intent == "faq":
            answers.answer(turn)

    def _missed(self, field: Field, parsed: Parsed) -> None:
        """Explains after the second miss instead of asking the same way again; the third offers a person."""
        count = self.misses[field.name] = self.misses.get(field.name, 0) + 1
        prompt = field.ask(self.turn, self.draft)
        if count >= _MISSES_BEFORE_PERSON:
            why = parsed.why if isinstance(parsed, Miss) else field.explain
            self.turn.say(f"这一项也可以请人工同事帮您填。{why}", [*prompt.buttons, HUMAN])
        elif isinstance(parsed, Miss):
            self.turn.say(parsed.why, prompt.buttons)
        elif count == 1:
            self.turn.say("不好意思，刚才这句我没对上。" + prompt.text, prompt.buttons)
        else:
            self.turn.say(field.explain, prompt.buttons)
        raise _Wait

    # --- advance ------------------------------------------------------------------------------------------------

    async def _advance(self) -> None:
        """Does steps and stops at the first field that must be asked for."""
        while True:
            turn, draft = self.turn, self.draft
            node = next((n for n in self.form.nodes if n.name not in draft and n.needed(turn, draft)), None)
            if node is None:
                raise Finish
            if isinstance(node, Field):
                prompt = node.ask(turn, draft)
                turn.say(prompt.text, prompt.buttons)
                self.requested = node.name
                return
            try:
                result = await node.run(turn, draft)
            except AskAgain as again:
                self._drop(again.field)
                continue
            except InputRefused as refused:
                self._refused(refused)
                continue
            self._learn(result)
            draft.setdefault(node.name, True if result is None else result)

    def _refused(self, refused: InputRefused) -> None:
        """The back office refused a value: it is forgotten, the reason told, and the field asked for again."""
        field = str(refused.detail.get("field", ""))
        if self.form.field(field) is None or field not in self.draft:
            raise refused
        self.turn.say(refused.message)
        self._drop(field)

    def _learn(self, result: Any) -> None:
        if isinstance(result, Mapping) and "verified" in result:
            self.turn = self.turn.identified(result["verified"])

    # --- rest ---------------------------------------------------------------------------------------------------

    def _summary(self) -> str:
        known = "；".join(self.form.read_back(self.turn, self.draft)) or "尚未填写"
        return f"正在办理：{TASKS[self.form.task]}。已填：{known}。"

    def _offer_retry(self) -> None:
        self.turn.say(
            "系统这会儿有点忙，刚才的内容都给您留着，没有丢。过一会儿点“再试一次”，也可以请人工同事接手。",
            [option("再试一次", RETRY, True), HUMAN],
        )
        self.requested = RETRY

    def _leave(self, *, stopped: bool = False) -> None:
        """Ends the form. A suspended task goes on at once, or is offered where the customer has just stopped one."""
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
        events = [] if self.running else [ActiveLoop(self.form.name())]
        slots = self.turn.tracker.slots
        wanted = {
            self.form.slot: self.draft or None,
            "requested_slot": self.requested,
            "misses": self.misses or None,
            "suspended_tasks": self.suspended or None,
        }
        if self.next_form != self.form.name():
            wanted["requested_slot"] = None
            events.append(ActiveLoop(self.next_form))
        return events + [SlotSet(k, v) for k, v in wanted.items() if slots.get(k) != v]


class _Wait(Exception):
    """The turn ends here; the same field stays asked for."""


async def _value(parsed: Parsed | Awaitable[Parsed]) -> Parsed:
    return await parsed if inspect.isawaitable(parsed) else parsed
