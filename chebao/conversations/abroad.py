"""Channels whose servers stand abroad: before anything is done there, the customer is told and agrees separately (PIPL 38, 39).

Until then his messages wait in the ledger as `held`; agreeing releases them, so that nobody has to repeat himself.
What was asked and answered stands in the conversation's `consents` and, word for word, in the ledger.
"""

from __future__ import annotations

from typing import Any

from chebao.conversations import commands, notices, statements
from chebao.conversations.types import Conversation
from chebao.conversations.unit import Unit

CHANNELS = frozenset({"telegram"})
INTENT = "hub_abroad"
VERSION = "2026-11"
_KIND = "abroad"


def agreed(conversation: Conversation) -> bool:
    """Whether messages of this conversation may be worked on."""
    if conversation.channel not in CHANNELS:
        return True
    known = (conversation.consents or {}).get(_KIND) or {}
    return bool(known.get("given")) and known.get("version") == VERSION


def withdraws(conversation: Conversation, text: str) -> bool:
    """Whether the message as a whole takes the consent back."""
    return conversation.channel in CHANNELS and commands.withdraws_consent(text)


def ask(unit: Unit, message_id: int) -> None:
    """Tells and asks; in full the first time, shortly while the answer is outstanding."""
    conversation = unit.conversation
    known = (conversation.consents or {}).get(_KIND) or {}
    again = known.get("version") == VERSION
    reply = notices.abroad_again() if again else notices.abroad(unit.company.hotline, unit.company.chat_url)
    unit.say(reply, sender="system", turn_of=message_id)
    conversation.offered = reply.buttons
    if not again:
        _note(conversation, {"version": VERSION, "asked_at": unit.now.isoformat()})


async def answer(unit: Unit, message_id: int, *, given: bool) -> bool:
    """Stores the answer and releases or gives up what was held. Returns whether messages now wait for a turn."""
    conversation = unit.conversation
    before = agreed(conversation)
    _note(conversation, {"version": VERSION, "given": given, "at": unit.now.isoformat(), "message": message_id})
    conversation.offered = None
    state = "pending" if given and conversation.bot_answers else "silent"
    held = await unit.connection.execute(statements.RELEASE, (state, conversation.id))
    released = await held.fetchall()
    if not given:
        unit.say(
            notices.abroad_declined(unit.company.hotline, unit.company.chat_url), sender="system", turn_of=message_id
        )
    elif before or not released:
        unit.say(notices.abroad_agreed(), sender="system", turn_of=message_id)
    return given and bool(released)


def _note(conversation: Conversation, known: dict[str, Any]) -> None:
    conversation.consents = {**(conversation.consents or {}), _KIND: known}
