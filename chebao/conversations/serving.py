"""What people do with a conversation: an agent takes it, passes it on, gives it back or ends it, and what must hold for that."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chebao.conversations import notices
from chebao.conversations.ownership import TOLD_NAME, HandOff, change_owner, silence_pending
from chebao.conversations.types import Conversation, Owner, Reply
from chebao.conversations.unit import Unit
from chebao.errors import Conflict
from chebao.handoff import HIGHEST, Summary

_RETURNED = "returned_from_agent"

_TOLD_AGAIN = ("transfer", "takeover")
"""Changes of the agent that the customer hears of, each time."""


async def give_to_agent(
    unit: Unit,
    agent_id: str,
    *,
    name: str,
    reason: str,
    expect: Owner | None = None,
    from_agent: str | None = None,
    notice: Reply | None = None,
) -> None:
    """An agent takes the conversation; the customer hears his name once an episode, and when he is passed on on purpose.

    Args:
        expect: the owner it must have; None: anybody but another agent.
        from_agent: the agent who must have it.
        notice: said instead.

    Raises:
        Conflict: it is somebody else's, or over.
    """
    conversation = unit.conversation
    if conversation.agent_id == agent_id:
        return
    if from_agent is not None:
        require_agent(conversation, from_agent)
    elif conversation.owner not in ((expect,) if expect else ("bot", "queued")):
        raise Conflict(_STATES[conversation.owner])
    if conversation.owner in ("bot", "closed"):
        conversation.handoff = HandOff(reason, Summary("").as_data(), 0).as_data()
    change_owner(unit, "agent", reason=reason, agent_id=agent_id)
    conversation.asks = conversation.offered = None  # a number is an answer to the agent now
    await silence_pending(unit, None)
    told = (conversation.handoff or {}).get(TOLD_NAME) is True
    conversation.handoff = {**(conversation.handoff or {}), TOLD_NAME: True}
    if notice is None and not told:
        notice = notices.taken_by_agent(name)
    elif notice is None and reason in _TOLD_AGAIN:
        notice = notices.passed_on(name)
    if notice:
        unit.say(notice, sender="system")


def requeue(unit: Unit, *, reason: str, skill: str | None, exclude: Collection[str], notice: Reply | None) -> None:
    """The agent's conversation waits for another one, before those of its priority who came meanwhile.

    Raises:
        Conflict: no agent has it.
    """
    conversation = unit.conversation
    require_some_agent(conversation)
    handoff = conversation.handoff or {}
    tried = sorted({*handoff.get("exclude", ()), *exclude})
    handoff = {name: value for name, value in handoff.items() if name not in ("waits_since", "choice")}
    conversation.handoff = handoff | ({"exclude": tried} if tried else {})
    conversation.skill = skill or conversation.skill
    change_owner(unit, "queued", reason=reason)
    conversation.queued_at = unit.now
    conversation.priority = min(HIGHEST, conversation.priority + 1)
    if notice:
        unit.say(notice, sender="system")


def return_to_bot(unit: Unit, *, edits: dict[str, Any], notice: Reply) -> None:
    """The bot has the conversation again, and is asked to go on after `notice` with what the agent changed."""
    task = (unit.conversation.handoff or {}).get("task")
    change_owner(unit, "bot", reason="agent_returned")
    _ask_on(unit, notice, {"edits": edits, "task": task})


def end(unit: Unit, *, reason: str, notice: Reply) -> None:
    """An agent settled the matter; the dialogue is told, so that it does not go on with it when the customer comes again.

    Raises:
        Conflict: no agent has it.
    """
    require_some_agent(unit.conversation)
    change_owner(unit, "closed", reason=reason)
    _ask_on(unit, notice, {"ended": True})


def _ask_on(unit: Unit, notice: Reply, entities: dict[str, Any]) -> None:
    unit.conversation.offered = None
    unit.say(notice, sender="system", asks={"intent": _RETURNED, "entities": entities})


def leave_queue(unit: Unit, *, reason: str, notice: Reply) -> None:
    """The bot takes the waiting conversation back.

    Raises:
        Conflict: it does not wait.
    """
    if unit.conversation.owner != "queued":
        raise Conflict(_STATES[unit.conversation.owner])
    change_owner(unit, "bot", reason=reason)
    unit.say(notice, sender="system")


def require_agent(conversation: Conversation, agent_id: str) -> None:
    """The conversation is this agent's.

    Raises:
        Conflict: it is not.
    """
    if conversation.agent_id != agent_id:
        raise Conflict(_STATES[conversation.owner])


def require_seen(conversation: Conversation, seen: int | None) -> None:
    """The customer has written nothing after the message `seen`, the last one that the agent knows.

    Raises:
        Conflict: he has.
    """
    if seen is not None and conversation.last_customer_seq > seen:
        raise Conflict("客户刚发来新消息，请先看一眼。", code="unseen_message")


def require_some_agent(conversation: Conversation) -> None:
    """The conversation is with an agent.

    Raises:
        Conflict: it is not.
    """
    if conversation.owner != "agent":
        raise Conflict(_STATES[conversation.owner])


_STATES: dict[Owner, str] = {
    "agent": "这个会话由其他客服接待中，请刷新后再看。",
    "queued": "这个会话已回到排队，请重新接入。",
    "bot": "这个会话已由智能客服接待，需要时请重新接入。",
    "closed": "这个会话已经结束。",
}
