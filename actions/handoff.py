"""When a person takes over: the triggers in one place, and the effect that the hub carries out.

The hub tells the customer about the queue; the action only says what fits the occasion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rasa_sdk.events import SlotSet

from actions.turn import Turn

#: reason → (priority 0–9, what is said before the hub's queue notice)
REASONS: Final[dict[str, tuple[int, str]]] = {
    "customer_request": (5, ""),
    "repeated_miss": (5, "这件事请人工同事来帮您会更快。"),
    "missing_knowledge": (4, "这个问题请人工同事来答更稳妥。"),
    "policy_restriction": (5, "接下来请人工同事帮您跟进。"),
    "injury": (9, "已为您通知人伤专员，优先接入；下面的报案我们继续，方便时回答就好。"),
    "distress": (
        9,
        "听到您现在很难受，我很担心您。您不是一个人，可以拨打全国心理援助热线 12356；如果情况紧急，请马上拨打 120 或 110。我这就请同事来陪您说。",
    ),
    "threat": (8, "我听到了，您的不满我们很重视。为了大家的安全，我请主管同事马上跟您沟通；如有紧急危险请拨打 110。"),
    "in_danger": (9, "人最要紧：有人受伤请马上拨打 120，事故请拨打 122。我已请同事优先跟进，您也可以接着跟我说。"),
    "escalation": (8, "我听到了，这件事让您受委屈了。我已请主管同事优先跟进，您要办的事我们接着办。"),
    "abuse": (6, "给您带来不好的体验，真的很抱歉。我请人工同事来听您说，尽快把问题解决好。"),
    "complaint": (7, ""),
    "fraud_signs": (6, ""),
    "tool_failure": (6, ""),
}

_PERSON = re.compile(
    r"^(请|我要|我想|帮我|给我|麻烦|快|直接)*(转|找|接|叫|要|换|联系)?(个|一个|一下|到)?(人工|真人|客服|活人|坐席)(客服|服务|坐席|座席|接听)?[来吧呀啊!！。]*$"
    r"|转人工|转真人|转接?客服|人工客服|(找|要|换|叫)个?(真人|活人|人工)"
)
#: A question about a person is no request for one.
_NOT_NOW = re.compile(r"不用(转)?人工|不要(转)?人工|别转人工|不转人工|人工费|人工智能")


#: In an answer, which may well tell of "客服", a request for a person says so.
_WANTS_PERSON = re.compile(r"人工|真人|活人|(找|叫|要|让|派)[^，。]{0,6}(人|客服|经理|领导|主管)(来|跟|和|给)")
_DISTRESS = re.compile(r"不想活|活不下去|撑不下去|想死(?!你)|自杀|轻生|跳楼|结束生命|活着没意思")
_THREAT = re.compile(
    r"(砍|捅|杀|弄死|打死|炸|烧)(了|死|掉)?(你们?|公司|客服)|(砍|捅|杀)(了|死)?人(?!工)|同归于尽|跟你们拼(了|命)|要你们?的?命|放火|见血"
)


def needed(turn: Turn, *, in_answer: bool = False) -> str | None:
    """The reason why this message alone calls for a person, or None.

    Args:
        in_answer: the message answers a question that any words answer ("换个人"), so that a request must say so.
    """
    if _DISTRESS.search(turn.text):
        return "distress"
    if _THREAT.search(turn.text):
        return "threat"
    if turn.is_intent("abuse", least=0.7):
        return "abuse"
    if turn.pressed or not turn.text:
        return "customer_request" if turn.intent == "human_agent" else None
    if _NOT_NOW.search(turn.text):
        return None
    asked = _PERSON.search(turn.text.strip()) or (
        turn.is_intent("human_agent", least=0.7) and (not in_answer or _WANTS_PERSON.search(turn.text))
    )
    return "customer_request" if asked else None


def alerted(turn: Turn, summary: str) -> list[dict[str, Any]]:
    """Calls a colleague beside the assistant, once, where the message sounds grave without words that end the dialogue.

    The task goes on: who is in danger needs his report taken down, who threatens with a court his case looked up. A question
    about deaths or courts is no sign. Returns the event that keeps it at once.
    """
    reason = {"distress": "in_danger", "threat": "escalation"}.get(turn.emotion)
    if reason is None or turn.intent == "faq" or turn.looks_like_question or turn.tracker.slots.get("alerted"):
        return []
    request(turn, reason, summary, keep_bot=True)
    return [SlotSet("alerted", reason)]


def request(
    turn: Turn, reason: str, summary: str, slots: Mapping[str, Any] | None = None, *, keep_bot: bool = False
) -> None:
    """Puts the conversation into the queue."""
    priority, words = REASONS[reason]
    if words:
        turn.say(words)
    turn.effect(
        "handoff",
        {"reason": reason, "summary": summary, "slots": dict(slots or {}), "priority": priority, "keep_bot": keep_bot},
    )


def by_words(turn: Turn, summary: str, slots: Mapping[str, Any] | None = None) -> None:
    """Hands over for the reason that the message itself gives."""
    request(turn, needed(turn) or "customer_request", summary, slots)
