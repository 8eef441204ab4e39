"""The figures count as the evaluation's definition says."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.understanding.assistant import Handled, Understood
from benchmarks.understanding.figures import Judged, calibration_error, entity_scores, figures, reliability
from benchmarks.understanding.lines import Entity, Line


def judged(
    line: Line, intent: str = "faq", confidence: float = 1.0, handled: Handled | None = None, **parse: Any
) -> Judged:
    result = {"intent": {"name": intent, "confidence": confidence}, "entities": [], "ms": 2.0, **parse}
    return Judged(line, Understood(result), handled)


def test_another_accepted_intent_is_right_but_macro_f1_takes_the_first_alone() -> None:
    lines = [
        judged(Line(1, "a", intent="deny", alt_intents=("inform",)), "inform"),
        judged(Line(2, "b", intent="inform"), "inform"),
        judged(Line(3, "c", emotion="calm"), "greet"),
    ]
    found = figures(lines)
    assert found["intent_accuracy"] == 1.0
    assert found["intent_macro_f1"] == pytest.approx((0 + 2 / 3) / 2, abs=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "value", "entity", "right"),
    [
        (2, 6, "2026-11-21T20:00", "datetime", True),
        (0, 6, "2026-11-21T20:00", "datetime", True),  # 4 of 6 characters shared
        (4, 6, "2026-11-21T20:00", "datetime", True),  # half of it
        (5, 6, "2026-11-21T20:00", "datetime", False),  # a quarter of it
        (2, 6, "2026-11-21", "datetime", False),
        (2, 6, "2026-11-21T20:00", "location", False),
    ],
)
def test_an_entity_needs_kind_value_and_half_the_span(
    start: int, end: int, value: str, entity: str, right: bool
) -> None:
    line = Line(1, "我在昨晚八点追尾", entities=(Entity("datetime", "昨晚八点", "2026-11-21T20:00"),))
    got = [{"entity": entity, "start": start, "end": end, "value": value}]
    assert entity_scores([judged(line, entities=got)])["all"]["f1"] == (1.0 if right else 0.0)


def test_one_find_answers_one_label_and_what_nobody_labelled_counts_against() -> None:
    line = Line(1, "赔了500，又赔500", entities=(Entity("amount", "500", "500"), Entity("amount", "500", "500")))
    once = [{"entity": "amount", "start": 2, "end": 5, "value": "500.00"}]
    surplus = [
        {"entity": "plate", "start": 0, "end": 1, "value": "x"},
        {"entity": "vin", "start": 0, "end": 1, "value": "y"},
    ]
    scores = entity_scores([judged(line, entities=once + surplus)])
    assert (scores["amount"]["precision"], scores["amount"]["recall"]) == (1.0, 0.5)
    assert scores["plate"]["precision"] == 0.0
    assert "vin" not in scores
    assert entity_scores([judged(Line(1, "a", intent="faq"), entities=once)]) == {}


def test_questions_count_as_answered_rightly_wrongly_or_not() -> None:
    ours = Line(1, "划痕险赔什么", topics=("cover_scratch", "buy_what_needed"))
    other = Line(2, "重疾险多少钱", topics=(), in_scope=False)
    unknown = Line(3, "车险是谁发明的", topics=())
    found = figures(
        [
            judged(ours, handled=Handled(("vehicle_taxes", "buy_what_needed"), "buy_what_needed", 1.0)),
            judged(ours, handled=Handled(("cover_scratch",), None, 1.0)),
            judged(other, handled=Handled(("cover_scratch",), "cover_scratch", 1.0)),
            judged(other, handled=Handled((), None, 1.0)),
            judged(unknown, handled=Handled(("cover_scratch",), "cover_scratch", 1.0)),
        ]
    )
    assert (found["kb_top1"], found["kb_top3"]) == (0.5, 1.0)
    assert (found["answered_right"], found["answered_wrong"], found["not_answered"]) == (0.25, 0.25, 0.5)


def test_threat_for_distress_still_calls_a_person() -> None:
    labels = [("distress", "threat"), ("threat", "calm"), ("calm", "calm")]
    found = figures([judged(Line(1, "a", emotion=said), emotion={"name": got}) for said, got in labels])
    assert found["emotion_accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert found["distress_or_threat_recall"] == 0.5


def test_reliability_compares_confidence_with_right_answers() -> None:
    line = Line(1, "a", intent="faq")
    lines = [judged(line, "faq", 0.95), judged(line, "greet", 0.95), judged(line, "faq", 1.0)]
    assert reliability(lines) == [(0.9, 3, pytest.approx(0.9667, abs=1e-4), pytest.approx(0.6667, abs=1e-4))]
    assert calibration_error(lines) == pytest.approx(0.3, abs=1e-4)
    assert calibration_error([judged(Line(1, "a", emotion="calm"))]) is None
