"""Acting on conversations: answer, take, pass on, put aside, give back, end, step in, note."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, UploadFile
from pydantic import BaseModel, Field, model_validator

from chebao.backoffice.client import idempotency_key
from chebao.conversations.api import MAX_BYTES, MAX_TEXT, judge
from chebao.desk import audit, callbacks, context, forms, messages
from chebao.desk.access import Caller
from chebao.desk.agents import Agent
from chebao.desk.routes.parts import Asking, Parts
from chebao.desk.tickets import say_time
from chebao.errors import Forbidden, InputRefused, NotFound

_STATUS = {"file_too_large": 413, "unsupported_type": 415, "too_many_files": 429}

type Key = Annotated[str, Field(pattern=r"^[\w.:-]{1,80}$")]


class Said(BaseModel):
    """What the agent says; a second one with the same key is the first."""

    key: Key
    text: str = Field(default="", max_length=MAX_TEXT)
    attachments: list[str] = Field(default=[], max_length=9, description="ids of uploads of this conversation")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.text.strip() and not self.attachments:
            raise ValueError("nothing to say")
        return self


class Transfer(BaseModel):
    """To a colleague or to a skill, with what he should know."""

    agent_id: str | None = Field(default=None, max_length=60)
    skill: str | None = Field(default=None, max_length=40)
    memo: str = Field(default="", max_length=1000)


class Hold(BaseModel):
    """How long it is put aside; as the settings say where nothing is given."""

    minutes: float | None = Field(default=None, gt=0, le=7 * 24 * 60)


class Return(BaseModel):
    """What changed in the form, in words, and what the customer is told."""

    edits: dict[str, str] = Field(default={}, max_length=60)
    words: str = Field(default="", max_length=500)
    seen: int | None = Field(
        default=None, ge=0, lt=2**31, description="number of the last message on the agent's screen"
    )


class Wrapup(BaseModel):
    """What came of it."""

    outcome: Literal["solved", "unsolved", "follow_up", "no_answer"]
    category: str = Field(default="", max_length=60)
    note: str = Field(default="", max_length=2000)
    follow_up_at: datetime | None = None


class Close(BaseModel):
    """The wrap-up, and whether the customer is asked how it was."""

    wrapup: Wrapup
    survey: bool = True
    seen: int | None = Field(
        default=None, ge=0, lt=2**31, description="number of the last message on the agent's screen"
    )


class Note(BaseModel):
    """Words that customers never see; a whisper is a supervisor's to the agent."""

    text: str = Field(min_length=1, max_length=2000)
    whisper: bool = False


class PaymentLink(BaseModel):
    """The application to be paid."""

    application_no: str = Field(min_length=1, max_length=40)


class Appointment(BaseModel):
    """When to call back, and about what."""

    at: datetime
    about: str = Field(min_length=1, max_length=300)


def add(routes: APIRouter, parts: Parts) -> None:
    _add_words(routes, parts)
    _add_moves(routes, parts)
    _add_supervision(routes, parts)
    _add_business(routes, parts)


def _add_words(routes: APIRouter, parts: Parts) -> None:
    judging = asyncio.Semaphore(2)  # a large picture takes some 500 MB while it is judged

    @routes.post("/conversations/{conversation}/messages", status_code=201, tags=["messages"])
    async def say(caller: Asking, conversation: str, body: Said) -> dict[str, int]:
        """Says something to the customer, once per key."""
        agent = await parts.agent(caller)
        files = [await _attachment(parts, conversation, upload) for upload in body.attachments]
        seq = await parts.handling.say(agent, conversation, body.text, key=body.key, attachments=files)
        parts.together.stops(agent.id, conversation)
        return {"seq": seq}

    @routes.post("/conversations/{conversation}/uploads", status_code=201, tags=["messages"])
    async def upload(conversation: str, file: UploadFile) -> dict[str, Any]:
        """Keeps a picture or PDF to be sent with a message."""
        try:
            content = await file.read(MAX_BYTES + 1)
            async with judging:
                judged = await asyncio.to_thread(judge, content)
            kept = await parts.uploads.add(conversation, judged)
        except InputRefused as refused:
            raise HTTPException(_STATUS.get(refused.code, 422), refused.message) from refused
        return messages.attachment(conversation, await _attachment(parts, conversation, kept.id))

    @routes.post("/conversations/{conversation}/notes", status_code=201, tags=["conversations"])
    async def note(caller: Asking, conversation: str, body: Note) -> dict[str, int]:
        """Writes a note for colleagues."""
        if body.whisper and not caller.leads:
            raise Forbidden("只有主管可以发耳语。")
        agent = await parts.agent(caller)
        return {"id": await parts.handling.add_note(agent, conversation, body.text.strip(), whisper=body.whisper)}


async def _attachment(parts: Parts, conversation: str, upload_id: str) -> dict[str, Any]:
    """A stored file of this conversation, as its message keeps it."""
    upload = await parts.uploads.get(upload_id, conversation_id=conversation)
    return {
        "id": upload.id,
        "content_type": upload.content_type,
        "width": upload.width,
        "height": upload.height,
        "url": f"/api/web/uploads/{upload.id}",
    }


def _add_moves(routes: APIRouter, parts: Parts) -> None:
    @routes.post("/conversations/{conversation}/take", status_code=204, tags=["hand-off"])
    async def take(caller: Asking, conversation: str) -> None:
        """Takes a waiting conversation; of two who try, one gets it, the other a 409."""
        await parts.handling.take(await parts.agent(caller), conversation)

    @routes.post("/conversations/{conversation}/transfer", status_code=204, tags=["hand-off"])
    async def transfer(caller: Asking, conversation: str, body: Transfer) -> None:
        """Passes the conversation on to a colleague or a skill."""
        agent = await parts.agent(caller)
        memo = body.memo.strip()
        await parts.handling.transfer(agent, conversation, to_agent=body.agent_id, skill=body.skill, memo=memo)

    @routes.post("/conversations/{conversation}/hold", status_code=204, tags=["hand-off"])
    async def hold(caller: Asking, conversation: str, body: Hold | None = None) -> None:
        """Puts it aside: it takes none of the agent's places until the customer writes or the time is over."""
        agent = await parts.agent(caller)
        await parts.handling.hold(agent, conversation, minutes=body.minutes if body else None)

    @routes.post("/conversations/{conversation}/resume", status_code=204, tags=["hand-off"])
    async def resume(caller: Asking, conversation: str) -> None:
        """Takes up what was put aside."""
        await parts.handling.resume(await parts.agent(caller), conversation)

    @routes.post("/conversations/{conversation}/return", status_code=204, tags=["hand-off"])
    async def give_back(caller: Asking, conversation: str, body: Return) -> None:
        """Gives the conversation back to the assistant, which goes on at the next empty field of the form by itself."""
        agent = await parts.agent(caller)
        edits = await _edited(parts, caller, conversation, body.edits)
        await parts.handling.give_back(agent, conversation, edits=edits, words=body.words.strip(), seen=body.seen)

    @routes.post("/conversations/{conversation}/close", status_code=204, tags=["hand-off"])
    async def close(caller: Asking, conversation: str, body: Close) -> None:
        """Ends the conversation; the customer is asked once how it was, unless `survey` is false."""
        agent = await parts.agent(caller)
        wrapup = body.wrapup.model_dump(mode="json")
        await parts.handling.close(agent, conversation, wrapup=wrapup, seen=body.seen, survey=body.survey)


def _add_supervision(routes: APIRouter, parts: Parts) -> None:
    @routes.post("/conversations/{conversation}/watch", status_code=204, tags=["supervision"])
    async def watch(caller: Asking, conversation: str) -> None:
        """Notes that a supervisor looks on; agent and customer see nothing of it."""
        async with parts.pool.connection() as connection:
            await context.person(connection, conversation)
            await audit.note(connection, caller.id, "watch", conversation)

    @routes.post("/conversations/{conversation}/takeover", status_code=204, tags=["supervision"])
    async def takeover(caller: Asking, conversation: str) -> None:
        """Makes it the supervisor's own, whoever has it."""
        await parts.handling.takeover(await parts.agent(caller), conversation)

    @routes.post("/conversations/{conversation}/join", status_code=204, tags=["supervision"])
    async def join(caller: Asking, conversation: str) -> None:
        """Speaks beside its agent from now on."""
        await parts.handling.join(await parts.agent(caller), conversation)

    @routes.post("/conversations/{conversation}/leave", status_code=204, tags=["supervision"])
    async def leave(caller: Asking, conversation: str) -> None:
        """Speaks beside its agent no longer."""
        await parts.handling.leave(await parts.agent(caller), conversation)


def _add_business(routes: APIRouter, parts: Parts) -> None:
    @routes.patch("/conversations/{conversation}/form", tags=["conversations"])
    async def form(caller: Asking, conversation: str, body: dict[str, str]) -> dict[str, Any]:
        """Changes answers of the running form by words, checked as the assistant checks the customer's; 422 says which are not good.

        They become the assistant's when the conversation is given back.
        """
        await _edited(parts, caller, conversation, body)
        async with parts.pool.connection() as connection:
            form = forms.required(await forms.running(connection, conversation))
        return {"form": await form.shown()}

    @routes.post("/conversations/{conversation}/payment-link", status_code=201, tags=["conversations"])
    async def payment_link(caller: Asking, conversation: str, body: PaymentLink) -> dict[str, Any]:
        """Sends a new payment link of the customer's own application; for licensed staff only (保险销售从业人员执业登记)."""
        _require_licence(caller)
        agent = await parts.agent(caller)
        return await _send_link(parts, agent, conversation, body.application_no)

    @routes.post("/conversations/{conversation}/appointments", status_code=201, tags=["conversations"])
    async def appointment(caller: Asking, conversation: str, body: Appointment) -> dict[str, Any]:
        """Books a call back: a ticket with that time."""
        async with parts.pool.connection() as connection, connection.transaction():
            who = await context.person(connection, conversation)
            ticket = await callbacks.open_at(
                connection,
                conversation,
                body.at,
                about=body.about.strip(),
                customer_id=who.customer_id,
                phone=who.phone,
                owner_id=caller.agent_id,
                created_by=caller.id,
                told=f"已为您预约 {say_time(body.at)} 回电。",
            )
        return {"ticket": ticket.number}


async def _edited(parts: Parts, caller: Caller, conversation: str, words: dict[str, str]) -> dict[str, Any]:
    """The agent's changes of the form, the new words among them once they are found good."""
    async with parts.pool.connection() as connection:
        form = await forms.running(connection, conversation)
    if not words:
        return form.edits if form else {}
    form = forms.required(form)
    edits = await form.with_words(words)  # asks the insurer's core: not within a transaction
    async with parts.pool.connection() as connection, connection.transaction():
        await forms.keep(connection, conversation, form, edits, caller.id)
    return edits


def _require_licence(caller: Caller) -> None:
    if not caller.licensed:
        raise Forbidden("报价和付款链接要由有执业登记的同事发送，请转接给他们。", code="licence_required")


async def _send_link(parts: Parts, agent: Agent, conversation: str, application_no: str) -> dict[str, Any]:
    async with parts.pool.connection() as connection:
        who = await context.person(connection, conversation)
        newest = await messages.last_seq(connection, conversation)
    if who.customer_id is None:
        raise InputRefused("客户还没有核实身份，请先让客户核实后再发付款链接。", code="not_verified")
    key = idempotency_key(conversation, f"{application_no}:{newest}", "agent_payment_link")
    row = await parts.office.resend_payment(application_no, key, as_customer=who.customer_id)
    if not row.get("pay_url"):
        raise NotFound("这张投保单现在不能付款。")
    text = f"投保单 {row['application_no']} 的付款链接：{row['pay_url']}\n请在链接有效期内完成付款，付好后保单号会发在这里。"
    seq = await parts.handling.say(agent, conversation, text, key=key)
    async with parts.pool.connection() as connection:
        await audit.note(connection, agent.id, "payment_link", conversation, detail={"application_no": application_no})
    return {"seq": seq, "application_no": row["application_no"]}
