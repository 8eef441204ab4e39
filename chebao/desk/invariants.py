"""The promises of the desk as figures from the ledger: every one of them has to be 0.

Looked at after tests and soaks, and by `make soak-desk`. What a simulated customer sent and never found again is for him to count;
here stands what the database alone can tell.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from chebao.db import Connection

ANSWERED_WITHIN = timedelta(seconds=10)

# An epoch belongs to one owner: two of them in the events of one epoch were two who held the same conversation.
_DOUBLE_ASSIGNED = """
SELECT count(*) AS number FROM (
    SELECT key, body ->> 'epoch' FROM desk.events WHERE kind = 'conversation' AND body IS NOT NULL AND at >= %(since)s
    GROUP BY 1, 2 HAVING count(DISTINCT (body ->> 'owner', body ->> 'agent_id')) > 1) d
"""

# An agent's conversation has an agent, and only that has; who is on the desk has one open episode, and that knows the agent.
_WRONG_OWNER = """
SELECT count(*) AS number FROM hub.conversations c
LEFT JOIN desk.episodes e ON e.conversation_id = c.id AND e.ended_at IS NULL
WHERE c.updated_at >= %(since)s AND ((c.owner = 'agent') <> (c.agent_id IS NOT NULL)
   OR (c.owner IN ('queued', 'agent')) <> (e.id IS NOT NULL)
   OR (e.id IS NOT NULL AND e.agent_id IS DISTINCT FROM c.agent_id))
"""

# The stream of a conversation is numbered without gaps.
_LOST = """
SELECT coalesce(sum(c.last_seq - m.number), 0) AS number FROM hub.conversations c
JOIN LATERAL (SELECT count(*) AS number FROM hub.messages WHERE conversation_id = c.id) m ON true
WHERE c.updated_at >= %(since)s AND m.number <> c.last_seq
"""

# What one turn, or one press of a button at the desk, says twice.
_DOUBLED = """
SELECT coalesce(sum(number - 1), 0) AS number FROM (
    SELECT count(*) AS number FROM hub.messages
    WHERE at >= %(since)s AND turn_of IS NOT NULL AND sender IN ('bot', 'system') AND text <> ''
    GROUP BY conversation_id, turn_of, text, sender HAVING count(*) > 1) d
"""

_BOT_WHILE_HUMAN = """
SELECT count(*) AS number FROM hub.messages m
JOIN (SELECT DISTINCT key, (body ->> 'epoch')::int AS epoch FROM desk.events
      WHERE kind = 'conversation' AND body ->> 'owner' = 'agent' AND at >= %(since)s) o
  ON o.key = m.conversation_id AND o.epoch = m.epoch
WHERE m.sender = 'bot' AND m.at >= %(since)s
"""

# A message that was the bot's to answer has an answer, or an apology, in time; `silent` ones are a person's.
_UNANSWERED = """
SELECT count(*) AS number FROM hub.messages m
LEFT JOIN LATERAL (
    SELECT min(r.at) AS at FROM hub.messages r
    WHERE r.conversation_id = m.conversation_id AND r.turn_of = coalesce(m.turn_of, m.id)) r ON true
WHERE m.sender = 'customer' AND m.at >= %(since)s AND m.state IN ('pending', 'answered', 'failed')
  AND coalesce(least(r.at, m.told_at), clock_timestamp()) - m.at > %(within)s
"""

# A customer whom nobody serves: his agent is offline, longer than it takes to move him.
_LEFT_ALONE = """
SELECT count(*) AS number FROM hub.conversations c JOIN desk.agents a ON a.id = c.agent_id
WHERE c.owner = 'agent' AND a.state = 'offline' AND a.state_at < clock_timestamp() - %(within)s
"""


@dataclass(frozen=True)
class Broken:
    """How often each promise was broken since a moment."""

    double_assigned: int
    wrong_owner: int
    lost: int
    doubled: int
    bot_while_human: int
    unanswered: int
    left_alone: int

    @property
    def any(self) -> bool:
        return any(asdict(self).values())


_QUERIES = {
    "double_assigned": _DOUBLE_ASSIGNED,
    "wrong_owner": _WRONG_OWNER,
    "lost": _LOST,
    "doubled": _DOUBLED,
    "bot_while_human": _BOT_WHILE_HUMAN,
    "unanswered": _UNANSWERED,
    "left_alone": _LEFT_ALONE,
}


async def broken(connection: Connection, *, since: datetime) -> Broken:
    """Counts what was broken in conversations that moved since then."""
    numbers: dict[str, int] = {}
    for name, query in _QUERIES.items():
        found = await connection.execute(query.encode(), {"since": since, "within": ANSWERED_WITHIN})
        row = await found.fetchone()
        assert row is not None
        numbers[name] = int(row["number"])
    return Broken(**numbers)
