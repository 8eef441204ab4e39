"""A simulated customer: opens, answers what is asked by the rules of a scenario, and says which goals were not reached.

A scenario names a goal, not a transcript, so that wording and order of the dialogue stay free::

    scenario: name
    open: 我追尾了                      # or a list of messages, sent one after the other
    answers:                            # rule: when (regex on what was said), press (regex on a button), say, times (3)
      - {when: 受伤, press: 没有, say: 没有人受伤}
    otherwise: 好的                     # where no rule fits, at most three times running
    max_turns: 25
    goal:
      reply_matches: [报案号]           # each found in some reply
      reply_never: [系统错误]
      owner: bot
      max_turns_to_goal: 20
      backoffice:                       # rows that are new or changed, whose fields match
        - {path: /claims, query: {plate: 京A12345}, created: 1, fields: {accident_type: rear_end}}

What is said may also be a mapping ``{text, location, attachments}``: a shared position or photos.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

Rule = Mapping[str, Any]
Reply = Mapping[str, Any]
Said = str | Mapping[str, Any]

_SENTENCE = re.compile(r"(?<=[。！？?!；;])|\n")
_GONE = ("superseded", "cancelled")


@dataclass
class Outcome:
    """How a scenario ended; reached when there are no problems."""

    problems: list[str] = field(default_factory=list)
    turns: int = 0
    transcript: list[str] = field(default_factory=list)


class Stack:
    """The open chat door and the back office of a running stack; other channels override `say` and `owner`."""

    def __init__(self, base_url: str, key: str) -> None:
        self._http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        self.sender = f"scenario-{uuid.uuid4().hex}"

    def close(self) -> None:
        self._http.close()

    def _json(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def reset(self) -> None:
        self._json("POST", "/backoffice/v1/demo/reset", json={})

    def say(self, said: Said) -> list[Reply]:
        body: dict[str, Any] = {
            "sender": self.sender,
            "message": said if isinstance(said, str) else said.get("text", ""),
        }
        if not isinstance(said, str):
            body["metadata"] = {k: v for k, v in said.items() if k != "text"}
        return list(self._json("POST", "/webhooks/rest/webhook", json=body) or [])

    def owner(self) -> str:
        return str(self._json("GET", f"/api/conversations/{self.sender}")["owner"])

    def rows(self, check: Mapping[str, Any]) -> list[dict[str, Any]]:
        answer = self._json("GET", f"/backoffice/v1{check['path']}", params=check.get("query", {}))
        return list(answer["items"])


def read_aloud(reply: Reply) -> str:
    """All that a customer would read of one reply."""
    titles = [b.get("title", "") for b in reply.get("buttons") or ()]
    card = json.dumps(reply["custom"], ensure_ascii=False) if reply.get("custom") else ""
    return " ".join(part for part in (reply.get("text") or "", *titles, card) if part)


def _fitting(rules: Sequence[Rule], replies: Sequence[Reply]) -> Iterator[int]:
    """Indexes of rules in the order in which a customer would think of them."""
    buttons = [b.get("title", "") for r in replies for b in r.get("buttons") or ()]
    everything = "\n".join(read_aloud(r) for r in replies)
    for n, rule in enumerate(rules):
        if (
            "press" in rule
            and re.search(rule["when"], everything)
            and any(re.search(rule["press"], t) for t in buttons)
        ):
            yield n
    sentences = [s for r in replies for s in _SENTENCE.split(r.get("text") or "") if s.strip()]
    around = " ".join(read_aloud({**r, "text": ""}) for r in replies)
    for part in (*reversed(sentences), around, everything):
        yield from (n for n, rule in enumerate(rules) if re.search(rule["when"], part))


class Customer:
    """Chooses the next messages."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self._rules: Sequence[Rule] = scenario.get("answers", ())
        self._filler = scenario.get("otherwise", "好的")
        self._used: dict[int, int] = {}
        self._fillers, self._last = 0, -1

    def next(self, replies: Sequence[Reply]) -> list[Said]:
        """What is said next; empty when there is nothing left to say."""
        fresh = [n for n in _fitting(self._rules, replies) if self._used.get(n, 0) < self._rules[n].get("times", 3)]
        fresh.sort(key=lambda n: n == self._last)
        if not fresh:
            self._fillers += 1
            return [self._filler] if self._fillers <= 3 else []
        self._last = fresh[0]
        self._used[self._last] = self._used.get(self._last, 0) + 1
        rule = self._rules[self._last]
        for button in (b for r in replies for b in r.get("buttons") or ()):
            if "press" in rule and re.search(rule["press"], button.get("title", "")):
                return [button["payload"]]
        said = rule.get("say", "好的")
        return list(said) if isinstance(said, list) else [said]


class _Goal:
    """What must hold at the end."""

    def __init__(self, stack: Stack, goal: Mapping[str, Any]) -> None:
        self._stack, self._goal = stack, goal
        self._checks = list(goal.get("backoffice", ()))
        self._before = [{_frozen(row) for row in stack.rows(check)} for check in self._checks]

    def _counts(self) -> Iterator[tuple[Mapping[str, Any], int]]:
        for check, before in zip(self._checks, self._before, strict=True):
            new = [r for r in self._stack.rows(check) if _frozen(r) not in before and r.get("status") not in _GONE]
            fields = check.get("fields", {}).items()
            yield check, sum(all(re.search(str(v), str(r.get(k))) for k, v in fields) for r in new)

    def _unheard(self, heard: Sequence[str]) -> list[str]:
        return [p for p in self._goal.get("reply_matches", ()) if not any(re.search(p, h) for h in heard)]

    def reached(self, heard: Sequence[str]) -> bool:
        """Whether the rows that were to be made exist and all else that was to be heard was heard."""
        if not any(c.get("created", 1) for c in self._checks) or self._unheard(heard):
            return False
        if "owner" in self._goal and self._stack.owner() != self._goal["owner"]:
            return False
        return all(count == check.get("created", 1) for check, count in self._counts())

    def problems(self, heard: Sequence[str], turns: int) -> list[str]:
        found = [f"never heard /{p}/" for p in self._unheard(heard)]
        found += [f"heard /{p}/" for p in self._goal.get("reply_never", ()) if any(re.search(p, h) for h in heard)]
        if "owner" in self._goal and (owner := self._stack.owner()) != self._goal["owner"]:
            found.append(f"owner is {owner}, not {self._goal['owner']}")
        if turns > self._goal.get("max_turns_to_goal", turns):
            found.append(f"took {turns} turns")
        for check, count in self._counts():
            if count != check.get("created", 1):
                found.append(f"{check['path']}: {count} fitting new rows, wanted {check.get('created', 1)}")
        return found if heard else [*found, "no reply at all"]


def _frozen(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def play(base_url: str, key: str, scenario: Mapping[str, Any], *, reset: bool = True) -> Outcome:
    """Plays one scenario against the stack at `base_url`, on fresh demo data unless `reset` is false."""
    return play_through(Stack(base_url, key), scenario, reset=reset)


def play_through(stack: Stack, scenario: Mapping[str, Any], *, reset: bool = True) -> Outcome:
    """Plays one scenario through whatever channel the stack object speaks."""
    outcome, heard = Outcome(), list[str]()
    try:
        if reset:
            stack.reset()
        goal, customer = _Goal(stack, scenario.get("goal", {})), Customer(scenario)
        opening = scenario["open"]
        pending: list[Said] = list(opening) if isinstance(opening, list) else [opening]
        while pending and outcome.turns < scenario.get("max_turns", 25):
            said = pending.pop(0)
            replies = stack.say(said)
            outcome.turns += 1
            heard += [read_aloud(r) for r in replies]
            outcome.transcript += [f"客户 {said}", *(f"助手 {read_aloud(r)}" for r in replies)]
            if not pending and not goal.reached(heard):
                pending = customer.next(replies)
        outcome.problems = goal.problems(heard, outcome.turns)
    finally:
        stack.close()
    return outcome
