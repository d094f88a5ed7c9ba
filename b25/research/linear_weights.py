"""A linear model as plain numbers that a compiled strategy can name: an intercept and one coefficient a feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse
from b25.research.training import Trained, final_step

FloatArray = npt.NDArray[np.float64]


def linear_weights(trained: Trained) -> FloatArray:
    """Return the numbers of a linear model, with a StandardScaler before it worked into them.

    Parameters
    ----------
    trained : Trained
        Of a linear regression, or a logistic regression of two classes, alone or after a StandardScaler.

    Returns
    -------
    ndarray of float64, shape (1 + features,)
        ``w[0] + w[1]·x[0] + w[2]·x[1] + …`` is the prediction; of a classifier the log-odds of the upper class, which are
        positive where that is the likelier one.

    Raises
    ------
    Misuse
        For any other model.
    """
    steps = [step for _, step in getattr(trained.estimator, "steps", [("", trained.estimator)])]
    last, scalers = final_step(trained.estimator), steps[:-1]
    name = type(last).__name__
    linear = hasattr(last, "coef_") and hasattr(last, "intercept_") and len(trained.classes) in (0, 2)
    if not linear or any(type(step).__name__ != "StandardScaler" for step in scalers):
        words = " after ".join(type(step).__name__ for step in reversed(steps))
        raise Misuse(f"{words} is no linear model with one output", remedy="keep it with save_model and predict in plain Python")
    coefficients = np.asarray(last.coef_, np.float64).reshape(-1)
    if coefficients.size != len(trained.samples.features):
        raise Misuse(
            f"{name} has {coefficients.size} coefficients for {len(trained.samples.features)} features", remedy="use one output"
        )
    intercept = float(np.ravel(last.intercept_)[0])
    for scaler in reversed(scalers):
        mean, scale = _moments(scaler, coefficients.size)
        coefficients = coefficients / scale
        intercept -= float(coefficients @ mean)
    return np.concatenate(([intercept], coefficients))


def _moments(scaler: Any, size: int) -> tuple[FloatArray, FloatArray]:
    mean = scaler.mean_ if scaler.with_mean else np.zeros(size)
    scale = scaler.scale_ if scaler.with_std else np.ones(size)
    return np.asarray(mean, np.float64), np.asarray(scale, np.float64)
