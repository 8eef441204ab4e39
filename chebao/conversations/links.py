"""One customer, many channels: which conversations are one customer's, what he began in each, and where he can be told something.

A conversation is linked when its customer proves who he is there, and in no other way; what is shared is shared only with a
conversation whose own proof still holds. Drafts of what was begun stand in `conversations.begun`, task by task, as the dialogue
told them (effect ``begun``): ``{"draft", "at"}``, with ``moved`` once another conversation took it over. A draft is moved in a
transaction of its own before the other conversation gets it, and never while a turn of its owner is under way: so it is
submitted in one place only.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chebao.conversations import abroad
from chebao.conversations.signals import LIVING
from chebao.conversations.tables import conversations, links, messages
from chebao.conversations.types import PULLED, Conversation
from chebao.conversations.unit import Unit
from chebao.errors import NotFound
from chebao.logs import line

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
"""How long something begun is offered elsewhere."""


@dataclass(frozen=True)
class Begun:
    """Something begun in another conversation of the customer."""

    conversation: str
    channel: str
    task: str
    draft: dict[str, Any]
    at: str


def _same_customer(customer_id: str | None, phone: str | None) -> ColumnElement[bool]:
    """Links of one customer: by his number, and by the phone proved where the insurer does not know him yet."""
    c = links.c
    by_number = c.customer_id == customer_id if customer_id else false()
    by_phone = c.phone == phone if phone else false()
    return or_(by_number, and_(by_phone, c.customer_id.is_(None)) if customer_id else by_phone)


def _of(identity: Mapping[str, Any]) -> ColumnElement[bool]:
    return _same_customer(identity.get("customer_id"), identity.get("phone"))


# --- linking and forgetting -----------------------------------------------------------------------------------------


_OWN = "SELECT customer_id, phone FROM hub.links WHERE conversation_id = %s"
_LINK = (
    "INSERT INTO hub.links (conversation_id, customer_id, phone, linked_at)"
    " VALUES (%(id)s, %(customer_id)s, %(phone)s, %(at)s) ON CONFLICT (conversation_id) DO UPDATE"
    " SET customer_id = excluded.customer_id, phone = excluded.phone, linked_at = excluded.linked_at"
)
# As `_same_customer`: by his number, and by the phone proved where the insurer does not know him yet.
_OTHERS = (
    "SELECT c.id, c.begun FROM hub.links l JOIN hub.conversations c ON c.id = l.conversation_id WHERE c.id <> %(id)s AND"
    " (l.customer_id = %(customer_id)s OR (l.phone = %(phone)s AND (%(customer_id)s::text IS NULL OR l.customer_id IS NULL)))"
    " ORDER BY c.id FOR UPDATE OF c"
)
_FORGET = "UPDATE hub.conversations SET verified = NULL, begun = %s WHERE id = %s"
_UNREAD = "UPDATE hub.uploads SET place = NULL, facts = NULL WHERE conversation_id = ANY(%s)"
_UNLINK = "DELETE FROM hub.links WHERE conversation_id = ANY(%s)"


async def link(unit: Unit, identity: Mapping[str, Any]) -> None:
    """The customer has proved who he is here; what another person began here is no longer known."""
    conversation = unit.conversation
    customer_id, phone = identity.get("customer_id"), identity.get("phone")
    known = await (await unit.connection.execute(_OWN, (conversation.id,))).fetchone()
    if known and known["phone"] != phone and known["customer_id"] != customer_id:
        conversation.begun = _dropped(conversation.begun)
    values = {"id": conversation.id, "customer_id": customer_id, "phone": phone, "at": unit.now}
    await unit.connection.execute(_LINK, values)


async def forget(unit: Unit, *, everywhere: bool) -> int:
    """Ends proof and link here, or in all conversations of the customer. Returns how many.

    What was begun is given up, and what was read on pictures is no longer known.
    """
    conversation, connection = unit.conversation, unit.connection
    mine = await (await connection.execute(_OWN, (conversation.id,))).fetchone()
    others: list[str] = []
    if mine and everywhere:
        for row in await (await connection.execute(_OTHERS, {"id": conversation.id, **mine})).fetchall():
            begun = _dropped(row["begun"])
            await connection.execute(_FORGET, (Jsonb(begun) if begun else None, row["id"]))
            others.append(row["id"])
    conversation.verified, conversation.begun = None, _dropped(conversation.begun)
    for statement in (_UNREAD, _UNLINK):
        await connection.execute(statement, ([conversation.id, *others],))
    log.info(line("customer_forgotten", conversation=conversation.id, conversations=1 + len(others)))
    return 1 + len(others)


def _dropped(begun: dict[str, Any] | None) -> dict[str, Any] | None:
    """What was begun, without its content: the dialogue is told at its next turn to drop it too."""
    return {task: {"dropped": True} for task in begun or {}} or None


# --- what was begun -------------------------------------------------------------------------------------------------


def note(conversation: Conversation, task: str, draft: dict[str, Any] | None, now: datetime) -> None:
    """Keeps how far the customer has come with a task; None: it is over here."""
    known = (conversation.begun or {}).get(task) or {}
    if draft and (conversation.identity(now) is None or known.get("moved") or known.get("dropped")):
        return
    kept = {name: value for name, value in (conversation.begun or {}).items() if name != task}
    if draft:
        kept[task] = {"draft": draft, "at": now.isoformat()}
    conversation.begun = kept or None


def gone(conversation: Conversation) -> dict[str, Any]:
    """Tasks that are no longer this conversation's: ``{task: {"channel", "at"}}``, channel None where they were given up."""
    found: dict[str, Any] = {}
    for task, kept in (conversation.begun or {}).items():
        if kept.get("dropped"):
            found[task] = {"channel": None}
        elif kept.get("moved"):
            found[task] = {"channel": kept["moved"]["channel"], "at": kept["moved"]["at"]}
    return found


async def begun_elsewhere(engine: AsyncEngine, conversation: Conversation, identity: Mapping[str, Any]) -> list[Begun]:
    """What the customer began in his other conversations and may go on with here, the newest first."""
    c = conversations.c
    wanted = (
        select(c.id, c.channel, c.begun)
        .join(links, links.c.conversation_id == c.id)
        .where(_of(identity), c.id != conversation.id, c.begun.is_not(None))
    )
    async with engine.connect() as connection:
        rows = (await connection.execute(wanted)).all()
    found = [begun for row in rows for begun in _open(row.id, row.channel, row.begun)]
    return sorted(found, key=lambda begun: begun.at, reverse=True)


def _open(conversation_id: str, channel: str, begun: dict[str, Any]) -> list[Begun]:
    since = datetime.now(UTC) - KEPT
    return [
        Begun(conversation_id, channel, task, kept["draft"], kept["at"])
        for task, kept in begun.items()
        if kept.get("draft") and not kept.get("moved") and datetime.fromisoformat(kept["at"]) > since
    ]


async def take_over(
    engine: AsyncEngine, into: Conversation, identity: Mapping[str, Any], conversation_id: str, task: str
) -> Begun | None:
    """Moves a draft here; taken twice by the same conversation it is the same. None: not there, over, or just being worked on."""
    c = conversations.c
    busy = and_(c.busy_by.is_not(None), c.busy_until > func.now(), c.busy_by.in_(LIVING))
    query = (
        select(c.id, c.channel, c.begun, busy.label("busy"))
        .join(links, links.c.conversation_id == c.id)
        .where(_of(identity), c.id == conversation_id, c.id != into.id)
        .with_for_update(of=conversations)
    )
    async with engine.begin() as connection:
        row = (await connection.execute(query)).one_or_none()
        kept = ((row.begun or {}).get(task) if row else None) or {}
        mine = (kept.get("moved") or {}).get("to") == into.id
        if row is None or not kept.get("draft") or (not mine and (kept.get("moved") or row.busy)):
            return None
        if not mine:
            moved = {"to": into.id, "channel": into.channel, "at": datetime.now(UTC).isoformat()}
            begun = row.begun | {task: kept | {"moved": moved}}
            await connection.execute(update(conversations).where(c.id == row.id).values(begun=begun))
            log.info(line("draft_moved", conversation=row.id, into=into.id, task=task))
    return Begun(row.id, row.channel, task, kept["draft"], kept["at"])


# --- telling --------------------------------------------------------------------------------------------------------


async def last_used(connection: AsyncConnection, conversation_id: str) -> list[Conversation]:
    """The conversation and those linked with it in which the customer may be told of his business, the last used first.

    Another browser is told only while its proof holds: it may be somebody else's by now; an account on a platform is his own.

    Raises:
        NotFound: no such conversation.
    """
    mine = (
        await connection.execute(
            select(links.c.customer_id, links.c.phone).where(links.c.conversation_id == conversation_id)
        )
    ).one_or_none()
    c, m = conversations.c, messages.c
    ids = select(links.c.conversation_id).where(_same_customer(mine.customer_id, mine.phone)) if mine else None
    wanted = c.id == conversation_id if ids is None else or_(c.id == conversation_id, c.id.in_(ids))
    wrote = select(m.at).where(m.conversation_id == c.id, m.seq == c.last_customer_seq).scalar_subquery()
    rows = await connection.execute(select(conversations).where(wanted).order_by(wrote.desc().nulls_last()))
    now = datetime.now(UTC)
    found = [Conversation(**row._mapping) for row in rows]
    if not any(x.id == conversation_id for x in found):
        raise NotFound("没有找到这个会话。")
    return [
        x
        for x in found
        if abroad.agreed(x) and (x.id == conversation_id or x.channel not in PULLED or x.identity(now) is not None)
    ]


async def linked(connection: AsyncConnection, conversation_id: str) -> list[dict[str, Any]]:
    """The conversations of the same customer, this one among them; empty where nobody proved himself here."""
    own = links.c.conversation_id == conversation_id
    mine = (await connection.execute(select(links.c.customer_id, links.c.phone).where(own))).one_or_none()
    if mine is None:
        return []
    rows = await connection.execute(
        select(links.c.conversation_id, conversations.c.channel, links.c.linked_at)
        .join(conversations, conversations.c.id == links.c.conversation_id)
        .where(_same_customer(mine.customer_id, mine.phone))
        .order_by(links.c.linked_at)
    )
    return [
        {"conversation": row.conversation_id, "channel": row.channel, "linked_at": row.linked_at.isoformat()}
        for row in rows
    ]
