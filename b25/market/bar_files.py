"""Files of bars, funding rates and trades: CSV, and the tree that freqtrade keeps its data in, read in place."""

from __future__ import annotations

import gzip
import io
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import orjson
import polars as pl

from b25.market.bar_columns import PRICES, Columns
from b25.market.frame_columns import TIME_NAMES, find, numbers, required, times
from b25.model.errors import Misuse

FORMATS = (".feather", ".parquet", ".json", ".json.gz", ".csv", ".csv.gz")
BAR_COLUMNS = ("date", *PRICES, "volume")  # the order in freqtrade's JSON, which has no names
TRADE_COLUMNS = ("timestamp", "id", "type", "side", "price", "amount", "cost")
CSV_ROWS_LOOKED_AT = 1000
VOLUME_NAMES = ("volume", "vol", "volume_base")
BUY_VOLUME_NAMES = ("buy_volume", "taker_buy_volume", "taker_buy_base_volume", "taker_buy_base_asset_volume", "taker_base_vol")
FIGURES = {*PRICES, *VOLUME_NAMES, *BUY_VOLUME_NAMES, "price", "amount", "quantity", "qty", "size"}

_NAME = re.compile(r"(?P<pair>.+)-(?P<timeframe>[1-9]\d*(?:[smhdwMyDW]|Mo))(?:-(?P<kind>[A-Za-z_]+))?")
_TRADES = re.compile(r"(?P<pair>.+)-trades")


@dataclass(frozen=True, slots=True)
class FileName:
    """What the name of a file in freqtrade's tree says: symbol, kind ("spot", "futures", "mark", "funding_rate", "trades")."""

    symbol: str
    timeframe: str | None
    kind: str


def read_name(path: Path) -> FileName | None:
    """Return what a file's name says when it follows freqtrade's scheme, e.g. ``BTC_USDT_USDT-5m-futures.feather``."""
    stem = path.name
    for ending in FORMATS:
        stem = stem.removesuffix(ending)
    if found := _TRADES.fullmatch(stem):
        symbol = symbol_of(found["pair"])
        return None if symbol is None else FileName(symbol, None, "trades")
    if found := _NAME.fullmatch(stem):
        symbol = symbol_of(found["pair"])
        return None if symbol is None else FileName(symbol, found["timeframe"].replace("Mo", "M"), found["kind"] or "spot")
    return None


def symbol_of(pair: str) -> str | None:
    """``BTC_USDT`` → ``BTC/USDT``, ``BTC_USDT_USDT`` → ``BTC/USDT:USDT``; None when it is no pair."""
    parts = pair.split("_")
    if not 2 <= len(parts) <= 3 or not all(re.fullmatch(r"[A-Za-z0-9.\-]+", part) for part in parts):
        return None
    return f"{parts[0]}/{parts[1]}" + (f":{parts[2]}" if len(parts) == 3 else "")


def pair_of(symbol: str) -> str:
    """``BTC/USDT:USDT`` → ``BTC_USDT_USDT``, as files are named."""
    return re.sub(r"[/:]", "_", symbol)


def read_frame(path: Path, columns: tuple[str, ...] = BAR_COLUMNS) -> pl.DataFrame:
    """Read a file as it stands.

    Parameters
    ----------
    path : Path
        ``.feather``, ``.parquet``, ``.json``, ``.json.gz`` (rows without names, as freqtrade writes them), ``.csv``, ``.csv.gz``.
    columns : tuple of str
        Names of a JSON file's columns.

    Raises
    ------
    Misuse
        When it is not there, of another format, or damaged.
    """
    ending = next((one for one in FORMATS if path.name.endswith(one)), None)
    if ending is None:
        raise Misuse(f"{path} is of no format that is read", remedy=f"give one of {', '.join(FORMATS)}")
    if not path.is_file():
        raise Misuse(f"there is no file {path}", remedy="check the path")
    try:
        match ending:
            case ".feather":
                return pl.read_ipc(path)
            case ".parquet":
                return pl.read_parquet(path, glob=False)
            case ".csv" | ".csv.gz":
                return _read_csv(path)
            case _:
                raw = gzip.decompress(path.read_bytes()) if ending.endswith(".gz") else path.read_bytes()
                rows = orjson.loads(raw)
                if rows and isinstance(rows[0], dict):
                    return pl.DataFrame(rows, infer_schema_length=None)
                return pl.DataFrame(rows, schema=list(columns), orient="row", infer_schema_length=None)
    except (OSError, EOFError, ValueError, TypeError, pl.exceptions.PolarsError) as fault:
        raise Misuse(
            f"{path} cannot be read: {_first_line(fault)}", remedy="check that the file is whole, and of the format its name says"
        ) from None


def _read_csv(path: Path) -> pl.DataFrame:
    """Types from the first rows, with room for fractions; all as text, whose faults have rows, where that fails."""
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as stream:
        first = pl.read_csv(io.BytesIO(b"".join(itertools.islice(stream, CSV_ROWS_LOOKED_AT))), infer_schema_length=None)
    numeric = {name: pl.Float64 for name, dtype in first.schema.items() if dtype.is_numeric() and name.lower() in FIGURES}
    try:
        return pl.read_csv(path, infer_schema_length=CSV_ROWS_LOOKED_AT, schema_overrides=numeric, glob=False)
    except pl.exceptions.ComputeError:
        return pl.read_csv(path, infer_schema=False, glob=False)


def bar_columns(
    frame: pl.DataFrame, where: str, *, utc: bool | None = None, first_row: int = 0
) -> tuple[Columns, tuple[str, ...]]:
    """Find a frame's bars by the names of its columns, in any order.

    Parameters
    ----------
    frame : DataFrame
        date (or timestamp, time), open, high, low, close, volume; others are not read.
    where : str
        What faults are named after.
    utc : bool, optional
        See `b25.market.frame_columns.times`.

    Returns
    -------
    Columns, tuple of str
        The bars, unchecked, and notes on how they were read.
    """
    named = {name: required(frame, (name,), where) for name in PRICES}
    named["volume"] = required(frame, VOLUME_NAMES, where)
    if frame.height == 0:
        raise Misuse(f"{where} holds no bar", remedy="give a source that holds some")
    opened, assumed = times(frame, required(frame, TIME_NAMES, where), where, utc=utc, first_row=first_row)
    bought = find(frame, BUY_VOLUME_NAMES)
    found = Columns(
        open_ns=opened,
        **{name: numbers(frame, column, where, first_row) for name, column in named.items()},
        source=where,
        buy_volume=None if bought is None else numbers(frame, bought, where, first_row),
        first_row=first_row,
    )
    return found, (f"the times in {where} carry no zone and are read as UTC",) if assumed else ()


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0]
