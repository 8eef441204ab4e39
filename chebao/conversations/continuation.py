"""What was begun elsewhere comes into the dialogue: after the first call of a turn asked for it, by a second call.

The dialogue asks by effects: ``elsewhere`` — is something begun in another conversation of this customer, who asked for
it? — and ``take_over`` — he wants to go on with that one here. Both calls are answered from Rasa's store when the turn is
asked again, and a draft taken twice by the same conversation is the same, so a turn that dies in between loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations import effects, links
from chebao.conversations.rasa import Answer, FollowUp, Rasa, RasaFailed
from chebao.conversations.types import Conversation, Reply, Work
from chebao.logs import line

log = logging.getLogger(__name__)


async def answer(engine: AsyncEngine, rasa: Rasa, work: Work, first: Answer) -> Answer:
    """The turn's whole answer; the first call's own where nothing follows."""
    asked = _asked(first.replies)
    if not asked:
        return first
    conversation, identity = _proved(work.conversation, asked)
    if identity is None:
        return first
    follow_up = await _follow_up(engine, conversation, identity, asked)
    if follow_up is None:
        return first
    try:
        second = await rasa.ask(conversation, work.message, follow_up=follow_up)
    except RasaFailed as failure:
        if not effects.split(first.replies)[0]:
            raise
        log.error(line("follow_up_failed", conversation=conversation.id, message=work.message.id, reason=failure))
        return first
    kept = [r for r in first.replies if not (r.custom or {}).get(effects.ASKS)]
    return Answer([*kept, *second.replies], first.understood)


def _asked(replies: list[Reply]) -> dict[str, Mapping[str, Any]]:
    """The effects that may call for more, by name."""
    wanted = ("verified", "elsewhere", "take_over")
    _, found = effects.split(replies)
    if effects.hands_off(found):
        return {}
    return {name: e[name] for e in found for name in wanted if isinstance(e.get(name), Mapping)}


def _proved(
    conversation: Conversation, asked: Mapping[str, Mapping[str, Any]]
) -> tuple[Conversation, dict[str, Any] | None]:
    """The conversation as it will be after a proof of this turn, and who the customer is."""
    if "verified" in asked:
        conversation = replace(conversation, verified=effects.verified_of(dict(asked["verified"])))
    return conversation, conversation.identity(datetime.now(UTC))


async def _follow_up(
    engine: AsyncEngine, conversation: Conversation, identity: dict[str, Any], asked: Mapping[str, Mapping[str, Any]]
) -> FollowUp | None:
    if take := asked.get("take_over"):
        task = str(take.get("task"))
        taken = await links.take_over(engine, conversation, identity, str(take.get("conversation")), task)
        found = [asdict(taken)] if taken else []
        return FollowUp("taken", task, {"begun": "taken" if taken else "gone"}, found)
    if "elsewhere" not in asked:
        return None
    task = str(asked["elsewhere"].get("task"))
    begun = await links.begun_elsewhere(engine, conversation, identity)
    begun.sort(key=lambda b: b.task != task)
    if not begun:
        return FollowUp("elsewhere", task, {"begun": "none"}, [])
    return FollowUp("elsewhere", begun[0].task, {"begun": "offer"}, [asdict(begun[0])])
