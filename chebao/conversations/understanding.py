"""What a customer's message means to the hub before any turn: a button of ours, an answer to the hub's own question, or words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chebao.conversations import abroad, buttons, commands, notices, questions, statements
from chebao.conversations.types import Incoming, Reply
from chebao.conversations.unit import Unit
from chebao.db import Connection

HUMAN_INTENT = "human_agent"
BACK_INTENT = "hub_back_to_bot"


@dataclass(frozen=True)
class Understood:
    """A message after tokens and typed choices were mapped back: what is stored and what the hub does itself.

    Attributes:
        while_queued: it is answered also while the customer waits for a person.
    """

    text: str
    payload: dict[str, Any] | None = None
    back_to_bot: bool = False
    answer: Reply | None = None
    consent: bool | None = None
    forget: commands.Forgetting | None = None
    while_queued: bool = False
    wish: dict[str, Any] | None = None

    @property
    def by_hub(self) -> bool:
        """Whether the hub itself answers it."""
        own = (self.answer, self.consent, self.forget, self.wish)
        return self.back_to_bot or any(part is not None for part in own)


def asks_for_person(message_text: str, payload: dict[str, Any] | None) -> bool:
    """Whether a stored message, typed or pressed, asks for a person and for nothing else."""
    return payload["intent"] == HUMAN_INTENT if payload else commands.wants_person(message_text)


async def understand(unit: Unit, tokens: buttons.Tokens, incoming: Incoming) -> Understood:
    """Maps tokens and typed choices back, and finds what the hub itself answers."""
    connection, conversation = unit.connection, unit.conversation
    text_ = commands.readable(incoming.text)
    if incoming.answer or incoming.payload:
        return Understood(text_, incoming.payload, answer=incoming.answer)
    if abroad.withdraws(conversation, text_):
        return Understood(text_, consent=False)
    if forget := commands.forgets(text_):
        return Understood(text_, forget=forget)
    if not buttons.looks_like_token(text_):
        button = buttons.typed_choice(text_, conversation.offered)
        return _pressed(button, text_) if button else await _typed(unit, text_)
    place = tokens.read(conversation.id, text_)
    button = await _offered(connection, conversation.id, *place) if place else None
    return (
        _pressed(button, button["title"])
        if button
        else Understood("（已失效的选项）", answer=Reply(notices.STALE_BUTTON))
    )


async def _typed(unit: Unit, text_: str) -> Understood:
    """Words of the customer's own: a command, the answer to a question of ours, something to look up, or for bot or person."""
    conversation, answerer = unit.conversation, unit.around.answerer
    if commands.wants_bot_back(text_) and conversation.owner == "queued":
        return Understood(text_, back_to_bot=True)
    if reply := await questions.heard(unit, text_):
        return Understood(text_, answer=reply)
    if answerer is None or conversation.owner == "agent":
        return Understood(text_)
    found = await answerer(unit.connection, conversation, text_)
    return Understood(text_, answer=found, while_queued=found is not None)


def _pressed(button: dict[str, str], shown: str) -> Understood:
    payload = buttons.parse_payload(button["payload"])
    if payload and payload["intent"] == BACK_INTENT:
        return Understood(shown, back_to_bot=True)
    if payload and payload["intent"] == abroad.INTENT:
        return Understood(shown, consent=payload["entities"].get("given") is True)
    if payload and payload["intent"] in questions.INTENTS:
        return Understood(shown, wish=payload)
    return Understood(shown, payload) if payload else Understood(button["payload"])


async def _offered(connection: Connection, conversation_id: str, seq: int, place: int) -> dict[str, str] | None:
    row = await (await connection.execute(statements.OFFERED, (conversation_id, seq))).fetchone()
    all_of_it = buttons.payloads(row["buttons"], row["custom"]) if row else []
    return all_of_it[place] if place < len(all_of_it) else None
