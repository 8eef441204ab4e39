"""The message types that channels, desk and outreach share with the conversations room."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Self

Owner = Literal["bot", "queued", "agent", "closed"]
Sender = Literal["customer", "bot", "agent", "system"]

MAX_TEXT = 20_000

PULLED = frozenset({"door", "web"})
"""Channels whose clients fetch the numbered stream themselves; messages of all others are handed over by `Delivery`."""


@dataclass(frozen=True)
class Incoming:
    """A customer's message as a channel hands it over.

    Args:
        channel: ``door``, ``web``, ``wechat``, ``telegram``.
        account: which of our accounts on that platform; empty where there is one.
        peer: the customer's address within channel and account.
        key: the platform's message key; a second message with it is a duplicate. None: never a duplicate.
        text: what was typed, or a button's token.
        conversation_id: fixed id of the conversation where the channel made it (web); else a new opaque id.
        location: ``{"latitude", "longitude", "label"}``.
        attachments: ``[{"id", "content_type", "url"}]``.
        ref: the platform's own name of the message, by which it speaks of it later (edited).
        answer: what the channel says to it by itself: the ledger keeps `text`, no turn begins.
        event: something that happened instead of a typed message: ``subscribe``, ``scan``, ``click``; `text` says it in words.
        payload: ``{"intent", "entities"}`` that a menu key or a scanned code of ours stands for; never what a customer typed.
        silence: seconds without a further message after which its turn begins, on a platform whose messages overtake one another.
        newer: messages of the ledger that the customer wrote after this one; it takes its place before them while no turn has begun.
    """

    channel: str
    account: str
    peer: str
    key: str | None
    text: str
    conversation_id: str | None = None
    location: dict[str, Any] | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    ref: str | None = None
    answer: Reply | None = None
    event: str | None = None
    payload: dict[str, Any] | None = None
    silence: float = 0.0
    newer: tuple[int, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """Receipt of a message that stands in the ledger; `waits` says whether for a turn, of a duplicate perhaps."""

    conversation_id: str
    message_id: int
    seq: int
    duplicate: bool
    waits: bool = True


@dataclass(frozen=True)
class Reply:
    """One outgoing bubble; `buttons` and `custom` hold the actions' payloads, never tokens.

    Args:
        attachments: files of our upload store, ``[{"id", "content_type", "url", …}]``, as an agent sends them.
    """

    text: str = ""
    buttons: list[dict[str, str]] = field(default_factory=list)
    image: str | None = None
    custom: dict[str, Any] | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Conversation:
    """A conversation's row while a transaction holds its lock; `Unit` writes it back.

    Attributes:
        agent_id: who has it; set exactly while the owner is ``agent``.
        held_at: since when that agent has put it aside.
        skill: what the hand-off under way calls for.
        asks: an open question of the hub's own, see `chebao.conversations.questions`.
        busy_by: the instance that works on its turn, until `busy_until`.
        turn_seq: the turn that was begun takes in all pending messages up to this one, also when another instance repeats it.
    """

    id: str
    channel: str
    account: str
    peer: str
    owner: Owner
    epoch: int
    last_seq: int
    last_customer_seq: int
    verified: dict[str, Any] | None
    consents: dict[str, Any] | None
    begun: dict[str, Any] | None
    reachable: bool
    offered: list[dict[str, str]] | None
    asks: dict[str, Any] | None
    handoff: dict[str, Any] | None
    priority: int
    keep_bot: bool
    queued_at: datetime | None
    agent_id: str | None
    held_at: datetime | None
    skill: str | None
    noticed: bool
    failures: int
    reminded_at: datetime | None
    busy_by: int | None
    busy_until: datetime | None
    turn_seq: int | None
    created_at: datetime
    updated_at: datetime

    def identity(self, now: datetime) -> dict[str, Any] | None:
        """Who the customer proved to be, as long as the proof holds: ``{customer_id, phone, name}``."""
        if self.verified is None or datetime.fromisoformat(self.verified["until"]) <= now:
            return None
        return {name: value for name, value in self.verified.items() if name != "until"}

    @property
    def bot_answers(self) -> bool:
        """Whether a message starts a turn of the bot; in a closed conversation those are only the hub's own."""
        return self.owner in ("bot", "closed") or (self.owner == "queued" and self.keep_bot)


@dataclass(frozen=True)
class Message:
    """A row of the numbered stream of a conversation, customer's or ours."""

    id: int
    conversation_id: str
    seq: int
    sender: Sender
    platform_key: str | None
    text: str
    payload: dict[str, Any] | None
    buttons: list[dict[str, str]] | None
    image: str | None
    custom: dict[str, Any] | None
    attachments: list[dict[str, Any]] | None
    location: dict[str, Any] | None
    epoch: int
    turn_of: int | None
    state: str | None
    told_at: datetime | None
    at: datetime
    helpful: bool | None = None
    delivery: str | None = None
    delivery_reason: str | None = None
    delivery_ref: str | None = None
    event: str | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """The message of a row that holds at least what is not empty in it."""
        values: dict[str, Any] = {name: row.get(name) for name in cls.__dataclass_fields__}
        return cls(**values)


@dataclass(frozen=True)
class Work:
    """A claimed turn: its messages in order, and the conversation as it was when the turn began.

    Attributes:
        repeated: it may have been asked before, so that no message may join it.
    """

    conversation: Conversation
    messages: tuple[Message, ...]
    repeated: bool = False

    @property
    def last(self) -> Message:
        """The message under whose number the turn runs."""
        return self.messages[-1]

    @property
    def message(self) -> Message:
        """All messages of the turn as one, under the number of the last."""
        if len(self.messages) == 1:
            return self.last
        texts = [m.text for m in self.messages if m.text]
        files = [file for m in self.messages for file in m.attachments or ()]
        return replace(self.last, text="\n".join(texts), attachments=files or None)
