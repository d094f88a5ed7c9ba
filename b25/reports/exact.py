"""Money as decimals in columns: summed without rounding, and turned into floats only where statistics begin."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Final

import numpy as np
import polars as pl

PLACES: Final = 18
EXACT: Final = pl.Decimal(38, PLACES)
ZERO: Final = Decimal(0)


def decimal_of(amount: Fraction | int | Decimal | str) -> Decimal:
    """An amount as a decimal, exact where its expansion ends within 40 figures."""
    if isinstance(amount, Fraction):
        with localcontext() as context:
            context.prec = 40
            return Decimal(amount.numerator) / Decimal(amount.denominator)
    return Decimal(amount)


def units(numbers: np.ndarray[Any, Any], unit: Fraction) -> pl.Series:
    """Whole numbers of a unit as an exact column.

    Parameters
    ----------
    numbers : ndarray of int64, shape (n,)
    unit : Fraction
        Worth of one, e.g. a tick; its decimal expansion ends within 18 places.
    """
    size = pl.lit(decimal_of(unit), dtype=EXACT)
    counted = pl.Series("n", np.ascontiguousarray(numbers, dtype=np.int64)).cast(pl.Decimal(38, 0))
    return pl.select(pl.lit(counted) * size).to_series().cast(EXACT)


def texts(values: Sequence[str | None]) -> pl.Series:
    """Decimal texts as an exact column; None stays null."""
    return pl.Series("t", values, dtype=pl.String).cast(EXACT)


def total(column: pl.Series) -> Decimal:
    """Exact sum, nulls left out; 0 of nothing."""
    found = column.sum()
    return ZERO if found is None else Decimal(found)


def floats(column: pl.Series) -> np.ndarray[Any, Any]:
    """A column for statistics; null becomes NaN."""
    made: np.ndarray[Any, Any] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return made
