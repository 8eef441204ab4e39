"""The ledger: every customer message is written once, numbered, before it is acknowledged."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from psycopg import AsyncCursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations import abroad, buttons, commands, links, notices, ownership, questions, statements
from chebao.conversations.signals import LIVING
from chebao.conversations.tables import conversations, messages
from chebao.conversations.types import MAX_TEXT, Accepted, Conversation, Incoming, Message, Work
from chebao.conversations.understanding import Understood, understand
from chebao.conversations.unit import Surroundings, Unit
from chebao.db import Connection, Pool, transaction

LEASE = timedelta(seconds=30)

MOST_WAITING = 60
"""Messages of one conversation that may wait for a turn; of those beyond, the customer hears that it is too much at once."""


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
    pool: Pool, tokens: buttons.Tokens, around: Surroundings, incoming: Incoming, asking: Container[str] = ()
) -> Admission:
    """Writes the message, answers at once what needs no turn, and claims the turn where nothing else waits for one.

    Args:
        asking: conversations of which this process has put a turn to the dialogue service; of others a claim can be made anew.
    """
    async with transaction(pool) as connection:
        conversation, known = await _lock_or_make(connection, incoming)
        if known:
            return Admission(known)
        unit = Unit(connection, conversation, around)
        understood = await understand(unit, tokens, incoming)
        if conversation.owner == "closed":
            ownership.change_owner(unit, "bot", reason="customer_wrote")
        elif ownership.waited_too_long(unit):
            await ownership.return_after_wait(unit)
        row = await _row(unit, incoming, understood)
        written = await connection.execute(statements.insert_message(tuple(row)), statements.values_of(row))
        unit.took_in(row)
        released = False
        if row["state"] != "pending":
            row |= await _only(written)
            released = await _answer_without_turn(unit, understood, row["state"], row["id"])
        elif incoming.newer:
            row |= await _only(written)
            begun = conversation.busy_by != unit.signals.instance or conversation.id in asking
            later_than = (conversation.turn_seq or 0) if begun else 0
            row["seq"] = await _overtaken(unit, row["id"], row["seq"], incoming.newer, later_than)
        if row["state"] == "pending" and incoming.silence:
            unit.leave_waiting()
        claimed = row["state"] == "pending" and not incoming.silence and _claim(unit)
        as_claimed = replace(conversation)
        await unit.flush()
    message = Message.of(row if "id" in row else row | await _only(written))
    waits = message.state == "pending"
    accepted = Accepted(conversation.id, message.id, message.seq, duplicate=False, waits=waits)
    work = Work(as_claimed, (message,)) if claimed else None
    return Admission(accepted, released or waits, work, unit.pushes)


def _claim(unit: Unit) -> bool:
    """Claims the message's turn, if it is the only one: a lease that was left clean says that nothing older waits."""
    conversation = unit.conversation
    if conversation.busy_by is not None or conversation.busy_until is not None:
        return False
    conversation.busy_by, conversation.busy_until = unit.signals.instance, unit.now + LEASE
    conversation.turn_seq = conversation.last_seq
    return True


async def _overtaken(unit: Unit, message_id: int, seq: int, newer: Sequence[int], later_than: int) -> int:
    """Numbers a message before those of `newer` that come after `later_than`, up to where a turn has begun."""
    found = await unit.connection.execute(statements.NOT_BEGUN, (unit.conversation.id, list(newer), later_than))
    behind = {int(row["seq"]): int(row["id"]) for row in await found.fetchall()}
    ids, numbers = [message_id, *(behind[n] for n in sorted(behind))], sorted([seq, *behind])
    if behind:
        await unit.connection.execute(statements.UNNUMBER, (ids,))
        await unit.connection.execute(statements.NUMBER, (ids, numbers))
    return numbers[0]


async def _only(cursor: AsyncCursor[DictRow]) -> DictRow:
    """The one row of a statement that always has one."""
    row = await cursor.fetchone()
    assert row is not None
    return row


async def _row(unit: Unit, incoming: Incoming, understood: Understood) -> dict[str, Any]:
    """The message's row, numbered; its state says who answers it: a turn, the hub at once, or nobody but an agent."""
    conversation = unit.conversation
    state = _state(conversation, understood)
    if state == "pending" and await _flooded(unit):
        state = "silent"
    conversation.reachable = True
    conversation.held_at = None  # what waited for the customer's word goes on with it
    conversation.last_seq += 1
    conversation.last_customer_seq = conversation.last_seq
    return {
        "conversation_id": conversation.id,
        "seq": conversation.last_seq,
        "sender": "customer",
        "channel": incoming.channel,
        "account": incoming.account,
        "platform_key": platform_key(conversation.id, incoming),
        "text": understood.text,
        "payload": understood.payload,
        "attachments": incoming.attachments or None,
        "location": incoming.location,
        "epoch": conversation.epoch,
        "state": state,
        "delivery_ref": incoming.ref,
        "event": incoming.event,
        "at": unit.now,
    }


def _state(conversation: Conversation, understood: Understood) -> str:
    """`held` until the customer agreed to a channel abroad, `silent` where a person answers, `answered` where the hub does."""
    if not understood.by_hub and not abroad.agreed(conversation):
        return "held"
    wish = understood.wish is not None and (conversation.owner != "agent" or understood.wish["intent"] == "hub_score")
    anyhow = understood.back_to_bot or understood.consent is not None or wish
    if understood.by_hub and (conversation.bot_answers or anyhow):
        return "answered"
    if understood.while_queued and conversation.owner == "queued":
        return "answered"
    return "pending" if conversation.bot_answers else "silent"


async def _flooded(unit: Unit) -> bool:
    """Whether so many messages wait for a turn that no more can be answered; only a conversation with a turn under way can be."""
    if unit.conversation.busy_by is None:
        return False
    waiting = await _only(await unit.connection.execute(statements.WAITING, (unit.conversation.id,)))
    return int(waiting["number"]) >= MOST_WAITING


async def _answer_without_turn(unit: Unit, understood: Understood, state: str, message_id: int) -> bool:
    """What the hub says by itself. Returns whether messages that were held now wait for a turn."""
    owner = unit.conversation.owner
    if understood.forget:
        await links.forget(unit, everywhere=understood.forget != "here")
        unit.conversation.offered = None
        told = notices.forgotten(understood.forget, unit.company.hotline)
        unit.say(told, sender="system", turn_of=message_id)
        return False
    if understood.consent is not None:
        return await abroad.answer(unit, message_id, given=understood.consent)
    if not abroad.agreed(unit.conversation):
        abroad.ask(unit, message_id)
    elif understood.back_to_bot and owner == "queued":
        ownership.return_on_request(unit, message_id)
    elif understood.back_to_bot and owner == "bot":
        unit.say(notices.bot_is_here(), sender="system", turn_of=message_id)
    elif understood.wish and state == "answered":
        await questions.pressed(unit, understood.wish["intent"], understood.wish["entities"], message_id)
    elif understood.answer and state == "answered":
        unit.say(understood.answer, sender="system", turn_of=message_id)
    elif owner == "queued" and state == "silent":
        await ownership.remind_of_queue(unit, message_id)
    elif owner == "bot" and state == "silent":
        ownership.ask_for_patience(unit, message_id)
    return False


def platform_key(conversation_id: str | None, incoming: Incoming) -> str | None:
    """The key as stored: clients of the door and the web choose theirs freely, so it is bound to the conversation.

    None where there is no key, or not yet: the door knows the conversation only when its row is read.
    """
    if incoming.key is None or incoming.channel not in ("door", "web"):
        return incoming.key
    return f"{conversation_id}:{incoming.key}" if conversation_id else None


async def _lock_or_make(connection: Connection, incoming: Incoming) -> tuple[Conversation, Accepted | None]:
    """The customer's conversation, locked, and the receipt of a message that it holds already."""
    address = {"channel": incoming.channel, "account": incoming.account, "peer": incoming.peer}
    locked = await connection.execute(statements.BY_ADDRESS_LOCKED, address)
    key = platform_key(incoming.conversation_id, incoming)
    # Asked behind the lock without waiting for it: one round trip less on the way to every acknowledgement.
    seen = await connection.execute(statements.KNOWN, address | {"key": key}) if key else None
    row = await locked.fetchone()
    if row is None:
        await connection.execute(statements.MAKE, address | {"id": incoming.conversation_id or uuid4().hex})
        row = await _only(await connection.execute(statements.BY_ADDRESS_LOCKED, address))
        seen = None
    conversation = Conversation(**row)
    key = key or platform_key(conversation.id, incoming)
    if key and seen is None:
        seen = await connection.execute(statements.KNOWN, address | {"key": key})
    known = await seen.fetchone() if seen else None
    if known is None:
        return conversation, None
    return conversation, Accepted(known["conversation_id"], known["id"], known["seq"], duplicate=True)


async def find_conversation(connection: Connection, channel: str, account: str, peer: str) -> Conversation | None:
    """The conversation of a customer's address, unlocked."""
    address = {"channel": channel, "account": account, "peer": peer}
    row = await (await connection.execute(statements.BY_ADDRESS, address)).fetchone()
    return Conversation(**row) if row else None


async def messages_after(connection: Connection, conversation_id: str, seq: int, limit: int) -> Sequence[Message]:
    """The numbered stream of a conversation after `seq`, oldest first."""
    rows = await (await connection.execute(statements.AFTER, (conversation_id, seq, limit))).fetchall()
    return [Message(**row) for row in rows]


def next_turn(waiting: Sequence[Message], begun: int | None) -> tuple[Message, ...]:
    """The messages of the next turn: those of a turn that was begun, else the oldest one and what can be said together with it.

    Words are joined with words and photos with photos; a pressed button, a position and a call for a person stand alone.

    Args:
        begun: up to which number a turn was begun that must be repeated as it was, None where there is none.
    """
    again = tuple(m for m in waiting if begun is not None and m.seq <= begun)
    if again or not waiting:
        return again
    kind, size, taken = _kind(waiting[0]), 0, list(waiting[:1])
    for message in waiting[1:]:
        size += len(message.text) + 1
        if kind is None or _kind(message) != kind or size + len(waiting[0].text) > MAX_TEXT:
            break
        taken.append(message)
    return tuple(taken)


def _kind(message: Message) -> str | None:
    """What kind of message can be joined with its like; None for one that stands alone."""
    if message.payload or message.location or commands.wants_person(message.text):
        return None
    if message.attachments:
        return None if message.text else "photos"
    return "words"


async def vote(connection: Connection, conversation_id: str, seq: int, helpful: bool) -> bool:
    """Keeps what the customer thinks of an answer; False when the bot said nothing under that number."""
    return (await connection.execute(statements.VOTE, (helpful, conversation_id, seq))).rowcount == 1


async def edit(unit: Unit, ref: str, text_: str) -> bool:
    """Gives a customer's message other words and keeps the old ones; False where it is not known.

    Its turn is not run again; one that still waits works with the new words.
    """
    found = await unit.connection.execute(statements.BY_REF, (unit.conversation.id, ref))
    row = await found.fetchone()
    if row is None:
        return False
    before = [*((row["custom"] or {}).get("edits") or []), {"text": row["text"], "until": unit.now.isoformat()}]
    words = commands.readable(text_)
    await unit.connection.execute(statements.EDIT, (words, Jsonb({"edits": before}), row["id"]))
    unit.took_in({"sender": "customer", "seq": row["seq"], "text": words})
    return True


async def settle(
    connection: Connection, turn: Sequence[Message], state: str, *, understood: dict[str, Any] | None = None
) -> None:
    """Takes the messages of a turn to their final state; what was understood of them stands beside the last."""
    joined = {"joined": len(turn)} if len(turn) > 1 else {}
    values = {"state": state, "last": turn[-1].id, "ids": [message.id for message in turn]}
    await connection.execute(
        statements.SETTLE, values | {"understood": Jsonb(understood | joined) if understood else None}
    )


async def free_dead_leases(engine: AsyncEngine) -> None:
    """Frees the turns of instances that died: an instance is alive as long as its session holds its advisory lock.

    A turn that is worth taking up has a message that waits; looking for those spares an index on the leases themselves.
    """
    m, c = messages.c, conversations.c
    waiting = select(m.conversation_id).where(m.state == "pending")
    async with engine.begin() as connection:
        await connection.execute(
            update(conversations)
            .where(c.id.in_(waiting), c.busy_by.is_not(None), or_(c.busy_until < func.now(), c.busy_by.not_in(LIVING)))
            .values(busy_by=None)
        )


async def unanswered(engine: AsyncEngine, *, untold: bool) -> list[str]:
    """Conversations with a message that waits and no turn under way, the longest-waiting first.

    Args:
        untold: only those where the customer was not yet told that it will take longer.
    """
    m, c = messages.c, conversations.c
    wanted = (
        select(m.conversation_id)
        .join(conversations, c.id == m.conversation_id)
        .where(m.state == "pending", c.busy_by.is_(None))
        .group_by(m.conversation_id)
        .order_by(func.min(m.at))
    )
    if untold:
        wanted = wanted.where(m.told_at.is_(None))
    async with engine.connect() as connection:
        return list((await connection.execute(wanted)).scalars())
