"""How a customer feels: ``calm``, ``anxious``, ``angry``, ``threat`` or ``distress``, beside the intent."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy import sparse

from bot.nlu import stored
from bot.nlu.feelings import SIGNS, signs
from bot.nlu.linear import Linear, fit, held_out_rows
from bot.nlu.ngrams import NgramVectors
from bot.nlu.text import plain

logger = logging.getLogger(__name__)

SENTENCES = Path("data") / "emotions" / "sentences.yml"
CALM_INTENTS = frozenset({"inform", "faq", "policy_query", "invoice", "renewal", "new_policy", "appointment", "affirm"})
"""Every `CALM_EVERY`th training sentence of these intents is a calm one."""
CALM_EVERY = 12

DANGER = ("distress", "threat")
SERIOUS = 0.22
"""From this probability of the two grave feelings together one is taken where a word shows any feeling: a miss costs more."""

CALM = {"name": "calm", "confidence": 0.5}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class EmotionTagger(GraphComponent):
    """Puts ``emotion`` beside the intent; a linear model over the signs of `bot.nlu.feelings` and characters."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """``sentences``: the labelled sentences, relative to the Rasa project."""
        return {"sentences": str(SENTENCES), "penalty": 5.0}

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self.names: list[str] = []
        self.ngrams: NgramVectors | None = None
        self.model: Linear | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EmotionTagger:
        """Made by Rasa's graph before training."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the labelled sentences, with calm ones out of the intents' sentences."""
        path = Path(self._config["sentences"])
        if not path.is_file():
            logger.warning("no labelled emotions in %s: every message is taken for a calm one", path)
            return self._resource
        labelled = yaml.safe_load(path.read_text(encoding="utf-8"))
        plainly_calm = sorted({m.get(TEXT) for m in training_data.intent_examples if m.get(INTENT) in CALM_INTENTS})
        pairs = [(plain(text), name) for name, texts in sorted(labelled.items()) for text in texts]
        pairs += [(plain(text), "calm") for text in plainly_calm[::CALM_EVERY]]
        self.names = sorted(labelled)
        labels = np.array([self.names.index(name) for _, name in pairs])
        self.ngrams = NgramVectors.fit([text for text, _ in pairs], longest=3, rare=2)
        rows = [self._columns(text) for text, _ in pairs]
        pointers = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns, values = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
        matrix = sparse.csr_matrix((values, columns, pointers), (len(rows), len(self.ngrams.vocabulary) + len(SIGNS)))
        kept = held_out_rows(labels)
        self.model, held_out = fit(matrix, labels, self._config["penalty"], kept, np.arange(len(labels)))
        right = (held_out.argmax(axis=1) == labels[kept]).mean() if len(kept) else 0.0
        logger.info("emotion model: accuracy %.3f on %d held-out sentences", right, len(kept))
        self._persist(self.ngrams, self.model)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Tags every message."""
        for message in messages:
            message.set("emotion", self.emotion_of(message.get(TEXT) or ""), add_to_output=True)
        return messages

    def emotion_of(self, text: str) -> dict[str, Any]:
        """Name and confidence of the feeling that a text shows."""
        prepared = plain(text)
        if self.model is None or not prepared:
            return dict(CALM)
        columns, values = self._columns(prepared)
        if not len(columns):
            return dict(CALM)
        chances = self.model.probabilities(values @ self.model.weights[columns] + self.model.biases)
        grave = [self.names.index(name) for name in DANGER if name in self.names]
        shown = signs(prepared)
        if grave and shown and chances[grave].sum() >= SERIOUS:
            best = max(grave, key=lambda i: chances[i])
        else:  # characters alone never make a grave one: a plate reads like a hotline's number
            best = max((i for i in range(len(chances)) if i not in grave), key=lambda i: chances[i])
        return {"name": self.names[best], "confidence": round(float(chances[best]), 2)}

    def _columns(self, prepared: str) -> tuple[np.ndarray, np.ndarray]:
        """N-grams, and one column a sign."""
        if self.ngrams is None:
            raise RuntimeError("not trained")
        columns, values = self.ngrams.sparse(prepared)
        shown = np.array(signs(prepared), dtype=np.int64)
        return (
            np.concatenate([columns, shown + len(self.ngrams.vocabulary)]),
            np.concatenate([values, np.ones(len(shown), dtype=np.float32)]),
        )

    def _persist(self, ngrams: NgramVectors, model: Linear) -> None:
        facts = {"names": self.names, "temperature": model.temperature, "vocabulary": list(ngrams.vocabulary)}
        arrays = {"idf": ngrams.idf, "weights": model.weights, "biases": model.biases}
        stored.write(self._storage, self._resource, arrays, facts)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> EmotionTagger:
        """Reads a trained model."""
        component = cls(config, model_storage, resource)
        if (found := stored.read(model_storage, resource)) is None:
            logger.warning("the model was trained without emotions")
            return component
        arrays, facts = found
        component.names = facts["names"]
        component.ngrams = NgramVectors({g: i for i, g in enumerate(facts["vocabulary"])}, arrays["idf"], 3, 1.0)
        component.model = Linear(arrays["weights"], arrays["biases"], facts["temperature"])
        return component
