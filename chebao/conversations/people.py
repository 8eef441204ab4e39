"""What people do with a conversation: take it, speak in it, pass it on, give it back; the part of the hub that the desk calls.

Each is one transaction under the conversation's lock. One that comes too late raises `Conflict`, one that is repeated changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from chebao.conversations import notices, questions, serving, statements
from chebao.conversations.turns import Turns
from chebao.conversations.types import Owner, Reply
from chebao.conversations.unit import Surroundings, Unit, lock_unit
from chebao.db import Connection, Pool, transaction

type Joined = Callable[[Connection], Awaitable[bool]]


@dataclass
class Transaction:
    """An open transaction in which conversations may be changed beside rows of others."""

    connection: Connection
    around: Surroundings
    units: list[Unit] = field(default_factory=list)

    async def unit(self, conversation_id: str) -> Unit:
        """Locks the conversation; it is written at the end of the transaction.

        Raises:
            NotFound: no such conversation.
        """
        unit = await lock_unit(self.connection, self.around, conversation_id)
        self.units.append(unit)
        return unit


class People:
    """The desk's side of `Hub`."""

    around: Surroundings
    turns: Turns
    _pool: Pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction of the caller's own; on leaving, its units are written, it commits, and waiters wake up."""
        async with transaction(self._pool) as connection:
            work = Transaction(connection, self.around)
            yield work
            for unit in work.units:
                await unit.flush()
        for unit in work.units:
            self.around.signals.wake(unit.conversation.id, pushes=unit.pushes)
            if unit.calls_turn:
                self.turns.start(unit.conversation.id)

    @asynccontextmanager
    async def _on(self, conversation_id: str) -> AsyncIterator[Unit]:
        async with self.transaction() as work:
            yield await work.unit(conversation_id)

    async def give(
        self,
        conversation_id: str,
        agent_id: str,
        *,
        name: str,
        reason: str,
        expect: Owner | None = None,
        from_agent: str | None = None,
        notice: Reply | None = None,
    ) -> None:
        """Gives the conversation to an agent; see `serving.give_to_agent`.

        Raises:
            NotFound: no such conversation.
            Conflict: it is somebody else's, or over.
        """
        async with self._on(conversation_id) as unit:
            await serving.give_to_agent(
                unit, agent_id, name=name, reason=reason, expect=expect, from_agent=from_agent, notice=notice
            )

    async def agent_says(
        self, conversation_id: str, agent_id: str, reply: Reply, *, key: str, name: str, joined: Joined | None = None
    ) -> int:
        """Says an agent's words, once per `key`; returns their number.

        Args:
            name: as the customer reads it.
            joined: tells whether the agent may speak beside the one who has the conversation; asked where it is not his.

        Raises:
            NotFound: no such conversation.
            Conflict: it is not his, or with no agent at all.
        """
        async with self._on(conversation_id) as unit:
            said = {"channel": "desk", "account": "", "key": f"{conversation_id}:{key}"}
            known = await (await unit.connection.execute(statements.KNOWN, said)).fetchone()
            if known:
                return int(known["seq"])
            beside = unit.conversation.agent_id != agent_id and joined is not None and await joined(unit.connection)
            if beside:
                serving.require_some_agent(unit.conversation)
            else:
                serving.require_agent(unit.conversation, agent_id)
            custom = {**(reply.custom or {}), "agent": {"id": agent_id, "name": name}}
            return unit.say(replace(reply, custom=custom), sender="agent", key=said["key"])

    async def requeue(
        self,
        conversation_id: str,
        *,
        reason: str,
        from_agent: str | None = None,
        skill: str | None = None,
        exclude: Collection[str] = (),
        notice: Reply | None = None,
    ) -> None:
        """Puts an agent's conversation back into the queue.

        Args:
            from_agent: who must have it.
            skill: what it now calls for.
            exclude: agents who shall not be asked again.

        Raises:
            NotFound: no such conversation.
            Conflict: no agent has it, or another one.
        """
        async with self._on(conversation_id) as unit:
            if from_agent is not None:
                serving.require_agent(unit.conversation, from_agent)
            serving.requeue(unit, reason=reason, skill=skill, exclude=exclude, notice=notice)

    async def leave_queue(self, conversation_id: str, *, reason: str, notice: Reply | None = None) -> None:
        """The bot takes a waiting conversation back.

        Raises:
            NotFound: no such conversation.
            Conflict: it does not wait.
        """
        async with self._on(conversation_id) as unit:
            serving.leave_queue(unit, reason=reason, notice=notice or notices.returned_on_request())

    async def return_to_bot(
        self,
        conversation_id: str,
        agent_id: str,
        *,
        edits: dict[str, Any],
        seen: int | None = None,
        notice: Reply | None = None,
    ) -> None:
        """The agent gives the conversation back to the bot, which goes on at once with the next open question.

        Args:
            edits: what he changed in the form of the hand-off, field → value, as `actions.forms_desk.check` gives it.
            seen: the last message that he knows.

        Raises:
            NotFound: no such conversation.
            Conflict: it is not his, or the customer has written since.
        """
        async with self._on(conversation_id) as unit:
            serving.require_agent(unit.conversation, agent_id)
            serving.require_seen(unit.conversation, seen)
            serving.return_to_bot(unit, edits=edits, notice=notice or notices.returned_by_agent())
            unit.conversation.asks = {"kind": "due", "agent_id": agent_id}

    async def close(
        self,
        conversation_id: str,
        agent_id: str,
        *,
        seen: int | None = None,
        notice: Reply | None = None,
        survey: bool = True,
    ) -> None:
        """The agent ends the conversation; what the customer writes next goes to the bot.

        Args:
            seen: the last message that he knows.
            survey: the customer is asked how satisfied he is.

        Raises:
            NotFound: no such conversation.
            Conflict: it is not his, or the customer has written since.
        """
        async with self._on(conversation_id) as unit:
            serving.require_agent(unit.conversation, agent_id)
            serving.require_seen(unit.conversation, seen)
            notice = notice or notices.closed_by_agent()
            await questions.end_episode(unit, reason="agent_closed", notice=notice, survey=survey)

    async def hold(self, conversation_id: str, agent_id: str) -> None:
        """The agent puts the conversation aside until the customer writes, or he takes it up again.

        Raises:
            NotFound: no such conversation.
            Conflict: it is not his.
        """
        async with self._on(conversation_id) as unit:
            serving.require_agent(unit.conversation, agent_id)
            unit.conversation.held_at = unit.conversation.held_at or unit.now

    async def resume(self, conversation_id: str, agent_id: str) -> None:
        """The agent takes up a conversation that he had put aside.

        Raises:
            NotFound: no such conversation.
            Conflict: it is not his.
        """
        async with self._on(conversation_id) as unit:
            serving.require_agent(unit.conversation, agent_id)
            unit.conversation.held_at = None
