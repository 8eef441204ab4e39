"""The words for each back-office event, pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from chebao.conversations.api import Reply
from chebao.insurance.money import show

_KINDS = {"compulsory": "交强险", "commercial": "商业险"}
_CLAIM_STATUS = {
    "reported": "已登记报案",
    "surveying": "正在安排查勘",
    "documents_missing": "还需要补充材料",
    "loss_assessed": "定损已完成",
    "adjudicating": "正在核赔",
    "agreed": "赔付方案已达成一致",
    "paid": "赔款已支付",
    "refused": "已作出不予赔付的决定，理由会以书面形式告诉您",
    "withdrawn": "已撤案",
}


def reply_for(kind: str, data: dict[str, Any]) -> Reply | None:
    """What the customer is told of an event; None for events that say nothing to him."""
    if kind == "application_issued":
        return _issued(data)
    if kind == "application_paid":
        return Reply(text=f"已收到您的付款{_plate(data)}，正在为您出单，保单号出来后会马上发在这里。")
    if kind == "claim_status":
        return _claim(data)
    return None


def task_ended(kind: str, data: dict[str, Any]) -> str | None:
    """The name of the customer's task that an event ends: a purchase is over when its policies are there."""
    return (
        f"task:purchase:{data['application_no']}"
        if kind == "application_issued" and data.get("application_no")
        else None
    )


def _issued(data: dict[str, Any]) -> Reply | None:
    issued = [(part, data[part]) for part in _KINDS if (data.get(part) or {}).get("policy_no")]
    if not issued:
        return None
    lines = [
        f"{_KINDS[part]}保单号：{row['policy_no']}，{_moment(row.get('start'))} 起保，{_moment(row.get('end'))} 到期。"
        for part, row in issued
    ]
    waiting = data.get("commercial") and not data["commercial"].get("policy_no")
    rest = ["商业险部分还在审核，有结果会马上告诉您。"] if waiting else []
    items = [
        {
            "policy_no": row["policy_no"],
            "kind": part,
            "plate": data.get("plate"),
            "start": row.get("start"),
            "end": row.get("end"),
            "covers": row.get("covers") if isinstance(row.get("covers"), list) else [],
            "premium": _amount(row.get("premium") or row.get("price")),
        }
        for part, row in issued
    ]
    return Reply(
        text="\n".join([f"您的保单已出具{_plate(data)}。", *lines, *rest]),
        custom={"card": {"type": "policy", "items": items}},
    )


def _claim(data: dict[str, Any]) -> Reply | None:
    words = _CLAIM_STATUS.get(str(data.get("status")))
    if not words or not data.get("claim_no"):
        return None
    missing = data.get("missing") if data.get("status") == "documents_missing" else None
    tail = f"：{'、'.join(str(m) for m in missing)}" if isinstance(missing, list) and missing else ""
    return Reply(text=f"您的报案 {data['claim_no']} 有新进展：{words}{tail}。")


def _plate(data: dict[str, Any]) -> str:
    return f"（{data['plate']}）" if data.get("plate") else ""


def _amount(value: Any) -> str | None:
    """``2040.79`` → ``2,040.79``, as everywhere else; other text as it is."""
    try:
        return show(Decimal(str(value))) if value else None
    except InvalidOperation:
        return str(value)


def _moment(value: Any) -> str:
    """``2026-11-23T00:00:00+08:00`` → ``2026年11月23日 0:00``; other text as it is."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value or "")
    return f"{at.year}年{at.month}月{at.day}日 {at.hour}:{at.minute:02d}"
