"""The actions outside the dialogues: one for each kind of message that starts none.

Whatever the intent, each first looks whether the words call for a person, and then whether they begin a task.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Final

from rasa_sdk.events import ActiveLoop, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker

from actions import answers, handoff, photos, unsure
from actions.continued import asks_to_resume, named_task, offer_tasks, over
from actions.tasks import TASKS
from actions.turn import HUMAN, Button, Turn, command
from chebao.insurance import accidents, plate
from chebao.knowledge.search import Answer

Events = list[dict[str, Any]]

_CHOICES = (command("报案", "report_claim"), command("续保", "renewal"), command("买车险", "new_policy"), HUMAN)


class Talk(Action, ABC):
    """Base of the actions outside the dialogues. Abstract, because rasa-sdk registers every concrete `Action`."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Mapping[str, Any]) -> Events:
        """Rasa's entry."""
        turn = Turn.of(dispatcher, tracker)
        return unsure.past(turn, await self._run(turn))

    async def _run(self, turn: Turn) -> Events:
        if handoff.needed(turn):
            return _handed_over(turn)
        if unsure.refuses_choices(turn):
            unsure.call(turn, handoff.said(turn))
            return [SlotSet(unsure.SLOT, None), SlotSet("fallback_misses", None)]
        if turn.attachments and not turn.text and (claim_no := turn.tracker.slots.get(photos.LAST_CLAIM)):
            return await photos.supplement(turn, str(claim_no))
        if asks_to_resume(turn) and not turn.tracker.slots.get("suspended_tasks"):
            if task := named_task(turn):
                return [SlotSet("fallback_misses", None), ActiveLoop(f"{task}_form")]
            offer_tasks(turn)
            return [SlotSet("fallback_misses", None)]
        alerted = handoff.alerted(turn, handoff.said(turn))
        if task := task_told(turn):
            return [*alerted, SlotSet("fallback_misses", None), ActiveLoop(f"{task}_form")]
        return [*alerted, *await self.reply(turn)]

    @abstractmethod
    async def reply(self, turn: Turn) -> Events:
        """Says what the message calls for."""


def _handed_over(turn: Turn) -> Events:
    handoff.by_words(turn, handoff.said(turn))
    return [SlotSet("fallback_misses", None)]


class ActionAnswer(Talk):
    """A knowledge question."""

    def name(self) -> str:
        return "action_answer"

    async def reply(self, turn: Turn) -> Events:
        events = await _answered(turn, answers.find(turn))
        tasks = [intent for intent, _ in turn.further if intent in TASKS]
        if tasks and not turn.handed_over:
            turn.say(f"您还提到{TASKS[tasks[0]]}，现在办吗？", [command(f"办{TASKS[task]}", task) for task in tasks])
        return events


async def _answered(turn: Turn, found: Answer) -> Events:
    """Answers with what the articles have; where they fail twice running, a person does."""
    if unsure.again(turn, found):
        unsure.call(turn, handoff.said(turn))
        return [SlotSet(unsure.SLOT, None), SlotSet("fallback_misses", None)]
    await answers.say(turn, found)
    understood = [] if found.kind == "none" else [SlotSet("fallback_misses", None)]
    return [*understood, SlotSet(unsure.SLOT, unsure.note(turn, found))]


class ActionHandoff(Talk):
    """A person is asked for, or abuse was understood though no word of it stands in our list."""

    def name(self) -> str:
        return "action_handoff"

    async def reply(self, turn: Turn) -> Events:
        return _handed_over(turn)


class ActionFallback(Talk):
    """Nothing was understood: first the likeliest guesses, then what I can do, the third time a person."""

    def name(self) -> str:
        return "action_default_fallback"

    async def reply(self, turn: Turn) -> Events:
        found = answers.find(turn)
        if found.kind == "confident":
            return await _answered(turn, found)
        misses = int(turn.tracker.slots.get("fallback_misses") or 0) + 1
        if misses >= 3:
            handoff.request(turn, "repeated_miss", handoff.said(turn, tried="连续三次没听懂，给过选项"))
            return [SlotSet("fallback_misses", None)]
        if misses == 1:
            turn.say("这句我没太听明白，您是想：", [*_guesses(turn), HUMAN])
        else:
            turn.say(
                "还是没对上，抱歉。您可以说得具体一点，比如“车被追尾了要报案”“京A12345 续保”，也可以直接点：", _CHOICES
            )
        return [SlotSet("fallback_misses", misses)]


def _guesses(turn: Turn) -> list[Button]:
    """Buttons for the two likeliest tasks; a customer should choose, not rephrase."""
    ranking = turn.tracker.latest_message.get("intent_ranking") or []
    likely = [r["name"] for r in ranking if r["name"] in TASKS][:2] or ["report_claim", "renewal"]
    return [command(TASKS[name], name) for name in likely]


class ActionSmallTalk(Talk):
    """Small talk, and short answers that nobody asked for."""

    def name(self) -> str:
        return "action_small_talk"

    async def reply(self, turn: Turn) -> Events:
        suspended = list(turn.tracker.slots.get("suspended_tasks") or [])
        if suspended and (turn.intent in ("affirm", "deny") or _GO_ON.search(turn.text)):
            return _resumed_or_dropped(turn, suspended)
        if turn.attachments and not turn.text:
            turn.say(
                "照片收到了。您是要报案，还是给已有的理赔案件补材料？",
                [command("我要报案", "report_claim"), command("查理赔/补材料", "claim_progress"), HUMAN],
            )
        elif found := _asked_after_all(turn):
            return await _answered(turn, found)
        elif _NO_MARKETING.search(turn.text):
            turn.say("好的，已为您退订营销信息，不会再主动发送。保单和理赔的服务通知不受影响。")
        elif turn.intent in ("affirm", "deny"):
            turn.say("好的，有需要随时叫我。")
        elif turn.intent == "change_answer" and (claim_no := turn.tracker.slots.get(photos.LAST_CLAIM)):
            turn.say(
                f"报案 {claim_no} 已经登记好了，要更正的内容由人工同事来改，改完会告诉您。现在转给同事吗？", [HUMAN]
            )
        elif not answers.small_talk(turn, turn.intent):
            said = "好的。还要办什么，直接说就行，也可以点：" if turn.intent == "affirm" else _WHAT_NOW
            turn.say(said, _CHOICES)
        return []


def _asked_after_all(turn: Turn) -> Answer | None:
    """What the articles have for words that nobody took for a question: any answer where they look like one, else only a certain one."""
    if turn.intent != "out_of_scope" and not (turn.intent == "inform" and turn.looks_like_question):
        return None
    found = answers.find(turn)
    return found if turn.looks_like_question or found.kind == "confident" else None


_WHAT_NOW = "收到。您是想报案、续保、买车险，还是问车险问题？"
_NO_MARKETING = re.compile(r"退订|^\s*TD\s*$", re.IGNORECASE)
_GO_ON = re.compile(r"^(那)?(接着|继续)(办|来|吧|弄|填|刚才)?")


def _resumed_or_dropped(turn: Turn, suspended: list[str]) -> Events:
    """The answer to "刚才的…还没办完，要接着办吗？"."""
    task = suspended[0]
    if turn.intent == "deny":
        turn.say(f"好的，{TASKS[task]}先放下了，没有提交任何内容。需要时随时叫我。")
        over(turn, [task])
        return [SlotSet(f"{task}_draft", None), SlotSet("suspended_tasks", suspended[1:] or None)]
    return [ActiveLoop(f"{task}_form")]


class ActionStop(Talk):
    """Stops: a suspended task is dropped; nothing was written."""

    def name(self) -> str:
        return "action_stop"

    async def reply(self, turn: Turn) -> Events:
        turn.say("好的，已经停下，没有提交任何内容。需要时随时叫我。")
        drafts = [s for s, v in turn.tracker.slots.items() if s.endswith("_draft") and v]
        over(turn, [slot.removesuffix("_draft") for slot in drafts])
        return [SlotSet(slot, None) for slot in [*drafts, "suspended_tasks"]]


#: Statements of these intents are taken for what they tell; a clear intent of another kind stands.
_UNCLEAR: Final = frozenset({"inform", "out_of_scope", "chitchat", "nlu_fallback", "deny", "affirm", "change_answer"})
_STRANDED = re.compile(r"抛锚|趴窝|拖车|搭电|换胎|爆胎|没油了|送油|打不着火|道路救援")
_ACCIDENT = re.compile(r"出(了|个)?(交通)?事故|出险了|车祸|发动机.{0,4}(冒烟|着火)|熄火.{0,3}水|水里熄火")
#: A car that has just been drowned or is on fire, whatever is asked of it.
_IN_DANGER = re.compile(
    r"^(?!.*(如果|要是|会不会|赔[吗不么]|怎么赔|保[吗不]|能赔|险)).*((涵洞|积水|水坑|水里|涉水|地下道|下穿)[^，。]{0,6}(熄火|趴窝|抛锚)了|(车|发动机|机盖|电池)[^，。]{0,4}(冒烟|着火|起火)了)"
)
_OWN_CRASH = re.compile(
    r"(我|俺|自己)[^。？?]{0,12}(撞|追尾|刮|蹭|剐)(了|上)|(撞|追尾|刮|蹭|剐|碰)了[^。]{0,20}(没|忘)[^，。]{0,4}报"
)
_HELPLESS = re.compile(
    r"怎么办|咋办|咋整|好害怕|吓死|慌|(还|现在|今天).{0,4}(能|可以|来得及)[^，。]{0,2}(报|吗)|还能报|补报"
)
_ONLY_CLAIM_NO = re.compile(r"(报案号|案件号|单号)?(是)?[:：\s]*CL\s?\d{8,12}[。.]?", re.IGNORECASE)
_RENEW = re.compile(r"续保|续(一下|个|上|一年)?(车险|保险)|到期")
_GENERAL = re.compile(r"(流程|程序|手续|标准|规定|范围|区别|条件)(是|有)?[?？。！!]*$")
_PRICE = re.compile(r"投保|买.{0,4}(险|保)|上.{0,3}保险|报个?价|保费|多少钱|全险")
_WISH_TO_BUY = re.compile(
    r"(想|要|帮我|给我|准备|打算).{0,8}(投保|买.{0,5}(险|保)|上.{0,4}保险|报.{0,2}价)|^投保|只(买|要|上)(个)?(交强|商业|三者)"
)


_OWN_PRICE = re.compile(
    r"(请问|问一?下|想问一?下?|你好|您好|那|[，, ])*(你们(家|这里?|公司)?的?)?(买|上|投保?)?(个|一?份)?(车险|汽车保险|车的?保险|保险|保费|全险)?(一年|现在|大概|大约|要|得|需要|是|的)*(多少钱|什么价格?|怎么卖|咋卖|啥价)(一年|左右|啊|呀|呢|吧)*[?？。！!~]*"
)
"""A price is asked for, of no cover or car in particular: only a quote tells it."""
_STILL_ABLE = re.compile(
    r"(脱保|断保|过期|我是|我的?车|我家的?车)[^。？?]{0,24}(能|可以|能不能|可不可以)(在你们(家|这里?|公司))?(?P<how>买|投保?|上|续)(上|个)?(车险|保险|保|险)?(的?[吗么不]|[?？])"
)


def task_told(turn: Turn) -> str | None:
    """The task that a message calls for although its intent does not say so, or None.

    A question with the customer's own plate in it is about his own car: he wants a price, not an article.
    """
    told = turn.text
    if not told or turn.intent not in _UNCLEAR | {"faq"}:
        return None
    if _IN_DANGER.search(told) or (_HELPLESS.search(told) and _OWN_CRASH.search(told)):
        return "report_claim"
    if turn.intent in _UNCLEAR and _ONLY_CLAIM_NO.fullmatch(told.strip()):
        return "claim_progress"
    if plate.find_plates(told):
        if _RENEW.search(told):
            return "renewal"
        if _PRICE.search(told) and accidents.accident_type_of(told) is None:
            return "new_policy"
    if _OWN_PRICE.fullmatch(told.strip()):
        return "new_policy"
    if able := _STILL_ABLE.search(told):
        return "renewal" if able["how"].startswith("续") else "new_policy"
    if turn.looks_like_question or turn.intent == "faq" or _GENERAL.search(told):
        clauses = re.split(r"[，,。；;！!]", told)
        wished = any(_WISH_TO_BUY.search(c) and not turn.saying(c).looks_like_question for c in clauses)
        return "new_policy" if wished and len(clauses) > 1 else None
    if _WISH_TO_BUY.search(told):
        return "new_policy"
    kind = accidents.accident_type_of(told)
    if (kind and len(told) >= 4) or _ACCIDENT.search(told):
        return "report_claim"
    return "roadside_assistance" if _STRANDED.search(told) else None
