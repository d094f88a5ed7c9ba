"""How well predictions fit labels, beside what somebody without skill would have got; undefined figures say why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MEANING: Final[Mapping[str, str]] = {
    "r2": "1 - sum((y - p)^2) / sum((y - mean of the training labels)^2); without skill 0",
    "rank_correlation": "Spearman's: Pearson's correlation of the ranks, ties share theirs; without skill 0",
    "accuracy": "share of rows whose likeliest class is the label; without skill: always the commonest class of the training",
    "auc": "chance that a row of the upper class is given a higher probability than one of the lower; without skill 0.5",
    "log_loss": "mean of -ln(probability given to the label); without skill: the classes' shares in the training",
}
PROBABILITY_MIN: Final = 1e-15


@dataclass(frozen=True, slots=True)
class Score:
    """One figure, or why there is none.

    Attributes
    ----------
    name : str
        Key of MEANING.
    value : float or None
        None means n/a; never NaN or infinite.
    base : float or None
        What somebody without skill gets.
    reason : str
        Why there is no figure.
    """

    name: str
    value: float | None
    base: float | None
    reason: str = field(default="")

    def __post_init__(self) -> None:
        assert (self.value is None) == bool(self.reason), f"{self.name}: a figure or a reason, not both or neither"


def regression_scores(labels: FloatArray, predicted: FloatArray, trained_on: FloatArray) -> dict[str, Score]:
    """Score numbers.

    Parameters
    ----------
    labels, predicted : ndarrays of float64, shape (m,)
        Of the tested rows.
    trained_on : ndarray of float64
        Labels of the training.
    """
    spread = float(np.sum((labels - trained_on.mean()) ** 2))
    if spread > 0:
        r2 = Score("r2", 1.0 - float(np.sum((labels - predicted) ** 2)) / spread, 0.0)
    else:
        r2 = Score("r2", None, None, "all labels are the training's mean")
    if labels.size < 2 or np.ptp(labels) == 0 or np.ptp(predicted) == 0:
        rank = Score("rank_correlation", None, None, "all labels or all predictions are the same")
    else:
        rank = Score("rank_correlation", float(np.corrcoef(ranks(labels), ranks(predicted))[0, 1]), 0.0)
    return {"r2": r2, "rank_correlation": rank}


def classification_scores(
    labels: FloatArray, probabilities: FloatArray, classes: FloatArray, trained_on: FloatArray
) -> dict[str, Score]:
    """Score probabilities.

    Parameters
    ----------
    labels : ndarray of float64, shape (m,)
        Of the tested rows.
    probabilities : ndarray of float64, shape (m, classes)
        Rows add up to 1.
    classes : ndarray of float64, shape (classes,)
        Ascending; what the columns stand for.
    trained_on : ndarray of float64
        Labels of the training.
    """
    shares = np.array([np.mean(trained_on == c) for c in classes])
    hit = labels[:, None] == classes
    accuracy = float(np.mean(classes[np.argmax(probabilities, axis=1)] == labels))
    commonest = float(np.mean(labels == classes[int(np.argmax(shares))]))
    given = np.where(hit, probabilities, 0.0).sum(axis=1)
    blind = np.where(hit, shares, 0.0).sum(axis=1)
    losses = [float(-np.log(np.maximum(p, PROBABILITY_MIN)).mean()) for p in (given, blind)]
    found = {"accuracy": Score("accuracy", accuracy, commonest), "log_loss": Score("log_loss", losses[0], losses[1])}
    found["auc"] = _auc(labels, probabilities, classes)
    return {name: found[name] for name in ("accuracy", "auc", "log_loss")}


def _auc(labels: FloatArray, probabilities: FloatArray, classes: FloatArray) -> Score:
    if classes.size != 2:
        return Score("auc", None, None, f"it is for two classes, here are {classes.size}")
    upper = labels == classes[1]
    m, k = labels.size, int(upper.sum())
    if k in (0, m):
        return Score("auc", None, None, "all tested labels are the same")
    summed = float(ranks(probabilities[:, 1])[upper].sum())
    return Score("auc", (summed - k * (k + 1) / 2) / (k * (m - k)), 0.5)


def ranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    shared: FloatArray = (last - (count - 1) / 2.0)[place]
    return shared
