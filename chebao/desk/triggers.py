"""The order of hand-off reasons as supervisors set it, over the table in `chebao.handoff`: only what differs is stored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from chebao.db import Connection
from chebao.desk import settings
from chebao.errors import InputRefused
from chebao.handoff import REASONS


class Override(BaseModel):
    """What a supervisor changed of one hand-off reason; what is None stays as the table of reasons says."""

    priority: int | None = Field(default=None, ge=0, le=9)
    skill: str | None = Field(default=None, pattern=r"^[a-z_]{1,40}$")


class Rank(BaseModel):
    """How a reason is served; `skill` None is the skill of the customer's task."""

    priority: int
    skill: str | None


class Trigger(Rank):
    """One hand-off reason as it is in force, beside what the table says of it."""

    reason: str
    label: str
    keep_bot: bool
    default: Rank


async def overrides(connection: Connection) -> dict[str, Override]:
    """What is set differently from the table of hand-off reasons."""
    value = await settings.read(connection, "triggers") or {}
    return {reason: Override.model_validate(override) for reason, override in value.items() if reason in REASONS}


async def table(connection: Connection) -> list[Trigger]:
    """All hand-off reasons, in the order of the table."""
    own = await overrides(connection)
    rows = []
    for name, reason in REASONS.items():
        default = Rank(priority=reason.priority, skill=reason.skill or None)
        rank = default.model_dump() | own.get(name, Override()).model_dump(exclude_none=True)
        rows.append(Trigger(reason=name, label=reason.label, keep_bot=reason.keep_bot, default=default, **rank))
    return rows


async def put(connection: Connection, value: Any, actor: str) -> list[Trigger]:
    """Sets what differs from the table of hand-off reasons; a reason left out goes back to it.

    Raises:
        InputRefused: an unknown reason, or a value out of range.
    """
    if not isinstance(value, dict) or not set(REASONS).issuperset(value):
        raise InputRefused("有不认识的转接原因，请刷新页面再改。")
    try:
        wanted = {reason: Override.model_validate(override) for reason, override in value.items()}
    except ValidationError as error:
        raise settings.refused(error, "优先级是 0 到 9 的整数。") from error
    own = {reason: override.model_dump(exclude_none=True) for reason, override in wanted.items()}
    await settings.write(
        connection, "triggers", {reason: override for reason, override in own.items() if override}, actor
    )
    return await table(connection)


async def rule(connection: Connection, reason: str) -> dict[str, Any]:
    """What is set for one reason: ``{"priority"?, "skill"?}``; asked at each hand-off."""
    own = (await overrides(connection)).get(reason)
    return own.model_dump(exclude_none=True) if own else {}
