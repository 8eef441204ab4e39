"""Tickets: lists, one in full, opened, changed, moved on in steps, given longer legal periods."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from chebao.db import Connection
from chebao.desk import ticket_times, ticket_views, tickets
from chebao.desk.routes.parts import Asking, Parts
from chebao.desk.ticket_rules import Kind, State
from chebao.desk.ticket_views import View
from chebao.errors import Forbidden

type Words = Annotated[str, Field(max_length=2000)]
type Number = Annotated[str, Field(max_length=60)]


class Wanted(BaseModel):
    """A new ticket; owner, level and dates follow from the rules where they are not given."""

    kind: Kind
    subject: str = Field(min_length=1, max_length=120)
    detail: str = Field(default="", max_length=4000)
    level: Literal[1, 2, 3] | None = None
    owner_id: Number | None = None
    about_agent_id: Number | None = Field(default=None, description="the colleague complained about")
    conversation_id: Number | None = None
    policy_no: Number | None = None
    claim_no: Number | None = None
    phone: Number | None = None
    next_action: str | None = Field(default=None, max_length=200)
    next_at: AwareDatetime | None = Field(
        default=None, description="for a call-back the time arranged with the customer"
    )


class Change(BaseModel):
    """What is to be different; the customer hears of a new state and of a new time of his call."""

    state: State | None = None
    owner_id: Number | None = None
    level: Literal[1, 2, 3] | None = None
    about_agent_id: Number | None = None
    next_action: str | None = Field(default=None, max_length=200)
    next_at: AwareDatetime | None = None
    resolution: Words | None = None
    policy_no: Number | None = None
    claim_no: Number | None = None

    def named(self) -> dict[str, Any]:
        """What is to be changed; state and level cannot be none."""
        given = self.model_dump(exclude_unset=True)
        return {name: value for name, value in given.items() if value is not None or name not in ("state", "level")}


class Step(BaseModel):
    """What was done; `missed` calls the customer again later, `tell` says the words to him."""

    kind: Literal["note", "contact", "progress", "called", "missed"]
    text: Words = ""
    tell: bool = False


class Extension(BaseModel):
    """Why the complaint needs longer; the customer hears it."""

    reason: str = Field(min_length=2, max_length=300)


def add(routes: APIRouter, parts: Parts) -> None:
    @asynccontextmanager
    async def work() -> AsyncIterator[Connection]:
        async with parts.pool.connection() as connection, connection.transaction():
            yield connection

    @routes.get("/tickets", tags=["tickets"])
    async def list_tickets(
        caller: Asking,
        view: View = "mine",
        q: Annotated[str, Query(max_length=60)] = "",
        before: Annotated[str | None, Query(max_length=30)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Tickets that the caller may see, the newest first; `today`: what must move before the day is over, the most urgent first."""
        async with parts.pool.connection() as connection:
            if view == "today":
                rows = await ticket_views.due_today(connection, caller, mine=not caller.leads)
                return {"rows": rows, "next": None}
            rows, following = await ticket_views.rows(connection, caller, view, q=q, before=before, limit=limit)
        return {"rows": rows, "next": following}

    @routes.post("/tickets", status_code=201, tags=["tickets"])
    async def create(caller: Asking, body: Wanted) -> dict[str, Any]:
        """Opens a ticket; one that is linked to a conversation needs sight of it."""
        if body.conversation_id and not await parts.gate.may_see(caller, body.conversation_id):
            raise Forbidden("这个会话由其他同事负责，不能关联到工单。")
        async with work() as connection:
            ticket = await tickets.open_ticket(connection, **body.model_dump(), created_by=caller.id)
            return await ticket_views.full(connection, ticket.number)

    @routes.get("/tickets/{number}", tags=["tickets"])
    async def one(number: str) -> dict[str, Any]:
        """A ticket with its steps and clocks; the phone is masked."""
        async with parts.pool.connection() as connection:
            return await ticket_views.full(connection, number)

    @routes.patch("/tickets/{number}", tags=["tickets"])
    async def change(caller: Asking, number: str, body: Change) -> dict[str, Any]:
        """Changes what the body names."""
        async with work() as connection:
            await tickets.change(connection, number, caller.id, body.named())
            return await ticket_views.full(connection, number)

    @routes.post("/tickets/{number}/steps", status_code=201, tags=["tickets"])
    async def step(caller: Asking, number: str, body: Step) -> dict[str, Any]:
        """Writes a step."""
        async with work() as connection:
            if body.kind == "missed":
                await ticket_times.missed(connection, number, caller.id, body.text)
            else:
                await tickets.add_step(connection, number, caller.id, body.kind, body.text, tell=body.tell)
            return await ticket_views.full(connection, number)

    @routes.post("/tickets/{number}/extension", tags=["tickets"])
    async def extend(caller: Asking, number: str, body: Extension) -> dict[str, Any]:
        """Gives a complaint its next legal period: 30 days, then 30 more, which only a supervisor may approve."""
        async with work() as connection:
            await ticket_times.extend(connection, number, caller.id, caller.role, body.reason)
            return await ticket_views.full(connection, number)
