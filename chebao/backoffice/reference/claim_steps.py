"""What may happen to a claim after its report: one function for each transition, under the row's lock."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, update

from chebao.backoffice.reference import events
from chebao.backoffice.reference.http import Body
from chebao.backoffice.reference.lists import one
from chebao.backoffice.reference.tables import claims
from chebao.backoffice.reference.work import Row, Work, shown
from chebao.errors import RuleForbids
from chebao.insurance.dates import SHANGHAI

OPEN = ("reported", "surveying", "documents_missing", "loss_assessed", "adjudicating")
MOVES: dict[str, tuple[str, ...]] = {
    "reported": ("surveying", "documents_missing", "loss_assessed", "refused"),
    "surveying": ("documents_missing", "loss_assessed", "refused"),
    "documents_missing": ("surveying", "loss_assessed", "refused"),
    "loss_assessed": ("adjudicating", "agreed", "documents_missing", "refused"),
    "adjudicating": ("agreed", "refused", "documents_missing"),
    "agreed": ("paid",),
}
"""Which states staff may move a claim to."""

_SHOWN = tuple(c.name for c in claims.c if c.name not in ("data", "staff", "seq"))


class Documents(Body):
    """Documents that were handed in."""

    documents: list[dict[str, Any]]


class Dispute(Body):
    """What the customer disagrees with."""

    text: str


class Move(Body):
    """Staff: the next status with what comes with it."""

    status: str
    assessed_amount: Decimal | None = None
    paid_amount: Decimal | None = None
    fault: str | None = None
    reason: str | None = None
    missing: list[str] | None = None


async def access_claim(work: Work, claim_no: str, as_customer: str | None, *, lock: bool = False) -> RowMapping:
    """The claim that this customer may see."""
    condition = claims.c.claim_no == claim_no.replace(" ", "").upper()
    return await one(work, claims, condition, claims.c.customer_id, as_customer, what="这个报案号", lock=lock)


async def add_documents(work: Work, claim_no: str, handed: Documents, as_customer: str | None) -> Row:
    """Adds documents; what they were missing for is struck off the list by name."""
    row = await access_claim(work, claim_no, as_customer, lock=True)
    if row["status"] not in OPEN:
        raise RuleForbids("这个案件已经结束，不能再补充材料；需要的话可以联系人工。", code="claim_closed")
    at = shown(work.now)
    given = {str(document.get("name")) for document in handed.documents}
    data: Row = {
        **row["data"],
        "documents": [*row["data"]["documents"], *({**document, "at": at} for document in handed.documents)],
        "missing": [name for name in row["data"]["missing"] if name not in given],
    }
    return claim_row(await save_claim(work, row, data=data))


async def withdraw(work: Work, claim_no: str, as_customer: str | None) -> Row:
    """open → withdrawn."""
    row = await access_claim(work, claim_no, as_customer, lock=True)
    if row["status"] == "withdrawn":
        return claim_row(row)
    if row["status"] not in OPEN:
        raise RuleForbids("这个案件已经有了结论，不能撤案。", code="claim_closed")
    return claim_row(await save_claim(work, row, status="withdrawn"))


async def dispute(work: Work, claim_no: str, said: Dispute, as_customer: str | None) -> Row:
    """Keeps the disagreement; the status stays until a person has looked at it."""
    row = await access_claim(work, claim_no, as_customer, lock=True)
    noted = [*row["data"]["disputes"], {"at": shown(work.now), "text": said.text, "status": "received"}]
    return claim_row(await save_claim(work, row, data={**row["data"], "disputes": noted}))


async def move(work: Work, claim_no: str, wanted: Move) -> Row:
    """Staff's transition by `MOVES`, with the day that the legal clocks count from.

    Raises:
        RuleForbids: the move does not exist, or a refusal lacks its reason (保险法 24).
    """
    row = await access_claim(work, claim_no, None, lock=True)
    if wanted.status not in MOVES.get(row["status"], ()):
        raise RuleForbids("案件当前状态不能这样变更。", code="move_forbidden")
    if wanted.status == "refused" and not wanted.reason:
        raise RuleForbids("拒赔需要书面说明理由。", code="reason_missing")
    values: Row = {"status": wanted.status}
    for name in ("assessed_amount", "paid_amount", "fault", "reason"):
        given = getattr(wanted, name)
        if given is not None:
            values[name] = given
    day: dict[str, tuple[str, ...]] = {
        "documents_missing": ("notice_sent",),
        "adjudicating": ("documents_complete",),
        "agreed": ("documents_complete", "decided", "agreed"),
        "refused": ("decided", "notice_sent"),
        "paid": ("paid",),
    }
    for name in day.get(wanted.status, ()):
        values[name] = row[name] or work.today
    if wanted.status == "paid" and "paid_amount" not in values:
        values["paid_amount"] = row["assessed_amount"]
    if wanted.missing is not None:
        values["data"] = {**row["data"], "missing": wanted.missing}
    moved = claim_row(await save_claim(work, row, **values))
    told = {name: moved[name] for name in ("claim_no", "plate", "status", "assessed_amount", "paid_amount", "missing")}
    await events.emit(work, "claim_status", row["reference"], told)
    return moved


async def save_claim(work: Work, row: RowMapping, **values: Any) -> RowMapping:
    status = values.get("status")
    if status and status != row["status"]:
        data: Row = values.get("data", row["data"])
        values["data"] = {**data, "history": [*data["history"], {"status": status, "at": shown(work.now)}]}
    changed = update(claims).where(claims.c.claim_no == row["claim_no"]).values(**values).returning(claims)
    saved: RowMapping = (await work.db.execute(changed)).mappings().one()
    return saved


def claim_row(found: RowMapping) -> Row:
    """The row as the API shows it; `staff` is left out on purpose."""
    occurred: date = found["occurred_at"].astimezone(SHANGHAI).date()
    return {**found["data"], **{name: found[name] for name in _SHOWN}, "occurred": occurred, "joined": False}
