"""The replay before a new model: past turns out of a real database, understood twice by processes that read JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chebao.errors import Unavailable
from chebao.quality import replay, review
from tests.contract.hub.running import Running

SAID = ("续到哪天算数呀", "换年的手续咋走")
_MODEL = """
import json, sys
for line in sys.stdin:
    told = json.loads(line)
    print(json.dumps({"intent": {"name": "renewal" if sys.argv[1] in told["text"] and told["received_at"] else "faq"}}))
"""


def model(word: str) -> list[str]:
    """A model that takes every message with this word for a renewal, and all others for questions."""
    return [sys.executable, "-c", _MODEL, word]


async def test_past_turns_tell_what_a_candidate_gains_and_loses(app: Running, sender: str, tmp_path: Path) -> None:
    for text in SAID:
        await app.say(sender, text)
        seq = (await app.stream(sender))[-1]["seq"]
        await app.http.put(f"/api/conversations/{sender}/messages/{seq}/vote", json={"helpful": False})
    await review.collect(app.hub.engine)
    listed = {row.text: row for row in await review.find(app.hub.engine, review.State.OPEN)}
    for text, intent in zip(SAID, ("faq", "renewal"), strict=True):
        verdict = review.Verdict(intent)
        await review.approve(app.hub.engine, listed[text].id, verdict, "李审", intents={"faq", "renewal"}, topics=())
    turns = [turn for turn in await replay.past_turns(app.hub.engine, 50) if turn.text in SAID]
    assert {(turn.text, turn.review, turn.label) for turn in turns} == {
        (SAID[0], "approved", "faq"),
        (SAID[1], "approved", "renewal"),
    }
    asked_then = [turn.question for turn in turns if turn.text == SAID[1]]
    assert asked_then != [""], "what the assistant had said before it belongs to the turn"
    before = await replay.understand(model("续到"), tmp_path, turns)
    after = await replay.understand(model("换年"), tmp_path, turns)
    report = replay.compare("sha", turns, before, after)
    assert (report.turns, report.gained, report.lost, report.passed) == (2, 2, 0, True)
    back = replay.compare("sha", turns, after, before)
    assert (back.gained, back.lost, back.passed) == (0, 2, False)


async def test_a_model_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no such model"):
        await replay.understand([sys.executable, "-c", "raise SystemExit('no such model')"], tmp_path, [])
