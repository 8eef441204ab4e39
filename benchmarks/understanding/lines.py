"""Labelled messages, one JSON object a line: messages, questions and emotions, told apart by their keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EMOTIONS = frozenset({"calm", "anxious", "angry", "threat", "distress"})
_LABELS = ("intent", "entities", "topics", "emotion")


class BadFile(Exception):
    """The file cannot be measured with; the message names the file and the line."""


@dataclass(frozen=True)
class Entity:
    """One labelled entity: `value` is the customer's words, `norm` what they mean."""

    entity: str
    value: str
    norm: str


@dataclass(frozen=True)
class Line:
    """One labelled message; a label that the line does not carry is None.

    Attributes:
        question: what the assistant had just asked, or "".
        topics: ids of the articles that answer the question, best first; empty with `in_scope` False.
    """

    number: int
    text: str
    question: str = ""
    intent: str | None = None
    alt_intents: tuple[str, ...] = ()
    entities: tuple[Entity, ...] | None = None
    topics: tuple[str, ...] | None = None
    in_scope: bool = True
    emotion: str | None = None


def read_lines(path: Path) -> list[Line]:
    """Every line of the file.

    Raises:
        BadFile: it is missing, empty, no text, or a line is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadFile(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read as UTF-8 text ({error})") from None
    lines = []
    for number, row in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        if row.strip():
            try:
                lines.append(_line(number, json.loads(row)))
            except (ValueError, TypeError, KeyError) as error:
                what = f"the key {error}" if isinstance(error, KeyError) else str(error)
                raise BadFile(f"{path}, line {number}: {what}") from None
    if not lines:
        raise BadFile(f"{path}: holds no line to measure")
    return lines


def _line(number: int, row: Any) -> Line:
    if not isinstance(row, dict):
        raise TypeError("not a JSON object")
    if not isinstance(row.get("text"), str):
        raise TypeError("has no text")
    if not any(label in row for label in _LABELS):
        raise TypeError(f"carries none of the labels {', '.join(_LABELS)}")
    emotion = _text_or_none(row, "emotion")
    if emotion is not None and emotion not in EMOTIONS:
        raise ValueError(f"emotion {emotion!r} is none of {', '.join(sorted(EMOTIONS))}")
    return Line(
        number,
        row["text"],
        question=_text_or_none(row, "context") or "",
        intent=_text_or_none(row, "intent"),
        alt_intents=_texts(row, "alt_intents"),
        entities=tuple(map(_entity, _list(row, "entities"))) if "entities" in row else None,
        topics=_texts(row, "topics") if "topics" in row else None,
        in_scope=bool(row.get("in_scope", True)),
        emotion=emotion,
    )


def _text_or_none(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _list(row: dict[str, Any], key: str) -> list[Any]:
    value = row.get(key) or []
    if not isinstance(value, list):
        raise TypeError(f"{key} is no list")
    return value


def _texts(row: dict[str, Any], key: str) -> tuple[str, ...]:
    values = _list(row, key)
    if not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key} holds something that is no text")
    return tuple(values)


def _entity(row: Any) -> Entity:
    if not isinstance(row, dict):
        raise TypeError("an entity is no JSON object")
    value = str(row["value"])
    return Entity(str(row["entity"]), value, str(row.get("norm", value)))
