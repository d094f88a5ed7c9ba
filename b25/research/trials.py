"""The run log: what was ever tried on which data, so that the best of many is judged as the best of many."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from b25.analytics.deflated import TrialSummary, sharpe_moments
from b25.model.errors import Misuse

LAYOUT: Final = 1
LINES_MAX: Final = 64  # more trials at once are one line and a file of points beside it
POINTS_MAX: Final = 1_000_000  # of more points only their number, mean and variance are kept: 16 bytes each are 16 MB
POINT: Final = np.dtype([("key", "u8"), ("sharpe", "f8")])
assert POINT.itemsize == 16  # the files of points depend on it


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried.

    Parameters
    ----------
    key : int
        What it was, as made by `trial_key`; equal trials count once.
    sharpe : float or None
        Sharpe ratio of one day, not annualised; None when the run had none. A ratio of returns of a bar is brought to a day by
        ``sqrt(bars a day)``.
    """

    key: int
    sharpe: float | None = None


def trial_key(behaviour: str, parameters: Mapping[str, Any], models: object = "") -> int:
    """Name of a trial: 64 bits of a hash over what the strategy does, its parameters, and what its fills assume.

    Parameters
    ----------
    behaviour : str
        Of the strategy's code, e.g. `behaviour_key`.
    parameters : mapping of str to value
        Numbers are compared as numbers, so that 5 and 5.0 are one parameter.
    models : object
        Anything with a stable text: fees, latency, fills, part of the data.
    """
    told = repr(sorted((name, _told(value)) for name, value in parameters.items()))
    return int.from_bytes(hashlib.sha256(f"{behaviour}\n{told}\n{models}".encode()).digest()[:8], "little")


def _told(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    return repr(float(value)) if isinstance(value, bool | int | float) else repr(value)


def data_key(hashes: Sequence[str]) -> str:
    """One name for the data of a run: its hash, or for several instruments a hash over theirs in any order."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


def default_trials() -> Path:
    """Return the folder of the run log: B25_TRIALS, else `data/trials` of the project that the current folder is in."""
    from b25.research.dataset import default_catalog

    if named := os.environ.get("B25_TRIALS"):
        return Path(named)
    here = Path.cwd()
    project = next((p for p in (here, *here.parents) if (p / "strategies").is_dir() and (p / "data").is_dir()), None)
    return (project / "data" if project else default_catalog().parent) / "trials"


def record(data_hash: str, trials: Iterable[Trial], *, what: str = "", folder: Path | str | None = None) -> str:
    """Add trials to the log of some data.

    Parameters
    ----------
    data_hash : str
        Of the data; see `data_key` for several instruments.
    trials : iterable of Trial
        A run's one trial, or all points of a sweep.
    what : str
        For people who read the log.
    folder : Path or str, optional
        See `default_trials`.

    Returns
    -------
    str
        Empty, or why nothing could be written: a disk that is full or read-only never fails a run.

    Notes
    -----
    The log is one file a data hash, ``<hash>.jsonl``, to which each call appends with a single write, so that processes may
    record at the same time. More than 64 trials become one line with their number, mean and sum of squared deviations of
    Sharpe; their 64-bit keys and ratios stand in ``<hash>.points/<content key>.npy``, so that overlapping grids count each
    point once. Beyond 1,000,000 points that file is left out: such a sweep counts once by its content key, and points that
    it shares with other trials are then counted twice.
    """
    path = _log_path(data_hash, folder)
    points = _points(trials)
    if not points.size:
        return ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if points.size > LINES_MAX:
            _append(path, [_sweep_line(path, points, what)])
        else:
            _append(path, [{"v": LAYOUT, "key": f"{key:016x}", "sharpe": _finite(s), "what": what} for key, s in points.tolist()])
    except OSError as error:
        return f"the run log could not be written ({error.strerror or error})"
    return ""


def summary(data_hash: str, *, folder: Path | str | None = None) -> TrialSummary:
    """How many distinct trials the log has for some data, with mean and variance of their Sharpe ratios.

    Parameters
    ----------
    data_hash : str
        Of the data.
    folder : Path or str, optional
        See `default_trials`.

    Returns
    -------
    TrialSummary
        With a reason instead of figures when the log cannot be read. No log is no trial.
    """
    path = _log_path(data_hash, folder)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return TrialSummary(0)
    except OSError as error:
        return TrialSummary.unknown(f"the run log could not be read ({error.strerror or error})")
    return _summed(path, text)


def log_trials(data_hash: str, trials: Iterable[Trial], *, what: str = "", folder: Path | str | None = None) -> TrialSummary:
    """Record trials, and return how many there are now; unknown, with the reason, when they could not be recorded."""
    fault = record(data_hash, trials, what=what, folder=folder)
    return TrialSummary.unknown(fault) if fault else summary(data_hash, folder=folder)


def log_run(
    hashes: Sequence[str],
    *,
    behaviour: str,
    parameters: Mapping[str, Any],
    models: object,
    returns: npt.NDArray[np.float64],
    what: str = "",
    folder: Path | str | None = None,
) -> TrialSummary:
    """Record one run, and return how many distinct trials there are on its data now.

    Parameters
    ----------
    hashes : sequence of str
        Of the data of each instrument.
    behaviour, parameters, models
        What was tried; see `trial_key`.
    returns : ndarray of float64, shape (n,)
        Daily returns of the run; fewer than two, or equal ones, count as a trial without a Sharpe ratio.
    what : str
        For people who read the log, e.g. the strategy's name and parameters.
    folder : Path or str, optional
        See `default_trials`.
    """
    moments, _ = sharpe_moments(returns)
    trial = Trial(trial_key(behaviour, parameters, models), moments.ratio if moments else None)
    return log_trials(data_key(hashes), [trial], what=what, folder=folder)


def _log_path(data_hash: str, folder: Path | str | None) -> Path:
    if not data_hash:
        raise Misuse("run log: the data has no hash", remedy="give the hash of a dataset or of bars")
    # A hash may carry how its rows are replayed, e.g. "bridged:c61a…"; a file's name is letters and digits.
    name = data_hash if re.fullmatch(r"[0-9A-Za-z_-]{1,128}", data_hash) else hashlib.sha256(data_hash.encode()).hexdigest()
    return Path(folder or default_trials()) / f"{name}.jsonl"


def _points(trials: Iterable[Trial]) -> npt.NDArray[np.void]:
    """Distinct trials by key; the first of equals."""
    rows = [(trial.key, math.nan if trial.sharpe is None else trial.sharpe) for trial in trials]
    points = np.array(rows, POINT)
    points["sharpe"][~np.isfinite(points["sharpe"])] = np.nan
    return _distinct(points)


def _distinct(points: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """One row a key, by key; a row with a Sharpe ratio before one without, then the first."""
    order = np.lexsort((np.isnan(points["sharpe"]), points["key"]))
    ordered = points[order]
    return ordered[np.concatenate(([True], ordered["key"][1:] != ordered["key"][:-1]))] if points.size else points


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sweep_line(path: Path, points: npt.NDArray[np.void], what: str) -> dict[str, Any]:
    """Line of many trials; their file is written before it, whole or not at all."""
    content = hashlib.sha256(np.ascontiguousarray(points["key"]).tobytes()).hexdigest()[:16]
    known = points["sharpe"][~np.isnan(points["sharpe"])]
    mean = float(known.mean()) if known.size else None
    spread = float(np.sum((known - known.mean()) ** 2)) if known.size else None
    line = {
        "v": LAYOUT, "sweep": content, "count": points.size, "known": known.size, "mean": mean, "m2": spread, "what": what,
        "points": points.size <= POINTS_MAX,
    }  # fmt: skip
    target = _points_path(path, content)
    if points.size <= POINTS_MAX and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as out:
                np.save(out, points)
            os.replace(partial, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
    return line


def _points_path(path: Path, content: str) -> Path:
    return path.with_suffix(".points") / f"{content}.npy"


def _append(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Append whole lines with one write; a line that an earlier failure cut short is ended first."""
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            text = b"\n" + text
        written = os.write(handle, text)
        if written != len(text):
            raise OSError(f"{written} of {len(text)} bytes were written")
    finally:
        os.close(handle)


def _summed(path: Path, text: bytes) -> TrialSummary:
    """Distinct points of every line, and the sums of sweeps whose points are not kept."""
    parts: list[npt.NDArray[np.void]] = []
    single: list[tuple[int, float]] = []
    sweeps: dict[str, dict[str, Any]] = {}
    broken = 0
    for raw in text.splitlines():
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
            if "sweep" in line:
                sweeps[str(line["sweep"])] = line
            else:
                single.append((int(line["key"], 16), math.nan if line["sharpe"] is None else float(line["sharpe"])))
        except (ValueError, KeyError, TypeError):
            broken += 1
    parts.append(np.array(single, POINT))
    sums = []
    for content, line in sweeps.items():
        points = _load_points(_points_path(path, content)) if line.get("points") else None
        if points is None:
            sums.append((int(line["count"]), int(line["known"]), float(line["mean"] or 0.0), float(line["m2"] or 0.0)))
        else:
            parts.append(points)
    # A line that cannot be read was at least one trial.
    return _pooled(_distinct(np.concatenate(parts)), sums, broken)


def _load_points(path: Path) -> npt.NDArray[np.void] | None:
    try:
        points = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return points if points.dtype == POINT and points.ndim == 1 else None


def _pooled(points: npt.NDArray[np.void], sums: Sequence[tuple[int, int, float, float]], broken: int) -> TrialSummary:
    """Mean and variance over points and sums together (Chan, Golub and LeVeque)."""
    known = points["sharpe"][~np.isnan(points["sharpe"])]
    count, size = points.size + broken, known.size
    mean = float(known.mean()) if size else 0.0
    spread = float(np.sum((known - mean) ** 2)) if size else 0.0
    for more, more_known, more_mean, more_spread in sums:
        count += more
        total = size + more_known
        if more_known:
            spread += more_spread + (more_mean - mean) ** 2 * size * more_known / total
            mean += (more_mean - mean) * more_known / total
        size = total
    return TrialSummary(count, mean if size else None, spread / (size - 1) if size > 1 else None)
