"""Sending a claim report to the back office, and what the customer hears of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from actions import claim_signs, handoff, photos
from actions.claim_answers import other_party, reporter_name
from actions.claim_scene import needs_person
from actions.fields import moment_text
from actions.nodes import KEPT, Draft, Finish
from actions.services import backoffice
from actions.turn import Turn, numbered
from chebao.handoff import Summary
from chebao.insurance import accidents, clocks, fraud, materials

_UNKNOWN = re.compile(r"不知道|找不到|跑了|没留|不清楚|没看|不认识|不晓得|^(没有?|无)")
_YES_NO = {"yes": True, "no": False}


def _claim_body(turn: Turn, draft: Draft, signs: Sequence[fraud.Sign]) -> dict[str, Any]:
    """The report as the back office takes it; nothing in it comes from the clock."""
    return {
        "plate": draft.get("plate") or None,
        "reporter": {"name": reporter_name(draft), "phone": draft["phone"], "customer_id": turn.customer_id},
        "occurred_at": draft["occurred_at"]["at"],
        "occurred_precision": draft["occurred_at"]["precision"],
        "place": draft["place"],
        "location": draft.get("location"),
        "accident_type": draft["accident_type"],
        "description": draft.get("description") or draft.get("opening") or "",
        "injury": draft["injury"] == "yes",
        "injury_text": draft.get("injury_text") if draft.get("consent_injury") == "yes" else None,
        "other_parties": draft.get("other_parties"),
        **other_party(draft),
        "damage": draft.get("damage"),
        "drivable": _YES_NO.get(str(draft.get("drivable"))),
        "tow": draft.get("drivable") == "no",
        "driver": draft.get("driver"),
        "car_location": draft.get("car_location"),
        "police_reported": _YES_NO.get(str(draft.get("police_reported"))),
        "photos": photos.documents(draft),
        "consents": draft.get("consents", []),
        "staff_notes": fraud.staff_notes(signs),
        "reference": turn.sender,
    }


async def submit(turn: Turn, draft: Draft) -> None:
    """Registers the report; the key is that of the confirming message, so that a repeated turn registers once."""
    key = f"{turn.sender}:{draft['confirm']['at']}:create_claim"
    signs = claim_signs.signs(draft, turn.now)
    row = await backoffice().create_claim(_claim_body(turn, draft, signs), key)
    _tell_receipt(turn, draft, row)
    draft[KEPT] = {photos.LAST_CLAIM: row["claim_no"]}
    _call(turn, draft, str(row["claim_no"]), signs)
    raise Finish


def _call(turn: Turn, draft: Draft, claim_no: str, signs: Sequence[fraud.Sign]) -> None:
    """Has a person look at the case where that is needed; why is in the summary and the claim's notes, not in what is said."""
    known = [("车牌", str(draft.get("plate") or "未提供")), ("地点", str(draft["place"]))]
    if needs_person(turn, draft):
        summary = Summary(f"报案 {claim_no} 已登记，现场需要人工跟进", known, open="现场怎么处理，尽快联系客户")
        handoff.request(turn, "policy_restriction", summary, draft, task="report_claim")
    elif draft["injury"] != "yes" and fraud.calls_for_person(signs):
        summary = Summary(
            f"报案 {claim_no} 已登记，请核对案情",
            [*known, *(("核实提示", sign.note) for sign in signs)],
            open="跟客户核对细节；不要质疑或指责客户",
        )
        handoff.request(turn, "fraud_signs", summary, draft, task="report_claim")


def _tell_receipt(turn: Turn, draft: Draft, row: dict[str, Any]) -> None:
    others = str(draft.get("other_parties") or "")
    needed = materials.materials_for(
        draft["accident_type"],
        injury=draft["injury"] == "yes",
        third_party=bool(others) and not _UNKNOWN.search(others),
        police=draft.get("police_reported") == "yes",
    )
    next_steps = _next_steps(row)
    joined = "这次事故之前已经报过案，您补充的内容已并入原案。" if row.get("joined") else "报案成功，已为您登记。"
    surveyor = f"查勘员 {row['surveyor']}（{row['surveyor_phone']}）会尽快联系您。" if row.get("surveyor") else ""
    notice = f"\n{row['coverage_notice']}" if row.get("coverage_notice") and turn.verified else ""
    turn.say(f"{joined}报案号：{row['claim_no']}。{surveyor}{notice}")
    turn.card(
        {
            "type": "claim_receipt",
            "claim_no": row["claim_no"],
            "plate": row.get("plate"),
            "occurred_at": moment_text(draft["occurred_at"]),
            "place": draft["place"],
            "accident": accidents.ACCIDENT_TYPES[draft["accident_type"]],
            "surveyor": row.get("surveyor"),
            "surveyor_phone": row.get("surveyor_phone"),
            "materials": needed,
            "next": next_steps,
        }
    )
    turn.say("接下来：\n" + numbered(next_steps) + "\n要准备的材料：\n" + numbered(needed))


def _next_steps(row: dict[str, Any]) -> list[str]:
    parts = (("compulsory", "compulsory_policy_no"), ("commercial", "policy_no"))
    kinds = [kind for kind, number in parts if row.get(number)]
    legal = [line for kind in kinds or ["commercial"] for line in clocks.claim_clocks(kind, row)]
    return ["查勘员联系您核对现场和车损", "按定损结果修车，交齐材料", *legal]
