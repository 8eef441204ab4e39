"""What the cheap classifier sees of a message: characters, words, sounds, and the kind of the question before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from bot.nlu import questions, sounds
from bot.nlu.ngrams import NgramVectors
from bot.nlu.tokenizer import pipeline

PARTS = ("characters", "words", "sounds", "question")


class Features:
    """Blocks of columns side by side; each part can be left out to see what it brings (`bot.ablate`)."""

    def __init__(self, blocks: dict[str, NgramVectors], sound_table: str, question: bool) -> None:
        self.blocks = blocks
        self.sound_table = sound_table
        self._sounds = sounds.translation(sound_table)
        self.question = question
        self.size = sum(len(b.vocabulary) for b in blocks.values()) + (len(questions.KINDS) if question else 0)

    @classmethod
    def fit(cls, texts: Sequence[str], parts: Iterable[str]) -> Features:
        """Learns the vocabularies of the given parts from prepared texts."""
        parts = set(parts)
        features = cls({}, sounds.table() if "sounds" in parts else "", "question" in parts)
        blocks = {"characters": NgramVectors.fit(texts, longest=4, rare=2)} if "characters" in parts else {}
        if "words" in parts:
            words = (features._units("words", text) for text in texts)
            blocks["words"] = NgramVectors.fit(words, longest=2, rare=0, weight=0.5)
        if "sounds" in parts:
            heard = (features._units("sounds", text) for text in texts)
            blocks["sounds"] = NgramVectors.fit(heard, longest=3, rare=0, weight=0.7)
        return cls(blocks, features.sound_table, features.question)

    def sparse(self, text: str, question: str = "") -> tuple[np.ndarray, np.ndarray]:
        """Column numbers and weights of one prepared text; none where not one n-gram of it is known."""
        columns, values, start = [], [], 0
        for name, block in self.blocks.items():
            found, weights = block.sparse(self._units(name, text))
            columns.append(found + start)
            values.append(weights)
            start += len(block.vocabulary)
        if self.question and any(len(found) for found in columns):
            columns.append(np.array([start + questions.KINDS.index(questions.kind(question))]))
            values.append(np.ones(1, dtype=np.float32))
        return np.concatenate(columns), np.concatenate(values)

    def matrix(self, pairs: Sequence[tuple[str, str]]) -> sparse.csr_matrix:
        """One row for each (prepared text, question)."""
        rows = [self.sparse(text, question) for text, question in pairs]
        pointers = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns, values = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
        return sparse.csr_matrix((values, columns, pointers), (len(pairs), self.size))

    def _units(self, part: str, text: str) -> Sequence[str]:
        if part == "words":
            return [word.text + " " for word in pipeline()(text) if not word.is_space]
        return text.translate(self._sounds) if part == "sounds" else text

    def arrays(self) -> dict[str, np.ndarray]:
        """What a stored model keeps as arrays."""
        return {f"idf_{name}": block.idf for name, block in self.blocks.items()}

    def facts(self) -> dict[str, Any]:
        """What a stored model keeps as JSON."""
        blocks = {
            name: {"vocabulary": list(block.vocabulary), "longest": block.longest, "weight": block.weight}
            for name, block in self.blocks.items()
        }
        return {"blocks": blocks, "sounds": self.sound_table, "question": self.question}

    @classmethod
    def stored(cls, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Features:
        """From `facts` and `arrays`."""
        blocks = {
            name: NgramVectors(
                {g: i for i, g in enumerate(b["vocabulary"])}, arrays[f"idf_{name}"], b["longest"], b["weight"]
            )
            for name, b in facts["blocks"].items()
        }
        return cls(blocks, facts["sounds"], facts["question"])
