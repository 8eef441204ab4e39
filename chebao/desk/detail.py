"""One conversation with everything beside it: what the right column of the desk shows, and what may be done."""

from __future__ import annotations

from typing import Any

from chebao import handoff
from chebao.db import Connection
from chebao.desk import context, forms, lists, ticket_views
from chebao.desk.access import Caller
from chebao.desk.context import Person, Records
from chebao.desk.forms import Running
from chebao.desk.routes.parts import Parts

_OPEN = ("queued", "agent")


async def of(parts: Parts, caller: Caller, conversation_id: str) -> dict[str, Any]:
    """Everything of a conversation, with personal data masked.

    Raises:
        NotFound: there is none.
    """
    async with parts.pool.connection() as connection:
        who = await context.person(connection, conversation_id)
        row = await lists.row(connection, conversation_id)
        episode = await context.episode(connection, conversation_id)
        form = await forms.running(connection, conversation_id)
        previous, links = await context.before(connection, conversation_id)
        ids = [conversation_id, *(link["id"] for link in links)]
        tickets = await ticket_views.of_conversation(connection, ids, caller)
        draft = await _draft(connection, conversation_id, caller.agent_id)
    records = Records(parts.office, who)
    await records.load()
    return {
        "row": row,
        "episode": _episode(episode),
        "customer": records.shown_customer(),
        "policies": records.policies,
        "claims": records.claims,
        "fraud": _once([*(await form.notes() if form else ()), *records.notes]),
        "missing": records.missing,
        "form": await form.shown() if form else None,
        "previous": [_previous(one) for one in previous],
        "links": links,
        "tickets": tickets,
        "window": row.get("window"),
        "draft": draft,
        "presence": parts.together.of(conversation_id),
        "can": _can(caller, row, await parts.gate.may(caller, conversation_id), who, form),
    }


def _once(notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A note of the running form is the same as one that stands with its claim already."""
    return list({note["label"]: note for note in notes}.values())


def _episode(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    shown = {name: value for name, value in row.items() if name not in ("slots", "edits")}
    return shown | {"reason_label": handoff.label_of(row["reason"])}


def _previous(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"reason_label": handoff.label_of(row["reason"])}


async def _draft(connection: Connection, conversation_id: str, agent_id: str | None) -> str | None:
    found = await connection.execute(
        "SELECT text FROM desk.drafts WHERE agent_id = %s AND conversation_id = %s", (agent_id, conversation_id)
    )
    row = await found.fetchone()
    return str(row["text"]) if row else None


def _can(
    caller: Caller, row: dict[str, Any], may: dict[str, bool], who: Person, form: Running | None
) -> dict[str, bool]:
    """What the caller may do now: what the table allows, where it makes sense."""
    owner, me = row["owner"], caller.agent_id
    his, joined = row["agent_id"] == me and owner == "agent", me in row["joined"]
    return {
        "say": may["messages"] and (his or joined),
        "take": may["take"] and owner == "queued",
        "takeover": may["takeover"] and owner in _OPEN and not his,
        "transfer": may["transfer"] and owner in _OPEN,
        "hold": may["hold"] and his and not row["held"],
        "resume": may["resume"] and his and row["held"],
        "return": may["return"] and his,
        "close": may["close"] and his,
        "join": may["join"] and owner == "agent" and not his and not joined,
        "leave": may["leave"] and joined,
        "watch": may["watch"],
        "note": may["notes"],
        "whisper": may["notes"] and caller.leads,
        "form": may["form"] and his and form is not None,
        "reveal": may["reveal"] and (who.customer_id or who.phone) is not None,
        "payment_link": may["payment-link"] and his and caller.licensed and who.customer_id is not None,
        "appointment": may["appointments"],
        "ticket": True,
    }
