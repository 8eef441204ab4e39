"""What a customer is told at the scene, and the call for a person where somebody is hurt."""

from __future__ import annotations

import re
from datetime import timedelta

from actions import handoff
from actions.claim_answers import first_moment, occurred
from actions.nodes import Draft
from actions.turn import Turn, numbered
from chebao.handoff import Summary
from chebao.insurance import plate, scene

_EXPRESSWAY = re.compile(r"高速(?!度)")
_DANGER = frozenset({"fire", "charging", "flood"})


def told(draft: Draft) -> str:
    """All that the customer said of the accident."""
    return " ".join(str(draft.get(k) or "") for k in ("opening", "description", "other_parties", "place", "driver"))


def in_danger(turn: Turn, draft: Draft) -> bool:
    """Whether advice cannot wait for the next question: fire, water, an expressway."""
    return draft.get("accident_type") in _DANGER or bool(_EXPRESSWAY.search(told(draft)))


def facts(turn: Turn, draft: Draft) -> scene.SceneFacts:
    """What is known of the scene so far."""
    words, kind = told(draft), draft.get("accident_type")
    moment = first_moment(words, turn.now)
    started = occurred(draft) if "occurred_at" in draft else moment.start if moment else turn.now
    return scene.SceneFacts(
        accident_type=kind,
        injury=draft.get("injury") == "yes",
        situations=scene.situations_of(words),
        drivable={"yes": True, "no": False}.get(str(draft.get("drivable"))),
        expressway=bool(_EXPRESSWAY.search(words)),
        energy="electric" if plate.is_nev(draft.get("plate") or "") or re.search(r"电动|新能源|充电", words) else None,
        burning=kind == "fire" or bool(re.search(r"着火|起火|冒烟|自燃", words)),
        flooded=kind == "flood",
        police_reported=draft.get("police_reported") == "yes",
        on_scene=kind == "flood"
        or turn.now - started < timedelta(hours=3),  # a flooded car must not be started later either
    )


async def advise(turn: Turn, draft: Draft) -> None:
    """Says what to do on the spot; what has been said is not said again."""
    said = draft.get("advised", [])
    lines = [line for line in scene.scene_advice(facts(turn, draft)).lines if line not in said]
    draft["advised"] = [*said, *lines]
    if lines:
        turn.say("现在请先注意：\n" + numbered(lines) if len(lines) > 1 else lines[0])


async def help_injured(turn: Turn, draft: Draft) -> None:
    """120 and 122 first, then a specialist with top priority, while the report goes on."""
    await advise(turn, draft)
    told = str(draft.get("injury_text") or draft.get("opening") or "")[:120]
    summary = Summary("有人受伤的事故报案", [("伤情", told)] if told else [], open="伤者情况和现场安排")
    handoff.request(turn, "injury", summary, draft, task="report_claim")


def needs_person(turn: Turn, draft: Draft) -> bool:
    """Whether a person should look at it after the report, beyond an injury, which has one already."""
    return draft["injury"] != "yes" and scene.scene_advice(facts(turn, draft)).needs_person


async def late_notice(turn: Turn, draft: Draft) -> None:
    """More than 48 hours: no reproach, and what it means (保险法 21). What was noted on the way to the time is done with."""
    for note in ("occurred_day", "occurred_words", "occurred_asked"):
        draft.pop(note, None)
    if turn.now - occurred(draft) > timedelta(hours=48):
        turn.say(
            "事故已超过 48 小时。晚报不等于不赔，只是因拖延而查不清的部分可能难以认定；"
            "我们先登记，请把能证明经过的材料都留好。"
        )
