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
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from chebao.errors import ChebaoError, InputRefused, Locked, Unavailable
from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions import answers, handoff
from actions.tasks import TASKS
from actions.turn import HUMAN, Button, Turn, command, option

logger = logging.getLogger(__name__)

Draft = dict[str, Any]

RETRY = "retry"
_MISSES_BEFORE_PERSON = 3


@dataclass(frozen=True)
class Prompt:
    """A question: one sentence at its end asks for one thing."""

    text: str
    buttons: Sequence[Button] = ()


@dataclass(frozen=True)
class Miss:
    """An answer that was understood but cannot be taken; `why` is said at once."""

    why: str


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


@dataclass(frozen=True)
class Step:
    """Something to do once everything before it is known. What `run` returns is kept in the draft under `name`."""

    name: str
    run: Callable[[Turn, Draft], Awaitable[Any]]
    needed: Callable[[Turn, Draft], bool] = always
    depends: tuple[str, ...] = ()


_CORRECTION = re.compile(r"(说|填|写|选|报|打|输|记|弄|搞)错|不对[，,。!！ ]|^不对|更正|改(一)?下|改成|改为|修改|重新填|换成|应该是")
_NEW_VALUE = re.compile(r"(?:改成|改为|改到|应该是|应为|换成|其实是|而是|写成|是)\s*[:：]?")
#: An answer in free words is a story; only a plain wish in it starts another task.
_WISH = re.compile(r"^(对了|另外|那|先|等等|等一下|顺便|麻烦|请|我|能|可以)*(先)?(帮我|给我|我要|我想|想|要|办|查)(?!求)")
_STOP = re.compile(r"^(那)?(还是)?(算了|取消|停止|退出|不办了|不买了|不报了|不弄了|先不办|不续了|不用了|别办了)|算了.{0,3}不")


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
            self._leave()
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
        if starts and not self.draft:
            await form.begin(turn, self.draft)
        await form.watch(turn, self.draft)
        if starts:
            self._volunteer()
            self.suspended = [t for t in self.suspended if t != form.task]
        elif turn.pressed or not (turn.text or turn.attachments):
            await self._pressed()
        elif self.requested == RETRY:
            self._stop_if_asked()
        elif (field := form.field(self.requested)) is not None:
            await self._hear_answer(field)

    async def _hear_answer(self, field: Field) -> None:
        turn = self.turn
        if await self.form.respond(turn, self.draft) or await self._corrected(field):
            return
        # An answer that can be read as such ("取消划痕险", "不用了，照旧") is neither a stop nor a question.
        answered = not field.free and field.take(turn, self.draft) is not None
        if not answered:
            self._stop_if_asked()
        interruption = None if answered else self._interruption(field)
        if interruption and (field.free or len(turn.text) > 12 or turn.looks_like_question):
            self._interrupted(interruption)
            return
        parsed = await _value(field.parse(turn, self.draft))
        if parsed is not None and not isinstance(parsed, Miss):
            self._take(field, parsed)
            self._volunteer(skip=field.name)
        elif interruption and not isinstance(parsed, Miss):
            self._interrupted(interruption)
        elif not self._volunteer(skip=field.name):
            self._missed(field, parsed)

    def _stop_if_asked(self) -> None:
        text = self.turn.text.strip()
        if len(text) <= 20 and (self.turn.is_intent("cancel", least=0.8) or _STOP.search(text)):
            raise Finish(self.form.stop_text)

    async def _pressed(self) -> None:
        turn, known = self.turn, False
        for name, value in turn.pressed.items():
            if turn.intent == "change_answer" and name == "field":
                self._drop(str(value))
                known = True
            elif (field := self.form.field(name)) is not None:
                parsed = await _value(field.parse(turn, self.draft))
                if isinstance(parsed, Miss):
                    turn.say(parsed.why)
                    raise _Wait
                self._take(field, value if parsed is None else parsed)
                known = True
        if not known:
            self._interrupted(turn.intent)

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
            if isinstance(node, Field) and node.name != skip and node.name not in self.draft:
                value = node.take(self.turn, self.draft)
                if value is not None:
                    self.draft[node.name] = value
                    filled = True
        return filled

    async def _corrected(self, asked: Field) -> bool:
        """Handles "时间说错了，是前天晚上": changes the field meant, or asks which one is."""
        turn = self.turn
        meant = turn.is_intent("change_answer", least=0.6)
        if not meant and not _CORRECTION.search(turn.text):
            return False
        answered = [n for n in self.form.nodes if isinstance(n, Field) and n.name in self.draft]
        named = [n for n in answered if any(w in turn.text for w in n.words)]
        told = [n for n in answered if (v := n.take(turn, self.draft)) is not None and v != self.draft[n.name]]
        target = next((n for n in named if n in told), None) or next(iter(named or told), None)
        if target is None:
            if not meant or asked.take(turn, self.draft) is not None:
                return False
            self._ask_what_to_change(answered)
            raise _Wait
        await self._change(target)
        return True

    async def _change(self, target: Field) -> None:
        turn = self.turn
        value = target.take(turn, self.draft)
        if value is None and _NEW_VALUE.search(turn.text):
            rest = _NEW_VALUE.split(turn.text)[-1].strip(" ，,。.")
            value = await _value(target.parse(turn.saying(rest), self.draft)) if rest else None
        self._drop(target.name)
        if value is not None and not isinstance(value, Miss):
            self.draft[target.name] = value
            shown = f"：{target.show(value)}" if target.show else ""
            turn.say(f"好的，{target.label}已改过来{shown}。")

    def _ask_what_to_change(self, answered: Sequence[Field]) -> None:
        changeable = [n for n in answered if n.show]
        self.turn.say(
            "好的，您想改哪一项？", [command(n.label, "change_answer", field=n.name) for n in changeable][:9]
        )

    # --- interruptions ------------------------------------------------------------------------------------------

    def _interruption(self, field: Field) -> str | None:
        """The intent that leads away from the question, or None. An answer in free words needs a clearer sign."""
        turn = self.turn
        if turn.intent in TASKS and turn.intent != self.form.task and turn.confidence >= 0.75:
            return turn.intent if not field.free or _WISH.search(turn.text) else None
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

    def _leave(self) -> None:
        """Ends the form; a suspended task is offered again."""
        self.draft, self.misses, self.requested, self.next_form = {}, {}, None, None
        if self.suspended:
            task = self.suspended.pop(0)
            self.turn.say(
                f"刚才的{TASKS[task]}还没办完，要接着办吗？",
                [command(f"接着办{TASKS[task]}", task), command("先不办了", "goodbye")],
            )

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
