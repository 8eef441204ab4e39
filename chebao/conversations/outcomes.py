"""What becomes of a turn: its replies and effects, the apology in their place, or the word that it will take longer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chebao.conversations import effects, ledger, notices, ownership, statements
from chebao.conversations.rasa import Answer
from chebao.conversations.types import Message, Reply, Work
from chebao.conversations.understanding import asks_for_person
from chebao.conversations.unit import Unit
from chebao.logs import line

log = logging.getLogger(__name__)

_ASKED_IN_OUTAGE = "客户要求人工客服（机器人当时不可用）。"


@dataclass(frozen=True)
class Outcome:
    """What became of a turn: the answer, or None with the reason why there is none."""

    answer: Answer | None
    problem: str = ""

    @property
    def replies(self) -> list[Reply] | None:
        return self.answer.replies if self.answer else None


async def drop(unit: Unit, work: Work, outcome: Outcome | None) -> None:
    """A turn of an old epoch: nothing of it is said; only the fact of who the customer proved to be is kept.

    Where the bot answers again meanwhile, the messages stay pending and are asked once more under the present epoch.
    """
    replies, found = effects.split((outcome.replies if outcome else None) or [])
    if not unit.conversation.bot_answers:
        await ledger.settle(unit.connection, work.messages, "silent")
    for effect in found:
        if isinstance(effect.get("verified"), dict):
            await effects.apply_verified(unit, effect["verified"])
    log.warning(
        line("replies_dropped", conversation=unit.conversation.id, message=work.last.id, replies=len(replies),
             turn_epoch=work.conversation.epoch, epoch=unit.conversation.epoch)
    )  # fmt: skip


async def write(unit: Unit, work: Work, outcome: Outcome) -> None:
    """What a turn said and wants changed, and its messages settled; an apology where there is no answer."""
    conversation, message = unit.conversation, work.last
    wants_person = asks_for_person(message.text, message.payload)
    if outcome.answer is None:
        await ledger.settle(unit.connection, work.messages, "failed")
        await _write_failure(unit, message, wants_person)
        return
    await ledger.settle(unit.connection, work.messages, "answered", understood=outcome.answer.understood)
    conversation.offered = None
    conversation.failures = 0
    shown, found = effects.split(outcome.answer.replies)
    goes_on = any(e["handoff"].get("keep_bot") for e in found if isinstance(e.get("handoff"), dict))
    # Where the bot goes on, its question stays the last thing said; else that is what the hub says of the queue.
    for reply in outcome.answer.replies if goes_on else ():
        await _say(unit, *effects.split([reply]), turn_of=message.id)
    if not goes_on:
        await _say(unit, shown, found, turn_of=message.id)
    if wants_person and not effects.hands_off(found):
        await _hand_off(unit, message.id, "customer_request", "客户要求人工客服。")
    if conversation.owner == "closed" and conversation.last_customer_seq > message.seq:
        ownership.change_owner(unit, "bot", reason="customer_wrote")


async def _say(unit: Unit, shown: list[Reply], found: list[dict[str, Any]], *, turn_of: int) -> None:
    for reply in shown:
        unit.say(reply, turn_of=turn_of)
    await effects.apply(unit, found, turn_of=turn_of)


async def _write_failure(unit: Unit, message: Message, wants_person: bool) -> None:
    conversation = unit.conversation
    if message.sender == "system":
        if conversation.owner == "bot":
            unit.say(notices.go_on(), sender="system", turn_of=message.id)
        return
    conversation.failures += 1
    if wants_person:
        await _hand_off(unit, message.id, "customer_request", _ASKED_IN_OUTAGE)
    elif conversation.failures >= 2 and conversation.owner == "bot":
        unit.say(notices.second_failure(), sender="system", turn_of=message.id)
        await _hand_off(unit, message.id, "tool_failure", "机器人连续两次没有处理成功客户的消息。")
    else:
        unit.say(notices.apology(), sender="system", turn_of=message.id)


async def _hand_off(unit: Unit, message_id: int, reason: str, wants: str) -> None:
    await ownership.hand_off(unit, ownership.HandOff.by_hub(reason, wants), turn_of=message_id)


async def tell_outage(unit: Unit, waiting: Sequence[Message]) -> None:
    """Tells the customer once for the messages that were not told yet; a message asking for a person gets one now."""
    for message in waiting:
        if asks_for_person(message.text, message.payload):
            await ledger.settle(unit.connection, [message], "answered")
            await _hand_off(unit, message.id, "customer_request", _ASKED_IN_OUTAGE)
            return
    untold = [message.id for message in waiting if message.told_at is None]
    if untold:
        await unit.connection.execute(statements.TOLD, (unit.now, untold))
        unit.say(notices.outage(), sender="system", turn_of=untold[-1])
