"""The gate before a new model: customers' past messages, understood by the active model and by the candidate.

A turn is *gained* where a reviewer's label or the assistant's answer is met now and was not before, *lost* the other way round.
Turns that nobody complained of count as right as they were; turns still open on the review list are not judged.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.errors import Unavailable
from chebao.quality.anonymous import anonymous

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_ONE_IN: Final = 200
"""Of so many turns one may be lost without a gain: a label can be wrong, a past answer a lucky one."""

_TURNS = text(
    """
    SELECT m.id, m.text, m.at, coalesce(asked.text, '') AS question, q.state, q.label_intent
    FROM hub.messages m
    LEFT JOIN quality.reviews q ON q.message_id = m.id
    LEFT JOIN LATERAL (
        SELECT b.text FROM hub.messages b
        WHERE b.conversation_id = m.conversation_id AND b.seq < m.seq AND b.sender = 'bot'
        ORDER BY b.seq DESC LIMIT 1) asked ON true
    WHERE m.sender = 'customer' AND m.state = 'answered' AND m.payload IS NULL AND m.text <> ''
    ORDER BY m.id DESC LIMIT :limit
    """
)

Outcome = Literal["same", "gained", "lost", "open"]


@dataclass(frozen=True)
class Turn:
    """A past message of a customer, and what a reviewer said of it."""

    text: str
    question: str
    at: datetime
    review: str | None
    label: str | None


@dataclass(frozen=True)
class Changed:
    """A turn that the candidate understands otherwise; the words are anonymous."""

    outcome: Outcome
    text: str
    before: str
    after: str
    label: str | None


@dataclass(frozen=True)
class Report:
    """What a replay found."""

    sha256: str
    turns: int
    gained: int
    lost: int
    open: int
    passed: bool
    changed: list[Changed]

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


async def past_turns(engine: AsyncEngine, limit: int) -> list[Turn]:
    """The newest typed messages that the bot answered."""
    async with engine.connect() as connection:
        rows = await connection.execute(_TURNS, {"limit": limit})
        return [Turn(r.text, r.question, r.at.astimezone(_SHANGHAI), r.state, r.label_intent) for r in rows]


def judge(turn: Turn, before: str, after: str) -> Outcome:
    """What changes for one turn."""
    if turn.label is not None:
        if (before == turn.label) == (after == turn.label):
            return "same"
        return "gained" if after == turn.label else "lost"
    if before == after:
        return "same"
    return "lost" if turn.review is None else "open"


def compare(sha256: str, turns: Sequence[Turn], before: Iterable[str], after: Iterable[str]) -> Report:
    """The report on a candidate, from both models' intents of every turn."""
    judged = [(turn, old, new, judge(turn, old, new)) for turn, old, new in zip(turns, before, after, strict=True)]
    counts = Counter(outcome for *_, outcome in judged)
    changed = [
        Changed(outcome, anonymous(turn.text, turn.at), old, new, turn.label)
        for turn, old, new, outcome in judged
        if outcome != "same"
    ]
    passed = counts["lost"] <= max(counts["gained"], len(turns) // _ONE_IN)
    return Report(sha256, len(turns), counts["gained"], counts["lost"], counts["open"], passed, changed)


async def understand(parser: Sequence[str], cwd: Path, turns: Sequence[Turn]) -> list[str]:
    """The intents that a model gives the turns.

    Args:
        parser: command that reads JSON lines ``{text, question, received_at}`` and writes Rasa's parse results.

    Raises:
        Unavailable: the command fails or answers something else.
    """
    lines = "\n".join(
        json.dumps({"text": t.text, "question": t.question, "received_at": t.at.isoformat()}, ensure_ascii=False)
        for t in turns
    )
    process = await asyncio.create_subprocess_exec(
        *parser, cwd=cwd, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complaints = await process.communicate(lines.encode())
    try:
        answers: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
        intents = [str(answer["intent"]["name"]) for answer in answers]
    except (ValueError, KeyError, TypeError):
        intents = []
    if process.returncode != 0 or len(intents) != len(turns):
        last = complaints.decode(errors="replace").strip().splitlines()[-1:]
        raise Unavailable(f"the model could not be asked: {' '.join(last) or 'no answer'}")
    return intents
