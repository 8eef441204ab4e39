"""The sentence encoder of `chebao.knowledge` as this process uses it; the action server maps the same table."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from chebao.knowledge.encoder import Encoder, find_encoder


def load() -> Encoder | None:
    """The process's encoder, or None where the package is absent or broken: the classifier then uses n-grams alone."""
    return find_encoder(Path(os.environ.get("CHEBAO_DATA", ".chebao")) / "cache")


@lru_cache(maxsize=256)
def vector(text: str) -> np.ndarray | None:
    """The vector of one text, computed once though several components ask; None without an encoder."""
    encoder = load()
    return None if encoder is None else encoder.encode([text])[0]
