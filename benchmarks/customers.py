"""The customer script of the benchmarks: what the simulated customers of `tests/dialogue/scenarios` say, as fixed messages.

Scenarios name goals, so what a customer says depends on what is asked. Each chosen scenario is played once on our own running
stack and written down (a pressed button as its title, typed); both sides of the benchmark then hear the very same messages.
Questions and small talk are the customers' words of the story tests.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from chebao.settings import ROOT
from tests.dialogue.player import Customer, read_aloud

_TESTS = ROOT / "tests" / "dialogue"
_MIX = {"claim": 12, "renewal": 8, "interruptions": 6, "new_policy": 4}
"""Scenarios of each file in the script."""

_TALKS = ("test_faq.yml", "test_small_talk.yml")
_SEED = 20261122
_ANNOTATION = re.compile(r"\[([^\]]+)\](\{[^}]*\}|\([^)]*\))")


@dataclass(frozen=True)
class Conversation:
    """One customer's messages, in order."""

    kind: str
    messages: tuple[str, ...]


def chosen(mix: dict[str, int] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """The scenarios of the script with their kinds: always the same ones, those of words only."""
    dice = random.Random(_SEED)
    found: list[tuple[str, dict[str, Any]]] = []
    for kind, count in (mix or _MIX).items():
        file = _TESTS / "scenarios" / f"{kind}.yml"
        scenarios = [s for s in yaml.safe_load_all(file.read_text(encoding="utf-8")) if s and _words_only(s)]
        found += [(kind, s) for s in dice.sample(scenarios, min(count, len(scenarios)))]
    return found


def _words_only(scenario: dict[str, Any]) -> bool:
    """Whether everything is said in words, and no person takes over, after whom the assistant is silent."""
    said = [scenario["open"], *(rule["say"] for rule in scenario.get("answers", ()) if "say" in rule)]
    flat = [part for each in said for part in (each if isinstance(each, list) else [each])]
    return (
        all(isinstance(part, str) and part.strip() for part in flat)
        and scenario.get("goal", {}).get("owner", "bot") == "bot"
    )


def talks() -> list[Conversation]:
    """Questions and small talk: the customers' words of the story tests."""
    found = []
    for name in _TALKS:
        for story in yaml.safe_load((_TESTS / "stories" / name).read_text(encoding="utf-8"))["stories"]:
            said = [plain(step["user"]) for step in story["steps"] if "user" in step]
            if len(said) >= 2:
                found.append(Conversation("talk", tuple(said)))
    return found


def plain(annotated: str) -> str:
    """A story test's message without its annotations."""
    return _ANNOTATION.sub(r"\1", annotated).strip()


def unplayed() -> list[list[str]]:
    """Messages without a stack to play on: each scenario's opening and answers in the order of the file, and the talks."""
    said = []
    for _, scenario in chosen():
        parts = [scenario["open"], *(rule["say"] for rule in scenario.get("answers", ()) if "say" in rule)]
        said.append([text for part in parts for text in (part if isinstance(part, list) else [part])])
    return said + [list(talk.messages) for talk in talks()]


def script(base_url: str, mix: dict[str, int] | None = None) -> list[Conversation]:
    """The whole script: dialogues written down on the running stack in demo mode, and the talks.

    Raises:
        RuntimeError: most dialogues could not be written down, so that the script would be no mix.
    """
    wanted = chosen(mix)
    dialogues = list(recorded(base_url, "demo", wanted))
    if 2 * len(dialogues) < len(wanted):
        raise RuntimeError(f"only {len(dialogues)} of {len(wanted)} dialogues got a reply to every message")
    return [*dialogues, *talks()]


def recorded(base_url: str, key: str, scenarios: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[Conversation]:
    """Plays the scenarios on a running stack, each on fresh demo data; leaves out those in which a reply was missing."""
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        for number, (kind, scenario) in enumerate(scenarios):
            http.post("/backoffice/v1/demo/reset", json={}).raise_for_status()
            said = _play(http, f"record-{number}-{random.getrandbits(40):x}", scenario)
            if said is not None:
                yield Conversation(kind, tuple(said))


def _play(http: httpx.Client, sender: str, scenario: dict[str, Any]) -> list[str] | None:
    customer = Customer(scenario)
    opening = scenario["open"]
    pending = list(opening) if isinstance(opening, list) else [opening]
    said: list[str] = []
    heard: list[str] = []
    while pending and len(said) < scenario.get("max_turns", 25):
        text = pending.pop(0)
        said.append(text)
        replies = (
            http.post("/webhooks/rest/webhook", json={"sender": sender, "message": text}).raise_for_status().json()
        )
        if not replies:
            return None
        heard += [read_aloud(reply) for reply in replies]
        if not pending and not _reached(scenario, heard):
            pending = [_typed(answer, replies) for answer in customer.next(replies)]
    return said


def _reached(scenario: dict[str, Any], heard: Sequence[str]) -> bool:
    """Whether all that the scenario wants to hear was heard."""
    wanted = scenario.get("goal", {}).get("reply_matches", ())
    return bool(wanted) and all(re.search(pattern, "\n".join(heard)) for pattern in wanted)


def _typed(said: Any, replies: Sequence[dict[str, Any]]) -> str:
    """A pressed button as the title that stands on it."""
    titles = {b["payload"]: b["title"] for reply in replies for b in reply.get("buttons") or ()}
    return titles.get(said, str(said))


def rounds(script: Sequence[Conversation], count: int, cut: int = 99) -> list[list[str]]:
    """`count` conversations of at most `cut` messages in a fixed, mixed order; a short script is gone through again."""
    dice = random.Random(_SEED)
    order: list[Conversation] = []
    while len(order) < count:
        order += dice.sample(list(script), len(script))
    return [list(conversation.messages[:cut]) for conversation in order[:count]]
