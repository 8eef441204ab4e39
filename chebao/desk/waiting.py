"""What happens when somebody lets another wait: an agent his customer, a customer his agent. Handlers of `timers`."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from chebao.conversations.api import Hub, Transaction, Unit, ask_due_score, at_rest, end_episode, requeue, score_due
from chebao.desk import notices, timers
from chebao.desk.config import DeskSettings
from chebao.desk.timers import Timer
from chebao.logs import line

log = logging.getLogger(__name__)

MOST_TRIED = 3
"""Agents who may leave a conversation unanswered before it is the supervisor's."""

_SCORE_WITHIN = timedelta(hours=24)
"""So long after an agent gave the conversation back the customer may still be asked how it was."""

_ANSWERED = """
SELECT 1 FROM hub.messages WHERE conversation_id = %s AND sender = 'agent' AND epoch >= %s LIMIT 1
"""

# Who could be asked instead: agents of the skill who are there and were not tried, and supervisors who are there.
_OTHERS = """
SELECT count(*) FILTER (WHERE state = 'ready' AND %(skill)s = ANY(skills)) AS agents,
       count(*) FILTER (WHERE role <> 'agent') AS supervisors
FROM desk.agents WHERE state IN ('ready', 'busy') AND NOT disabled AND id <> ALL(%(tried)s)
"""
_ESCALATED = """
UPDATE desk.episodes SET escalated_at = coalesce(escalated_at, %s) WHERE conversation_id = %s AND ended_at IS NULL
"""


class Waiting:
    """The handlers; each looks again under the conversation's lock whether there is still a reason."""

    def __init__(self, hub: Hub, settings: DeskSettings) -> None:
        self._hub, self._settings = hub, settings
        self.handlers: dict[str, timers.Handler] = {
            "unanswered": self.unanswered,
            "idle_ask": self.idle_ask,
            "idle_close": self.idle_close,
            "hold": self.hold_ends,
            "score": self.score,
        }

    async def unanswered(self, timer: Timer) -> None:
        """The agent has not said a word since he got the conversation: the next one is asked, in the end the supervisor.

        Where there is nobody else it stays with him: a place in a queue for nobody would be worse.
        """
        async with self._hub.transaction() as work:
            unit = await work.unit(timer.key)
            conversation, connection = unit.conversation, work.connection
            if (conversation.agent_id, conversation.epoch) != (timer.body["agent_id"], timer.body["epoch"]):
                return
            answered = await connection.execute(_ANSWERED, (conversation.id, conversation.epoch))
            if conversation.held_at or await answered.fetchone():
                return
            tried = sorted({*(conversation.handoff or {}).get("exclude", ()), timer.body["agent_id"]})
            asked = {"skill": conversation.skill or "general", "tried": tried}
            others = await (await connection.execute(_OTHERS, asked)).fetchone()
            assert others is not None
            escalates = len(tried) >= MOST_TRIED or not others["agents"]
            if not others["agents" if not escalates else "supervisors"]:
                due = unit.now + timedelta(seconds=self._settings.answer_seconds)
                await timers.arm(connection, timer.kind, timer.key, due, timer.body)
                log.warning(line("desk_unanswered_alone", conversation=conversation.id, agent=conversation.agent_id))
                return
            if escalates:
                await connection.execute(_ESCALATED, (unit.now, conversation.id))
            log.info(
                line("desk_unanswered", conversation=conversation.id, agent=conversation.agent_id, tried=len(tried))
            )
            requeue(unit, reason="unanswered", skill=None, exclude=tried, notice=notices.next_agent())

    async def idle_ask(self, timer: Timer) -> None:
        """The customer has not answered the agent's words: is he still there?"""
        async with self._hub.transaction() as work:
            unit = await work.unit(timer.key)
            if not _still_idle(unit, timer):
                return
            minutes = self._settings.idle_close_minutes
            unit.say(notices.still_there(minutes), sender="system")
            await timers.arm(
                work.connection, "idle_close", timer.key, unit.now + timedelta(minutes=minutes), timer.body
            )

    async def idle_close(self, timer: Timer) -> None:
        """Nor has he answered that."""
        async with self._hub.transaction() as work:
            unit = await work.unit(timer.key)
            if _still_idle(unit, timer) and await _latest(work, timer):
                await end_episode(unit, reason="customer_idle", notice=notices.closed_for_silence())

    async def hold_ends(self, timer: Timer) -> None:
        """A conversation that was put aside comes back to its agent."""
        async with self._hub.transaction() as work:
            unit = await work.unit(timer.key)
            if unit.conversation.owner == "agent":
                unit.conversation.held_at = None

    async def score(self, timer: Timer) -> None:
        """Since an agent gave the conversation back the customer has said nothing more: how was it?

        A question of the bot's stays what was said last. Then, and where nothing reaches him, the bot has yet to go on, or he has
        written meanwhile, it is looked again after as long as it has been.
        """
        since = datetime.fromisoformat(timer.body["since"])
        async with self._hub.transaction() as work:
            unit = await work.unit(timer.key)
            conversation = unit.conversation
            if not score_due(conversation):
                return
            silent = conversation.last_customer_seq == timer.body["seq"] and conversation.turn_seq is None
            if silent and await at_rest(unit) and await self._hub.delivery.takes(conversation):
                await ask_due_score(unit)
                return
            again = unit.now + max(unit.now - since, timedelta(minutes=self._settings.idle_ask_minutes))
            if again - since < _SCORE_WITHIN:
                body = timer.body | {"seq": conversation.last_customer_seq}
                await timers.arm(work.connection, timer.kind, timer.key, again, body)


def _still_idle(unit: Unit, timer: Timer) -> bool:
    conversation = unit.conversation
    return (
        conversation.owner == "agent"
        and conversation.held_at is None
        and conversation.last_customer_seq < int(timer.body["seq"])
    )


async def _latest(work: Transaction, timer: Timer) -> bool:
    """Whether no agent has said anything since."""
    said = await work.connection.execute(
        "SELECT 1 FROM hub.messages WHERE conversation_id = %s AND sender = 'agent' AND seq > %s LIMIT 1",
        (timer.key, timer.body["seq"]),
    )
    return await said.fetchone() is None
