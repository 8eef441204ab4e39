"""How a form takes in a message: a pressed button, a correction, an answer, an interruption, or a miss (stage 1 of `actions.forms`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actions import answers, handoff, photos, returned, unsure, wording
from actions.continued import PROVE, Continued, asks_to_resume, named_task
from actions.elsewhere import URGENT, where_instead
from actions.kept import Wait, value_of
from actions.nodes import Field, Finish, GoTo, Miss, Parsed
from actions.tasks import TASKS
from actions.turn import HUMAN, Turn
from chebao.handoff import Summary
from chebao.insurance import plate

if TYPE_CHECKING:
    from actions.forms import Form

RETRY = "retry"
_MISSES_BEFORE_PERSON = 3
_SELLS = frozenset({"new_policy", "renewal"})
"""Tasks that can wait until a colleague calls."""


class Hearing(Continued):
    """One message heard by one form; raises `Wait` where the turn ends without asking on, `Finish` where the form does."""

    def __init__(self, form: Form, turn: Turn) -> None:
        slots = turn.tracker.slots
        draft, misses = dict(slots.get(form.slot) or {}), dict(slots.get("misses") or {})
        super().__init__(form.task, form.nodes, turn, draft, misses)
        self.form = form
        self.suspended: list[str] = list(slots.get("suspended_tasks") or [])
        self.running = (turn.tracker.active_loop or {}).get("name") == form.name()
        self.requested = slots.get("requested_slot") if self.running else None
        self.next_form: str | None = form.name()
        self.kept: dict[str, Any] = {}
        self.alerted: list[dict[str, Any]] = []
        if not turn.verified:
            self.forget_lapsed_proof() if turn.channel else self.learn(self.draft.get("id_code"))

    async def hear(self) -> None:
        """Takes in the message; raises Wait where the turn ends without asking on."""
        turn, form = self.turn, self.form
        if turn.intent == returned.INTENT:
            self._hear_of_agent()
            return
        asked = form.field(self.requested)
        reason = handoff.needed(turn, in_answer=asked is not None and asked.free)
        if reason and not (reason == "abuse" and form.hears_anger):
            handoff.by_words(turn, self._summary(), self.draft, task=self.task)
            raise Wait
        if unsure.refuses_choices(turn):
            self._call_for_knowledge()
        if not form.hears_grief:
            self.alerted = handoff.alerted(turn, self._summary())
        starts = not self.running or self.requested is None
        if starts and (instead := where_instead(turn, form.task)):
            raise Finish(instead)
        if starts and not self.draft and asks_to_resume(turn) and named_task(turn) not in (None, form.task):
            raise GoTo(str(named_task(turn)))
        if told := turn.pressed.get("begun"):
            await self._hear_of_begun(str(told))
            return
        self.moved_away(running=not starts)
        if self.hear_choice():
            return
        resumed = starts and bool(self.draft) and turn.after_other_form(form.name())
        if starts and not self.draft:
            if asks_to_resume(turn):
                self.draft[PROVE] = "resume"
            else:
                await form.begin(turn, self.draft)
            self.look()
        if starts:
            self.suspended = [t for t in self.suspended if t != form.task]
        if resumed:  # the message was meant for the task that has just ended
            return
        await form.watch(turn, self.draft)
        if self._read_licence():
            return
        if starts:
            self.volunteer()
            await self._answer_first()
            await self._keep_further()
        elif turn.pressed or not turn.text:
            await self._pressed()
        elif self.requested == RETRY:
            self._stop_if_asked()
        elif self.wishes_to_keep():
            self.look()
        elif (field := form.field(self.requested)) is not None:
            await self._hear_answer(field)

    def _read_licence(self) -> bool:
        """A photographed licence is heard as if its words had been typed. Returns whether there was one to read."""
        papers = [] if self.turn.text else photos.licences(self.turn)
        drivers = [facts for facts in papers if facts["kind"] == "driving_licence"]
        if self.form.collects_photos:
            for facts in drivers:
                photos.tell(self.turn, facts)
        for facts in papers:
            words = photos.in_words(facts, plate_only=self.form.collects_photos)
            if words:
                photos.tell(self.turn, facts)
                if facts.get("owner"):
                    self.draft.setdefault("licence_owner", facts["owner"])
                self.turn = self.turn.saying(words)
                self.volunteer()
                return True
        if drivers and not self.form.collects_photos:
            self.turn.say(photos.NOT_THE_CARS)
            return True
        return False

    def _hear_of_agent(self) -> None:
        """An agent gave the conversation back: his changes are taken over, or the matter is settled."""
        self.kept, self.misses = returned.marks(self.turn), {}
        if returned.ended(self.turn):
            self.suspended = []
            self.turn.effect(returned.NOTHING, {})
            raise Finish
        returned.take_edits(self, self.task)

    async def _hear_of_begun(self, told: str) -> None:
        """The hub's second call of this turn, about this task or another one."""
        if told == "taken" and self.turn.intent != self.form.task:
            await self._interrupted(self.turn.intent)
        self.hear_of_begun(told)
        if told == "taken":
            known = "\n".join(self.form.read_back(self.turn, self.draft))
            self.turn.say("好的，接上了，这份改在这里填。" + (f"已经填好的：\n{known}" if known else ""))

    async def _hear_answer(self, field: Field) -> None:
        turn = self.turn
        if await self.form.respond(turn, self.draft) or await self.corrected(field):
            return
        if (target := self.form.restated(turn, self.draft, field)) is not None:
            await self._change(target)
            return
        if wording.asks_to_wait(turn.text):
            turn.say("好的，不着急，您先忙，前面说的都给您留着。")
            return
        if field.why and wording.asks_why(turn.text):
            turn.say(field.why)
            return
        # What can be read as an answer beyond doubt ("取消划痕险") is neither a stop nor an interruption.
        again = not field.free and wording.asks_again(turn.text)
        certain = not (field.free or again) and field.take(turn, self.draft) is not None
        polite = wording.is_polite_no(turn.text)
        if wording.gives_up(turn.text):
            raise Finish(self.form.stop_text)
        if not (polite or certain):
            self._stop_if_asked()
        interruption = "repeat" if again else None if certain else self._interruption(field)
        if interruption and (again or field.free or len(turn.text) > 12 or turn.looks_like_question):
            await self._interrupted(interruption)
            return
        parsed = await value_of(field.parse(turn, self.draft))
        if parsed is not None and not isinstance(parsed, Miss):
            self.take(field, parsed)
            self.volunteer(skip=field.name)
            await self._answer_beside(field)
            return
        if polite:
            self._stop_if_asked()
        if interruption and not isinstance(parsed, Miss):
            await self._interrupted(interruption)
        elif isinstance(parsed, Miss) or not (self.volunteer(skip=field.name) or await self._answered_aside()):
            self._missed(field, parsed)

    async def _answered_aside(self) -> bool:
        """A question that was taken for something else, and that the articles know, is no failed answer."""
        return self.turn.looks_like_question and await answers.aside(self.turn, self.draft)

    async def _answer_first(self) -> None:
        """A general question that was taken for this task is answered before the task asks its own first question.

        Where minutes count, and for a question about one's own car, claim or price, the task begins at once.
        """
        turn = self.turn
        if any(said.get("text") for said in turn.dispatcher.messages):
            return
        own = (
            plate.find_plates(turn.text) or turn.entity("claim_no") or turn.entity("policy_no") or "多少钱" in turn.text
        )
        apart = any(intent == "faq" for intent, _ in turn.further)  # answered with what else was said
        calm = turn.emotion not in ("angry", "threat", "distress")
        if self.task not in URGENT and turn.looks_like_question and calm and not own and not apart:
            await answers.aside(turn, self.draft)

    async def _answer_beside(self, field: Field) -> None:
        """The question behind an answer ("没报，这种报警有用吗") is answered where the articles know it beyond doubt."""
        _, comma, beside = self.turn.text.rpartition("，")
        asked = self.turn.saying(beside.strip())
        if comma and not field.free and len(asked.text) >= 5 and asked.looks_like_question:
            await answers.aside(asked, self.draft)

    async def _keep_further(self) -> None:
        """Answers a question asked beside the task, and puts further tasks behind this one."""
        tasks = [intent for intent, _ in self.turn.further if intent in TASKS and intent != self.form.task]
        for intent, words in self.turn.further:
            if intent == "faq" and self.turn.saying(words).looks_like_question:
                await answers.answer(self.turn.saying(words), self.draft)
        if tasks and not set(tasks) & set(self.suspended):
            self.turn.say(f"好的，先办{TASKS[self.form.task]}，办完接着办{TASKS[tasks[0]]}。")
            self.suspended += tasks

    def _stop_if_asked(self) -> None:
        text = self.turn.text.strip()
        meant = self.turn.is_intent("cancel", least=0.8)
        if meant and (field := self.form.field(self.requested)) is not None and field.free:
            meant = wording.refuses(text)  # "重新修" is what he wants to be done, and no wish to stop
        if len(text) <= 20 and (meant or wording.is_stop(text)):
            raise Finish(self.form.stop_text)

    async def _pressed(self) -> None:
        """A button, or a photo or position without words."""
        turn = self.turn
        if not turn.pressed and (turn.attachments or turn.location):
            await self._sent()
            return
        if turn.intent == "change_answer":
            self.choose_change(str(turn.pressed.get("field") or ""))
            return
        known = RETRY in turn.pressed
        for name in turn.pressed:
            if (field := self.form.field(name)) is not None:
                parsed = await value_of(field.parse(turn, self.draft))
                if isinstance(parsed, Miss):
                    turn.say(parsed.why, parsed.buttons)
                    raise Wait
                self.take(field, turn.pressed[name] if parsed is None else parsed)
                known = True
        if not known:
            await self._interrupted(turn.intent)

    async def _sent(self) -> None:
        """A photo or position: the answer to the question where that takes one, else of use for another field."""
        asked = self.form.field(self.requested)
        parsed = await value_of(asked.parse(self.turn, self.draft)) if asked else None
        if isinstance(parsed, Miss) and asked:
            self.turn.say(parsed.why, asked.ask(self.turn, self.draft).buttons)
            raise Wait
        if asked and parsed is not None:
            self.take(asked, parsed)
        filled = self.volunteer() or parsed is not None
        unread = self.turn.attachments and not filled and not self.form.collects_photos
        if unread and asked and asked.ask(self.turn, self.draft).wants == "licence":
            self.turn.say(photos.UNREAD)

    # --- interruptions ------------------------------------------------------------------------------------------

    def _interruption(self, field: Field) -> str | None:
        """The intent that leads away from the question, or None. An answer in free words needs a clearer sign."""
        turn = self.turn
        if not field.free and self.task in _SELLS and wording.wants_call_back(turn.text):
            return "appointment"
        if turn.intent in TASKS and turn.intent != self.form.task and turn.confidence >= 0.75:
            return turn.intent if not field.free or wording.is_wish(turn.text) else None
        if turn.is_intent("faq", least=0.5):
            return "faq" if not field.free or turn.looks_like_question else None
        if field.free and turn.is_intent("chitchat", "out_of_scope") and not turn.looks_like_question:
            return None
        if self.task in URGENT and turn.is_intent("chitchat", "out_of_scope") and not wording.asks(turn.text):
            return None  # who stands at a crash is not told that we are no good at small talk
        talk = ("help", "bot_challenge", "repeat", "chitchat", "out_of_scope", "greet", "thank", "goodbye")
        return turn.intent if turn.is_intent(*talk, least=0.75 if field.free else 0.5) else None

    async def _interrupted(self, intent: str) -> None:
        """Answers an interruption; then the question just asked is asked again, unless another task takes over."""
        turn = self.turn
        if intent == "human_agent":
            handoff.by_words(turn, self._summary(), self.draft, task=self.task)
            raise Wait
        if intent == "cancel":
            raise Finish(self.form.stop_text)
        if intent == "appointment" and self.task in _SELLS and wording.wants_call_back(turn.text):
            turn.say(
                f"好的，约同事给您打电话。刚才的{TASKS[self.task]}先放着，想接着办，说一声“{TASKS[self.task]}”就行。"
            )
            self.next_form = "appointment_form"
            raise Wait
        if intent in TASKS and intent != self.form.task:
            turn.say(f"好的，先为您办{TASKS[intent]}，刚才的{TASKS[self.form.task]}我先留着。")
            self.suspended = [self.form.task, *(t for t in self.suspended if t != self.form.task)]
            self.next_form = f"{intent}_form"
            raise Wait
        if not answers.small_talk(turn, intent) and intent == "faq":
            found = answers.find(turn)
            if unsure.again(turn, found):
                self._call_for_knowledge()
            await answers.say(turn, found, self.draft)
            self.kept[unsure.SLOT] = unsure.note(turn, found)

    def _missed(self, field: Field, parsed: Parsed) -> None:
        """Explains after the second miss instead of asking the same way again; the third offers a person."""
        count = self.misses[field.name] = self.misses.get(field.name, 0) + 1
        prompt = field.ask(self.turn, self.draft)
        if count >= _MISSES_BEFORE_PERSON:
            why = parsed.why if isinstance(parsed, Miss) else field.explain
            self.turn.say(f"这一项也可以请人工同事帮您填。{why}", [*prompt.buttons, HUMAN])
        elif isinstance(parsed, Miss):
            self.turn.say(parsed.why, [*parsed.buttons, *prompt.buttons])
        elif count == 1:
            self.turn.say("不好意思，刚才这句我没对上。" + prompt.text, prompt.buttons, prompt.wants)
        else:
            self.turn.say(field.explain, prompt.buttons)
        raise Wait

    def _call_for_knowledge(self) -> None:
        unsure.call(self.turn, self._summary(), self.draft, task=self.task)
        self.kept[unsure.SLOT] = None
        raise Wait

    def _summary(self) -> Summary:
        """For the agent: the task, what is filled in, which questions did not get across, and the one that is open."""
        asked = self.form.field(self.requested)
        missed = [f.label for name in self.misses if (f := self.form.field(name))]
        return Summary(
            f"正在办理：{TASKS[self.task]}",
            self.form.known(self.turn, self.draft),
            [f"问过“{label}”，没有听懂回答" for label in missed],
            asked.label if asked else "",
        )
