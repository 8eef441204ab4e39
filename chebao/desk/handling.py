"""What agents do with conversations, each one transaction: take, pass on, put aside, give back, end, step in, note.

Who may do what at all is the caller's (`chebao.desk.access`); whose the conversation is now is looked at here, under its lock.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from psycopg.types.json import Jsonb

from chebao.conversations.api import Conversation, Hub, Reply, Transaction, give_to_agent, requeue
from chebao.db import Connection, Pool
from chebao.desk import agents, events, notices, timers
from chebao.desk.agents import Agent
from chebao.desk.config import DeskSettings
from chebao.errors import Conflict, InputRefused, RuleForbids

_NOT_HIS = "这个会话不在您这里，请刷新后再看。"


class Handling:
    """The verbs of the desk."""

    def __init__(self, hub: Hub, pool: Pool, settings: DeskSettings) -> None:
        self._hub, self._pool, self._settings = hub, pool, settings

    async def take(self, agent: Agent, conversation_id: str) -> None:
        """Takes a waiting conversation; one that is his already stays so.

        Raises:
            Conflict: somebody was faster, or it does not wait any more.
            RuleForbids: he is offline.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            await _require_present(work.connection, agent)
            await give_to_agent(unit, agent.id, name=agent.name, reason="taken", expect="queued")

    async def transfer(
        self,
        agent: Agent,
        conversation_id: str,
        *,
        to_agent: str | None = None,
        skill: str | None = None,
        memo: str = "",
    ) -> None:
        """Passes a conversation on to a colleague or a skill; a supervisor any, also one that waits.

        Raises:
            Conflict: it is not his, or the colleague is not there.
            InputRefused: neither a colleague nor a skill.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            conversation = unit.conversation
            _require_his(conversation, agent)
            if memo:
                await _leave_memo(work, conversation, agent, memo)
            if to_agent:
                colleague = await agents.get(work.connection, to_agent)
                if colleague.state == "offline":
                    raise Conflict(f"{colleague.name}现在离线，请选别的客服，或按技能转接。", code="agent_offline")
                if colleague.id == conversation.agent_id:
                    raise Conflict(f"这个会话已经在{colleague.name}那里了。")
                await give_to_agent(
                    unit, colleague.id, name=colleague.name, reason="transfer", from_agent=conversation.agent_id
                )
            elif skill in notices.SKILLS and conversation.owner == "queued":
                conversation.skill = skill
            elif skill in notices.SKILLS:
                exclude = [conversation.agent_id] if conversation.agent_id else []
                requeue(unit, reason="transfer", skill=skill, exclude=exclude, notice=notices.to_skill(skill))
            else:
                raise InputRefused("请选择要转接的客服或技能。")

    async def hold(self, agent: Agent, conversation_id: str, *, minutes: float | None = None) -> None:
        """Puts a conversation aside: it takes no place until the customer writes, or the time is over.

        Raises:
            Conflict: it is not his.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            _require_his(unit.conversation, agent, waiting=False)
            unit.conversation.held_at = unit.conversation.held_at or unit.now
            due = unit.now + timedelta(minutes=minutes or self._settings.hold_minutes)
            await timers.arm(work.connection, "hold", conversation_id, due, {})

    async def resume(self, agent: Agent, conversation_id: str) -> None:
        """Takes up a conversation that was put aside.

        Raises:
            Conflict: it is not his.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            _require_his(unit.conversation, agent, waiting=False)
            unit.conversation.held_at = None

    async def give_back(
        self,
        agent: Agent,
        conversation_id: str,
        *,
        edits: dict[str, Any],
        words: str = "",
        seen: int | None = None,
    ) -> None:
        """Gives a conversation back to the bot, with what he changed in the running form.

        Args:
            seen: the last message that he knows.

        Raises:
            Conflict: it is not his, or the customer has written since.
        """
        notice = Reply(words) if words else None
        await self._hub.return_to_bot(conversation_id, agent.id, edits=edits, seen=seen, notice=notice)

    async def close(
        self,
        agent: Agent,
        conversation_id: str,
        *,
        wrapup: dict[str, Any],
        seen: int | None = None,
        survey: bool = True,
    ) -> None:
        """Ends a conversation, with what came of it.

        Args:
            seen: the last message that he knows.
            survey: the customer is asked how it was.

        Raises:
            Conflict: it is not his, or the customer has written since.
        """
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE desk.episodes SET wrapup = %s WHERE conversation_id = %s AND agent_id = %s AND ended_at IS NULL",
                (Jsonb(wrapup), conversation_id, agent.id),
            )
        await self._hub.close(conversation_id, agent.id, seen=seen, survey=survey)

    async def takeover(self, supervisor: Agent, conversation_id: str) -> None:
        """Makes any open conversation his own, whoever has it.

        Raises:
            Conflict: it is over.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            await _require_present(work.connection, supervisor)
            has = unit.conversation.agent_id
            await give_to_agent(unit, supervisor.id, name=supervisor.name, reason="takeover", from_agent=has)

    async def join(self, supervisor: Agent, conversation_id: str) -> None:
        """Speaks beside the agent from now on; the customer hears of it.

        Raises:
            Conflict: no agent has it.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            if unit.conversation.owner != "agent":
                raise Conflict("这个会话现在没有客服接待，可以直接接管。")
            if unit.conversation.agent_id != supervisor.id and await _set_joined(
                work, conversation_id, supervisor, True
            ):
                unit.say(notices.joined(supervisor.name), sender="system")
                await unit.flush()
                await _publish_sight(work, conversation_id, supervisor)

    async def leave(self, agent: Agent, conversation_id: str) -> None:
        """Speaks beside the agent no longer."""
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            await unit.flush()
            if await _set_joined(work, conversation_id, agent, False):
                await _publish_sight(work, conversation_id, agent)

    async def say(
        self,
        agent: Agent,
        conversation_id: str,
        text: str,
        *,
        key: str,
        attachments: list[dict[str, Any]] | None = None,
    ) -> int:
        """Says something to the customer, once per `key`; returns its number.

        Raises:
            Conflict: it is not his, and he has not joined.
        """
        reply, joined = Reply(text, attachments=attachments or []), partial(_has_joined, conversation_id, agent.id)
        return await self._hub.agent_says(conversation_id, agent.id, reply, key=key, name=agent.name, joined=joined)

    async def add_note(self, agent: Agent, conversation_id: str, text: str, *, whisper: bool = False) -> int:
        """Writes a note that customers never see; a whisper is a supervisor's word to the agent.

        Raises:
            NotFound: no such conversation.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(conversation_id)
            number = await _note(work.connection, unit.conversation, agent, text, whisper=whisper)
            await unit.flush()
            await events.publish_rows(work.connection, {"note": [str(number)]}, actor=agent.id)
        return number


def _require_his(conversation: Conversation, agent: Agent, *, waiting: bool = True) -> None:
    """The conversation is the agent's; a supervisor may act on any that people have (waiting ones only where `waiting`)."""
    if conversation.agent_id == agent.id:
        return
    live = ("queued", "agent") if waiting else ("agent",)
    if not agent.supervises or conversation.owner not in live:
        raise Conflict(_NOT_HIS)


async def _require_present(connection: Connection, agent: Agent) -> None:
    present = await agents.get(connection, agent.id)
    if present.state == "offline":
        raise RuleForbids("您现在是离线状态，请先切换到就绪或忙碌，再接入会话。", code="offline")


async def _note(connection: Connection, conversation: Conversation, agent: Agent, text: str, *, whisper: bool) -> int:
    written = await connection.execute(
        "INSERT INTO desk.notes (conversation_id, agent_id, text, whisper, after_seq, at)"
        " VALUES (%s, %s, %s, %s, %s, clock_timestamp()) RETURNING id",
        (conversation.id, agent.id, text, whisper, conversation.last_seq),
    )
    row = await written.fetchone()
    assert row is not None
    return int(row["id"])


async def _leave_memo(work: Transaction, conversation: Conversation, agent: Agent, memo: str) -> None:
    """The memo of a transfer: on the episode, and as a note among the messages, which the move itself publishes."""
    await work.connection.execute(
        "UPDATE desk.episodes SET memo = %s WHERE conversation_id = %s AND ended_at IS NULL", (memo, conversation.id)
    )
    await _note(work.connection, conversation, agent, memo, whisper=False)


async def _has_joined(conversation_id: str, agent_id: str, connection: Connection) -> bool:
    found = await connection.execute(
        "SELECT 1 FROM desk.episodes WHERE conversation_id = %s AND ended_at IS NULL AND %s = ANY(joined)",
        (conversation_id, agent_id),
    )
    return await found.fetchone() is not None


async def _set_joined(work: Transaction, conversation_id: str, agent: Agent, joined: bool) -> bool:
    """Whether that changed anything."""
    change = "array_append(joined, %(agent)s)" if joined else "array_remove(joined, %(agent)s)"
    done = await work.connection.execute(
        f"UPDATE desk.episodes SET joined = {change} WHERE conversation_id = %(id)s AND ended_at IS NULL"
        " AND (%(agent)s = ANY(joined)) <> %(joined)s RETURNING id",
        {"id": conversation_id, "agent": agent.id, "joined": joined},
    )
    return await done.fetchone() is not None


async def _publish_sight(work: Transaction, conversation_id: str, agent: Agent) -> None:
    """Who has joined sees the conversation and its notes."""
    await events.publish_rows(
        work.connection, {"conversation": [conversation_id]}, notes_of=conversation_id, actor=agent.id
    )
