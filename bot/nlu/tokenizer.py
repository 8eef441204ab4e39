"""Chinese words: spaCy's blank ``zh`` pipeline on jieba, taught the words of car insurance."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import jieba
import spacy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message
from spacy.language import Language

from bot.nlu.lexicon import lexicon_words

MAX_CHARS = 400
"""A customer may send 20,000 characters; jieba takes 200 ms for 2,000 of one kind, and later words are of no use to anybody."""


RARE = 40
"""Words of jieba's dictionary seen less often are left out: 77 → 19 MB in memory; names of car insurance are in the lexicon."""


def _load_small_dictionary() -> None:
    """Fills jieba from its own word list, without the rare words, and without its cache file at a known place in /tmp."""
    with jieba.get_dict_file() as whole:
        common = b"".join(line for line in whole if int(line.split(b" ")[1]) >= RARE)
    jieba.dt.FREQ, jieba.dt.total = jieba.dt.gen_pfdict(io.BytesIO(common))
    jieba.dt.initialized = True


@lru_cache(maxsize=1)
def pipeline() -> Language:
    """The shared spaCy pipeline with the lexicon in jieba's dictionary."""
    jieba.setLogLevel(30)
    _load_small_dictionary()
    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"segmenter": "jieba"}}})
    for word in lexicon_words():
        jieba.add_word(word, freq=200_000)
    return nlp


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class SpacyTokenizer(Tokenizer):
    """Splits a message into words; offsets count in the customer's own text."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Keys that Rasa's tokenizer base reads."""
        return {"intent_tokenization_flag": False, "intent_split_symbol": "_", "token_pattern": None}

    @staticmethod
    def required_packages() -> list[str]:
        """Packages checked before training."""
        return ["spacy", "jieba"]

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Words of that attribute."""
        text = message.get(attribute)[:MAX_CHARS]
        doc = pipeline()(text)
        return [Token(word.text, word.idx) for word in doc if not word.is_space]
