"""What an identified customer's own policies add to a general answer: "您的三者险保额是 200万".

One call to the back office that may not hold up the answer: without data in time the general answer stands alone. A dialogue
that has the customer's policies already saves the call, one about a certain car speaks of that car alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from actions.nodes import Draft
from actions.plans_talk import sum_text
from actions.services import backoffice
from actions.turn import Turn
from chebao.errors import ChebaoError
from chebao.insurance import covers as cover_names
from chebao.insurance.products import MAIN_COVERS
from chebao.logs import line

log = logging.getLogger(__name__)

#: An answer waits no longer than this for the customer's own data.
PATIENCE: Final = 0.8
_CARS: Final = 2

Policy = dict[str, Any]


async def facts(turn: Turn, topic: str, draft: Draft) -> str:
    """A sentence about the customer's own policies for this topic, or "".

    Args:
        draft: of the dialogue that runs, empty outside of one.
    """
    tell = _TELL.get(topic)
    if tell is None or turn.customer_id is None:
        return ""
    try:
        async with asyncio.timeout(PATIENCE):
            rows = draft.get("policies") or await backoffice().policies(as_customer=turn.customer_id)
    except (ChebaoError, TimeoutError) as error:
        log.warning(line("own_facts_missing", topic=topic, error=type(error).__name__))
        return ""
    today = turn.now.date()
    held = _in_force(rows, today)
    of_the_car = [policy for policy in held if policy["plate"] == draft.get("plate")]
    known = (tell(policy, today) for policy in of_the_car or held)
    return "".join([said for said in known if said][:_CARS])


def _in_force(rows: Sequence[Policy], today: date) -> list[Policy]:
    return [p for p in rows if _day(p["start"]) <= today < _day(p["end"])]


def _day(told: str) -> date:
    """The back office tells days; one that tells times as well is understood, too."""
    return date.fromisoformat(told[:10])


def _until(policy: Policy) -> str:
    end = _day(policy["end"])
    return f"{end.year} 年 {end.month} 月 {end.day} 日 0 点"


def _sums(*codes: str) -> Callable[[Policy, date], str]:
    """Tells the sums insured of these covers, or that the customer's commercial policy does not hold them."""

    def tell(policy: Policy, today: date) -> str:
        if policy["kind"] != "commercial":
            return ""
        covers = policy.get("covers") or {}
        held = [f"{cover_names.COVERS[code]}{sum_text(code, covers[code])}" for code in codes if code in covers]
        if held:
            own = "" if set(MAIN_COVERS).isdisjoint(codes) else _share_kept(covers)
            return f"您的 {policy['plate']} 有{'、'.join(held)}{own}，保到 {_until(policy)}。"
        return f"您的 {policy['plate']} 这份商业险里没有{cover_names.COVERS[codes[0]]}。"

    return tell


def _all_covers(policy: Policy, today: date) -> str:
    covers = policy.get("covers") or {}
    held = "、".join(f"{cover_names.COVERS.get(code, code)}{sum_text(code, amount)}" for code, amount in covers.items())
    return f"您的 {policy['plate']} 商业险里有：{held}，保到 {_until(policy)}。" if held else ""


def _share_kept(covers: Policy) -> str:
    """The share of every main cover's loss that the customer has agreed to bear, or ""."""
    rate = covers.get("absolute_deductible")
    return "" if rate is None else f"，约定了绝对免赔率 {sum_text('absolute_deductible', rate)}"


def _deductible(policy: Policy, today: date) -> str:
    if policy["kind"] != "commercial":
        return ""
    own = _share_kept(policy.get("covers") or {})
    return f"您的 {policy['plate']} {own.removeprefix('，') or '没有约定绝对免赔率'}。"


def _end(policy: Policy, today: date) -> str:
    kind = "交强险" if policy["kind"] == "compulsory" else "商业险"
    days = (_day(policy["end"]) - today).days
    return f"您的 {policy['plate']} {kind}保到 {_until(policy)}，还有 {days} 天。"


def _compulsory(policy: Policy, today: date) -> str:
    return _end(policy, today) if policy["kind"] == "compulsory" else ""


_OWN_DAMAGE = _sums("vehicle_damage")
_TELL: Final[dict[str, Callable[[Policy, date], str]]] = {
    "cover_third_party": _sums("third_party"),
    "cover_vehicle_damage": _OWN_DAMAGE,
    "cover_glass": _OWN_DAMAGE,
    "cover_theft": _OWN_DAMAGE,
    "cover_natural_disaster": _OWN_DAMAGE,
    "single_vehicle_accident": _OWN_DAMAGE,
    "total_loss": _OWN_DAMAGE,
    "cover_passenger": _sums("driver", "passengers"),
    "cover_scratch": _sums("scratch"),
    "commercial_overview": _all_covers,
    "deductible": _deductible,
    "renewal_howto": _end,
    "lapsed_policy": _end,
    "policy_effective": _end,
    "compulsory_coverage": _compulsory,
    "compulsory_required": _compulsory,
}
