"""Our stack against stock Rasa, side by side on one machine: ``make bench`` (``python -m benchmarks.speed [--quick]``).

Both are alive all the time; while one is measured, the other one is idle. Both hear the same conversations and call the same
action server and back office. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.progress import Progress

from benchmarks import customers, report, sides
from benchmarks.idle import pss_by_process
from benchmarks.sides import Side
from benchmarks.stock import runtime
from chebao.settings import ROOT, get_settings
from tests.running import RunningStack, free_ports, running_stack

_CYCLE = ("交强险赔多少钱？", "我追尾了", "没有人受伤", "算了", "谢谢")
"""One turn of every kind: a question, a dialogue's start, an answer in it, its stop, small talk."""

_EARLY, _LATE, _BLOCKS = 3, 188, 5
"""Turns 3–7 of fresh conversations against turns 188–212 of a long one, five at a time."""

_SETTLE_SECONDS = 5


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        conversations: users → conversations of a round.
        cut: messages of a conversation that are used at most.
        long: side → long conversations for the cost of turn 200.
        acks: conversations beside which the web chat's acks are timed.
        parsed: messages that are understood alone.
        mix: scenarios of each kind in the script; the whole mix where None.
        train: whether our model is trained anew, to time it.
    """

    conversations: dict[int, int]
    repeats: int
    cut: int
    long: dict[str, int]
    acks: int
    parsed: int
    mix: dict[str, int] | None = None
    train: bool = True


FULL = Plan({1: 8, 16: 64, 64: 192}, 2, 99, {"chebao": 4, "stock": 2}, 320, 300)
QUICK = Plan(
    {1: 2, 16: 20, 64: 80}, 1, 5, {"chebao": 1}, 160, 60, {"claim": 2, "renewal": 1, "interruptions": 1}, train=False
)


@dataclass
class Round:
    """One job on one side: the generator's figures, and CPU seconds of the side's processes and action calls meanwhile."""

    users: int
    measured: dict[str, Any]
    cpu_s: dict[str, float]
    action_calls: int


@dataclass
class Results:
    """All that was measured on one side."""

    rounds: list[Round] = field(default_factory=list)
    acks_ms: list[float] = field(default_factory=list)
    early_ms: dict[int, list[float]] = field(default_factory=dict)
    late_ms: dict[int, list[float]] = field(default_factory=dict)
    nlu_ms: list[float] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


def load(side: Side, users: int, conversations: Sequence[Sequence[str]], web: dict[str, Any] | None = None) -> Round:
    """Runs one job in the load generator's own process."""
    job = {"url": side.url, "headers": side.headers, "users": users, "conversations": conversations, "web": web}
    before, called = side.cpu_seconds(), side.action_calls()
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=json.dumps(job), text=True, capture_output=True, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the load generator failed: {done.stderr.strip()[-500:]}")
    after = side.cpu_seconds()
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    return Round(users, json.loads(done.stdout), spent, side.action_calls() - called)


def reset(stack: RunningStack) -> None:
    """Fresh demo data, so that no round finds what another has written."""
    url = f"{stack.url}/backoffice/v1/demo/reset"
    httpx.post(url, json={}, headers={"Authorization": "Bearer demo"}, timeout=30).raise_for_status()


def measure_rounds(
    stack: RunningStack, both: Sequence[Side], script: Sequence[customers.Conversation], plan: Plan, show: Progress
) -> dict[str, Results]:
    """The rounds of all numbers of users, the sides taking turns in being first."""
    results = {side.name: Results() for side in both}
    task = show.add_task("rounds", total=plan.repeats * len(plan.conversations) * len(both))
    for side in both:
        load(side, 4, customers.rounds(script, 4, plan.cut))  # what is built lazily is built now
    for repeat in range(plan.repeats):
        for users, count in plan.conversations.items():
            conversations = customers.rounds(script, count, plan.cut)
            for side in both if repeat % 2 == 0 else reversed(both):
                show.update(task, description=f"{users} users, {side.name}")
                reset(stack)
                done = load(side, users, conversations)
                results[side.name].rounds.append(done)
                results[side.name].failures.update(done.measured["failures"])
                show.advance(task)
    return results


def measure_acks(stack: RunningStack, side: Side, script: Sequence[customers.Conversation], plan: Plan) -> Round:
    """64 users, and beside them ten web-chat messages a second."""
    reset(stack)
    conversations = customers.rounds(script, plan.acks, plan.cut)
    return load(side, 64, conversations, {"url": stack.url, "per_second": 10})


def measure_long(side: Side, count: int, results: Results, show: Progress) -> None:
    """Long conversations turn by turn beside fresh ones, so that a drift of the machine meets both."""
    task = show.add_task(f"turn 200, {side.name}", total=count * (_LATE + _BLOCKS * 2 * len(_CYCLE)))

    def say(http: httpx.Client, sender: str, turn: int) -> float:
        text = _CYCLE[(turn - 1) % len(_CYCLE)]
        began = time.perf_counter()
        answer = http.post(side.url, json={"sender": sender, "message": text})
        took = (time.perf_counter() - began) * 1000
        if answer.status_code != 200 or not answer.json():
            results.failures["long_conversation"] += 1
        show.advance(task)
        return took

    with httpx.Client(headers=side.headers, timeout=60) as http:
        for _ in range(count):
            old = f"long-{uuid.uuid4().hex}"
            for turn in range(1, _LATE):
                say(http, old, turn)
            for block in range(_BLOCKS):
                fresh = f"fresh-{uuid.uuid4().hex}"
                for turn in range(1, _EARLY):
                    say(http, fresh, turn)
                for place in range(len(_CYCLE)):
                    late = say(http, old, _LATE + block * len(_CYCLE) + place)
                    results.late_ms.setdefault(place, []).append(late)
                    results.early_ms.setdefault(place, []).append(say(http, fresh, _EARLY + place))


def measure_nlu(python: Path, model: Path, folder: Path, texts: Sequence[str], patches: str = "") -> list[float]:
    """Milliseconds of understanding for each text, in the Python environment of the model."""
    command = [str(python), str(ROOT / "benchmarks" / "understand.py"), str(model), *([patches] if patches else [])]
    environment = os.environ | {"RASA_TELEMETRY_ENABLED": "false", "PYTHONPATH": str(ROOT) if patches else ""}
    lines = "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts)
    done = subprocess.run(
        command, input=lines, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd=folder, env=environment, check=True,
    )  # fmt: skip
    return [json.loads(line)["ms"] for line in done.stdout.splitlines() if line.startswith("{")]


def train_ours(data: Path) -> float:
    """Trains our model anew into `data` and returns the seconds."""
    began = time.monotonic()
    command = [str(sides.BOT_PYTHON), "-m", "bot.run", "train", "--force"]
    subprocess.run(command, env=os.environ | {"CHEBAO_DATA": str(data)}, cwd=ROOT, check=True, stdout=sys.stderr)
    return time.monotonic() - began


def measure(plan: Plan, show: Progress) -> dict[str, Results]:
    """Everything, on a stack of its own."""
    trained = runtime.train()
    with tempfile.TemporaryDirectory(prefix="chebao-bench-") as folder:
        data = Path(folder) / "data"
        training_s = train_ours(Path(folder) / "trained") if plan.train else math.nan
        actions_port = free_ports(1)[0]
        with running_stack(data, CHEBAO_ACTIONS_PORT=str(actions_port)) as stack:
            time.sleep(_SETTLE_SECONDS)
            idle = pss_by_process(stack)
            ready_s, ready_rss = sides.rasa_alone(stack, actions_port)
            script = customers.script(stack.url, plan.mix)
            with sides.stock(stack, actions_port, runtime.state() / "stock.log") as (stock, stock_ready_s):
                mine = sides.ours(stack)
                stock_idle = stock.memory()["rasa"]
                results = measure_rounds(stack, [stock, mine], script, plan, show)
                for side in (stock, mine):
                    results[side.name].memory["loaded"] = side.memory()
                acks = measure_acks(stack, mine, script, plan)
                results["chebao"].acks_ms = acks.measured["acks_ms"]
                results["chebao"].failures.update(acks.measured["failures"])
                for side in (stock, mine):
                    measure_long(side, plan.long.get(side.name, 0), results[side.name], show)
    texts = [text for conversation in script for text in conversation.messages][: plan.parsed]
    model = get_settings().data / "models" / "chebao.tar.gz"
    results["chebao"].nlu_ms = measure_nlu(sides.BOT_PYTHON, model, ROOT, texts, "bot.patches")
    results["stock"].nlu_ms = measure_nlu(runtime.PYTHON, runtime.model(), runtime.state() / "project", texts)
    results["chebao"].facts = {
        "training_s": training_s, "rasa_ready_s": ready_s, "rasa_ready_rss_mb": ready_rss,
        "stack_ready_s": stack.started_in, "idle_pss_mb": sum(idle.values()),
    }  # fmt: skip
    results["chebao"].memory["idle_pss_mb"] = idle
    results["stock"].facts = {
        "training_s": trained["training_s"], "rasa_ready_s": stock_ready_s, "rasa_ready_rss_mb": stock_idle["rss_mb"],
    }  # fmt: skip
    return results


def main() -> int:
    """Measures and prints; the exit status is 1 where a side failed too many turns to be compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, for development")
    plan = QUICK if parser.parse_args().quick else FULL
    busy = os.getloadavg()[0]
    with Progress(transient=True) as show:
        results = measure(plan, show)
    return 0 if report.show(results["chebao"], results["stock"], busy=busy) else 1


if __name__ == "__main__":
    sys.exit(main())
