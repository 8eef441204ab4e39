"""Who owns a conversation: bot, queued, agent or closed. Every change raises the epoch; what an older epoch made is dropped."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from chebao.conversations import notices, statements
from chebao.conversations.service import Opening, Wait
from chebao.conversations.types import Conversation, Owner
from chebao.conversations.unit import Unit
from chebao.db import Connection
from chebao.handoff import GENERAL, HIGHEST, REASONS, Summary, closed_of, priority_of, skill_of
from chebao.logs import line

log = logging.getLogger(__name__)

_REMIND_EVERY = timedelta(minutes=1)
_URGENT = 8
"""Priority from which the hotline is named where nobody serves."""

ALERTED = "alerted"
"""Key of the hand-off: supervisors were called to it by a ticket."""

TOLD_NAME = "told_name"
"""Key of the hand-off: the customer has heard who serves him."""

_OF_THE_WAIT = ("told_wait", "waits_since", "choice", "exclude", TOLD_NAME, ALERTED)
"""Keys of the hand-off that belong to the wait, also where a graver reason comes up in it."""


def change_owner(unit: Unit, owner: Owner, *, reason: str, agent_id: str | None = None) -> None:
    """Gives the conversation to `owner`, `agent_id` if that is a person; leaving the queue clears its place there."""
    conversation = unit.conversation
    if (conversation.owner, conversation.agent_id) == (owner, agent_id):
        return
    log.info(
        line("owner_changed", conversation=conversation.id, old=conversation.owner, new=owner, agent=agent_id,
             reason=reason, epoch=conversation.epoch + 1)
    )  # fmt: skip
    unit.reason = reason
    conversation.owner, conversation.agent_id, conversation.held_at = owner, agent_id, None
    conversation.epoch += 1
    conversation.reminded_at = None
    conversation.failures = 0
    if owner != "queued":
        conversation.queued_at = None
        conversation.keep_bot = False


async def queue_position(connection: Connection, conversation: Conversation) -> int | None:
    """Place in the queue, 1 is next; None when not queued."""
    if conversation.owner != "queued":
        return None
    row = await (await connection.execute(statements.PLACE, conversation.__dict__)).fetchone()
    return int(row["place"]) if row else None


@dataclass(frozen=True)
class HandOff:
    """Why a person is wanted, and what he is to know; `summary` as `chebao.handoff.Summary.as_data` gives it."""

    reason: str
    summary: dict[str, Any]
    priority: int
    slots: dict[str, Any] = field(default_factory=dict)
    task: str | None = None
    emotion: str | None = None
    skill: str = GENERAL
    keep_bot: bool = False

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """The one that the conversation last had."""
        kept = conversation.handoff or {}
        known = {name: kept[name] for name in ("slots", "task", "emotion") if kept.get(name)}
        summary = kept.get("summary") or Summary("").as_data()
        reason = str(kept.get("reason") or "customer_request")
        marks = conversation.verified or {}
        priority = priority_of(reason, vip=bool(marks.get("vip")), care=bool(marks.get("care")))
        return cls(reason, summary, priority, skill=skill_of(reason, kept.get("task")), **known)

    @classmethod
    def by_hub(cls, reason: str, wants: str) -> Self:
        """One that the hub makes without the dialogue."""
        return cls(reason, Summary(wants).as_data(), REASONS[reason].priority)

    def as_data(self) -> dict[str, Any]:
        """As the conversation keeps it."""
        return {name: getattr(self, name) for name in ("reason", "summary", "slots", "task", "emotion")}


async def hand_off(unit: Unit, case: HandOff, *, turn_of: int | None) -> None:
    """Queues the conversation for a person, or adds to a hand-off under way, and tells the customer his place."""
    conversation = unit.conversation
    already = conversation.owner == "queued"
    if conversation.owner == "agent":
        return
    case = await _as_ruled(unit, case)
    opening = await unit.service.opening(unit.connection, unit.now) if unit.service.opening else None
    shut = opening is not None and not opening.open
    alerts = shut and closed_of(case.reason) == "alert"
    if opening and shut and not (already or alerts):
        await _put_off(unit, case, opening, turn_of)
        return
    if not already or case.priority >= conversation.priority:
        waited = (conversation.handoff or {}) if already else {}
        conversation.handoff = {**{name: waited[name] for name in _OF_THE_WAIT if name in waited}, **case.as_data()}
        conversation.priority, conversation.skill = case.priority, case.skill
    if not already:
        change_owner(unit, "queued", reason=case.reason)
        conversation.queued_at = unit.now
        conversation.keep_bot = case.keep_bot
    if not conversation.keep_bot:
        await silence_pending(unit, turn_of)
    if alerts:
        await _alert(unit, case.reason, case.summary)
    if already:
        await remind_of_queue(unit, turn_of)
    else:
        await _tell_place(unit, turn_of, at_night=REASONS[case.reason].closed_words if alerts else "")


async def _tell_place(unit: Unit, turn_of: int | None, *, at_night: str) -> None:
    """What a customer hears who has just come into the queue; `at_night` where nobody serves."""
    conversation, company = unit.conversation, unit.company
    conversation.reminded_at = unit.now
    conversation.asks = None
    wait = await wait_of(unit)
    conversation.handoff = {**(conversation.handoff or {}), "told_wait": wait.told()}
    callback, keep_bot = unit.service.book is not None, conversation.keep_bot
    if at_night:
        reply = notices.queued_at_night(at_night, company.hotline, keep_bot, callback=callback)
    else:
        reply = notices.queued(wait, company.queue_wait_minutes, keep_bot, callback=callback)
    unit.say(reply, sender="system", turn_of=turn_of)
    conversation.offered = reply.buttons or conversation.offered


async def _as_ruled(unit: Unit, case: HandOff) -> HandOff:
    """The case with an operator's own priority and skill for its reason; what raised it above its reason's still does."""
    rule = await unit.service.rule(unit.connection, case.reason) if unit.service.rule else {}
    usual = REASONS[case.reason].priority if case.reason in REASONS else case.priority
    priority = min(HIGHEST, int(rule.get("priority", usual)) + case.priority - usual)
    return replace(case, priority=max(0, priority), skill=rule.get("skill") or case.skill)


async def _alert(unit: Unit, reason: str, summary: dict[str, Any]) -> None:
    """Has supervisors look at what cannot wait, though nobody serves, or nobody came; once while it waits."""
    conversation = unit.conversation
    conversation.handoff = {**(conversation.handoff or {}), ALERTED: True}
    if unit.service.alert:
        key = f"{conversation.id}:{reason}:{conversation.epoch}"
        await unit.service.alert(unit.connection, conversation, reason, summary, key)


async def _put_off(unit: Unit, case: HandOff, opening: Opening, turn_of: int | None) -> None:
    """Where nobody serves, the customer hears when somebody will, and may leave a message or be called back.

    Where he did not ask for anybody it is only noted for when people serve again.
    """
    conversation, at = unit.conversation, opening.next_open
    if closed_of(case.reason) == "note":
        if unit.service.alert:
            key = f"{conversation.id}:{case.reason}:{turn_of}"
            await unit.service.alert(unit.connection, conversation, case.reason, case.summary, key)
        return
    told = at.isoformat() if at else ""
    again = (conversation.handoff or {}).get("told_closed") == told
    conversation.handoff = case.as_data() | {"told_closed": told}
    conversation.priority, conversation.skill = case.priority, case.skill
    urgent = case.priority >= _URGENT
    reply = notices.closed_now(at, unit.company.hotline, again=again, urgent=urgent)
    unit.say(reply, sender="system", turn_of=turn_of)
    conversation.offered, conversation.asks = reply.buttons, None


async def wait_of(unit: Unit) -> Wait:
    """Place in the queue, and how long it takes as far as that is known."""
    wait = await unit.service.estimate(unit.connection, unit.conversation) if unit.service.estimate else None
    return wait or Wait(await queue_position(unit.connection, unit.conversation) or 1)


async def silence_pending(unit: Unit, turn_of: int | None) -> None:
    """Messages that still wait for a turn are now the agent's to answer."""
    await unit.connection.execute(statements.SILENCE, (unit.conversation.id, turn_of or 0))


async def remind_of_queue(unit: Unit, turn_of: int | None) -> None:
    """A short notice to a customer who writes while queued, at most once a minute."""
    conversation = unit.conversation
    if conversation.reminded_at and unit.now - conversation.reminded_at < _REMIND_EVERY:
        return
    conversation.reminded_at = unit.now
    unit.say(notices.still_queued(await wait_of(unit)), sender="system", turn_of=turn_of)


def ask_for_patience(unit: Unit, turn_of: int | None) -> None:
    """A short notice to a customer of whom too many messages wait, at most once a minute; the message stays in the ledger."""
    conversation = unit.conversation
    log.warning(line("flood", conversation=conversation.id, message=turn_of))
    if conversation.reminded_at and unit.now - conversation.reminded_at < _REMIND_EVERY:
        return
    conversation.reminded_at = unit.now
    unit.say(notices.too_fast(), sender="system", turn_of=turn_of)


def return_on_request(unit: Unit, turn_of: int | None) -> None:
    """The customer leaves the queue."""
    change_owner(unit, "bot", reason="customer_request")
    unit.conversation.offered = None
    unit.say(notices.returned_on_request(), sender="system", turn_of=turn_of)


def waited_too_long(unit: Unit) -> bool:
    """Whether the conversation has been queued longer than promised, or than the customer chose to wait."""
    since = _waits_since(unit.conversation)
    return since is not None and unit.now - since >= timedelta(minutes=unit.company.queue_wait_minutes)


def _waits_since(conversation: Conversation) -> datetime | None:
    if conversation.owner != "queued":
        return None
    chosen = (conversation.handoff or {}).get("waits_since")
    return datetime.fromisoformat(chosen) if chosen else conversation.queued_at


def choice_before_limit(minutes: int) -> timedelta:
    """How long before the bot takes the conversation back the customer is asked what he wants."""
    return min(timedelta(minutes=2), timedelta(minutes=minutes) / 5)


def offer_choice(unit: Unit) -> None:
    """Shortly before the limit, once: wait on, be called back, or back to the bot."""
    conversation, minutes = unit.conversation, unit.company.queue_wait_minutes
    since, ahead = _waits_since(conversation), choice_before_limit(minutes)
    known = conversation.handoff or {}
    if since is None or known.get("choice") or unit.now - since < timedelta(minutes=minutes) - ahead:
        return
    conversation.handoff = known | {"choice": True}
    reply = notices.waits_long(ahead, callback=unit.service.book is not None)
    unit.say(reply, sender="system")
    conversation.offered = reply.buttons


async def return_after_wait(unit: Unit) -> None:
    """The bot takes the conversation back because nobody came; what cannot wait is then the supervisors'."""
    known = unit.conversation.handoff or {}
    reason = str(known.get("reason"))
    grave = closed_of(reason) == "alert"
    if grave:
        await _alert(unit, reason, known.get("summary") or {})
    change_owner(unit, "bot", reason="queue_timeout")
    unit.say(notices.returned_after_wait(unit.company.hotline, alerted=grave), sender="system")
