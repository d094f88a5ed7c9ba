"""From a fitted scikit-learn estimator to the bytes of an ONNX model, checked against the estimator before they are kept."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse
from b25.research.optional import needed
from b25.research.training import expected_label, final_step

FloatArray = npt.NDArray[np.float64]
INPUT: Final = "features"
DIFFERENCE_MAX: Final = 1e-4


def export(estimator: Any, x: FloatArray) -> tuple[bytes, str, float]:
    """Convert an estimator, in double precision where the conversion knows it.

    Parameters
    ----------
    estimator : fitted scikit-learn estimator
        A classifier with probabilities, or a regressor.
    x : ndarray of float64, shape (m, features)
        What it was fitted on: both must predict the same on it.

    Returns
    -------
    bytes
        The model; equal estimators give equal bytes.
    str
        Type of its input, ``"float64"`` or ``"float32"``.
    float
        Largest difference of the expected label on `x`, relative to 1 + its size.

    Raises
    ------
    Misuse
        When the estimator cannot be converted, or the converted model differs.
    """
    name = type(final_step(estimator)).__name__
    refusals = []
    for kind in ("float64", "float32"):
        try:
            raw = _convert(estimator, x.shape[1], kind)
            predicted = run(open_session(raw), x.astype(kind), getattr(estimator, "classes_", None))
        except Exception as fault:  # the converter and the runtime raise whatever they like
            refusals.append(f"{kind}: {(str(fault).splitlines() or [type(fault).__name__])[0][:160]}")
            continue
        wanted = expected_label(estimator, x)
        difference = float(np.max(np.abs(predicted - wanted) / (1.0 + np.abs(wanted))))
        if difference <= DIFFERENCE_MAX:
            return raw, kind, difference
        refusals.append(f"{kind}: differs by {difference:.2g} on its own training")
    raise Misuse(f"{name} cannot become an ONNX model ({'; '.join(refusals)})", remedy="save it as .skops")


def open_session(raw: bytes) -> Any:
    """Open a model with one thread, so that its sums are added in one order and a strategy keeps to its core."""
    runtime = needed("onnxruntime", extra="ml")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return runtime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])


def result_name(session: Any) -> str:
    """Name of what a model's prediction is made of: the probabilities, or a regression's number."""
    return str(session.get_outputs()[-1].name)


def run(session: Any, x: np.ndarray, classes: Any) -> FloatArray:
    """Expected label of each row; see `training.expected_label`."""
    out = np.asarray(session.run([result_name(session)], {INPUT: x})[0], np.float64)
    expected: FloatArray = out.reshape(len(x)) if classes is None else out @ np.asarray(classes, np.float64)
    return expected


def _convert(estimator: Any, features: int, kind: str) -> bytes:
    skl2onnx = needed("skl2onnx", extra="ml")
    types = needed("skl2onnx.common.data_types", extra="ml")
    tensor = types.DoubleTensorType if kind == "float64" else types.FloatTensorType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = skl2onnx.convert_sklearn(
            estimator,
            name="b25",  # the default is drawn by lot
            initial_types=[(INPUT, tensor([None, features]))],
            options={id(final_step(estimator)): {"zipmap": False}} if hasattr(estimator, "classes_") else None,
            custom_conversion_functions=_hist_gradient_boosting(),
        )
    found: bytes = model.SerializeToString()
    return found


class _PlainNumbers:
    """A converter's container whose nodes get Python's own integers: the trees' flags are booleans, which onnx refuses."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *words: Any, **attributes: Any) -> Any:
        plain = {
            name: [int(v) if isinstance(v, bool | np.bool_ | np.integer) else v for v in value]
            if isinstance(value, list)
            else value
            for name, value in attributes.items()
        }
        return self._container.add_node(*words, **plain)


def _hist_gradient_boosting() -> dict[Any, Any]:
    ensemble = needed("sklearn.ensemble", extra="ml")
    registration = needed("skl2onnx.common._registration", extra="ml")

    def plain(alias: str) -> Any:
        convert = registration.get_converter(alias)
        return lambda scope, operator, container: convert(scope, operator, _PlainNumbers(container))

    names = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
    return {getattr(ensemble, name): plain(f"Sklearn{name}") for name in names}
