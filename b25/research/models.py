"""A trained model as part of a strategy: it predicts one row at a time, and refuses features that are not its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse
from b25.research import onnx_export
from b25.research.training import expected_label
from b25.strategy.feature import Feature

FloatArray = npt.NDArray[np.float64]


class Model:
    """A model and its manifest; made by `load_model` or `as_model`.

    Parameters
    ----------
    manifest : mapping
        What `save_model` wrote.
    raw : bytes
        The model file.
    estimator : scikit-learn estimator, optional
        For a model that is kept by skops.

    Attributes
    ----------
    manifest : mapping
        Features, label, data, scores, versions; see `b25.research.model_files`.
    names : tuple of str
        Features, in the order in which `predict_row` takes them.
    hash : str
        Of the model file.

    Notes
    -----
    A prediction is a number, or NaN where a feature is unknown or the model gives no finite number: no signal.
    """

    def __init__(self, manifest: Mapping[str, Any], raw: bytes, estimator: Any = None) -> None:
        self.manifest, self.raw, self._estimator = manifest, raw, estimator
        self.names = tuple(str(feature["name"]) for feature in manifest["features"])
        self.hash = str(manifest["model"]["sha256"])
        self._labels = [float(label) for label in manifest["model"]["classes"]]
        self._classes = np.array(self._labels) if self._labels else None
        self._open()

    def _open(self) -> None:
        self._session: Any = onnx_export.open_session(self.raw) if self._estimator is None else None
        self._result = [onnx_export.result_name(self._session)] if self._session is not None else []
        self._dtype = np.dtype(self.manifest["model"]["input"])

    def __getstate__(self) -> dict[str, Any]:
        # A session cannot travel to another process; the bytes that it was opened from can.
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    @property
    def content_key(self) -> str:
        """What a strategy's identity takes in when it holds this model."""
        return self.hash

    def check(self, features: Mapping[str, Feature]) -> None:
        """Make sure that a strategy's features are those that the model was trained on, in order.

        Raises
        ------
        Misuse
            Naming the first feature that differs.
        """
        if tuple(features) != self.names:
            raise Misuse(
                f"features {', '.join(features)} for a model of {', '.join(self.names)}",
                remedy="declare the model's features under their names, in its order",
            )
        for given, wanted in zip(features.values(), self.manifest["features"], strict=True):
            if given.key != wanted["key"]:
                raise Misuse(
                    f"feature {wanted['name']} is {given.text}, not as trained: {wanted['expression']}",
                    remedy="declare the same expression with the same arguments, or train again",
                )

    def predict_row(self, values: Sequence[float]) -> float:
        """Return the expected label of one row.

        Parameters
        ----------
        values : sequence of float
            The features, in the order of `names`.

        Raises
        ------
        Misuse
            When there are more or fewer.
        """
        if len(values) != len(self.names):
            raise Misuse(f"{len(values)} features for a model of {len(self.names)}", remedy=f"give {', '.join(self.names)}")
        # Plain numbers, for numpy's way with a single one costs more than the model does.
        if not all(map(math.isfinite, values)):
            return math.nan
        # A row of its own: threads of a sweep may share the model.
        row = np.array([values], self._dtype)
        found = float(self._expected(row)[0]) if self._session is None else self._one(row)
        return found if math.isfinite(found) else math.nan

    def _one(self, row: Any) -> float:
        out: list[float] = self._session.run(self._result, {onnx_export.INPUT: row})[0][0].tolist()
        return sum(chance * label for chance, label in zip(out, self._labels, strict=True)) if self._labels else out[0]

    def predict_of(self, owner: Any) -> float:
        """Return the expected label from an object's attributes of the features' names: of a strategy, inside `on_bar`."""
        return self.predict_row([getattr(owner, name) for name in self.names])

    def predict(self, x: npt.ArrayLike) -> FloatArray:
        """Return the expected label of many rows.

        Parameters
        ----------
        x : array of float, shape (m, features)
            Columns in the order of `names`; NaN means unknown.

        Returns
        -------
        ndarray of float64, shape (m,)
            NaN where a feature is unknown.
        """
        table = np.asarray(x, np.float64)
        if table.ndim != 2 or table.shape[1] != len(self.names):
            raise Misuse(
                f"features of shape {table.shape} for a model of {len(self.names)}", remedy=f"give {', '.join(self.names)}"
            )
        known = np.isfinite(table).all(axis=1)
        out = np.full(len(table), np.nan)
        if known.any():
            out[known] = self._expected(table[known].astype(self._dtype))
        out[~np.isfinite(out)] = np.nan
        return out

    def _expected(self, x: Any) -> FloatArray:
        if self._session is None:
            return expected_label(self._estimator, x)
        return onnx_export.run(self._session, x, self._classes)

    def __repr__(self) -> str:
        made = self.manifest
        return f"Model({made['estimator']['name']} of {', '.join(self.names)}; label {made['label']}; {self.hash[:16]})"
