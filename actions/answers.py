"""Answers outside the dialogues: knowledge, small talk, and what to do when nothing was understood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker

from actions import handoff
from actions.services import knowledge
from actions.tasks import TASKS
from actions.turn import HUMAN, Button, Turn, command
from chebao.insurance import accidents
from chebao.knowledge.search import Answer

#: Intents that are no task; each but "repeat" has its short reply utter_<intent> in domain.yml.
SMALL_TALK: Final = frozenset(
    {"greet", "thank", "goodbye", "help", "bot_challenge", "chitchat", "out_of_scope", "repeat"}
)


def small_talk(turn: Turn, intent: str) -> bool:
    """Says the short reply to small talk. Returns whether `intent` is such talk."""
    if intent not in SMALL_TALK:
        return False
    if intent != "repeat":
        turn.dispatcher.utter_message(response=f"utter_{intent}")
    return True


def answer(turn: Turn) -> bool:
    """Answers a knowledge question from the articles, offers up to three, or says that it cannot. True if answered."""
    if (topic := turn.pressed.get("topic")) is not None:
        article = next((a for a in knowledge().articles if a.id == topic), None)
        found = Answer("confident", article, article.lead) if article else Answer("none")
    else:
        found = knowledge().answer(turn.text)
    if found.kind == "confident" and found.article is not None:
        task = found.article.related_dialogue
        turn.say(found.text, [command(f"去办{TASKS[task]}", task)] if task in TASKS and not turn.in_dialogue else [])
        return True
    if found.kind == "choices":
        turn.say("您想了解的是下面哪一个？", [command(c.title, "faq", topic=c.id) for c in found.choices])
        return True
    turn.say("这个问题我没有把握答准，怕说错耽误您。可以换个说法再问一次，或者请人工同事来答。", [HUMAN])
    return False


class ActionAnswer(Action):
    """A knowledge question outside the dialogues."""

    def name(self) -> str:
        return "action_answer"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        turn = Turn.of(dispatcher, tracker)
        if handoff.needed(turn):
            handoff.by_words(turn, f"客户问：{turn.text[:80]}")
            return []
        answered = answer(turn)
        return [SlotSet("fallback_misses", None)] if answered and tracker.slots.get("fallback_misses") else []


class ActionHandoff(Action):
    """A person is asked for, or needed, outside the dialogues."""

    def name(self) -> str:
        return "action_handoff"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        turn = Turn.of(dispatcher, tracker)
        handoff.by_words(turn, f"客户说：{turn.text[:120]}" if turn.text else "客户点了“转人工”。")
        return [SlotSet("fallback_misses", None)]


class ActionFallback(Action):
    """Nothing was understood: first the likeliest guesses, then what I can do, the third time a person."""

    def name(self) -> str:
        return "action_default_fallback"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        turn = Turn.of(dispatcher, tracker)
        if handoff.needed(turn):
            handoff.by_words(turn, f"客户说：{turn.text[:120]}")
            return []
        if task := task_told(turn):
            return [SlotSet("fallback_misses", None), ActiveLoop(f"{task}_form")]
        misses = int(tracker.slots.get("fallback_misses") or 0) + 1
        if misses >= 3:
            handoff.request(turn, "repeated_miss", f"连续三次没听懂，客户最后说：{turn.text[:120]}")
            return [SlotSet("fallback_misses", None)]
        if misses == 1:
            turn.say("这句我没太听明白，您是想：", [*_guesses(tracker), HUMAN])
        else:
            turn.say(
                "还是没对上，抱歉。您可以说得具体一点，比如“车被追尾了要报案”“京A12345 续保”，也可以直接点：",
                [command("报案", "report_claim"), command("续保", "renewal"), command("买车险", "new_policy"), HUMAN],
            )
        return [SlotSet("fallback_misses", misses)]


def _guesses(tracker: Tracker) -> list[Button]:
    """Buttons for the two likeliest tasks; a customer should choose, not rephrase."""
    ranking = tracker.latest_message.get("intent_ranking") or []
    likely = [r["name"] for r in ranking if r["name"] in TASKS][:2] or ["report_claim", "renewal"]
    return [command(TASKS[name], name) for name in likely]


class ActionSmallTalk(Action):
    """Small talk, and short answers that nobody asked for, outside the dialogues."""

    def name(self) -> str:
        return "action_small_talk"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        turn = Turn.of(dispatcher, tracker)
        if handoff.needed(turn):
            handoff.by_words(turn, f"客户说：{turn.text[:120]}")
            return []
        suspended = list(tracker.slots.get("suspended_tasks") or [])
        if suspended and (turn.intent in ("affirm", "deny") or _GO_ON.search(turn.text)):
            return _resumed_or_dropped(turn, suspended)
        if task := task_told(turn):
            return [ActiveLoop(f"{task}_form")]
        if turn.attachments and not turn.text:
            turn.say(
                "照片收到了。您是要报案，还是给已有的理赔案件补材料？",
                [command("我要报案", "report_claim"), command("查理赔/补材料", "claim_progress"), HUMAN],
            )
        elif turn.intent == "faq" or (turn.looks_like_question and turn.intent in ("out_of_scope", "inform")):
            answer(turn)
        elif re.search(r"退订|^\s*TD\s*$", turn.text, re.IGNORECASE):
            turn.say("好的，已为您退订营销信息，不会再主动发送。保单和理赔的服务通知不受影响。")
        elif turn.intent == "deny":
            turn.say("好的，有需要随时叫我。")
        elif not small_talk(turn, turn.intent):
            turn.say(
                "收到。您是想报案、续保、买车险，还是问车险问题？",
                [command("报案", "report_claim"), command("续保", "renewal"), command("买车险", "new_policy"), HUMAN],
            )
        return []


#: Messages of these intents that tell of an accident or a breakdown are taken for what they tell.
_UNCLEAR: Final = frozenset({"inform", "out_of_scope", "chitchat", "nlu_fallback", "deny", "affirm", "change_answer"})
_STRANDED = re.compile(r"抛锚|趴窝|拖车|搭电|换胎|爆胎|没油了|送油|打不着火|道路救援")
_ACCIDENT = re.compile(r"出(了|个)?(交通)?事故|出险了|车祸|发动机.{0,4}(冒烟|着火)|熄火.{0,3}水|水里熄火")


def task_told(turn: Turn) -> str | None:
    """The task that a statement calls for although its intent does not say so, or None."""
    told = turn.text
    if not told or turn.looks_like_question or turn.intent not in _UNCLEAR:
        return None
    kind = accidents.accident_type_of(told)
    if (kind and len(told) >= 4) or _ACCIDENT.search(told):
        return "report_claim"
    return "roadside_assistance" if _STRANDED.search(told) else None


_GO_ON = re.compile(r"^(那)?(接着|继续)(办|来|吧|弄|填|刚才)?")


def _resumed_or_dropped(turn: Turn, suspended: list[str]) -> list[dict[str, Any]]:
    """The answer to "刚才的…还没办完，要接着办吗？"."""
    task = suspended[0]
    if turn.intent == "deny":
        turn.say(f"好的，{TASKS[task]}先放下了，没有提交任何内容。需要时随时叫我。")
        return [SlotSet(f"{task}_draft", None), SlotSet("suspended_tasks", suspended[1:] or None)]
    return [ActiveLoop(f"{task}_form")]


class ActionStop(Action):
    """Stops: a suspended task is dropped; nothing was written."""

    def name(self) -> str:
        return "action_stop"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        turn = Turn.of(dispatcher, tracker)
        turn.say("好的，已经停下，没有提交任何内容。需要时随时叫我。")
        drafts = [s for s, v in tracker.slots.items() if s.endswith("_draft") and v]
        return [SlotSet(slot, None) for slot in [*drafts, "suspended_tasks"]]
