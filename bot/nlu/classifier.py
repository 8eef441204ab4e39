"""Which intent a message has: n-grams first, the sentence encoder only where they are unsure."""

from __future__ import annotations

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
from bot.nlu import questions, stored
from bot.nlu.features import PARTS, Features
from bot.nlu.linear import Linear, fit, held_out_rows
from bot.nlu.parts import parts_of
from bot.nlu.text import for_features

logger = logging.getLogger(__name__)

VECTOR_WEIGHT = 1.0
"""Length given to the sentence vector beside the n-gram vector of length 1. Held-out accuracy: 0.864 at 1, 0.854 at 2, 0.848 at 3."""

MAY_COST = 0.002
"""Held-out accuracy that answering by n-grams alone may cost against always asking the encoder too."""

CHEAP_SAY = 0.4
"""What the n-grams still have to say where the encoder is asked, of 1."""

_FOREIGN = re.compile(r"[^\u4e00-\u9fff\d⑦-⑱]*")
"""Text without a Chinese character or digit: understood only where it was learnt word for word ("hello", "OK")."""

_FOREIGN_MATTER = "out_of_scope"

NOTHING = {"name": DEFAULT_NLU_FALLBACK_INTENT_NAME, "confidence": 0.0}

calls: Counter[str] = Counter()
"""How often this process answered by n-grams alone (``ngrams``), with the encoder (``encoder``) and on nothing (``empty``)."""

SURE_OF_PART = 0.6
"""Confidence that a part of a message needs to count as a wish of its own."""

_WISHES = frozenset(
    {
        *("report_claim", "renewal", "new_policy", "claim_progress", "claim_dispute", "policy_query", "policy_change"),
        *("policy_cancel", "payment_issue", "invoice", "complaint", "roadside_assistance", "appointment", "faq"),
    }
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CascadeIntentClassifier(GraphComponent, IntentClassifier):
    """Two calibrated linear models in a cascade."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``encoder`` false leaves the sentence encoder out; ``ranking`` bounds the list of other intents.

        Under ``unsure_below`` the intent is ``nlu_fallback``; the ranking still holds what it might have been. Whether a
        matter is ours at all is decided first: it is not from a likelihood of ``out_of_scope_from`` on, and else it is,
        though no single matter of ours may be likelier (figures of other bounds: `docs/results.md`).
        """
        return {
            "encoder": True,
            "parts": PARTS,
            "ranking": 10,
            "unsure_below": 0.2,
            "out_of_scope_from": 0.4,
            "penalty_cheap": 20.0,
            "penalty_full": 20.0,
        }

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self.classes: list[str] = []
        self.foreign: frozenset[str] = frozenset()
        self.threshold = 1.1
        self.features: Features | None = None
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
        examples = _examples(training_data)
        self.classes = sorted({intent for _, _, intent in examples})
        if len(self.classes) < 2:
            logger.warning("fewer than two intents in the training data: nothing to tell apart")
            return self._resource
        numbers = {name: i for i, name in enumerate(self.classes)}
        texts = [text for text, _, _ in examples]
        self.foreign = frozenset(text for text in texts if _FOREIGN.fullmatch(text))
        self.features = Features.fit(texts, self._config["parts"])
        labels = np.array([numbers[intent] for _, _, intent in examples])
        kept = held_out_rows(labels)
        more = questions.paired(examples) if self.features.question else []
        origins = np.array([*range(len(examples)), *(i for i, _ in more)])
        pairs = [(text, question) for text, question, _ in examples] + [(texts[i], question) for i, question in more]
        cheap = self.features.matrix(pairs)
        self.cheap, by_cheap = fit(cheap, labels[origins], self._config["penalty_cheap"], kept, origins)
        self._log("n-grams alone", by_cheap, labels[kept])
        encoder = encoders.load() if self._config["encoder"] else None
        if encoder is not None:
            vectors = sparse.csr_matrix(encoder.encode(texts)[origins] * VECTOR_WEIGHT)
            both = sparse.hstack([cheap, vectors]).tocsr()
            self.full, by_full = fit(both, labels[origins], self._config["penalty_full"], kept, origins)
            by_both = _both(by_cheap, by_full)
            self.threshold = _threshold(by_cheap, by_both, labels[kept])
            self._log("with encoder", by_both, labels[kept])
        self._persist(self.features, self.cheap)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets intent, ranking, source and further wishes; a text of unknown n-grams only is ``nlu_fallback``."""
        for message in messages:
            text = message.get(TEXT) or ""
            question = (message.get("metadata") or {}).get("question") or questions.asked.get()
            intent, ranking, source = self.classify(text, question)
            wishes = [] if question else self.wishes(text)
            if wishes:
                intent = next((dict(r) for r in ranking if r["name"] == wishes[0]["intent"]), intent)
            further = [wish for wish in wishes if wish["intent"] != intent["name"]]
            also = [wish["intent"] for wish in further]
            found = {"intent_ranking": ranking, INTENT: intent, "source": source, "also": also, "further": further}
            for key, value in found.items():
                message.set(key, value, add_to_output=True)
        return messages

    def classify(self, text: str, question: str = "") -> tuple[dict[str, Any], list[dict[str, Any]], str]:
        """The most likely intent of one text said after `question`, the ranking, and which model decided."""
        prepared = for_features(text)
        if self.features is None or self.cheap is None:
            return dict(NOTHING), [], "nothing"
        columns, values = self.features.sparse(prepared, question)
        if not len(columns) or (_FOREIGN.fullmatch(prepared) and prepared not in self.foreign):
            calls["empty"] += 1
            return dict(NOTHING), [], "nothing"
        logits = values @ self.cheap.weights[columns] + self.cheap.biases
        chances = self.cheap.probabilities(logits)
        source = "ngrams"
        asks = self.full is not None and chances.max() < self.threshold
        if asks and self.full is not None and (vector := encoders.vector(prepared)) is not None:
            source = "encoder"
            size = self.features.size
            logits = values @ self.full.weights[columns] + self.full.biases
            logits = logits + (vector * VECTOR_WEIGHT) @ self.full.weights[size:]
            chances = _both(chances, self.full.probabilities(logits))
        calls[source] += 1
        order = self._in_scope_first(chances)[: self._config["ranking"]]
        ranking = [{"name": self.classes[i], "confidence": round(float(chances[i]), 4)} for i in order]
        if ranking[0]["confidence"] < self._config["unsure_below"]:
            return {**NOTHING, "confidence": ranking[0]["confidence"]}, ranking, source
        return dict(ranking[0]), ranking, source

    def _in_scope_first(self, chances: np.ndarray) -> np.ndarray:
        """Class numbers, likeliest first, after the decision whether the matter is ours."""
        order = np.argsort(-chances)
        if _FOREIGN_MATTER not in self.classes:
            return order
        foreign = self.classes.index(_FOREIGN_MATTER)
        rest = order[order != foreign]
        if chances[foreign] >= self._config["out_of_scope_from"]:
            return np.concatenate(([foreign], rest))
        return order if order[0] != foreign else np.concatenate((rest[:1], [foreign], rest[1:]))

    def wishes(self, text: str) -> list[dict[str, str]]:
        """Intent and words of each wish, in the order of asking, where a message asks for several things; else empty."""
        said = parts_of(text)
        if len(said) < 2:
            return []
        found: dict[str, str] = {}
        for part in said:
            intent, _, _ = self.classify(part)
            if intent["name"] in _WISHES and intent["confidence"] >= SURE_OF_PART:
                found.setdefault(intent["name"], part)
        return [{"intent": name, "text": part} for name, part in found.items()] if len(found) > 1 else []

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

    def _persist(self, features: Features, cheap: Linear) -> None:
        arrays = {**features.arrays(), "cheap_weights": cheap.weights, "cheap_biases": cheap.biases}
        temperatures = {"cheap": cheap.temperature}
        if self.full is not None:
            arrays |= {"full_weights": self.full.weights, "full_biases": self.full.biases}
            temperatures["full"] = self.full.temperature
        facts = {
            "classes": self.classes,
            "foreign": sorted(self.foreign),
            "threshold": self.threshold,
            "temperatures": temperatures,
            "features": features.facts(),
        }
        stored.write(self._storage, self._resource, arrays, facts)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CascadeIntentClassifier:
        """Reads a trained model."""
        component = cls(config, model_storage, resource)
        if (found := stored.read(model_storage, resource)) is None:
            logger.warning("the model was trained without intents")
            return component
        arrays, facts = found
        component.classes = facts["classes"]
        component.foreign = frozenset(facts["foreign"])
        component.threshold = facts["threshold"]
        component.features = Features.stored(facts["features"], arrays)
        temperatures = facts["temperatures"]
        component.cheap = Linear(arrays["cheap_weights"], arrays["cheap_biases"], temperatures["cheap"])
        if "full_weights" in arrays and config["encoder"]:
            component.full = Linear(arrays["full_weights"], arrays["full_biases"], temperatures["full"])
            encoders.load()  # at the start: the first customer whom the n-grams leave unsure would wait 1.5 s for it
        return component


def _examples(data: TrainingData) -> list[tuple[str, str, str]]:
    """(prepared text, question, intent) of the training sentences, each once."""
    found = set()
    for message in data.intent_examples:
        metadata = (message.get("metadata") or {}).get("intent") or {}
        if message.get(TEXT) and (text := for_features(message.get(TEXT))):
            found.add((text, metadata.get("asked", ""), message.get(INTENT)))
    return sorted(found)


def _both(cheap: np.ndarray, full: np.ndarray) -> np.ndarray:
    """What the two models say together: the weighted geometric mean of their likelihoods."""
    mean = (cheap + 1e-9) ** CHEAP_SAY * (full + 1e-9) ** (1 - CHEAP_SAY)
    return np.asarray(mean / mean.sum(axis=-1, keepdims=True))


def _threshold(cheap: np.ndarray, both: np.ndarray, labels: np.ndarray) -> float:
    """The smallest confidence from which the n-grams may answer alone, by the held-out answers of both ways."""
    best, by_cheap, by_both = cheap.max(axis=1), cheap.argmax(axis=1), both.argmax(axis=1)
    if not len(labels):
        return 1.1
    floor = (by_both == labels).mean() - MAY_COST
    for threshold in np.arange(0.4, 1.0, 0.01):
        chosen = np.where(best >= threshold, by_cheap, by_both)
        if (chosen == labels).mean() >= floor:
            return round(float(threshold), 2)
    return 1.1
