"""From voices to a ranking and a certainty: two small logistic models and their thresholds, kept in `weighing.json`.

`python -m chebao.knowledge.calibrate` makes the file: the models are fitted on our own ways to ask, each asked while hidden
from the index; the thresholds are chosen by cost on a labelled file, and the curve that chose them is kept beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from chebao.knowledge.articles import ArticleError
from chebao.knowledge.index import VOICES, Voices
from chebao.knowledge.ranking import Doubles

WEIGHING: Final = "weighing.json"
#: What tells whether the first article is right: how likely it is, and which voices alone would put it first, too.
SIGNS: Final = ("likely", "ahead", "other", "vectors_agree", "letters_agree", "nearest_agree", "words_agree", "bias")
_AGREEING: Final = ("vectors", "letters", "nearest", "words")
_FLOOR: Final = 1e-6


@dataclass(frozen=True)
class Weighing:
    """Weights of the voices and signs, and the thresholds of answering.

    Attributes:
        voices: shape (VOICES,), log-odds a unit of each voice.
        other: weight and bias of the alternative that none of the articles is meant.
        signs: shape (SIGNS,).
        certain: from this certainty on the article is the answer.
        offer: from this likelihood on that the question is ours, articles are offered to choose from.
    """

    voices: Doubles
    other: tuple[float, float]
    signs: Doubles
    certain: float
    offer: float

    @classmethod
    def read(cls, path: Path) -> Weighing:
        """Reads the file.

        Raises:
            ArticleError: the file is missing or damaged; the message names it.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                _row(fields["voices"], VOICES),
                (float(fields["other"]["weight"]), float(fields["other"]["bias"])),
                _row(fields["signs"], SIGNS),
                float(fields["thresholds"]["certain"]),
                float(fields["thresholds"]["offer"]),
            )
        except FileNotFoundError:
            raise ArticleError(f"{path}: not found; make it with `python -m chebao.knowledge.calibrate FILE`") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ArticleError(f"{path}: cannot be used: {type(error).__name__} {error}") from error

    def scores(self, voices: Voices) -> Doubles:
        """Log-odds of each article, and last of another matter."""
        scores: Doubles = np.append(voices.rows @ self.voices, self.other[0] * voices.other + self.other[1])
        return scores

    def certainty(self, voices: Voices, scores: Doubles) -> float:
        """How likely the first article is right, between 0 and 1."""
        return float(1 / (1 + np.exp(-(signs(voices, scores) @ self.signs))))


def likelihoods(scores: Doubles) -> Doubles:
    """Softmax."""
    spread = np.exp(scores - scores.max())
    shares: Doubles = spread / spread.sum()
    return shares


def signs(voices: Voices, scores: Doubles) -> Doubles:
    """What the certainty is judged by, in the order of SIGNS."""
    likely = likelihoods(scores)
    first = int(scores[:-1].argmax())
    best, second = np.sort(likely[:-1])[[-1, -2]]
    agreeing = [float(voices.rows[:, VOICES.index(name)].argmax() == first) for name in _AGREEING]
    odds = np.log(best + _FLOOR) - np.log(1 - best + _FLOOR)
    ahead = np.log(best + _FLOOR) - np.log(second + _FLOOR)
    return np.array([odds, ahead, np.log(likely[-1] + _FLOOR), *agreeing, 1.0])


def _row(fields: dict[str, Any], names: tuple[str, ...]) -> Doubles:
    return np.array([float(fields[name]) for name in names])
