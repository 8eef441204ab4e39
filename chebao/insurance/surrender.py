"""What is paid back when a policy is cancelled.

保险法 54: before the insurance starts the premium less a fee; after it starts the premium up to the cancellation
is kept.
条例 16: the compulsory part ends early only for a car that is deregistered, taken out of use or stolen.
Vehicle tax was collected for the tax office and is not paid back by the insurer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.dates import say_day
from chebao.insurance.money import ZERO, show, yuan

COMPULSORY_REASONS = {
    "deregistered": "车辆被依法注销登记",
    "out_of_use": "车辆办理停驶",
    "stolen": "车辆经公安机关证实丢失",
}


@dataclass(frozen=True)
class SurrenderEstimate:
    """`reason` says in Chinese why it is allowed or not; `formula_text` shows the sum with its figures."""

    allowed: bool
    refund: Decimal
    formula_text: str
    reason: str
    days_used: int
    days_total: int
    fee: Decimal


def surrender_estimate(
    kind: str, premium: Decimal, start: date, end: date, cancel_on: date, *, reason: str | None = None
) -> SurrenderEstimate:
    """Refund when a policy is cancelled on a day.

    Args:
        kind: compulsory | commercial.
        end: exclusive.
        reason: for compulsory cover one of `COMPULSORY_REASONS`.
    """
    total = (end - start).days
    used = min(max((cancel_on - start).days, 1), total) if cancel_on >= start else 0
    if kind == "compulsory" and reason not in COMPULSORY_REASONS:
        reasons = "、".join(COMPULSORY_REASONS.values())
        text = f"按规定，交强险只有在这三种情况下可以退：{reasons}。商业险可以单独退。"
        return SurrenderEstimate(False, ZERO, "", text, used, total, ZERO)
    if used >= total:
        text = f"保障已在{say_day(end)}零时结束，没有可退的保费。"
        return SurrenderEstimate(False, ZERO, "", text, used, total, ZERO)
    if cancel_on < start:
        return _before_start(kind, premium, cancel_on, start, total)
    refund = yuan(premium * (total - used) / total)
    text = f"{show(premium)}元 × 剩余{total - used}天 ÷ 全期{total}天 = {show(refund)}元"
    return SurrenderEstimate(True, refund, text, _allowed_reason(kind, reason), used, total, ZERO)


def _before_start(kind: str, premium: Decimal, cancel_on: date, start: date, total: int) -> SurrenderEstimate:
    if kind == "compulsory":
        text = f"保障还没有开始，全额退还：{show(premium)}元"
        return SurrenderEstimate(True, yuan(premium), text, "保障还没有开始。", 0, total, ZERO)
    percent = tables.limit("cancellation_fee_percent", max(cancel_on, start))
    fee = yuan(premium * percent / 100)
    refund = yuan(premium) - fee
    text = f"{show(premium)}元 − 手续费{percent}%（{show(fee)}元）= {show(refund)}元"
    return SurrenderEstimate(True, refund, text, "保障还没有开始，扣除手续费后退还。", 0, total, fee)


def _allowed_reason(kind: str, reason: str | None) -> str:
    if kind == "compulsory" and reason:
        return f"{COMPULSORY_REASONS[reason]}，凭证明材料办理，按剩余天数退还；代收的车船税不在退费范围内。"
    return "保障已经开始，按剩余天数退还；如有未结的赔案，请先联系理赔员。"
