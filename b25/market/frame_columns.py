"""Columns of frames and files, found by name: times in any unit, numbers as float64."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from b25.market.timerange import iso_ns
from b25.model.errors import Misuse

TIME_NAMES = ("date", "timestamp", "time", "datetime", "open_time", "opentime", "open time")
# Epochs are told apart by their size: 10 digits are seconds until the year 2286, 13 milliseconds, 16 microseconds.
UNITS_NS = ((10**11, 1_000_000_000), (10**14, 1_000_000), (10**17, 1_000))


def as_frame(source: Any) -> pl.DataFrame:
    """Return a polars or pandas frame, or a list of ccxt's dicts, as a polars frame; a pandas index of times is a column."""
    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    if isinstance(source, list) and source and isinstance(source[0], dict):
        wanted = ("timestamp", "id", "type", "side", "price", "amount", "cost")
        return pl.DataFrame([{name: row.get(name) for name in wanted} for row in source], infer_schema_length=None)
    if type(source).__module__.startswith("pandas"):
        timed = "datetime" in str(getattr(source.index, "dtype", ""))
        named = {str(name).lower() for name in source.columns}
        if timed and not named & set(TIME_NAMES):
            source = source.reset_index(names="date")
        return pl.DataFrame({str(name): _pandas_column(source[name]) for name in source.columns})
    raise Misuse(f"{type(source).__name__} is no source of bars", remedy="give a file, a folder, a frame, a Dataset or Bars")


def described(source: Any) -> str:
    """Return how a source is called in messages."""
    return source.name if isinstance(source, Path) else f"the {type(source).__module__.partition('.')[0]} frame"


def find(frame: pl.DataFrame, names: tuple[str, ...]) -> str | None:
    """Return the column that has one of the names, in any case; the first of them wins."""
    by_name = {column.strip().lower(): column for column in reversed(frame.columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def required(frame: pl.DataFrame, names: tuple[str, ...], where: str) -> str:
    """Return the column that has one of the names. Raises Misuse."""
    found = find(frame, names)
    if found is None:
        raise Misuse(
            f"{where} has no column {' or '.join(names)}; it has {', '.join(frame.columns)}",
            remedy="columns are read by name: date, open, high, low, close, volume; of trades timestamp, side, price, amount",
        )
    return found


def numbers(frame: pl.DataFrame, column: str, where: str, first_row: int = 0) -> np.ndarray:
    """Return a column as float64, what is missing as NaN. Raises Misuse at text that is no number."""
    series = frame[column]
    if series.dtype in (pl.String, pl.Object):
        cast = series.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
        wrong = cast.is_null() & series.is_not_null()
        if wrong.any():
            i = int(wrong.arg_max() or 0)
            raise Misuse(f"{where}, row {first_row + i}: {column} is {series[i]!r}", remedy="write numbers with a decimal point")
        series = cast
    return np.ascontiguousarray(series.cast(pl.Float64).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def times(frame: pl.DataFrame, column: str, where: str, *, utc: bool | None, first_row: int = 0) -> tuple[np.ndarray, bool]:
    """Return a column of times as ns of the epoch, and whether they carried no zone and were taken as UTC.

    Parameters
    ----------
    utc : bool, optional
        True: times without a zone are UTC. False: they are refused. None: text without a zone is UTC, as exchanges write
        it; a datetime column without one is refused, since frames know zones.

    Raises
    ------
    Misuse
        At a missing time, at text that is no time, and at a naive one that is not allowed.
    """
    series = frame[column]
    missing = series.is_null()
    if missing.any():
        i = int(missing.arg_max() or 0)
        raise Misuse(f"{where}, row {first_row + i}: {column} is missing", remedy="give each row its time, or remove it")
    if series.dtype == pl.Date:
        return _ns(series.cast(pl.Datetime("ns"))), False
    if isinstance(series.dtype, pl.Datetime):
        if series.dtype.time_zone is None and not utc:
            raise Misuse(
                f"{where}: the times in {column} have no zone",
                remedy=f"say which, with pl.col('{column}').dt.replace_time_zone(...), or give utc=True if they are UTC",
            )
        return _ns(series.cast(pl.Datetime("ns", series.dtype.time_zone))), series.dtype.time_zone is None
    if series.dtype.is_integer() or series.dtype.is_float():
        return _epochs(series, where, column, first_row), False
    if series.dtype == pl.String:
        return _texts(series, where, column, utc=utc, first_row=first_row)
    raise Misuse(
        f"{where}: {column} is {series.dtype}, no time", remedy="give epochs in s, ms or ns, ISO text, or datetimes in UTC"
    )


def _epochs(series: pl.Series, where: str, column: str, first_row: int) -> np.ndarray:
    values = series.to_numpy()
    wrong = ~np.isfinite(values) | (values != np.floor(values)) if series.dtype.is_float() else np.zeros(len(values), bool)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise Misuse(f"{where}, row {first_row + i}: {column} is {values[i]}", remedy="give whole epochs in s, ms or ns")
    values = values.astype(np.int64)
    largest = int(np.abs(values).max(initial=0))
    unit_ns = next((unit for below, unit in UNITS_NS if largest < below), 1)
    return values * unit_ns


def _texts(series: pl.Series, where: str, column: str, *, utc: bool | None, first_row: int) -> tuple[np.ndarray, bool]:
    if series.str.strip_chars().str.contains(r"^\d+(\.0*)?$").all():
        return _epochs(series.str.strip_chars().cast(pl.Float64).cast(pl.Int64), where, column, first_row), False
    zoned = series.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})\s*$")
    if utc is False and not zoned.all():
        i = int((~zoned).arg_max() or 0)
        raise Misuse(
            f"{where}, row {first_row + i}: the time {series[i]!r} has no zone",
            remedy="write it with its zone, e.g. 2024-01-01T00:00:00Z, or give utc=True if the times are UTC",
        )
    found = np.empty(len(series), np.int64)
    fast = None if zoned.any() else series.str.strip_chars().str.replace("T", " ").str.to_datetime(time_unit="ns", strict=False)
    if fast is not None and fast.null_count() == 0:
        return _ns(fast), True
    for i, text in enumerate(series):
        try:
            found[i] = iso_ns(text)
        except ValueError:
            raise Misuse(
                f"{where}, row {first_row + i}: {text!r} is no time",
                remedy="write ISO 8601, e.g. 2024-01-01T00:00Z, or epochs",
            ) from None
    return found, not zoned.all()


def _pandas_column(column: Any) -> pl.Series:
    dtype = str(column.dtype)
    if dtype.startswith("datetime64"):
        zoned = "," in dtype
        bare = column.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else column
        series = pl.Series(bare.to_numpy().astype("datetime64[ns]"))
        return series.dt.replace_time_zone("UTC") if zoned else series
    values = column.to_numpy()
    if values.dtype == object or not isinstance(values, np.ndarray):
        return pl.Series(["" if one is None else str(one) for one in values], dtype=pl.String)
    return pl.Series(values)


def _ns(series: pl.Series) -> np.ndarray:
    return np.ascontiguousarray(series.to_physical().to_numpy(), dtype=np.int64)
