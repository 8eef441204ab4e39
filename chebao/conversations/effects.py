"""Effects: what a turn of the dialogue wants changed in the hub, as data in ``custom.effects`` of its replies."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chebao.conversations import links, questions
from chebao.conversations.ownership import HandOff, change_owner, hand_off
from chebao.conversations.types import Reply
from chebao.conversations.unit import Unit
from chebao.handoff import GENERAL, HIGHEST, Summary
from chebao.logs import line

log = logging.getLogger(__name__)


ASKS = "asks"
"""Marks a question that gives way where the customer is asked about something begun elsewhere instead."""

_NOT_HERE = ("elsewhere", "take_over", "nothing")
"""Effects that `chebao.conversations.turns` acts on before the turn is written, and the one of a turn that says nothing."""


def split(replies: list[Reply]) -> tuple[list[Reply], list[dict[str, Any]]]:
    """Replies that are shown, and all effects in order; a reply of effects only is not shown."""
    shown: list[Reply] = []
    effects: list[dict[str, Any]] = []
    for reply in replies:
        custom = dict(reply.custom or {})
        custom.pop(ASKS, None)
        found = custom.pop("effects", None) or []
        effects += [e for e in found if isinstance(e, dict)]
        kept = replace(reply, custom=custom or None)
        if kept.text or kept.buttons or kept.image or kept.custom:
            shown.append(kept)
    return shown, effects


PROOF_HOLDS = timedelta(hours=2)
"""A one-time code proves who is there now, not who opens the same browser tomorrow."""


def hands_off(effects: list[dict[str, Any]]) -> bool:
    """Whether one of the effects is a hand-off."""
    return any("handoff" in e for e in effects)


async def apply(unit: Unit, effects: list[dict[str, Any]], *, turn_of: int | None) -> None:
    """Applies all effects under the conversation's lock; unknown ones are logged."""
    for effect in effects:
        for name, value in effect.items():
            body = value if isinstance(value, dict) else {}
            if name == "verified":
                await apply_verified(unit, body)
            elif name == "begun":
                _apply_begun(unit, body)
            elif name in _NOT_HERE:
                continue
            elif name == "finished":
                task, key = str(body.get("task") or ""), str(body.get("key") or "")
                await questions.finished(unit, task, key, turn_of)
            elif name == "handoff":
                await _apply_handoff(unit, body, turn_of)
            elif name == "close":
                change_owner(unit, "closed", reason="dialogue_closed")
            else:
                log.warning(line("effect_unknown", conversation=unit.conversation.id, effect=name))


async def apply_verified(unit: Unit, body: dict[str, Any]) -> None:
    """Remembers for a while who the customer proved to be, and links the conversation; an empty body forgets it."""
    if verified := verified_of(body):
        await links.link(unit, verified)
        unit.conversation.verified = verified
    else:
        await links.forget(unit, everywhere=False)


def verified_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The identity as a conversation keeps it; None where nothing was proved."""
    known = {key: body.get(key) for key in ("customer_id", "phone", "name")}
    known |= {mark: True for mark in ("vip", "care") if body.get(mark) is True}
    until = datetime.now(UTC) + PROOF_HOLDS
    proved = bool(known["phone"] or known["customer_id"])
    return {**known, "until": until.isoformat()} if proved else None


def _apply_begun(unit: Unit, body: dict[str, Any]) -> None:
    task, draft = body.get("task"), body.get("draft")
    if isinstance(task, str) and task:
        links.note(unit.conversation, task, draft if isinstance(draft, dict) else None, unit.now)


async def _apply_handoff(unit: Unit, body: dict[str, Any], turn_of: int | None) -> None:
    slots, summary, task = body.get("slots"), body.get("summary"), body.get("task")
    try:
        priority = min(HIGHEST, max(0, int(body.get("priority") or 0)))
    except (TypeError, ValueError):
        priority = 0
    case = HandOff(
        reason=str(body.get("reason") or "customer_request"),
        summary=summary if isinstance(summary, dict) else Summary(str(summary or "")).as_data(),
        slots=slots if isinstance(slots, dict) else {},
        task=task if isinstance(task, str) else None,
        emotion=str(body.get("emotion") or "") or None,
        skill=str(body.get("skill") or GENERAL),
        priority=priority,
        keep_bot=bool(body.get("keep_bot")),
    )
    await hand_off(unit, case, turn_of=turn_of)
