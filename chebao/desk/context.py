"""Everything an agent has to know beside the conversation: customer, policies, claims with their clocks, form, what was before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from chebao.backoffice.client import BackOffice
from chebao.db import Connection
from chebao.errors import ChebaoError, NotFound
from chebao.insurance import clocks, idcard
from chebao.insurance.dates import SHANGHAI, local_day
from chebao.insurance.masking import mask_id_card, mask_name, mask_phone
from chebao.insurance.start_rules import days_left
from chebao.logs import line

log = logging.getLogger(__name__)

type Secret = Literal["name", "phone", "id_card"]

CARE_FROM_AGE = 65
_MOST_ROWS = 20

_CLAIM_STATUS = {
    "reported": "已报案",
    "surveying": "查勘中",
    "documents_missing": "待补材料",
    "loss_assessed": "已定损",
    "adjudicating": "核赔中",
    "agreed": "已达成协议，待付款",
    "paid": "已赔付",
    "refused": "未予赔付",
    "withdrawn": "已撤案",
}
_CLOCK_NAMES = {
    "documents_notice": "一次性告知补充材料",
    "decide": "核定",
    "advance_certain": "先予支付能确定的部分",
    "pay": "支付赔款",
    "refusal_notice": "发出拒赔通知",
}

_SEARCHED = """
SELECT c.channel, c.verified, c.consents, l.customer_id, l.phone
FROM hub.conversations c LEFT JOIN hub.links l ON l.conversation_id = c.id WHERE c.id = %s
"""
_EPISODE = """
SELECT e.id, e.reason, e.skill, e.task, e.summary, e.slots, e.edits, e.emotion, e.memo, e.told_wait, e.asked_at, e.queued_at,
       e.first_assigned_at, e.first_reply_at, e.ended_at, e.end_reason, e.wrapup
FROM desk.episodes e WHERE e.conversation_id = %s ORDER BY e.queued_at DESC LIMIT 1
"""
_SAME_CUSTOMER = """
SELECT o.conversation_id FROM hub.links l JOIN hub.links o
    ON o.customer_id = l.customer_id OR (o.phone = l.phone AND (l.customer_id IS NULL OR o.customer_id IS NULL))
WHERE l.conversation_id = %(id)s UNION SELECT %(id)s
"""
_PREVIOUS = f"""
SELECT e.conversation_id AS id, e.queued_at AS at, c.channel, e.reason, a.name AS agent_name, e.summary, e.wrapup, e.end_reason
FROM desk.episodes e JOIN hub.conversations c ON c.id = e.conversation_id LEFT JOIN desk.agents a ON a.id = e.agent_id
WHERE e.conversation_id IN ({_SAME_CUSTOMER}) AND e.ended_at IS NOT NULL ORDER BY e.queued_at DESC LIMIT {_MOST_ROWS}
"""
_LINKS = f"""
SELECT c.id, c.channel, l.linked_at AS at FROM hub.conversations c LEFT JOIN hub.links l ON l.conversation_id = c.id
WHERE c.id IN ({_SAME_CUSTOMER}) AND c.id <> %(id)s ORDER BY c.updated_at DESC LIMIT {_MOST_ROWS}
"""


@dataclass(frozen=True)
class Person:
    """Who the customer proved to be here, now or earlier.

    Attributes:
        verified_until: until when the proof holds; None where it was never given or has been withdrawn.
    """

    channel: str
    customer_id: str | None
    phone: str | None
    name: str | None
    verified_until: str | None
    consents: dict[str, Any]


async def person(connection: Connection, conversation_id: str) -> Person:
    """The person of a conversation.

    Raises:
        NotFound: no such conversation.
    """
    row = await (await connection.execute(_SEARCHED, (conversation_id,))).fetchone()
    if row is None:
        raise NotFound("没有找到这个会话。")
    proved = row["verified"] or {}
    return Person(
        row["channel"],
        row["customer_id"] or proved.get("customer_id"),
        row["phone"] or proved.get("phone"),
        proved.get("name"),
        proved.get("until"),
        row["consents"] or {},
    )


async def episode(connection: Connection, conversation_id: str) -> dict[str, Any] | None:
    """The last time a person was asked for, still going on or not."""
    row = await (await connection.execute(_EPISODE, (conversation_id,))).fetchone()
    return dict(row) if row else None


async def before(connection: Connection, conversation_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Earlier episodes of the same customer, as far as he proved himself, and his other conversations."""
    values = {"id": conversation_id}
    previous = await (await connection.execute(_PREVIOUS, values)).fetchall()
    links = await (await connection.execute(_LINKS, values)).fetchall()
    return [dict(row) for row in previous], [dict(row) for row in links]


class Records:
    """What the insurer's core knows of a person, masked; parts that cannot be had are named, the rest is shown.

    Attributes:
        missing: what could not be fetched.
    """

    def __init__(self, office: BackOffice, who: Person) -> None:
        self._office, self._who = office, who
        self.customer: dict[str, Any] = {}
        self.policies: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.missing: list[str] = []

    async def load(self) -> None:
        """Asks for everything at once."""
        customer_id = self._who.customer_id
        if customer_id is None:
            return
        customer, policies, claims = await asyncio.gather(
            self._try("customer", self._office.customer(customer_id)),
            self._try("policies", self._office.policies(as_customer=customer_id)),
            self._try("claims", self._office.claims(as_customer=customer_id)),
        )
        self.customer = customer or {}
        today = datetime.now(SHANGHAI).date()
        self.policies = [_policy(row, today) for row in (policies or [])[:_MOST_ROWS]]
        claims = (claims or [])[:_MOST_ROWS]
        self.claims = [_claim(row, datetime.now(UTC)) for row in claims]
        noted = await asyncio.gather(*(self._try("notes", self._office.staff_notes(c["claim_no"])) for c in claims[:5]))
        self.notes = [
            {"label": str(note), "claim_no": row["claim_no"]} for row in noted if row for note in row["notes"]
        ]

    async def _try[T](self, part: str, call: Awaitable[T]) -> T | None:
        try:
            return await call
        except ChebaoError as error:
            log.warning(line("desk_context_incomplete", part=part, error=type(error).__name__))
            if part not in self.missing:
                self.missing.append(part)
            return None

    def shown_customer(self) -> dict[str, Any]:
        """The person with masked data; `care` where he is 65 or older."""
        who, row = self._who, self.customer
        name, phone, id_card = row.get("name") or who.name, row.get("phone") or who.phone, row.get("id_card")
        return {
            "customer_id": who.customer_id,
            "name": mask_name(name) if name else None,
            "phone": mask_phone(phone) if phone else None,
            "id_card": mask_id_card(id_card) if id_card else None,
            "city": row.get("city"),
            "tier": row.get("tier"),
            "verified_until": who.verified_until,
            "care": row.get("tier") == "senior" or _age(id_card) >= CARE_FROM_AGE,
            "vip": row.get("tier") == "vip",
            "consents": who.consents,
        }

    def secret(self, field: Secret) -> str | None:
        """What stands behind the mask."""
        known = {"name": self._who.name, "phone": self._who.phone}
        value = self.customer.get(field) or known.get(field)
        return str(value) if value else None


def _age(id_card: str | None) -> int:
    try:
        born = idcard.birth_date(id_card or "")
    except ValueError:
        return 0
    today = datetime.now(SHANGHAI).date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _policy(row: dict[str, Any], today: date) -> dict[str, Any]:
    shown = {
        name: row.get(name) for name in ("policy_no", "kind", "plate", "start", "end", "premium", "covers", "status")
    }
    return shown | {"days_left": days_left(local_day(row["end"]), today)}


def _claim(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    parts = (("compulsory", "compulsory_policy_no"), ("commercial", "policy_no"))
    kinds = [kind for kind, number in parts if row.get(number)]
    names = ("claim_no", "plate", "status", "occurred_at", "place", "accident_type", "missing", "surveyor")
    return {name: row.get(name) for name in names} | {
        "status_label": _CLAIM_STATUS.get(str(row.get("status")), row.get("status")),
        "amount": row.get("paid_amount") or row.get("assessed_amount"),
        "clocks": [_clock(due, kind, now) for kind in kinds for due in clocks.claim_dues(kind, row)],
    }


def _clock(due: clocks.Due, kind: str, now: datetime) -> dict[str, Any]:
    """A legal clock: it runs from the end of the day that started it to the end of its last day (民法典 201)."""
    begin, end = _end_of(due.since), _end_of(due.on)
    insurance = "交强险" if kind == "compulsory" else "商业险"
    return {
        "name": f"{insurance}：{_CLOCK_NAMES.get(due.clock.rule, due.clock.text)}",
        "legal": True,
        "due_at": end.isoformat(),
        "share": round(max(0.0, (now - begin) / (end - begin)), 3),
        "stopped": False,
    }


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
