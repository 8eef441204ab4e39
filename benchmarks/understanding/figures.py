"""The figures of an evaluation, each over the lines that carry its label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from statistics import median, quantiles
from typing import Any

from benchmarks.understanding.assistant import Handled, Understood
from benchmarks.understanding.lines import Entity, Line

KINDS = (
    "plate", "phone", "id_card", "policy_no", "claim_no", "person_name",
    "datetime", "location", "car_model", "amount", "coverage", "accident_type",
)  # fmt: skip
_FOREIGN = "out_of_scope"
_DANGER = frozenset({"distress", "threat"})


@dataclass(frozen=True)
class Judged:
    """One line with all that the assistant made of it; `handled` is None where the line is no question."""

    line: Line
    understood: Understood
    handled: Handled | None = None

    @property
    def intent_right(self) -> bool:
        return self.understood.intent in {self.line.intent, *self.line.alt_intents}

    @property
    def decision(self) -> str | None:
        """right, wrong or silent; None where no article is known to answer this question of ours."""
        line = self.line
        if self.handled is None or line.topics is None or (line.in_scope and not line.topics):
            return None
        if self.handled.answered is None:
            return "silent"
        return "right" if line.in_scope and self.handled.answered in line.topics else "wrong"


def figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """All figures by name; None where no line carries the label."""
    intents = [one for one in judged if one.line.intent is not None]
    emotions = [one for one in judged if one.line.emotion is not None]
    dangers = [one for one in emotions if one.line.emotion in _DANGER]
    times = [one.understood.ms for one in judged]
    kinds = entity_scores(judged)
    return {
        "lines": len(judged),
        "intent_accuracy": _share(one.intent_right for one in intents),
        "intent_macro_f1": _macro_f1([(str(one.line.intent), one.understood.intent) for one in intents]),
        **_scope(intents),
        "entity_f1": kinds["all"]["f1"] if kinds else None,
        "entities": {kind: score["f1"] for kind, score in kinds.items() if kind != "all"},
        **_knowledge(judged),
        "emotion_accuracy": _share(one.understood.emotion == one.line.emotion for one in emotions),
        "distress_or_threat_recall": _share(one.understood.emotion in _DANGER for one in dangers),
        "encoder_asked": _share(one.understood.parse.get("source") == "encoder" for one in judged),
        "ms_per_message": round(median(times), 2),
        "ms_per_message_p95": round(_p95(times), 2),
    }


def _scope(intents: Sequence[Judged]) -> dict[str, float | None]:
    """How much of what is not ours was seen as such, and how much of what was turned away was not ours."""
    foreign = [one for one in intents if one.line.intent == _FOREIGN]
    refused = [one for one in intents if one.understood.intent == _FOREIGN]
    return {
        "out_of_scope_recall": _share(one.intent_right for one in foreign),
        "out_of_scope_precision": _share(one.intent_right for one in refused),
    }


def _knowledge(judged: Sequence[Judged]) -> dict[str, float | None]:
    asked = [one for one in judged if one.handled and one.line.in_scope and one.line.topics]
    found = [(one.handled.found if one.handled else (), one.line.topics or ()) for one in asked]
    decisions = [one.decision for one in judged if one.decision]
    times = [one.handled.ms for one in judged if one.handled]
    return {
        "kb_top1": _share(bool(got) and got[0] in topics for got, topics in found),
        "kb_top3": _share(any(topic in topics for topic in got) for got, topics in found),
        "answered_right": _share(decision == "right" for decision in decisions),
        "answered_wrong": _share(decision == "wrong" for decision in decisions),
        "not_answered": _share(decision == "silent" for decision in decisions),
        "ms_per_answer": round(median(times), 2) if times else None,
    }


def entity_scores(judged: Iterable[Judged]) -> dict[str, dict[str, Any]]:
    """Precision, recall, F1 and counts of each kind that occurs, and of "all" together; empty without labelled lines."""
    counts: dict[str, Counter[str]] = {}
    for one in judged:
        if one.line.entities is None:
            continue
        found, missed, surplus = match_entities(one)
        for what, entities in (("found", found), ("missed", missed), ("surplus", surplus)):
            for name in entities:
                counts.setdefault(name.entity, Counter())[what] += 1
    if not counts:
        return {}
    counts["all"] = sum(counts.values(), Counter())
    return {kind: _scores(counts[kind]) for kind in (*KINDS, "all") if kind in counts}


def match_entities(one: Judged) -> tuple[list[Entity], list[Entity], list[Entity]]:
    """Labelled entities that were found, those that were missed, and what was found beside them."""
    text = one.line.text
    found, missed = [], []
    left = [entity for entity in one.understood.entities if entity["entity"] in KINDS]
    for wanted in one.line.entities or ():
        hit = next((entity for entity in left if _same(wanted, entity, text)), None)
        (missed if hit is None else found).append(wanted)
        if hit is not None:
            left.remove(hit)
    surplus = [Entity(e["entity"], text[e["start"] : e["end"]], str(e["value"])) for e in left]
    return found, missed, surplus


def _same(wanted: Entity, got: Mapping[str, Any], text: str) -> bool:
    """Same kind, same meaning, and the spans share at least half of the longer one."""
    if wanted.entity != got["entity"] or not _same_value(wanted, str(got["value"])):
        return False
    start = text.find(wanted.value)
    while start >= 0:
        end = start + len(wanted.value)
        shared = min(end, got["end"]) - max(start, got["start"])
        if 2 * shared >= max(end - start, got["end"] - got["start"]):
            return True
        start = text.find(wanted.value, start + 1)
    return False


def _same_value(wanted: Entity, value: str) -> bool:
    if wanted.entity != "amount":
        return wanted.norm == value
    try:
        return Decimal(wanted.norm) == Decimal(value)
    except InvalidOperation:
        return wanted.norm == value


def _scores(count: Counter[str]) -> dict[str, Any]:
    found, missed, surplus = count["found"], count["missed"], count["surplus"]
    return {
        "precision": round(found / (found + surplus), 4) if found + surplus else None,
        "recall": round(found / (found + missed), 4) if found + missed else None,
        "f1": round(2 * found / (2 * found + missed + surplus), 4),
        "labelled": found + missed,
    }


def _macro_f1(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Mean F1 of every intent that was labelled or predicted."""
    if not pairs:
        return None
    labelled, predicted = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    right = Counter(a for a, b in pairs if a == b)
    names = labelled.keys() | predicted.keys()
    return round(sum(2 * right[name] / (labelled[name] + predicted[name]) for name in names) / len(names), 4)


def reliability(judged: Iterable[Judged], bins: int = 10) -> list[tuple[float, int, float, float]]:
    """Lower bound of each bin of confidence with its number of lines, mean confidence and share of right intents."""
    groups: dict[int, list[Judged]] = {}
    for one in judged:
        if one.line.intent is not None:
            groups.setdefault(min(bins - 1, int(one.understood.confidence * bins)), []).append(one)
    return [
        (
            number / bins,
            len(group),
            sum(one.understood.confidence for one in group) / len(group),
            sum(one.intent_right for one in group) / len(group),
        )
        for number, group in sorted(groups.items())
    ]


def calibration_error(judged: Iterable[Judged]) -> float | None:
    """Expected calibration error: the mean gap between confidence and share of right intents."""
    table = reliability(judged)
    lines = sum(count for _, count, _, _ in table)
    return round(sum(count * abs(said - right) for _, count, said, right in table) / lines, 4) if lines else None


def _share(marks: Iterable[bool]) -> float | None:
    values = list(marks)
    return round(sum(values) / len(values), 4) if values else None


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else times[0]
