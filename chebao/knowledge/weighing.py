"""From voices to a ranking and a certainty: a small logistic model and its thresholds, kept in `weighing.json`.

`python -m chebao.knowledge.calibrate` makes the file: the model is fitted on our own ways to ask, each asked while hidden from
the index; the thresholds are chosen by cost on a labelled file, and the curve that chose them is kept beside them.

The certainty is the likelihood of the first article, more where the second is far behind or of the same group: such
articles often answer the same question, and then the first is no wrong answer. On the 615 labelled lines 0.698 are answered
right at 4 % wrong, by the likelihood alone 0.660 (2026-11-22; one half of the lines chose, the other half agreed).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from chebao.knowledge.articles import ArticleError
from chebao.knowledge.index import VOICES, Voices
from chebao.knowledge.ranking import Doubles

WEIGHING: Final = "weighing.json"
_SECOND, _GROUP, _SAME_GROUP, _STEEP = 0.25, 0.5, 0.5, 1.5
_LEAST = 1e-12


@dataclass(frozen=True)
class Weighing:
    """Weights of the voices, and the thresholds of answering.

    Attributes:
        voices: shape (VOICES,), log-odds a unit of each voice.
        other: weight and bias of the alternative that none of the articles is meant.
        certain: from this likelihood on the first article is the answer.
        offer: from this likelihood on that the question is ours, articles are offered to choose from.
    """

    voices: Doubles
    other: tuple[float, float]
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


def likelihoods(scores: Doubles) -> Doubles:
    """How likely each article is meant, and last that none is: softmax."""
    spread = np.exp(scores - scores.max())
    shares: Doubles = spread / spread.sum()
    return shares


def certainty(likely: Doubles, groups: Sequence[str]) -> float:
    """Between 0 and 1, how safe it is to answer with the likeliest article.

    Args:
        likely: what `likelihoods` gives.
        groups: the group of each article.
    """
    articles = np.maximum(likely[:-1], _LEAST)
    second, first = (int(number) for number in np.argsort(articles, kind="stable")[-2:])
    group = articles[[one == groups[first] for one in groups]].sum()
    log_odds = np.log(articles[first]) - _SECOND * np.log(articles[second]) + _GROUP * np.log(group)
    log_odds += _SAME_GROUP * (groups[first] == groups[second])
    return float(1 / (1 + np.exp(-_STEEP * log_odds)))


def _row(fields: dict[str, Any], names: tuple[str, ...]) -> Doubles:
    return np.array([float(fields[name]) for name in names])
