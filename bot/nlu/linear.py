"""A multinomial logistic regression as plain arrays: fitted with scikit-learn, served with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

FOLDS = 4
SEED = 20260101


@dataclass
class Linear:
    """Weights (features × classes), biases, and the temperature that makes the confidences honest."""

    weights: np.ndarray
    biases: np.ndarray
    temperature: float = 1.0

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Softmax at the fitted temperature, along the last axis."""
        return softmax(logits / self.temperature)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Softmax along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def fit(features: sparse.csr_matrix, classes: np.ndarray, penalty: float, groups: int) -> tuple[Linear, np.ndarray]:
    """Fits on everything, and returns with it the out-of-fold probabilities at the fitted temperature.

    Args:
        features: One row a sentence.
        classes: Class number of each row.
        penalty: C of the regression; larger bends more to the data.
        groups: Number of classes.
    """
    rarest = int(np.bincount(classes, minlength=groups).min())
    held_out = np.zeros((len(classes), groups), dtype=np.float64)
    folds = min(FOLDS, rarest)
    if folds >= 2:
        splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=SEED)
        for train, test in splitter.split(np.zeros(len(classes)), classes):
            part = _fit(features[train], classes[train], penalty)
            held_out[test] = features[test] @ part.weights + part.biases
    model = _fit(features, classes, penalty)
    if folds >= 2:
        model.temperature = _temperature(held_out, classes)
    return model, model.probabilities(held_out)


def _fit(features: sparse.csr_matrix, classes: np.ndarray, penalty: float) -> Linear:
    """One regression; two classes get two columns like any other number."""
    regression = LogisticRegression(C=penalty, max_iter=300, tol=1e-3, class_weight="balanced", solver="lbfgs")
    regression.fit(features, classes)
    weights, biases = regression.coef_.T, regression.intercept_
    if weights.shape[1] == 1:
        weights, biases = np.hstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    return Linear(weights.astype(np.float32), biases.astype(np.float32))


def _temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The temperature with the smallest negative log likelihood on held-out sentences."""
    rows = np.arange(len(classes))
    grid = np.geomspace(0.1, 5, 60)
    losses = [-np.log(softmax(logits / t)[rows, classes] + 1e-12).mean() for t in grid]
    return float(grid[int(np.argmin(losses))])
