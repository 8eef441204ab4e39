"""Labelled lines: all three kinds in one file, and a clear word about the line that is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.understanding.lines import BadFile, Entity, read_lines

MESSAGE = {
    "text": "昨晚八点追尾",
    "intent": "report_claim",
    "alt_intents": ["inform"],
    "entities": [{"entity": "datetime", "value": "昨晚八点", "norm": "2026-11-21T20:00"}],
    "context": "事故是什么时候发生的？",
}
QUESTION = {"id": "1", "text": "划痕险赔什么", "intent": "faq", "topics": ["cover_scratch"], "in_scope": True}
EMOTION = {"text": "急死我了", "emotion": "anxious"}


def written(folder: Path, *rows: str) -> Path:
    path = folder / "labelled.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_kinds_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    rows = [json.dumps(row, ensure_ascii=False) for row in (MESSAGE, QUESTION, EMOTION)]
    message, question, emotion = read_lines(written(tmp_path, rows[0], "", *rows[1:]))
    assert message.question == "事故是什么时候发生的？"
    assert message.entities == (Entity("datetime", "昨晚八点", "2026-11-21T20:00"),)
    assert (message.topics, message.emotion) == (None, None)
    assert (question.topics, question.in_scope, question.entities) == (("cover_scratch",), True, None)
    assert (emotion.emotion, emotion.intent, emotion.number) == ("anxious", None, 4)


@pytest.mark.parametrize(
    ("damaged", "word"),
    [
        ('{"text": "好"', "delimiter"),
        ("[1]", "not a JSON object"),
        ('{"intent": "faq"}', "no text"),
        ('{"text": "好"}', "none of the labels"),
        ('{"text": "好", "emotion": "happy"}', "happy"),
        ('{"text": "好", "intent": 5}', "intent is no text"),
        ('{"text": "好", "topics": "a"}', "topics is no list"),
        ('{"text": "好", "topics": [1]}', "topics holds"),
        ('{"text": "好", "entities": [{"entity": "plate"}]}', "'value'"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, damaged: str, word: str) -> None:
    with pytest.raises(BadFile, match="line 2: ") as caught:
        read_lines(written(tmp_path, json.dumps(EMOTION), damaged))
    assert word in str(caught.value)


def test_a_file_without_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no such file"):
        read_lines(tmp_path / "absent.jsonl")
    with pytest.raises(BadFile, match="holds no line"):
        read_lines(written(tmp_path, "", " "))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFile, match="UTF-8"):
        read_lines(tmp_path / "binary")
