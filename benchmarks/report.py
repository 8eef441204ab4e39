"""The benchmark's table and its last line."""

from __future__ import annotations

import json
import math
import os
import statistics
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import cost_ratio, percentile, ratio

if TYPE_CHECKING:
    from benchmarks.speed import Results

_LOAD = 64
_FAILURES_BORNE = 0.01
"""Share of failed turns beyond which a side does not do the work that it is compared by."""

_QUEUEING = (16, 64)


def figures_of(side: Results) -> dict[str, Any]:
    """One side's figures, by name."""
    levels = {}
    for users in sorted({r.users for r in side.rounds}):
        rounds = [r for r in side.rounds if r.users == users]
        waits = [ms for r in rounds for ms in r.measured["latencies_ms"]]
        turns = sum(r.measured["turns"] for r in rounds)
        everything = sum(r.measured["all_turns"] for r in rounds)
        cpu = {name: sum(r.cpu_s[name] for r in rounds) * 1000 / everything for name in rounds[0].cpu_s}
        levels[users] = {
            "turns_per_s": round(ratio(turns, sum(r.measured["seconds"] for r in rounds)), 2),
            "p50_ms": percentile(waits, 0.50),
            "p95_ms": percentile(waits, 0.95),
            "p99_ms": percentile(waits, 0.99),
            "turns": turns,
            "cpu_ms_per_turn": {name: round(ms, 2) for name, ms in sorted(cpu.items())},
            "action_calls_per_turn": round(sum(r.action_calls for r in rounds) / everything, 3),
            "generator_cpu": round(
                sum(r.measured["cpu_s"] for r in rounds) / sum(r.measured["wall_s"] for r in rounds), 3
            ),
        }
    found: dict[str, Any] = {
        "users": levels,
        "nlu_ms": {"p50": percentile(side.nlu_ms, 0.5), "p95": percentile(side.nlu_ms, 0.95)},
        "memory": side.memory,
        "failures": dict(side.failures),
        **{name: None if math.isnan(value) else round(value, 1) for name, value in side.facts.items()},
    }
    if side.late_ms:
        found["turn5_ms"] = round(statistics.median(ms for v in side.early_ms.values() for ms in v), 2)
        found["turn200_ms"] = round(statistics.median(ms for v in side.late_ms.values() for ms in v), 2)
        found["turn200_over_turn5"] = round(cost_ratio(side.late_ms, side.early_ms), 3)
    if side.acks_ms:
        found["ack_p99_ms"] = percentile(side.acks_ms, 0.99)
        found["ack_p50_ms"] = percentile(side.acks_ms, 0.50)
        found["acks"] = len(side.acks_ms)
    return found


def summary(ours: dict[str, Any], stock: dict[str, Any]) -> dict[str, Any]:
    """The figures of the last line; ratios are ours through stock's, and `p95_ratio` is the worse one of 16 and 64 users."""
    mine, theirs = ours["users"], stock["users"]
    return {
        "turns_per_s_ratio": round(ratio(mine[_LOAD]["turns_per_s"], theirs[_LOAD]["turns_per_s"]), 2),
        "p95_ratio": round(max(ratio(mine[n]["p95_ms"], theirs[n]["p95_ms"]) for n in _QUEUEING), 3),
        "turn200_over_turn5": ours["turn200_over_turn5"],
        "rasa_ready_s": ours["rasa_ready_s"],
        "rasa_rss_mb": ours["memory"]["loaded"]["rasa"]["rss_mb"],
        "idle_pss_mb": ours["idle_pss_mb"],
        "ack_p99_ms": ours["ack_p99_ms"],
        "cpu_ms_per_turn": round(sum(mine[_LOAD]["cpu_ms_per_turn"].values()), 2),
        "failures": sum(ours["failures"].values()),
        "ours": ours,
        "stock": stock,
    }


def show(our_results: Results, stock_results: Results, *, busy: float) -> bool:
    """Prints the table, what went wrong, and the JSON line. Returns whether both sides did their work, so that they compare."""
    ours, stock = figures_of(our_results), figures_of(stock_results)
    line = summary(ours, stock) | {"load_average_before": round(busy, 2)}
    console = Console(width=110, highlight=False)
    console.print(_table(ours, stock, line))
    console.print(
        f"{os.cpu_count()} cores; load average before the run {busy:.1f} (above 0.3, other work disturbed it)."
    )
    for name, side in (("ours", ours), ("stock", stock)):
        if side["failures"]:
            console.print(f"[red]Failures, {name}: {side['failures']}[/red]")
        busiest = max(level["generator_cpu"] for level in side["users"].values())
        if busiest > 0.5:
            console.print(
                f"[red]The load generator used {busiest:.0%} of a core against {name}: its figures are too low.[/red]"
            )
    print(json.dumps(line, ensure_ascii=False))
    return all(_works(side) for side in (our_results, stock_results))


def _works(side: Results) -> bool:
    everything = sum(r.measured["all_turns"] for r in side.rounds)
    return sum(side.failures.values()) <= _FAILURES_BORNE * everything


def _table(ours: dict[str, Any], stock: dict[str, Any], line: dict[str, Any]) -> Table:
    table = Table(title="Chebao against stock Rasa, same run, same script")
    for heading in ("figure", "ours", "stock", "ours : stock", "target"):
        table.add_column(heading, justify="left" if heading in ("figure", "target") else "right")

    def row(name: str, mine: Any, theirs: Any, target: str = "") -> None:
        both = isinstance(mine, int | float) and isinstance(theirs, int | float)
        table.add_row(name, _text(mine), _text(theirs), _text(ratio(mine, theirs)) if both else "", target)

    for users, level in ours["users"].items():
        other = stock["users"][users]
        row(f"turns/s, {users} users", level["turns_per_s"], other["turns_per_s"], "≥ 5" if users == _LOAD else "")
        for name in ("p50_ms", "p95_ms", "p99_ms"):
            target = "≤ 0.2" if name == "p95_ms" and users in _QUEUEING else ""
            row(f"  {name[:3]} ms", level[name], other[name], target)
    table.add_section()
    row("turn 5 ms (median)", ours["turn5_ms"], stock.get("turn5_ms"))
    row("turn 200 ms (median)", ours["turn200_ms"], stock.get("turn200_ms"))
    row("turn 200 : turn 5", ours["turn200_over_turn5"], stock.get("turn200_over_turn5"), "≤ 1.2")
    row("understanding, ms a message (p50)", ours["nlu_ms"]["p50"], stock["nlu_ms"]["p50"])
    row("ack ms, p99 beside 64 users", ours["ack_p99_ms"], None, "≤ 50")
    table.add_section()
    row("training s", ours["training_s"], stock["training_s"])
    row("Rasa process ready, s", ours["rasa_ready_s"], stock["rasa_ready_s"], "≤ 10")
    row("whole stack ready, s", ours["stack_ready_s"], None)
    row("Rasa RSS when ready, MB", ours["rasa_ready_rss_mb"], stock["rasa_ready_rss_mb"])
    row("Rasa RSS after the load, MB", line["rasa_rss_mb"], stock["memory"]["loaded"]["rasa"]["rss_mb"], "≤ 350")
    row("whole stack idle, PSS MB", ours["idle_pss_mb"], None, "≤ 900")
    for name, size in ours["memory"]["loaded"].items():
        other = stock["memory"]["loaded"][name]
        row(f"  after the load, {name}, RSS MB", size["rss_mb"], other["rss_mb"])
        row(f"  after the load, {name}, PSS MB", size["pss_mb"], other["pss_mb"])
    table.add_section()
    mine, theirs = (side["users"][_LOAD]["cpu_ms_per_turn"] for side in (ours, stock))
    row("CPU ms a turn, 64 users", sum(mine.values()), sum(theirs.values()))
    for name in mine:
        row(f"  {name}", mine[name], theirs.get(name, math.nan))
    row("action calls a turn", ours["users"][_LOAD]["action_calls_per_turn"], None, "≤ 1")
    return table


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"
