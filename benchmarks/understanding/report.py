"""What a person reads about an evaluation: confusion, wrong lines, and how far confidence can be trusted."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.understanding.figures import Judged, entity_scores, match_entities, reliability
from benchmarks.understanding.lines import Entity


def write_report(folder: Path, judged: Sequence[Judged]) -> None:
    """Writes one file for each table, as tab-separated values, and the plot `confidence.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    _table(folder / "confusion.tsv", ("labelled", "predicted", "lines"), _confusion(judged))
    _table(
        folder / "wrong_intents.tsv",
        ("line", "labelled", "predicted", "confidence", "question", "text"),
        _intents(judged),
    )
    _table(folder / "wrong_entities.tsv", ("line", "what", "entity", "words", "value", "text"), _entities(judged))
    _table(
        folder / "wrong_topics.tsv",
        ("line", "decision", "intent", "answered", "found", "topics", "text"),
        _topics(judged),
    )
    _table(folder / "wrong_emotions.tsv", ("line", "labelled", "predicted", "text"), _emotions(judged))
    _table(folder / "entities.tsv", ("entity", "precision", "recall", "f1", "labelled"), _kinds(judged))
    rows = reliability(judged)
    _table(
        folder / "reliability.tsv",
        ("confidence_from", "lines", "mean_confidence", "right"),
        ((f"{low:.1f}", count, f"{said:.3f}", f"{right:.3f}") for low, count, said, right in rows),
    )
    if rows:
        _plot(folder / "confidence.png", rows)


def _table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


def _confusion(judged: Iterable[Judged]) -> list[tuple[str, str, int]]:
    pairs = Counter((str(one.line.intent), one.understood.intent) for one in judged if one.line.intent is not None)
    return [(labelled, predicted, count) for (labelled, predicted), count in sorted(pairs.items())]


def _intents(judged: Iterable[Judged]) -> list[tuple[object, ...]]:
    return [
        (
            one.line.number,
            "/".join((one.line.intent, *one.line.alt_intents)),
            one.understood.intent,
            f"{one.understood.confidence:.3f}",
            one.line.question,
            one.line.text,
        )
        for one in judged
        if one.line.intent is not None and not one.intent_right
    ]


def _entities(judged: Iterable[Judged]) -> list[tuple[object, ...]]:
    def row(one: Judged, what: str, entity: Entity) -> tuple[object, ...]:
        return one.line.number, what, entity.entity, entity.value, entity.norm, one.line.text

    rows = []
    for one in judged:
        if one.line.entities is not None:
            _, missed, surplus = match_entities(one)
            rows += [row(one, "missed", entity) for entity in missed] + [
                row(one, "surplus", entity) for entity in surplus
            ]
    return rows


def _topics(judged: Iterable[Judged]) -> list[tuple[object, ...]]:
    return [
        (
            one.line.number,
            one.decision,
            one.understood.intent,
            one.handled.answered or "",
            ",".join(one.handled.found),
            ",".join(one.line.topics or ()),
            one.line.text,
        )
        for one in judged
        if one.handled and (one.decision == "wrong" or (one.line.topics and one.decision == "silent"))
    ]


def _emotions(judged: Iterable[Judged]) -> list[tuple[object, ...]]:
    return [
        (one.line.number, one.line.emotion, one.understood.emotion, one.line.text)
        for one in judged
        if one.line.emotion is not None and one.understood.emotion != one.line.emotion
    ]


def _kinds(judged: Iterable[Judged]) -> list[tuple[object, ...]]:
    scores = entity_scores(judged)
    return [(kind, s["precision"], s["recall"], s["f1"], s["labelled"]) for kind, s in scores.items()]


def _plot(path: Path, rows: Sequence[tuple[float, int, float, float]]) -> None:
    """Share of right intents over mean confidence; the size of a mark is the number of lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 6))
    axes.plot((0, 1), (0, 1), color="grey", linestyle="--", label="calibrated")
    said, right, counts = [r[2] for r in rows], [r[3] for r in rows], [r[1] for r in rows]
    axes.plot(said, right, color="tab:blue")
    axes.scatter(said, right, s=[20 + 3 * count for count in counts], alpha=0.6, label="lines")
    for x, y, count in zip(said, right, counts, strict=True):
        axes.annotate(str(count), (x, y), textcoords="offset points", xytext=(6, -12))
    axes.set(
        xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="right", title="Confidence against correctness"
    )
    axes.legend(loc="upper left")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
