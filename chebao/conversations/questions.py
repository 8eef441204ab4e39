"""What the hub itself asks: message or call-back where nobody serves, on with waiting or not, how satisfied the customer is.

An open question stands in the conversation's `asks`. It never holds up the dialogue: what is no answer to it goes to the bot.
"""

from __future__ import annotations

import re
from typing import Any, Final

from chebao.conversations import commands, notices, statements
from chebao.conversations.ownership import HandOff, change_owner, hand_off, wait_of
from chebao.conversations.serving import end
from chebao.conversations.types import Conversation, Reply
from chebao.conversations.unit import Unit
from chebao.insurance import phone

INTENTS: Final = frozenset({"hub_keep_waiting", "hub_callback", "hub_leave_message", "hub_time", "hub_score"})
"""Our own buttons, which never reach the dialogue."""

_MISSES = 2
_LONGEST = 2000
_NEVER_MIND = re.compile(
    r"(算了|不用了|取消|没事了?|(先|还是)?(不|别)(用|要|需要|想|打算)?(约|留言?|打|回电?)(电话)?了?)[吧啊了呢]*"
)
_HERE = re.compile(r"(就)?在这(里|儿)?(回|说|联系)|不(方便|想|用|愿意)?(留|给|接)(电话|手机|号码)?|没有?(电话|手机)")
_FIGURES = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_SCORE = re.compile(r"(?:打|给|评)?([1-5一二两三四五])(分|星|颗星)?(很不满意|不满意|一般|很?满意)?吧?")
_WORDS = {
    **dict.fromkeys(("非常满意", "很满意", "特别满意", "十分满意"), 5),
    **dict.fromkeys(("满意", "挺满意", "比较满意", "还不错", "挺好"), 4),
    **dict.fromkeys(("一般", "一般般", "还行", "凑合"), 3),
    **dict.fromkeys(("不满意", "不太满意", "不怎么样"), 2),
    **dict.fromkeys(("非常不满意", "很不满意", "太差了", "差评", "很差"), 1),
}


async def pressed(unit: Unit, intent: str, entities: dict[str, Any], message_id: int) -> None:
    """Carries out one of our own buttons."""
    if intent == "hub_keep_waiting":
        await _keep_waiting(unit, message_id)
        return
    if intent == "hub_callback":
        reply: Reply | None = await _begin_callback(unit)
    elif intent == "hub_leave_message":
        reply = _begin_message(unit)
    elif intent == "hub_time":
        reply = await _time_told(unit, unit.conversation.asks or {}, str(entities.get("words") or ""))
    else:
        reply = await _scored(unit, str(entities.get("about") or ""), entities.get("score"))
    if reply:
        _say(unit, reply, message_id)


async def heard(unit: Unit, text: str) -> Reply | None:
    """The answer to typed words that belong to an open question of ours, None for all others."""
    conversation, asks = unit.conversation, unit.conversation.asks
    if not asks or conversation.owner in ("queued", "agent") or commands.wants_person(text):
        return None
    if not text or len(text) > _LONGEST:
        return None
    if asks["kind"] == "score":
        score = score_in(text, bare=asks.get("seq") == conversation.last_seq)
        return await _scored(unit, asks["about"], score) if score else None
    if asks["kind"] == "due":
        return None
    if _NEVER_MIND.fullmatch(commands.plain(text)):
        conversation.asks = conversation.offered = None
        return notices.never_mind()
    answer = {"message": _left, "phone": _phone_told}.get(asks["kind"])
    reply = await answer(unit, text) if answer else await _time_told(unit, asks, text)
    if reply and reply.buttons:
        conversation.offered = reply.buttons
    return reply


def score_in(text: str, *, bare: bool) -> int | None:
    """The score that a whole message gives.

    Args:
        bare: nothing was said since the question, so that a mere number or word of praise answers it.
    """
    words = commands.plain(text)
    found = _SCORE.fullmatch(words)
    if found and (bare or found[2]):
        return int(found[1]) if found[1].isdigit() else _FIGURES[found[1]]
    return _WORDS.get(words) if bare else None


# --- satisfaction ---------------------------------------------------------------------------------------------------


async def ask_score(unit: Unit, about: str, *, agent_id: str | None = None, turn_of: int | None = None) -> bool:
    """Asks, once, how satisfied the customer is with what has just ended; False where there is nothing to ask."""
    name = await _begin_score(unit, about, agent_id)
    if name:
        unit.say(notices.score(name), sender="system", turn_of=turn_of)
        _score_asked(unit, name)
    return name is not None


async def end_episode(unit: Unit, *, reason: str, notice: Reply, survey: bool = True) -> None:
    """The agent's conversation ends; in the same bubble the customer is asked how satisfied he is.

    Raises:
        Conflict: no agent has it.
    """
    name = await _begin_score(unit, "episode", unit.conversation.agent_id) if survey else None
    end(unit, reason=reason, notice=notices.with_score(notice, name) if name else notice)
    if name:
        _score_asked(unit, name)


def score_due(conversation: Conversation) -> bool:
    """Whether an agent gave the conversation back to the bot, and the customer was not asked yet how that was."""
    return conversation.owner == "bot" and (conversation.asks or {}).get("kind") == "due"


async def ask_due_score(unit: Unit) -> None:
    """Asks about the agent's part by itself, where the customer went without another word."""
    name = await _begin_score(unit, "episode", (unit.conversation.asks or {}).get("agent_id"))
    unit.conversation.asks = None
    if name:
        unit.say(notices.with_score(notices.closed_by_agent(), name), sender="system")
        _score_asked(unit, name)


async def _begin_score(unit: Unit, about: str, agent_id: str | None) -> str | None:
    """Under which name it is to be asked about; None where nobody wants to know, or it was asked before."""
    ask = unit.service.ask
    return await ask(unit.connection, unit.conversation, about, agent_id) if ask else None


def _score_asked(unit: Unit, name: str) -> None:
    """The question is what was said last; a number is the answer to it, not to what was offered before."""
    conversation = unit.conversation
    conversation.asks = {"kind": "score", "about": name, "seq": conversation.last_seq}
    conversation.offered = None


async def finished(unit: Unit, task: str, key: str, turn_of: int | None) -> None:
    """The dialogue has come to an end: the human episode before it is asked about, else the task itself."""
    asks = unit.conversation.asks or {}
    if unit.conversation.owner != "bot":  # people are on their way, or have it
        return
    if score_due(unit.conversation):
        unit.conversation.asks = None
        if await ask_score(unit, "episode", agent_id=asks.get("agent_id"), turn_of=turn_of):
            return
    if task and key:
        await ask_score(unit, f"task:{task}:{key}", turn_of=turn_of)


async def at_rest(unit: Unit) -> bool:
    """Whether no question of the bot's is open, so that one of ours is not in its way."""
    conversation = unit.conversation
    if conversation.owner not in ("bot", "closed") or conversation.offered:
        return False
    found = await unit.connection.execute(statements.LAST_OF_BOT, (conversation.id,))
    row = await found.fetchone()
    return row is None or not row["text"].rstrip().endswith(("？", "?"))


async def _scored(unit: Unit, about: str, value: object) -> Reply | None:
    if not isinstance(value, int) or not 1 <= value <= 5:
        return None
    unit.conversation.asks = None
    score = unit.service.score
    kept = score is not None and await score(unit.connection, unit.conversation, about, value)
    return notices.scored(value) if kept else notices.scored_before()


# --- waiting, call-back, message --------------------------------------------------------------------------------------


async def _keep_waiting(unit: Unit, message_id: int) -> None:
    conversation = unit.conversation
    if conversation.owner == "queued":
        conversation.handoff = {**(conversation.handoff or {}), "waits_since": unit.now.isoformat(), "choice": False}
        unit.say(notices.waits_on(await wait_of(unit)), sender="system", turn_of=message_id)
    elif conversation.owner == "bot" and conversation.handoff:
        await hand_off(unit, HandOff.of(conversation), turn_of=message_id)


async def _begin_callback(unit: Unit) -> Reply:
    _leave_queue(unit, "callback")
    if unit.conversation.identity(unit.now) is not None:
        return await _ask_time(unit, None)
    unit.conversation.asks = {"kind": "phone"}
    return notices.callback_phone()


def _begin_message(unit: Unit) -> Reply:
    _leave_queue(unit, "message")
    unit.conversation.asks = {"kind": "message"}
    return notices.leave_message()


def _leave_queue(unit: Unit, reason: str) -> None:
    if unit.conversation.owner == "queued":
        change_owner(unit, "bot", reason=reason)
    unit.conversation.offered = None


def _say(unit: Unit, reply: Reply, message_id: int) -> None:
    unit.say(reply, sender="system", turn_of=message_id)
    unit.conversation.offered = reply.buttons or unit.conversation.offered


async def _ask_time(unit: Unit, number: str | None) -> Reply:
    unit.conversation.asks = {"kind": "time", "phone": number, "misses": 0}
    times = await unit.service.times(unit.connection, unit.now) if unit.service.times else []
    return notices.callback_time(times)


async def _phone_told(unit: Unit, text: str) -> Reply | None:
    """A number to call, or none: then a message is the way; anything else is the bot's."""
    if found := phone.find_phones(text):
        return await _ask_time(unit, found[0].value)
    unit.conversation.asks = None
    return _begin_message(unit) if _HERE.search(text) else None


async def _time_told(unit: Unit, asks: dict[str, Any], text: str) -> Reply | None:
    """Books the call-back; words that are twice no time are something else, and the bot's."""
    if unit.service.book is None:
        return None
    booked = await unit.service.book(unit.connection, unit.conversation, text, asks.get("phone"), unit.now)
    misses = int(asks.get("misses") or 0) + 1
    over = booked.done or misses >= _MISSES
    unit.conversation.asks = None if over else asks | {"kind": "time", "misses": misses}
    unit.conversation.offered = None
    return Reply(booked.words) if booked.done or not over else None


async def _left(unit: Unit, text: str) -> Reply | None:
    unit.conversation.asks = None
    leave = unit.service.leave
    return Reply(await leave(unit.connection, unit.conversation, text)) if leave else None
