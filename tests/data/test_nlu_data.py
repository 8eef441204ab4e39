"""The training sentences and the evaluation messages keep what they promise: enough, unique, and apart from each other."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from chebao.knowledge.articles import load_articles

ROOT = Path(__file__).parents[2]
MESSAGES = ROOT / "tests" / "data" / "understanding.jsonl"
QUESTIONS = ROOT / "tests" / "data" / "new_questions.jsonl"
ARTICLES = ROOT / "data" / "articles"
COPY = 0.66
"""Of this share of common pairs of characters on, a sentence is a copy of another one."""
DIALOGUES = (
    "new_policy",
    "renewal",
    "report_claim",
    "claim_progress",
    "claim_dispute",
    "policy_query",
    "policy_change",
    "policy_cancel",
    "payment_issue",
    "invoice",
    "complaint",
    "human_agent",
    "roadside_assistance",
    "appointment",
)
TALK = (
    "affirm",
    "deny",
    "cancel",
    "help",
    "bot_challenge",
    "repeat",
    "change_answer",
    "chitchat",
    "abuse",
    "greet",
    "goodbye",
    "thank",
)
LEAST = dict.fromkeys(DIALOGUES, 80) | dict.fromkeys(TALK, 50) | {"faq": 400, "inform": 120, "out_of_scope": 150}
EMOTIONS = {"calm", "anxious", "angry", "threat", "distress"}


def squeezed(text: str) -> str:
    """The text without spaces, punctuation, width and case; itself when nothing is left."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return re.sub(r"[\W_]+", "", folded) or folded


def training() -> list[tuple[str, str, str]]:
    """Every (sentence, intent, question before it) of data/nlu."""
    rows = []
    for path in sorted((ROOT / "data" / "nlu").glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            asked = (block.get("metadata") or {}).get("asked", "")
            rows += [(line.removeprefix("- "), block["intent"], asked) for line in block["examples"].splitlines()]
    return rows


def emotions() -> list[tuple[str, str]]:
    """Every (sentence, emotion) of data/emotions."""
    labelled = yaml.safe_load((ROOT / "data" / "emotions" / "sentences.yml").read_text(encoding="utf-8"))
    return [(text, emotion) for emotion, texts in labelled.items() for text in texts]


def ways_to_ask() -> list[str]:
    """What the search of the articles learns from, but for the articles' own words."""
    phrasings = yaml.safe_load((ARTICLES / "phrasings.yml").read_text(encoding="utf-8"))
    asked = [article.questions for article in load_articles(ARTICLES).values()]
    return [text for texts in (*phrasings.values(), *asked) for text in texts]


def messages(path: Path = MESSAGES) -> list[dict[str, Any]]:
    """Every line of an evaluation file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pairs(text: str) -> set[str]:
    """Pairs of neighbouring Chinese characters."""
    words = re.sub(r"[^\u4e00-\u9fff]", "", text)
    return {words[i : i + 2] for i in range(len(words) - 1)}


def test_every_intent_has_its_sentences() -> None:
    counts = Counter(intent for _, intent, _ in training())
    assert set(counts) == set(LEAST)
    assert {intent: counts[intent] for intent, least in LEAST.items() if counts[intent] < least} == {}


def test_no_sentence_stands_twice() -> None:
    counts = Counter((squeezed(text), asked) for text, _, asked in training())
    assert [text for text, times in counts.items() if times > 1] == []


def test_enough_sentences_of_every_emotion_each_once() -> None:
    rows = emotions()
    counts = Counter(emotion for _, emotion in rows)
    assert set(counts) == EMOTIONS
    assert sum(counts.values()) >= 300
    assert min(counts.values()) >= 45
    assert [text for text, times in Counter(squeezed(text) for text, _ in rows).items() if times > 1] == []


def test_sentences_carry_no_markup() -> None:
    assert [text for text, _, _ in training() if re.search(r"\[.+]\(|\[.+]\{|^/", text)] == []


def test_evaluation_is_apart_from_training() -> None:
    known = {squeezed(text) for text, *_ in [*training(), *emotions()]}
    assert [m["text"] for m in messages() if squeezed(m["text"]) in known] == []


@pytest.mark.parametrize("path", sorted(MESSAGES.parent.glob("*.jsonl")), ids=lambda path: path.name)
def test_no_way_to_ask_is_a_near_copy_of_the_evaluation(path: Path) -> None:
    known = [pairs(text) for text in ways_to_ask()]
    holding: dict[str, set[int]] = {}
    for number, own in enumerate(known):
        for pair in own:
            holding.setdefault(pair, set()).add(number)
    copied = []
    for message in messages(path):
        asked = pairs(message["text"])
        shared = Counter(number for pair in asked for number in holding.get(pair, ()))
        alike = (n for n, times in shared.items() if times >= COPY * len(asked | known[n]))
        copied += [message["text"] for _ in alike if len(asked) >= 5]  # fewer are the name of a cover
    assert copied == []


def test_new_questions_have_topics_of_articles() -> None:
    rows = [row for row in messages(QUESTIONS) if "topics" in row]
    assert sum(bool(row["topics"]) for row in rows) >= 300
    assert {topic for row in rows for topic in row["topics"]} <= set(load_articles(ARTICLES))


def test_evaluation_is_large_enough_and_unique() -> None:
    rows = messages()
    assert len(rows) >= 600
    assert sum(bool(m.get("entities")) for m in rows) >= 200
    assert sum(bool(m.get("context")) for m in rows) >= 100
    assert sum("emotion" in m for m in rows) >= 60
    assert [key for key, n in Counter((m["text"], m.get("context")) for m in rows).items() if n > 1] == []


@pytest.mark.parametrize("row", [m for m in messages() if "intent" in m], ids=lambda m: m["text"])
def test_labels_are_of_the_specification(row: dict[str, Any]) -> None:
    assert {row["intent"], *row["alt_intents"]} <= set(LEAST)
    for entity in row.get("entities", []):
        assert entity["value"] in row["text"]
        assert entity["norm"]


def test_emotions_are_of_the_specification() -> None:
    assert {m["emotion"] for m in messages() if "emotion" in m} == EMOTIONS
