"""The ledger: every customer message is written once, numbered, before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.conversations import abroad, buttons, commands, links, notices, ownership
from chebao.conversations.signals import LIVING
from chebao.conversations.tables import conversations, messages
from chebao.conversations.types import Accepted, Conversation, Incoming, Message, Reply, Work
from chebao.conversations.unit import Company, Unit

HUMAN_INTENT = "human_agent"
BACK_INTENT = "hub_back_to_bot"
LEASE = timedelta(seconds=30)


@dataclass(frozen=True)
class Understood:
    """A message after tokens and typed choices were mapped back: what is stored and what the hub does itself."""

    text: str
    payload: dict[str, Any] | None = None
    back_to_bot: bool = False
    answer: Reply | None = None
    consent: bool | None = None
    forget: Literal["here", "everywhere"] | None = None

    @property
    def by_hub(self) -> bool:
        """Whether the hub itself answers it."""
        return self.back_to_bot or self.answer is not None or self.consent is not None or self.forget is not None


def asks_for_person(message_text: str, payload: dict[str, Any] | None) -> bool:
    """Whether a stored message, typed or pressed, asks for a person and for nothing else."""
    return payload["intent"] == HUMAN_INTENT if payload else commands.wants_person(message_text)


@dataclass(frozen=True)
class Admission:
    """What became of a message: its receipt, whether it waits for a turn, and that turn where it could be claimed at once.

    `pushes`: it was answered at once with something that has to be handed to a platform.
    """

    accepted: Accepted
    pending: bool = False
    work: Work | None = None
    pushes: bool = False


async def accept(
    engine: AsyncEngine, tokens: buttons.Tokens, company: Company, incoming: Incoming, instance: int
) -> Admission:
    """Writes the message, answers at once what needs no turn, and claims the turn where nothing else waits for one."""
    async with engine.begin() as connection:
        conversation = await _lock_or_make(connection, incoming)
        unit = Unit(connection, conversation, company, instance)
        known = await _known(connection, conversation.id, incoming)
        if known:
            return Admission(known)
        understood = await _understand(connection, tokens, conversation, incoming)
        if conversation.owner == "closed":
            ownership.change_owner(unit, "bot", reason="customer_wrote")
        elif ownership.waited_too_long(unit):
            ownership.return_after_wait(unit)
        message = await _write(unit, incoming, understood)
        released = await _answer_without_turn(unit, understood, message)
        work = _claimed(unit, message)
        await unit.flush()
    accepted = Accepted(conversation.id, message.id, message.seq, duplicate=False)
    return Admission(accepted, released or message.state == "pending", work, unit.pushes)


def _claimed(unit: Unit, message: Message) -> Work | None:
    """The message's turn, if it is the only one: a lease that was left clean says that nothing older waits."""
    conversation = unit.conversation
    if message.state != "pending" or conversation.busy_by is not None or conversation.busy_until is not None:
        return None
    conversation.busy_by, conversation.busy_until = unit.instance, unit.now + LEASE
    return Work(replace(conversation), message)


async def _write(unit: Unit, incoming: Incoming, understood: Understood) -> Message:
    conversation = unit.conversation
    conversation.last_seq += 1
    conversation.last_customer_seq = seq = conversation.last_seq
    conversation.reachable = True
    row: dict[str, Any] = {
        "conversation_id": conversation.id,
        "seq": seq,
        "sender": "customer",
        "platform_key": platform_key(conversation.id, incoming),
        "text": understood.text,
        "payload": understood.payload,
        "buttons": None,
        "image": None,
        "custom": None,
        "attachments": incoming.attachments or None,
        "location": incoming.location,
        "epoch": conversation.epoch,
        "turn_of": None,
        "state": _state(conversation, understood),
        "told_at": None,
        "event": incoming.event,
    }
    address = {"channel": incoming.channel, "account": incoming.account, "delivery_ref": incoming.ref}
    written = await unit.connection.execute(
        insert(messages).values(**row, **address).returning(messages.c.id, messages.c.at)
    )
    return Message(**row, **written.one()._mapping)


def _state(conversation: Conversation, understood: Understood) -> str:
    """`held` until the customer agreed to a channel abroad, `silent` where a person answers, `answered` where the hub does."""
    if not understood.by_hub and not abroad.agreed(conversation):
        return "held"
    if understood.by_hub and (conversation.bot_answers or understood.back_to_bot or understood.consent is not None):
        return "answered"
    return "pending" if conversation.bot_answers else "silent"


async def _answer_without_turn(unit: Unit, understood: Understood, message: Message) -> bool:
    """What the hub says by itself. Returns whether messages that were held now wait for a turn."""
    owner = unit.conversation.owner
    if understood.forget:
        await links.forget(unit, everywhere=understood.forget == "everywhere")
        unit.conversation.offered = None
        told = notices.forgotten(everywhere=understood.forget == "everywhere")
        unit.say(told, sender="system", turn_of=message.id)
        return False
    if understood.consent is not None:
        return await abroad.answer(unit, message.id, given=understood.consent)
    if not abroad.agreed(unit.conversation):
        abroad.ask(unit, message.id)
    elif understood.back_to_bot and owner == "queued":
        ownership.return_on_request(unit, message.id)
    elif understood.back_to_bot and owner == "bot":
        unit.say(notices.bot_is_here(), sender="system", turn_of=message.id)
    elif understood.answer and message.state == "answered":
        unit.say(understood.answer, sender="system", turn_of=message.id)
    elif owner == "queued" and message.state == "silent":
        await ownership.remind_of_queue(unit, message.id)
    return False


def platform_key(conversation_id: str, incoming: Incoming) -> str | None:
    """The key as stored: clients of the door and the web choose theirs freely, so it is bound to the conversation."""
    if incoming.key is None or incoming.channel not in ("door", "web"):
        return incoming.key
    return f"{conversation_id}:{incoming.key}"


async def _lock_or_make(connection: AsyncConnection, incoming: Incoming) -> Conversation:
    c = conversations.c
    find = (
        select(conversations)
        .where(c.channel == incoming.channel, c.account == incoming.account, c.peer == incoming.peer)
        .with_for_update()
    )
    row = (await connection.execute(find)).one_or_none()
    if row is None:
        await connection.execute(
            insert(conversations)
            .values(id=incoming.conversation_id or uuid4().hex, channel=incoming.channel, account=incoming.account,
                    peer=incoming.peer)
            .on_conflict_do_nothing()
        )  # fmt: skip
        row = (await connection.execute(find)).one()
    return Conversation(**row._mapping)


async def _known(connection: AsyncConnection, conversation_id: str, incoming: Incoming) -> Accepted | None:
    key = platform_key(conversation_id, incoming)
    if key is None:
        return None
    m = messages.c
    found = await connection.execute(
        select(m.conversation_id, m.id, m.seq).where(
            m.channel == incoming.channel, m.account == incoming.account, m.platform_key == key
        )
    )
    row = found.one_or_none()
    return Accepted(row.conversation_id, row.id, row.seq, duplicate=True) if row else None


async def _understand(
    connection: AsyncConnection, tokens: buttons.Tokens, conversation: Conversation, incoming: Incoming
) -> Understood:
    text_ = commands.readable(incoming.text)
    if incoming.answer or incoming.payload:
        return Understood(text_, incoming.payload, answer=incoming.answer)
    if abroad.withdraws(conversation, text_):
        return Understood(text_, consent=False)
    if forget := commands.forgets(text_):
        return Understood(text_, forget=forget)
    if not buttons.looks_like_token(text_):
        button = buttons.typed_choice(text_, conversation.offered)
        if button is None:
            return Understood(text_, back_to_bot=commands.wants_bot_back(text_) and conversation.owner == "queued")
        return _pressed(button, text_)
    place = tokens.read(conversation.id, text_)
    button = await _offered(connection, conversation.id, *place) if place else None
    return (
        _pressed(button, button["title"])
        if button
        else Understood("（已失效的选项）", answer=Reply(notices.STALE_BUTTON))
    )


def _pressed(button: dict[str, str], shown: str) -> Understood:
    payload = buttons.parse_payload(button["payload"])
    if payload and payload["intent"] == BACK_INTENT:
        return Understood(shown, back_to_bot=True)
    if payload and payload["intent"] == abroad.INTENT:
        return Understood(shown, consent=payload["entities"].get("given") is True)
    return Understood(shown, payload) if payload else Understood(button["payload"])


async def _offered(connection: AsyncConnection, conversation_id: str, seq: int, place: int) -> dict[str, str] | None:
    m = messages.c
    found = await connection.execute(
        select(m.buttons, m.custom).where(m.conversation_id == conversation_id, m.seq == seq, m.sender != "customer")
    )
    row = found.one_or_none()
    all_of_it = buttons.payloads(row.buttons, row.custom) if row else []
    return all_of_it[place] if place < len(all_of_it) else None


async def find_conversation(connection: AsyncConnection, channel: str, account: str, peer: str) -> Conversation | None:
    """The conversation of a customer's address, unlocked."""
    c = conversations.c
    row = (
        await connection.execute(
            select(conversations).where(c.channel == channel, c.account == account, c.peer == peer)
        )
    ).one_or_none()
    return Conversation(**row._mapping) if row else None


async def messages_after(connection: AsyncConnection, conversation_id: str, seq: int, limit: int) -> Sequence[Message]:
    """The numbered stream of a conversation after `seq`, oldest first."""
    found = await connection.execute(
        _message_rows()
        .where(messages.c.conversation_id == conversation_id, messages.c.seq > seq)
        .order_by(messages.c.seq)
        .limit(limit)
    )
    return [Message(**row._mapping) for row in found]


async def first_pending(connection: AsyncConnection, conversation_id: str) -> Message | None:
    """The oldest message of the conversation that waits for a turn."""
    found = await connection.execute(
        _message_rows()
        .where(messages.c.conversation_id == conversation_id, messages.c.state == "pending")
        .order_by(messages.c.seq)
        .limit(1)
    )
    row = found.one_or_none()
    return Message(**row._mapping) if row else None


def _message_rows() -> Any:
    return select(*(messages.c[name] for name in Message.__dataclass_fields__))


async def vote(connection: AsyncConnection, conversation_id: str, seq: int, helpful: bool) -> bool:
    """Keeps what the customer thinks of an answer; False when the bot said nothing under that number."""
    m = messages.c
    changed = await connection.execute(
        update(messages)
        .where(m.conversation_id == conversation_id, m.seq == seq, m.sender == "bot", m.turn_of.is_not(None))
        .values(helpful=helpful)
    )
    return changed.rowcount == 1


async def edit(unit: Unit, ref: str, text_: str) -> bool:
    """Gives a customer's message other words and keeps the old ones; False where it is not known.

    Its turn is not run again; one that still waits works with the new words.
    """
    m = messages.c
    mine = (m.conversation_id == unit.conversation.id, m.sender == "customer", m.delivery_ref == ref)
    row = (await unit.connection.execute(select(m.id, m.text, m.custom).where(*mine))).one_or_none()
    if row is None:
        return False
    before = [*((row.custom or {}).get("edits") or []), {"text": row.text, "until": unit.now.isoformat()}]
    await unit.connection.execute(
        update(messages).where(m.id == row.id).values(text=commands.readable(text_), custom={"edits": before})
    )
    return True


async def settle(
    connection: AsyncConnection, message_id: int, state: str, *, understood: dict[str, Any] | None = None
) -> bool:
    """Takes a pending message to its final state; False when it no longer was pending."""
    changed = await connection.execute(
        update(messages)
        .where(messages.c.id == message_id, messages.c.state == "pending")
        .values(state=state, understood=understood)
    )
    return changed.rowcount == 1


async def free_dead_leases(engine: AsyncEngine) -> None:
    """Frees the turns of instances that died: an instance is alive as long as its session holds its advisory lock."""
    async with engine.begin() as connection:
        c = conversations.c
        await connection.execute(
            update(conversations)
            .where(c.busy_by.is_not(None), or_(c.busy_until < func.now(), c.busy_by.not_in(LIVING)))
            .values(busy_by=None)
        )


async def unanswered(engine: AsyncEngine, *, untold: bool) -> list[str]:
    """Conversations with a message that waits and no turn under way.

    Args:
        untold: only those where the customer was not yet told that it will take longer.
    """
    m, c = messages.c, conversations.c
    wanted = (
        select(m.conversation_id)
        .distinct()
        .join(conversations, c.id == m.conversation_id)
        .where(m.state == "pending", c.busy_by.is_(None))
    )
    if untold:
        wanted = wanted.where(m.told_at.is_(None))
    async with engine.connect() as connection:
        return list((await connection.execute(wanted)).scalars())
