"""Keep a model beside a manifest that says what it learned from and how it did, and open it only when both still agree."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

import b25
from b25.market.timerange import time_text
from b25.model.errors import Misuse
from b25.research import onnx_export
from b25.research.models import Model
from b25.research.optional import needed
from b25.research.training import Trained, final_step
from b25.strategy.feature import Feature

SCHEMA: Final = "b25-model/1"
LIBRARIES: Final = ("numpy", "polars", "scikit-learn", "skl2onnx", "onnxruntime", "skops")


def save_model(trained: Trained, path: str | Path) -> Path:
    """Write a model and, beside it under the same name and ``.json``, its manifest.

    Parameters
    ----------
    trained : Trained
        What `train` gave.
    path : str or Path
        ``NAME.onnx``, which any process can run and nothing can be hidden in, or ``NAME.skops`` for what ONNX does not know.

    Returns
    -------
    Path
        Of the manifest.

    Raises
    ------
    Misuse
        For another suffix, a folder that is not there, or an estimator that cannot be kept so.
    """
    target = Path(path)
    if target.suffix not in (".onnx", ".skops"):
        raise Misuse(f"a model named {target.name}", remedy="name it .onnx, or .skops for what ONNX cannot express")
    if not target.parent.is_dir():
        raise Misuse(f"there is no folder {target.parent}", remedy="make it first")
    model = as_model(trained, target.suffix[1:])
    beside = _manifest_path(target)
    # The manifest last: a model without one, or with an older one, is refused.
    for file, content in ((target, model.raw), (beside, _json(model.manifest))):
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        temporary.write_bytes(content)
        temporary.replace(file)
    return beside


def as_model(trained: Trained, kind: str = "onnx") -> Model:
    """Return a trained model as a strategy uses it, without writing it anywhere.

    Parameters
    ----------
    trained : Trained
        What `train` gave.
    kind : {"onnx", "skops"}
        How it would be kept.
    """
    facts: dict[str, Any] = {"kind": kind, "classes": list(trained.classes)}
    if kind == "onnx":
        raw, facts["input"], facts["difference"] = onnx_export.export(trained.estimator, trained.samples.x)
    else:
        raw = needed("skops.io", extra="ml").dumps(trained.estimator)
        facts["input"], facts["difference"] = "float64", 0.0
    facts["sha256"] = hashlib.sha256(raw).hexdigest()
    return Model(_manifest(trained, facts), raw, None if kind == "onnx" else trained.estimator)


def load_model(path: str | Path, *, features: Mapping[str, Feature] | None = None, trusted: Sequence[str] = ()) -> Model:
    """Open a model that `save_model` wrote.

    Parameters
    ----------
    path : str or Path
        The model file; its manifest lies beside it.
    features : mapping of str to Feature, optional
        The strategy's; see `Model.check`.
    trusted : sequence of str
        For ``.skops``: types beyond those that skops knows to be harmless and that this file may contain, by their full names.

    Raises
    ------
    Misuse
        When a file is missing, the model is not the one that the manifest describes, a feature differs, a type is not trusted,
        or the model was kept by another version of scikit-learn.
    """
    target = Path(path)
    beside = _manifest_path(target)
    for file in (target, beside):
        if not file.is_file():
            raise Misuse(f"there is no {file}", remedy="a model is two files, written by save_model")
    manifest, raw = _read_manifest(beside), target.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != manifest["model"]["sha256"]:
        raise Misuse(
            f"{target} has sha256 {found[:16]}…, its manifest says {manifest['model']['sha256'][:16]}…",
            remedy="restore both files from one save, or train again",
        )
    model = Model(manifest, raw, None if manifest["model"]["kind"] == "onnx" else _from_skops(target, raw, manifest, trusted))
    if features is not None:
        model.check(features)
    return model


def _from_skops(path: Path, raw: bytes, manifest: Mapping[str, Any], trusted: Sequence[str]) -> Any:
    skops = needed("skops.io", extra="ml")
    then, now = manifest["versions"]["scikit-learn"], version("scikit-learn")
    if then.split(".")[:2] != now.split(".")[:2]:
        raise Misuse(
            f"{path} was kept by scikit-learn {then}, here is {now}", remedy="install that version, train again, or save as .onnx"
        )
    unknown = sorted(set(skops.get_untrusted_types(data=raw)) - set(trusted))
    if unknown:
        raise Misuse(
            f"{path} contains {', '.join(unknown)}",
            remedy="if the file is your own, name these types in trusted=; otherwise do not open it",
        )
    return skops.loads(raw, trusted=list(trusted))


def _manifest(trained: Trained, facts: Mapping[str, Any]) -> dict[str, Any]:
    samples, bars = trained.samples, trained.samples.bars
    opens = bars.rows["open_ns"]
    return {
        "schema": SCHEMA,
        "model": dict(facts),
        "estimator": {"name": type(final_step(trained.estimator)).__name__, "text": " ".join(repr(trained.estimator).split())},
        "features": [
            {"name": name, "expression": given.text, "key": given.key, "lookback": given.lookback}
            for name, given in samples.features.items()
        ],
        "label": samples.label,
        "data": {
            "hash": bars.hash,
            "venue": bars.venue,
            "symbol": bars.symbol,
            "timeframe": bars.timeframe,
            "bars": len(bars),
            "samples": len(samples),
            "first": time_text(int(opens[samples.rows[0]])),
            "last": time_text(int(bars.rows["close_ns"][samples.end.max()])),
        },
        "test": {
            "splits": len(trained.splits),
            "paths": int(trained.splits.paths.shape[0]),
            "embargo": trained.embargo,
            "purged": [fold.purged for fold in trained.folds],
            "embargoed": [fold.embargoed for fold in trained.folds],
        },
        "scores": {
            name: {
                "out_of_sample": trained.scores[name],
                "without_skill": trained.base[name],
                "in_sample": score.value,
                "by_fold": [fold.scores[name].value for fold in trained.folds],
            }
            for name, score in trained.seen.items()
        },
        "versions": {"b25": b25.__version__, "python": platform.python_version()} | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _json(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, allow_nan=False, default=_plain) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a manifest")


def _manifest_path(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        schema = manifest["schema"]
    except (ValueError, KeyError, TypeError):
        raise Misuse(f"{path} is no manifest of a model", remedy="write the model again with save_model") from None
    if schema != SCHEMA:
        raise Misuse(f"{path} has schema {schema!r}, this b25 reads {SCHEMA}", remedy="write the model again with save_model")
    return manifest
