"""Entities by rules: the insurer's parsers give normalised values with the customer's own words as span."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.text import SIMPLIFY
from chebao.insurance.entities import find_all

ZONE = ZoneInfo("Asia/Shanghai")
MAX_CHARS = 1000
"""A longer telling is looked through to here: 20,000 characters must not take more than 50 ms in all."""

_AS_SAID = frozenset({"person_name", "location", "car_model"})
"""Entities whose value is the customer's own words."""


def received_at(message: Message) -> dt.datetime:
    """When the customer's message arrived (metadata ``received_at``); now, where nothing says so."""
    stamp = (message.get("metadata") or {}).get("received_at")
    if isinstance(stamp, str):
        try:
            moment = dt.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        except ValueError:
            return dt.datetime.now(ZONE)
        return moment.astimezone(ZONE) if moment.tzinfo else moment.replace(tzinfo=ZONE)
    return dt.datetime.now(ZONE)


def _question(message: Message) -> str:
    """What the assistant had just asked (metadata ``question``), or ""."""
    question = (message.get("metadata") or {}).get("question")
    return question if isinstance(question, str) else ""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class InsuranceEntityExtractor(GraphComponent, EntityExtractorMixin):
    """Plates, phones, moments, amounts, covers and the like by `chebao.insurance`."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> InsuranceEntityExtractor:
        """Made by Rasa's graph."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the entities found in each message's text; one in traditional characters is `simplified` for the dialogues."""
        for message in messages:
            text = message.get(TEXT)
            if not text:
                continue
            simple = text.translate(SIMPLIFY)  # sign by sign: places in the text stay
            if simple != text:
                message.set("simplified", simple, add_to_output=True)
            found = [
                {
                    "entity": f.entity,
                    "value": text[f.start : f.end] if f.entity in _AS_SAID else f.value,
                    "start": f.start,
                    "end": f.end,
                    "extractor": self.name,
                }
                for f in find_all(simple[:MAX_CHARS], received_at(message), _question(message))
            ]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages
