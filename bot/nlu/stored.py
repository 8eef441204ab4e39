"""A trained component on disk: arrays as ``npz``, facts as JSON, never pickled objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage

ARRAYS, FACTS = "arrays.npz", "facts.json"
Stored = tuple[dict[str, np.ndarray], dict[str, Any]]


def write(
    storage: ModelStorage, resource: Resource, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]
) -> None:
    """Puts a component's arrays and facts into the model."""
    with storage.write_to(resource) as folder:
        np.savez(folder / ARRAYS, **arrays)
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")


def read(storage: ModelStorage, resource: Resource) -> Stored | None:
    """What `write` stored; None where the component had nothing to learn from."""
    try:
        with storage.read_from(resource) as folder:
            arrays = dict(np.load(folder / ARRAYS, allow_pickle=False))
            return arrays, json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except ValueError:
        return None
