"""Asks the assistant: the trained model for what it understands, the actions for what it then does."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from actions.server import ACTIONS_PACKAGE
from actions.services import knowledge
from benchmarks.understanding.lines import Line
from chebao.settings import ROOT

OURS = (str(ROOT / "bot" / ".venv" / "bin" / "python"), "-m", "bot.run", "parse", "--batch")
STOCK = (sys.executable, "-m", "benchmarks.stock", "parse")


class NoAssistant(Exception):
    """A model could not be asked; the message says which."""


@dataclass(frozen=True)
class Understood:
    """What a model makes of one line; `parse` is Rasa's parse result."""

    parse: Mapping[str, Any]

    @property
    def intent(self) -> str:
        return (self.parse.get("intent") or {}).get("name") or "nlu_fallback"

    @property
    def confidence(self) -> float:
        return float((self.parse.get("intent") or {}).get("confidence") or 0.0)

    @property
    def entities(self) -> Sequence[Mapping[str, Any]]:
        return self.parse.get("entities") or []

    @property
    def emotion(self) -> str | None:
        return (self.parse.get("emotion") or {}).get("name")

    @property
    def ms(self) -> float:
        return float(self.parse["ms"])


def understand(command: Sequence[str], lines: Iterable[Line], now: datetime) -> Iterator[Understood]:
    """Sends every line through a model that reads JSON lines, and yields its results in the same order.

    Raises:
        NoAssistant: the process ended before it had answered all.
    """
    sent = [
        json.dumps({"text": line.text, "question": line.question, "received_at": now.isoformat()}, ensure_ascii=False)
        for line in lines
    ]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **one_thread, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=environment,
        )
    except OSError as error:
        raise NoAssistant(f"cannot start {' '.join(command)}: {error.strerror}") from None
    with process:
        feeding = threading.Thread(target=_feed, args=(process, sent), daemon=True)
        feeding.start()
        answered = 0
        for answer in process.stdout or ():
            answered += 1
            yield Understood(json.loads(answer))
        feeding.join()
    if process.returncode or answered != len(sent):
        raise NoAssistant(f"{' '.join(command)} ended with {process.returncode} after {answered} of {len(sent)} lines")


def _feed(process: subprocess.Popen[str], rows: Sequence[str]) -> None:
    try:
        with process.stdin or open(os.devnull, "w", encoding="utf-8") as stream:
            stream.writelines(row + "\n" for row in rows)
    except BrokenPipeError:
        return  # the process has ended; its exit code tells


@dataclass(frozen=True)
class Handled:
    """What the assistant does with a question, and what its search found.

    Attributes:
        found: the three best articles, best first.
        answered: the article that was answered from, or None where it asks back, offers choices or hands over.
        ms: time of action and search together.
    """

    found: tuple[str, ...]
    answered: str | None
    ms: float


class Assistant:
    """The actions, run as Rasa runs them: the rule of the understood intent names the action of a first message."""

    def __init__(self) -> None:
        executor = ActionExecutor()
        executor.register_package(ACTIONS_PACKAGE)
        self._actions = executor.actions
        self._rules = _first_actions()
        knowledge()

    def handle(self, line: Line, understood: Understood, now: datetime) -> Handled:
        """The question as the first message of a conversation."""
        started = time.perf_counter()
        answered = self._answered(line, understood, now)
        ms = (time.perf_counter() - started) * 1000
        return Handled(tuple(hit.article.id for hit in knowledge().search(line.text)), answered, ms)

    def _answered(self, line: Line, understood: Understood, now: datetime) -> str | None:
        action = self._rules.get(understood.intent, "action_default_fallback")
        message = {**understood.parse, "text": line.text, "metadata": {"received_at": now.isoformat()}}
        tracker = Tracker("evaluation", {}, message, [], False, None, {}, "action_listen")
        dispatcher = CollectingDispatcher()
        asyncio.run(self._actions[action](dispatcher, tracker, {}))
        records = [(reply.get("custom") or {}).get("knowledge") or {} for reply in dispatcher.messages]
        return next((record["topic"] for record in records if record.get("kind") == "confident"), None)


def _first_actions() -> dict[str, str]:
    """Intent → the action that its rule starts with."""
    first: dict[str, str] = {}
    for path in sorted((ROOT / "data" / "rules").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            steps = rule["steps"]
            if "intent" in steps[0]:
                first[steps[0]["intent"]] = steps[1]["action"]
    return first
