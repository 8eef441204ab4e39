"""Plays conversations again under every way of keeping them, and compares what Rasa predicts, asks of the actions and says.

A conversation is the customer's messages with what the actions answered: of a story, or recorded by a real run
(``rasa.events``). Kept in one piece in memory it is the measure; folded, evicted and restarted ones must not differ from it.

``python -m bot.tests.replay URL`` replays every conversation of a database, e.g. after the scenarios were played on it;
with ``--stories`` every story instead. The tests play the stories under two of the keepings.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import sys
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.shared.utils.io import read_yaml_file
from rasa.utils.endpoints import EndpointConfig

from bot import history, model, patches
from bot.channel import HubOutput, pressed
from bot.tracker_store import LiveTrackerStore, Turn, current_turn

ROOT = Path(__file__).resolve().parents[2]
REPLAYED = "replayed-"
ACTION_RESULTS = ("slot", "active_loop")
_MARKUP = re.compile(r"\[([^\]]*)\]\{[^}]*\}|\[([^\]]*)\]\([^)]*\)")


@dataclass
class Said:
    """One message and, in order, what the actions it set off answered."""

    text: str
    parse_data: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Keeping:
    """A way of keeping conversations: whether they are folded and from how many events, and what is forgotten after a turn."""

    name: str
    fold_at: int
    forget: str = ""


WHOLE = Keeping("in one piece, in memory", 10**9)
HARSHEST = Keeping("folded whenever possible, restarted after every turn", 0, "store")
KEEPINGS = (
    Keeping("folded as served", history.FOLD_AT),
    Keeping("folded whenever possible", 0),
    Keeping("folded as served, evicted after every turn", history.FOLD_AT, "tracker"),
    HARSHEST,
    Keeping("unfolded, restarted after every turn", 10**9, "store"),
)


class Answers(EndpointConfig):
    """Stands for the action server: answers with what was recorded, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__("http://replayed")
        self.due: deque[tuple[str, dict[str, Any]]] = deque()
        self.asked: list[dict[str, Any]] = []

    async def request(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The next recorded answer if it is this action's, else an answer that changes nothing."""
        call = kwargs["json"]
        tracker = call["tracker"]
        message = {k: v for k, v in tracker["latest_message"].items() if k != "message_id"}
        self.asked.append(
            {"action": call["next_action"], "slots": tracker["slots"], "loop": tracker["active_loop"], "said": message}
        )
        if self.due and self.due[0][0] == call["next_action"]:
            return json.loads(json.dumps(self.due.popleft()[1]))
        return {"events": [], "responses": [{"text": call["next_action"]}]}


class Player:
    """One loaded assistant for all conversations and keepings."""

    def __init__(self, archive: Path, url: str) -> None:
        self._url = url
        self.actions = Answers()
        self.agent = Agent.load(archive, tracker_store=LiveTrackerStore(None), action_endpoint=self.actions)
        self.ran: list[str] = []
        run_action = self.agent.processor._run_action

        async def recording(action: Any, *rest: Any, **named: Any) -> bool:
            self.ran.append(action.name())
            return await run_action(action, *rest, **named)

        self.agent.processor._run_action = recording

    def play(self, sender: str, conversation: list[Said], keeping: Keeping) -> list[Any]:
        """What each turn predicted, asked, said and left behind."""
        before = history.FOLD_AT, history.SNAPSHOT_AT
        history.FOLD_AT = keeping.fold_at
        history.SNAPSHOT_AT = before[1] if keeping.fold_at else 0
        try:
            return asyncio.run(self._play(sender, conversation, keeping))
        finally:
            history.FOLD_AT, history.SNAPSHOT_AT = before

    async def _play(self, sender: str, conversation: list[Said], keeping: Keeping) -> list[Any]:
        stored = "" if keeping is WHOLE else self._url
        store = self._fresh(stored)
        turns = []
        for number, said in enumerate(conversation):
            turn = Turn(f"{sender}-{number}")
            token = current_turn.set(turn)
            self.actions.due, self.actions.asked, self.ran[:] = deque(said.answers), [], []
            message = UserMessage(
                said.text,
                HubOutput(turn),
                sender,
                parse_data=said.parse_data and json.loads(json.dumps(said.parse_data)),
                input_channel="hub",
                message_id=turn.message_id,
                metadata=said.metadata,
            )
            await self.agent.processor.handle_message(message)
            current_turn.reset(token)
            tracker = await store.retrieve(sender)
            left = (tracker.active_loop_name, tracker.current_slot_values())
            turns.append((said.text, list(self.ran), self.actions.asked, turn.replies, turn.understood, left))
            if keeping.forget == "tracker":
                store.drop(sender)
            elif keeping.forget:
                store.database.close()
                store = self._fresh(stored)
        return turns

    def _fresh(self, url: str) -> LiveTrackerStore:
        store = LiveTrackerStore(self.agent.domain, host=url)
        self.agent.processor.tracker_store = store
        return store

    def differences(
        self, conversations: dict[str, list[Said]], keepings: Iterable[Keeping] = KEEPINGS
    ) -> Iterator[str]:
        """One line for each conversation that some keeping changes: where, and the two turns."""
        run = f"{REPLAYED}{uuid.uuid4().hex}"
        for name, conversation in conversations.items():
            whole = self.play(name, conversation, WHOLE)
            for number, keeping in enumerate(keepings):
                kept = self.play(f"{run}-{name}-{number}", conversation, keeping)
                for at, (one, other) in enumerate(zip(whole, kept, strict=True)):
                    if one != other:
                        apart = "".join(f"\n  {a}\n  {b}" for a, b in zip(one[1:], other[1:], strict=True) if a != b)
                        yield f"{name}, {keeping.name}, turn {at}, {one[0]!r}:{apart}"
                        break


def of_stories(together: int, shuffled_by: int = 7) -> dict[str, list[Said]]:
    """All stories, `together` of them one after the other in each conversation, so that there is something to fold."""
    files = [*sorted((ROOT / "data/stories").glob("*.yml")), *sorted((ROOT / "tests/dialogue/stories").glob("*.yml"))]
    stories = [story for path in files for story in read_yaml_file(path)["stories"]]
    random.Random(shuffled_by).shuffle(stories)
    groups = [stories[n : n + together] for n in range(0, len(stories), together)]
    return {
        f"stories-{n}": [said for story in group for said in _said(story["steps"])] for n, group in enumerate(groups)
    }


def _said(steps: list[dict[str, Any]]) -> list[Said]:
    """A story's messages; what it says of loops is what the action before it answered."""
    messages: list[Said] = []
    for step in steps:
        if "action" in step:
            name = step["action"]
            answer: dict[str, Any] = {"events": [], "responses": [{"text": f"{name} {len(messages)}"}]}
            if name.endswith("_form"):
                draft = {"asked": len(messages)}
                answer["events"] += [_slot("requested_slot", f"field{len(messages)}"), _slot(_draft(name), draft)]
            messages[-1].answers.append((name, answer))
        elif "active_loop" in step:
            name, answer = messages[-1].answers[-1]
            answer["events"].append({"event": "active_loop", "name": step["active_loop"]})
            if step["active_loop"] is None:
                answer["events"] += [_slot("requested_slot", None), _slot(_draft(name), None)]
        elif "user" in step:
            messages.append(Said(_MARKUP.sub(lambda m: m[1] or m[2], step["user"]).strip()))
        else:
            messages.append(Said("", pressed(step["intent"], {}, "")))
    return messages


def _slot(name: str, value: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value}


def _draft(form: str) -> str:
    return form.removesuffix("_form") + "_draft"


def recorded(url: str) -> dict[str, list[Said]]:
    """Every conversation of a database, from its rows."""
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sender, data FROM rasa.events WHERE name <> 'snapshot' ORDER BY sender, seq")
        rows = cursor.fetchall()
    conversations: dict[str, list[Said]] = {}
    for sender, event in rows:
        if not sender.startswith(REPLAYED):
            _add(conversations.setdefault(sender, []), event)
    return {sender: messages for sender, messages in conversations.items() if messages}


def _add(messages: list[Said], event: dict[str, Any]) -> None:
    kind = event["event"]
    if kind == "user":
        parsed = event["parse_data"]
        messages.append(Said(event["text"], parsed if parsed.get("pressed") else None, event.get("metadata") or {}))
    elif messages and kind == "action" and event["name"] not in ("action_listen", "action_session_start"):
        messages[-1].answers.append((event["name"], {"events": [], "responses": []}))
    elif messages and messages[-1].answers:
        answer = messages[-1].answers[-1][1]
        if kind in ACTION_RESULTS:
            answer["events"].append(event)
        elif kind == "bot":
            data = {k: v for k, v in event["data"].items() if v}
            answer["responses"].append({**data, "text": event.get("text")})


def main(arguments: list[str] | None = None, say: Callable[[str], None] = print) -> int:
    """Replays a database's conversations; 1 where some keeping changes one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="database with the recorded conversations; replayed ones go beside them")
    parser.add_argument("--stories", action="store_true", help="play the stories instead")
    parser.add_argument("--harshest", action="store_true", help=f"one keeping alone: {HARSHEST.name}")
    options = parser.parse_args(arguments)
    from bot import run

    os.environ.setdefault("DATABASE_URL", options.url)
    run.prepare()
    run.quiet(30)
    archive = model.trusted(run.model_folder())
    if archive is None:
        say("No model: run `make train`.")
        return 2
    patches.apply()
    conversations = of_stories(together=12) if options.stories else recorded(options.url)
    player = Player(archive, options.url)
    keepings = (HARSHEST,) if options.harshest else KEEPINGS
    differing = list(player.differences(conversations, keepings))
    for line in differing:
        say(line)
    turns = sum(map(len, conversations.values()))
    say(f"{len(conversations)} conversations, {turns} turns, {len(keepings)} keepings: {len(differing)} differ")
    return 1 if differing or not conversations else 0


if __name__ == "__main__":
    sys.exit(main())
