"""Which intent a message has: n-grams first, the sentence encoder only where they are unsure."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.constants import DEFAULT_NLU_FALLBACK_INTENT_NAME
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy import sparse

from bot.nlu import encoder as encoders
from bot.nlu.linear import Linear, fit, held_out_rows
from bot.nlu.ngrams import NgramVectors
from bot.nlu.text import for_features

logger = logging.getLogger(__name__)

VECTOR_WEIGHT = 1.0
"""Length given to the sentence vector beside the n-gram vector of length 1. Held-out accuracy: 0.864 at 1, 0.854 at 2, 0.848 at 3."""

MAY_COST = 0.002
"""Held-out accuracy that answering by n-grams alone may cost against always asking the encoder too."""

_FOREIGN = re.compile(r"[^\u4e00-\u9fff\d]*")
"""Text without a Chinese character or digit: understood only where it was learnt word for word ("hello", "OK")."""

NOTHING = {"name": DEFAULT_NLU_FALLBACK_INTENT_NAME, "confidence": 0.0}

calls: Counter[str] = Counter()
"""How often this process answered by n-grams alone (``cheap``), with the encoder (``full``) and on nothing (``empty``)."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CascadeIntentClassifier(GraphComponent, IntentClassifier):
    """Two calibrated linear models in a cascade; stored as ``npz`` and ``json``, never as pickled objects."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``encoder`` false leaves the sentence encoder out; ``ranking`` bounds the list of other intents.

        Under ``unsure_below`` the intent is ``nlu_fallback``; the ranking still holds what it might have been.
        """
        return {"encoder": True, "ranking": 10, "unsure_below": 0.2, "penalty_cheap": 20.0, "penalty_full": 20.0}

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self.classes: list[str] = []
        self.foreign: frozenset[str] = frozenset()
        self.threshold = 1.1
        self.ngrams: NgramVectors | None = None
        self.cheap: Linear | None = None
        self.full: Linear | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CascadeIntentClassifier:
        """Made by Rasa's graph before training."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fits both models and the confidence from which the first one may answer alone."""
        examples = [(for_features(m.get(TEXT)), m.get(INTENT)) for m in training_data.intent_examples if m.get(TEXT)]
        examples = sorted({e for e in examples if e[0]})
        self.classes = sorted({intent for _, intent in examples})
        if len(self.classes) < 2:
            logger.warning("fewer than two intents in the training data: nothing to tell apart")
            return self._resource
        numbers = {name: i for i, name in enumerate(self.classes)}
        texts = [text for text, _ in examples]
        self.foreign = frozenset(text for text in texts if _FOREIGN.fullmatch(text))
        labels = np.array([numbers[intent] for _, intent in examples])
        self.ngrams = NgramVectors.fit(texts)
        kept = held_out_rows(labels)
        cheap = self._matrix(self.ngrams, texts)
        self.cheap, by_cheap = fit(cheap, labels, self._config["penalty_cheap"], kept)
        self._log("n-grams alone", by_cheap, labels[kept])
        encoder = encoders.load() if self._config["encoder"] else None
        if encoder is not None:
            vectors = sparse.csr_matrix(encoder.encode(texts) * VECTOR_WEIGHT)
            both = sparse.hstack([cheap, vectors]).tocsr()
            self.full, by_full = fit(both, labels, self._config["penalty_full"], kept)
            self.threshold = _threshold(by_cheap, by_full, labels[kept])
            self._log("with encoder", by_full, labels[kept])
        self._persist(self.ngrams, self.cheap)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets ``intent`` and ``intent_ranking``; a text without a single known n-gram is ``nlu_fallback``."""
        for message in messages:
            intent, ranking = self.classify(message.get(TEXT) or "")
            message.set(INTENT, intent, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def classify(self, text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The most likely intent of one text, and the ranking."""
        prepared = for_features(text)
        if self.ngrams is None or self.cheap is None:
            return dict(NOTHING), []
        columns, values = self.ngrams.sparse(prepared)
        if not len(columns) or (_FOREIGN.fullmatch(prepared) and prepared not in self.foreign):
            calls["empty"] += 1
            return dict(NOTHING), []
        logits = values @ self.cheap.weights[columns] + self.cheap.biases
        chances = self.cheap.probabilities(logits)
        encoder = encoders.load() if self.full is not None and chances.max() < self.threshold else None
        if self.full is not None and encoder is not None:
            calls["full"] += 1
            vector = encoder.encode([prepared])[0] * VECTOR_WEIGHT
            size = len(self.ngrams.vocabulary)
            logits = values @ self.full.weights[columns] + vector @ self.full.weights[size:] + self.full.biases
            chances = self.full.probabilities(logits)
        else:
            calls["cheap"] += 1
        order = np.argsort(-chances)[: self._config["ranking"]]
        ranking = [{"name": self.classes[i], "confidence": round(float(chances[i]), 4)} for i in order]
        if ranking[0]["confidence"] < self._config["unsure_below"]:
            return {**NOTHING, "confidence": ranking[0]["confidence"]}, ranking
        return dict(ranking[0]), ranking

    def _matrix(self, ngrams: NgramVectors, texts: list[str]) -> sparse.csr_matrix:
        rows, columns, values = [], [], []
        for row, text in enumerate(texts):
            found, weights = ngrams.sparse(text)
            rows.append(np.full(len(found), row))
            columns.append(found)
            values.append(weights)
        shape = (len(texts), len(ngrams.vocabulary))
        return sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape)

    def _log(self, what: str, held_out: np.ndarray, labels: np.ndarray) -> None:
        if not len(labels):
            logger.info("intent classifier, %s: too few sentences to calibrate", what)
            return
        right = held_out.argmax(axis=1) == labels
        alone = (held_out.max(axis=1) >= self.threshold).mean()
        logger.info(
            "intent classifier, %s: accuracy %.3f on %d held-out sentences, %d intents, %.0f%% at the threshold of %.2f",
            *(what, right.mean(), len(labels), len(self.classes), 100 * alone, self.threshold),
        )

    def _persist(self, ngrams: NgramVectors, cheap: Linear) -> None:
        arrays = {"idf": ngrams.idf, "cheap_weights": cheap.weights, "cheap_biases": cheap.biases}
        temperatures = {"cheap": cheap.temperature}
        if self.full is not None:
            arrays |= {"full_weights": self.full.weights, "full_biases": self.full.biases}
            temperatures["full"] = self.full.temperature
        facts = {
            "classes": self.classes,
            "foreign": sorted(self.foreign),
            "threshold": self.threshold,
            "temperatures": temperatures,
            "vocabulary": list(ngrams.vocabulary),
        }
        with self._storage.write_to(self._resource) as folder:
            np.savez(folder / "arrays.npz", **arrays)
            (folder / "facts.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CascadeIntentClassifier:
        """Reads the arrays of a trained model; ``allow_pickle`` stays off."""
        component = cls(config, model_storage, resource)
        try:
            with model_storage.read_from(resource) as folder:
                arrays = dict(np.load(folder / "arrays.npz", allow_pickle=False))
                facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        except ValueError:
            logger.warning("the model was trained without intents")
            return component
        component.classes = facts["classes"]
        component.foreign = frozenset(facts["foreign"])
        component.threshold = facts["threshold"]
        component.ngrams = NgramVectors({g: i for i, g in enumerate(facts["vocabulary"])}, arrays["idf"])
        temperatures = facts["temperatures"]
        component.cheap = Linear(arrays["cheap_weights"], arrays["cheap_biases"], temperatures["cheap"])
        if "full_weights" in arrays and config["encoder"]:
            component.full = Linear(arrays["full_weights"], arrays["full_biases"], temperatures["full"])
            encoders.load()  # at the start: the first customer whom the n-grams leave unsure would wait 1.5 s for it
        return component


def _threshold(cheap: np.ndarray, full: np.ndarray, labels: np.ndarray) -> float:
    """The smallest confidence from which the n-grams may answer alone, by both models' held-out answers."""
    best, by_cheap, by_full = cheap.max(axis=1), cheap.argmax(axis=1), full.argmax(axis=1)
    if not len(labels):
        return 1.1
    floor = (by_full == labels).mean() - MAY_COST
    for threshold in np.arange(0.4, 1.0, 0.01):
        chosen = np.where(best >= threshold, by_cheap, by_full)
        if (chosen == labels).mean() >= floor:
            return round(float(threshold), 2)
    return 1.1
