"""Who owns a conversation: bot, queued, agent or closed. Every change raises the epoch; what an older epoch made is dropped."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from chebao.conversations import notices, statements
from chebao.conversations.types import Conversation, Owner
from chebao.conversations.unit import Unit
from chebao.db import Connection
from chebao.logs import line

log = logging.getLogger(__name__)

_REMIND_EVERY = timedelta(minutes=1)


def change_owner(unit: Unit, owner: Owner, *, reason: str) -> None:
    """Gives the conversation to `owner`; leaving the queue clears its place there."""
    conversation = unit.conversation
    if conversation.owner == owner:
        return
    log.info(
        line("owner_changed", conversation=conversation.id, old=conversation.owner, new=owner, reason=reason,
             epoch=conversation.epoch + 1)
    )  # fmt: skip
    conversation.owner = owner
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


async def hand_off(
    unit: Unit, *, reason: str, summary: str, slots: dict[str, Any], priority: int, keep_bot: bool, turn_of: int | None
) -> None:
    """Queues the conversation for a person, or adds to a hand-off under way, and tells the customer his place."""
    conversation = unit.conversation
    already = conversation.owner == "queued"
    if conversation.owner == "agent":
        return
    if not already or priority >= conversation.priority:
        conversation.handoff = {"reason": reason, "summary": summary, "slots": slots}
        conversation.priority = priority
    if not already:
        change_owner(unit, "queued", reason=reason)
        conversation.queued_at = unit.now
        conversation.keep_bot = keep_bot
    if not conversation.keep_bot:
        await silence_pending(unit, turn_of)
    if already:
        await remind_of_queue(unit, turn_of)
        return
    conversation.reminded_at = unit.now
    place = await queue_position(unit.connection, conversation) or 1
    told = notices.queued(place, unit.company.queue_wait_minutes, conversation.keep_bot)
    unit.say(told, sender="system", turn_of=turn_of)


async def silence_pending(unit: Unit, turn_of: int | None) -> None:
    """Messages that still wait for a turn are now the agent's to answer."""
    await unit.connection.execute(statements.SILENCE, (unit.conversation.id, turn_of or 0))


async def remind_of_queue(unit: Unit, turn_of: int | None) -> None:
    """A short notice to a customer who writes while queued, at most once a minute."""
    conversation = unit.conversation
    if conversation.reminded_at and unit.now - conversation.reminded_at < _REMIND_EVERY:
        return
    conversation.reminded_at = unit.now
    place = await queue_position(unit.connection, conversation) or 1
    unit.say(notices.still_queued(place), sender="system", turn_of=turn_of)


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
    """Whether the conversation has been queued longer than promised."""
    queued_at = unit.conversation.queued_at
    limit = timedelta(minutes=unit.company.queue_wait_minutes)
    return unit.conversation.owner == "queued" and queued_at is not None and unit.now - queued_at >= limit


def return_after_wait(unit: Unit) -> None:
    """The bot takes the conversation back because nobody came."""
    change_owner(unit, "bot", reason="queue_timeout")
    unit.say(notices.returned_after_wait(unit.company.hotline), sender="system")
