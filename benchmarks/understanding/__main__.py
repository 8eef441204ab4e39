"""``python -m benchmarks.understanding FILE``: prints a table, and one JSON object as the last line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.understanding.assistant import OURS, STOCK, Assistant, NoAssistant, Understood, understand
from benchmarks.understanding.figures import Judged, calibration_error, figures
from benchmarks.understanding.lines import BadFile, Line, read_lines
from benchmarks.understanding.report import write_report

ZONE = ZoneInfo("Asia/Shanghai")
_COMPARED = ("intent_accuracy", "intent_macro_f1", "calibration_error", "ms_per_message", "ms_per_message_p95")
"""What the plain Rasa model has too: it knows no entities without marked sentences, no articles and no emotions."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.understanding", description=__doc__)
    parser.add_argument("file", type=Path, help="labelled messages, JSON lines")
    parser.add_argument(
        "--now", type=_moment, default=datetime.now(ZONE), help="what 昨天 counts from, e.g. 2026-11-22T10:00"
    )
    parser.add_argument("--report", type=Path, help="folder for confusion table, wrong lines and plot")
    parser.add_argument("--baseline", action="store_true", help="the plain Rasa pipeline beside ours")
    options = parser.parse_args(arguments)
    try:
        lines = read_lines(options.file)
        judged = judge(lines, options.now)
        stock = _understood(STOCK, lines, options.now, "plain Rasa") if options.baseline else None
    except (BadFile, NoAssistant) as error:
        print(error, file=sys.stderr)
        return 2
    ours = {**figures(judged), "calibration_error": calibration_error(judged)}
    if stock is not None:
        plain = [Judged(line, one) for line, one in zip(lines, stock, strict=True)]
        theirs = {**figures(plain), "calibration_error": calibration_error(plain)}
        ours["baseline"] = {name: theirs[name] for name in _COMPARED}
    if options.report:
        write_report(options.report, judged)
    _print(ours)
    print(json.dumps(ours, ensure_ascii=False))
    return 0


def judge(lines: Sequence[Line], now: datetime) -> list[Judged]:
    """Every line with what the trained assistant understands and, where it is a question, does.

    All is understood first, so that the search takes no processor time from it.
    """
    understood = _understood(OURS, lines, now, "understanding")
    if all(line.topics is None for line in lines):
        return [Judged(line, one) for line, one in zip(lines, understood, strict=True)]
    assistant = Assistant()
    pairs = _progress(zip(lines, understood, strict=True), "answering", len(lines))
    return [
        Judged(line, one, assistant.handle(line, one, now) if line.topics is not None else None) for line, one in pairs
    ]


def _understood(command: Sequence[str], lines: Sequence[Line], now: datetime, what: str) -> list[Understood]:
    return list(_progress(understand(command, lines, now), what, len(lines)))


def _progress[T](things: Iterable[T], what: str, total: int) -> Iterable[T]:
    """A progress bar on the standard error; the standard output is for the figures."""
    return track(things, what, total=total, console=Console(stderr=True))


def _moment(text: str) -> datetime:
    """A point in time; without a zone it is that of Shanghai."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)


def _print(ours: dict[str, Any]) -> None:
    baseline = ours.get("baseline")
    table = Table("figure", "assistant", *(["plain Rasa"] if baseline else []))
    rows = {name: value for name, value in ours.items() if name not in ("entities", "baseline")}
    at = list(rows).index("entity_f1") + 1
    kinds = [(f"  {kind}", value) for kind, value in ours["entities"].items()]
    for name, value in [*list(rows.items())[:at], *kinds, *list(rows.items())[at:]]:
        beside = [_shown(baseline.get(name))] if baseline else []
        table.add_row(name, _shown(value), *beside)
    Console().print(table)


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


if __name__ == "__main__":
    sys.exit(main())
