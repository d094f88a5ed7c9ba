"""Funding rates of perpetual contracts, and the mark prices that payments are valued at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from b25.market.bar_files import bar_columns, read_frame
from b25.market.bar_grid import units
from b25.market.frame_columns import TIME_NAMES, as_frame, described, numbers, required, times
from b25.model.bar import FUNDING_RATE
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

RATE_DECIMALS = 12


def funding_rates(frame: pl.DataFrame, where: str, marks: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """Read funding rates.

    Parameters
    ----------
    frame : DataFrame
        A time column, and the rate in ``funding_rate``, ``fundingRate``, ``rate``, or, as freqtrade keeps it, ``open``.
    where : str
        What faults are named after.
    marks : (times, ticks) of int64, optional
        Mark prices: the newest at or before each payment is taken.

    Returns
    -------
    ndarray of FUNDING_RATE
    """
    column = required(frame, ("funding_rate", "fundingrate", "rate", "open"), where)
    time_column = required(frame, (*TIME_NAMES, "fundingtime"), where)
    paid, _ = times(frame, time_column, where, utc=None, first_row=0)
    rate = numbers(frame, column, where)
    wrong = ~np.isfinite(rate) | (np.abs(rate) >= 1)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise Misuse(f"{where}, row {i}: the funding rate is {rate[i]}", remedy="give rates as ratios, e.g. 0.0001 for 0.01 %")
    if np.any(np.diff(paid) <= 0):
        i = int(np.argmax(np.diff(paid) <= 0)) + 1
        raise Misuse(
            f"{where}, row {i}: the funding times repeat or go back", remedy="sort the rows by time and remove repeated ones"
        )
    rows = np.zeros(len(paid), FUNDING_RATE)
    rows["time_ns"], rows["rate_e12"] = paid, np.rint(rate * 10.0**RATE_DECIMALS).astype(np.int64)
    if marks is not None and len(marks[0]):
        place = np.searchsorted(marks[0], paid, side="right") - 1
        rows["mark_ticks"] = np.where(place >= 0, marks[1][place], 0)
    return rows


def marks_of(path: Path, instrument: Instrument) -> tuple[np.ndarray, np.ndarray]:
    """Times and opens, in ns and ticks, of a file of mark prices."""
    columns, _ = bar_columns(read_frame(path), path.name)
    return columns.open_ns, units(columns.open, instrument.tick)


def given_funding(given: Any) -> np.ndarray:
    """Return what was given as `funding=`, an array, a file or a frame, as ndarray of FUNDING_RATE."""
    if isinstance(given, np.ndarray) and given.dtype == FUNDING_RATE:
        return given
    if isinstance(given, str | Path):
        return funding_rates(read_frame(Path(given)), Path(given).name)
    return funding_rates(as_frame(given), described(given))
