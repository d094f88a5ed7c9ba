"""A strategy's record field by field: which ones differ between two runs, and by how much."""

from collections.abc import Iterator
from typing import Any

import numpy as np

Record = np.ndarray[Any, Any]


def fields_of(record: Record, prefix: str = "") -> Iterator[tuple[str, Record]]:
    """Name and values of every field, those of indicators as ``ema.value``; padding is left out.

    Parameters
    ----------
    record : ndarray of the strategy's dtype, shape (1,)
    prefix : str
        Put in front of the names.
    """
    for name in record.dtype.names or ():
        if name.startswith(("pad_", "is_")):
            continue
        column = record[name]
        if column.dtype.names:
            yield from fields_of(column, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", np.ravel(column)


def differing(a: Record, b: Record, *, tolerance: float = 1e-9) -> dict[str, float]:
    """Fields whose bytes differ, with the largest relative difference, in the order of the record.

    Parameters
    ----------
    a, b : ndarray of one strategy's dtype, shape (1,)
    tolerance : float
        Relative differences up to this are the rounding of sums that began elsewhere.
    """
    out = {}
    for (name, left), (_, right) in zip(fields_of(a), fields_of(b), strict=True):
        if left.tobytes() != right.tobytes() and (gap := difference(left, right)) > tolerance:
            out[name] = gap
    return out


def difference(a: Record, b: Record) -> float:
    """Largest relative difference of two fields: 0 for equal ones, infinite where one is NaN and the other is not."""
    left, right = a.astype(np.float64), b.astype(np.float64)
    unknown = np.isnan(left), np.isnan(right)
    if np.any(unknown[0] != unknown[1]):
        return float("inf")
    size = np.maximum(np.abs(left), np.abs(right))
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = np.where(unknown[0] | (left == right), 0.0, np.abs(left - right) / size)
    return float(np.max(gaps, initial=0.0))
