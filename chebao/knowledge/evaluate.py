"""Measures the knowledge search on a file of labelled questions: `python -m chebao.knowledge.evaluate FILE`.

A line is JSON with `text`, `topics` (ids whose article answers it, best first) and `in_scope`. Printed: kb_top1 and kb_top3
over in-scope questions with topics; answered_right, answered_wrong and not_answered over all lines with a decision to
check (an out-of-scope question that is answered counts as wrong). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from chebao.knowledge.search import KnowledgeBase

DEFAULT_ARTICLES = Path(__file__).resolve().parents[2] / "data" / "articles"


@dataclass(frozen=True)
class Labelled:
    """One labelled question."""

    text: str
    topics: tuple[str, ...]
    in_scope: bool


@dataclass(frozen=True)
class Figures:
    """Shares between 0 and 1, None where no line carries the label; `lines` is the number of lines read."""

    lines: int
    kb_top1: float | None
    kb_top3: float | None
    answered_right: float | None
    answered_wrong: float | None
    not_answered: float | None
    ms_per_question: float


def read_questions(path: Path) -> list[Labelled]:
    """Reads the lines that carry `topics`."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [
        Labelled(row["text"], tuple(row["topics"]), bool(row.get("in_scope", True))) for row in rows if "topics" in row
    ]


def evaluate(base: KnowledgeBase, questions: Iterable[Labelled], wrong: list[str] | None = None) -> Figures:
    """Runs every question through search and answer; `wrong` collects one readable line per wrong answer."""
    top1: list[bool] = []
    top3: list[bool] = []
    decisions: list[str] = []
    times: list[float] = []
    for question in questions:
        start = time.perf_counter()
        answer = base.answer(question.text)
        times.append(time.perf_counter() - start)
        if question.in_scope and question.topics:
            found = [hit.article.id for hit in base.search(question.text)]
            top1.append(found[:1] != [] and found[0] in question.topics)
            top3.append(any(topic in question.topics for topic in found))
        elif question.in_scope:
            continue
        decision = _decision(answer.article.id if answer.article else None, question)
        decisions.append(decision)
        if wrong is not None and decision == "wrong" and answer.article:
            wrong.append(f"{answer.article.id}\t{','.join(question.topics)}\t{question.text}")
    middle = sorted(times)[len(times) // 2] if times else 0.0
    return Figures(
        lines=len(times),
        kb_top1=_share(top1),
        kb_top3=_share(top3),
        answered_right=_share([decision == "right" for decision in decisions]),
        answered_wrong=_share([decision == "wrong" for decision in decisions]),
        not_answered=_share([decision == "silent" for decision in decisions]),
        ms_per_question=round(middle * 1000, 2),
    )


def _decision(answered: str | None, question: Labelled) -> str:
    if answered is None:
        return "silent"
    return "right" if question.in_scope and answered in question.topics else "wrong"


def _share(marks: list[bool]) -> float | None:
    return round(sum(marks) / len(marks), 4) if marks else None


def main() -> None:
    """Command line: prints a small table and one JSON line."""
    parser = argparse.ArgumentParser(description="Measure the knowledge search on a labelled JSONL file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--articles", type=Path, default=DEFAULT_ARTICLES)
    parser.add_argument("--cache", type=Path, default=None, help="folder for sentence vectors")
    parser.add_argument("--wrong", type=Path, default=None, help="write wrongly answered lines here")
    options = parser.parse_args()
    wrong: list[str] = []
    figures = evaluate(KnowledgeBase.load(options.articles, options.cache), read_questions(options.file), wrong)
    if options.wrong:
        options.wrong.write_text("\n".join(wrong) + "\n", encoding="utf-8")
    for name, value in asdict(figures).items():
        print(f"{name:16} {'-' if value is None else value}")
    print(json.dumps(asdict(figures)))


if __name__ == "__main__":
    main()
