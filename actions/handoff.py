"""When a message calls for a person, and the effect that the hub carries out; reasons and their urgency: `chebao/handoff.py`.

The hub tells the customer about the queue; the action only says what fits the occasion.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import SlotSet

from actions.turn import Turn
from chebao.handoff import REASONS, Summary, priority_of, reason_for, skill_of

_PERSON = re.compile(
    r"^(请|我要|我想|帮我|给我|麻烦|快|直接)*(转|找|接|叫|要|换|联系)?(个|一个|一下|到)?(人工|真人|客服|活人|坐席)(客服|服务|坐席|座席|接听)?[来吧呀啊!！。]*$"
    r"|转人工|转真人|转接?客服|人工客服|(找|要|换|叫|让)个?(真人|活人|人工)"
    r"|(要|想|得|让我|帮我|可以|能不能)(跟|和|找|让|叫|派)(一?个|一下|位)?(你们)?的?(业务员|客户经理|销售|专员|工作人员|经理|负责人)[^，。？?]{0,3}(谈|聊|讲|说|来)(?!过|了|好)"
    r"|(找|叫|派|安排|换)一?个人?(能[^，。]{0,6}的)?人?来?(跟|和|给|同)我们?(谈|说|聊|讲|解释)"
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


def alerted(turn: Turn, summary: Summary) -> list[dict[str, Any]]:
    """Calls a colleague beside the assistant, once, where the message sounds grave without words that end the dialogue.

    The task goes on: who is in danger needs his report taken down, who threatens with a court his case looked up. A question
    about deaths or courts is no sign. Returns the event that keeps it at once.
    """
    reason = {"distress": "in_danger", "threat": "escalation"}.get(turn.emotion)
    if reason is None or turn.intent == "faq" or turn.looks_like_question or turn.tracker.slots.get("alerted"):
        return []
    request(turn, reason, summary)
    return [SlotSet("alerted", reason)]


def request(
    turn: Turn, reason: str, summary: Summary, slots: Mapping[str, Any] | None = None, *, task: str | None = None
) -> None:
    """Puts the conversation into the queue; nothing may be said after it in this turn, unless the bot goes on.

    Args:
        slots: what the form holds, for the agent to go on with.
        task: whose form it is.
    """
    known = turn.verified or {}
    vip, care = bool(known.get("vip")), bool(known.get("care"))
    reason = reason_for(reason, vip=vip, care=care)
    row = REASONS[reason]
    if row.words:
        turn.say(row.words)
    turn.effect(
        "handoff",
        {
            "reason": reason,
            "summary": summary.as_data(),
            "slots": dict(slots or {}),
            "task": task,
            "emotion": turn.emotion,
            "priority": priority_of(reason, vip=vip, care=care),
            "skill": skill_of(reason, task),
            "keep_bot": row.keep_bot,
        },
    )


def by_words(turn: Turn, summary: Summary, slots: Mapping[str, Any] | None = None, *, task: str | None = None) -> None:
    """Hands over for the reason that the message itself gives."""
    request(turn, needed(turn) or "customer_request", summary, slots, task=task)


def said(turn: Turn, *, tried: str = "") -> Summary:
    """The summary of a message outside the dialogues."""
    words = turn.text[:120]
    return Summary(
        wants=f"客户说：{words}" if words else "客户点了“转人工”。",
        tried=[tried] if tried else [],
        open=words if turn.looks_like_question else "",
    )
