"""Bars, funding rates and trades in the catalog: merged on import, and read back as bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from b25.market.bar_columns import PRICES, Columns, make_bars
from b25.market.bar_rule import BarRule
from b25.market.bars import Bars, find_gaps
from b25.market.catalog import Catalog
from b25.market.funding import funding_rates
from b25.market.series import TIME, Series, load_series, read_series, series_faults, store_series
from b25.market.timeframe import Timeframe, timeframe
from b25.market.trades import Trades
from b25.model.bar import FUNDING_RATE
from b25.model.errors import Misuse
from b25.model.event import PRICE_TICKS_MAX
from b25.model.instrument import INT64, Instrument

BARS, FUNDING, TRADES = "bars-", "funding", "trades"
MINUTE_NS, DAY_NS = 60_000_000_000, 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """One series of an instrument: its folder, its manifest, and what it is of ("5m", "funding", "trades")."""

    folder: Path
    series: Series
    kind: str


def all_series(catalog: Catalog) -> Iterator[Stored]:
    """Every series, by venue, symbol and kind."""
    for path in sorted(catalog.folder.glob("*/*/*/manifest.json")):
        if (series := read_series(path.parent)) is not None:
            yield Stored(path.parent, series, _kind(path.parent.name))


def series_of(catalog: Catalog, symbol: str, venue: str | None = None) -> list[Stored]:
    """Every series of a symbol. Raises Misuse when there is none, or when venues are to be chosen from."""
    found = [one for one in all_series(catalog) if one.series.instrument.symbol == symbol]
    if venue is not None:
        found = [one for one in found if one.series.instrument.venue == venue]
    venues = {one.series.instrument.venue for one in found}
    if len(venues) > 1:
        raise Misuse(f"the catalog {catalog.folder} holds {symbol} of {', '.join(sorted(venues))}", remedy="give venue=")
    if not found:
        held = sorted({f"{one.series.instrument.venue} {one.series.instrument.symbol}" for one in all_series(catalog)})
        where = f"of {venue} " if venue else ""
        raise Misuse(
            f"the catalog {catalog.folder} holds no bars {where}of {symbol}; it holds {', '.join(held) or 'no bars'}",
            remedy=f"download them: b25 data download {symbol} --timeframe 1m, or import a file: b25 data import FILE",
        )
    return found


def has_series(catalog: Catalog, symbol: str, venue: str | None) -> bool:
    """Whether there is any series of an instrument."""
    names = ((one.series.instrument.symbol, one.series.instrument.venue) for one in all_series(catalog))
    return any(symbol == its and venue in (None, where) for its, where in names)


def store_bars(catalog: Catalog, bars: Bars, *, given: bool = False, source: str | None = None) -> tuple[Series, int]:
    """Add bars to the catalog; those that are there already must be equal.

    Parameters
    ----------
    catalog : Catalog
    bars : Bars
        Without their larger ones, which can be made from them; with their funding.
    given : bool
        Whether tick and lot were given by somebody who knows; else the finer of what is there and of these is kept.
    source : str, optional
        Default: the bars' own.

    Returns
    -------
    Series, int
        What the catalog then has, and how many bars are new.

    Raises
    ------
    Misuse
        When a bar differs from the one that is there, for bars that are not by time, and when the disk is full.
    """
    frame = timeframe(bars.timeframe) if " " not in bars.timeframe else None
    if frame is None:
        raise Misuse(f"bars of {bars.timeframe} are not kept in a catalog", remedy="keep the trades, and make the bars from them")
    view = bars.view
    bought = pl.Series(view["buy_volume"].copy()).fill_nan(None)
    rows = pl.DataFrame(
        {TIME: view["open_ns"].copy(), **{name: view[name].copy() for name in (*PRICES, "volume")}, "buy_volume": bought}
    )
    folder = bars_folder(catalog, bars.venue, bars.symbol, frame)
    old = read_series(folder)
    instrument, known = settled(old, bars.instrument, given)
    period = (
        "year" if frame.frame_ns in (0, DAY_NS) or frame.frame_ns > DAY_NS else "month" if frame.frame_ns >= MINUTE_NS else "day"
    )
    name = source or bars.source
    done = store_series(folder, rows, instrument=instrument, given=known, source=name, period=period, key=(TIME,))
    if len(bars.funding):
        store_funding(catalog, instrument, bars.funding, source=name)
    return done


def store_funding(catalog: Catalog, instrument: Instrument, rates: np.ndarray, *, source: str) -> tuple[Series, int]:
    """Add funding rates (ndarray of FUNDING_RATE) to the catalog; those that are there already must be equal."""
    tick = Fraction(instrument.tick)
    marks = rates["mark_ticks"] * float(tick.numerator) / float(tick.denominator)
    rows = pl.DataFrame(
        {
            TIME: rates["time_ns"].copy(),
            "rate": rates["rate_e12"] / 1e12,
            "mark": pl.Series(np.where(rates["mark_ticks"] > 0, marks, np.nan)).fill_nan(None),
        }
    )
    folder = catalog.instrument_folder(instrument.venue, instrument.symbol) / FUNDING
    return store_series(folder, rows, instrument=instrument, given=False, source=source, period="year", key=(TIME,))


def store_trades(catalog: Catalog, instrument: Instrument, trades: Trades, ids: list[str], *, source: str) -> tuple[Series, int]:
    """Add trades with their ids to the catalog; those that are there already must be equal."""
    rows = pl.DataFrame({TIME: trades.time_ns, "id": ids, "side": trades.side, "price": trades.price, "amount": trades.amount})
    folder = catalog.instrument_folder(instrument.venue, instrument.symbol) / TRADES
    return store_series(folder, rows, instrument=instrument, given=True, source=source, period="day", key=(TIME, "id"))


def load_bars(stored: Stored, start_ns: int | None = None, end_ns: int | None = None) -> Bars:
    """Return a series of bars. Raises Misuse when a file is missing or damaged."""
    rows = load_series(stored.folder, stored.series, start_ns, end_ns)
    bought = rows["buy_volume"]
    columns = Columns(
        open_ns=rows[TIME].to_numpy().copy(),
        **{name: rows[name].to_numpy().copy() for name in (*PRICES, "volume")},
        source=f"the catalog's {stored.kind} bars of {stored.series.instrument.symbol}",
        buy_volume=None if bought.null_count() else bought.to_numpy().copy(),
        first_row=0,
    )
    return make_bars(columns, timeframe(stored.kind), stored.series.instrument)


def load_funding(stored: Stored, instrument: Instrument) -> np.ndarray:
    """Return funding rates as ndarray of FUNDING_RATE, marks in the ticks of an instrument."""
    rows = load_series(stored.folder, stored.series)
    rates = funding_rates(rows.rename({TIME: "time"}), f"{stored.folder}")
    marks = rows["mark"].fill_null(0.0).to_numpy() / float(instrument.tick)
    rates["mark_ticks"] = np.rint(marks).astype(np.int64)
    assert rates.dtype == FUNDING_RATE
    return rates


def load_trades(stored: Stored) -> Trades:
    """Return a series of trades."""
    rows = load_series(stored.folder, stored.series)
    columns = {name: rows[name].to_numpy().copy() for name in ("price", "amount", "side")}
    return Trades(rows[TIME].to_numpy().copy(), **columns, source=f"the catalog's trades of {stored.series.instrument.symbol}")


def wanted_series(held: list[Stored], base: Timeframe | BarRule) -> Stored | None:
    """Return the bars of a timeframe, else the largest that divide it, else the trades, else None."""
    frames = {timeframe(one.kind): one for one in held if one.kind not in (FUNDING, TRADES)}
    if isinstance(base, Timeframe):
        fitting = [frame for frame in frames if frame.name == base.name or frame.divides(base)]
        if fitting:
            return frames[max(fitting, key=lambda one: one.next_open(0) - one.open_of(0))]
    return next((one for one in held if one.kind == TRADES), None)


def bars_folder(catalog: Catalog, venue: str, symbol: str, frame: Timeframe) -> Path:
    """Where the bars of a timeframe lie; a month is `1Mo`, since some disks do not tell `1M` from `1m`."""
    return catalog.instrument_folder(venue, symbol) / f"{BARS}{frame.name.replace('M', 'Mo')}"


def summaries(catalog: Catalog) -> list[dict[str, Any]]:
    """One row of `b25 data list` for each series."""
    found = []
    for one in all_series(catalog):
        instrument, files = one.series.instrument, one.series.files
        row = {"venue": instrument.venue, "symbol": instrument.symbol, "kind": one.kind, "rows": one.series.rows}
        row |= {"tick": f"{instrument.tick:f}", "lot": f"{instrument.lot:f}", "sources": list(one.series.sources)}
        row |= {"first_ns": files[0].first_ns, "last_ns": files[-1].last_ns, "bytes": sum(file.bytes for file in files)}
        found.append(row)
    return found


def faults(catalog: Catalog) -> list[str]:
    """Every file that is not what its manifest says, one sentence each."""
    return [fault for one in all_series(catalog) for fault in series_faults(one.folder, one.series)]


def gaps(catalog: Catalog) -> list[dict[str, Any]]:
    """One row for each series of bars: how many gaps, and where the longest are."""
    found = []
    for one in all_series(catalog):
        if one.kind in (FUNDING, TRADES):
            continue
        bars = load_bars(one)
        longest = sorted(find_gaps(bars.rows, timeframe(one.kind)), key=lambda gap: -gap.length_ns)
        found.append(
            {
                "venue": bars.venue,
                "symbol": bars.symbol,
                "kind": one.kind,
                "rows": len(bars),
                "gaps": len(longest),
                "missing": sum(gap.missing for gap in longest),
                "longest": [str(gap) for gap in longest[:5]],
                "idle": int(np.count_nonzero(bars.volume == 0)),
            }
        )
    return found


def settled(old: Series | None, new: Instrument, given: bool) -> tuple[Instrument, bool]:
    """The grid that serves what is there and what is added: ticks that both lie on, the lot of who knows, else the finer."""
    if old is None:
        return new, given
    one = old.instrument
    common = lcm(Fraction(one.tick).denominator, Fraction(new.tick).denominator)
    tick = Fraction(gcd(int(Fraction(one.tick) * common), int(Fraction(new.tick) * common)), common)
    lot = new.lot if given else one.lot if old.given else min(one.lot, new.lot)
    highest = max(Fraction(its.tick) * its.price_ticks_max for its in (one, new))
    ticks_max = min(PRICE_TICKS_MAX, int(highest / tick))
    merged = Instrument(
        venue=new.venue,
        symbol=new.symbol,
        tick=Decimal(tick.numerator) / Decimal(tick.denominator),
        lot=lot,
        contract_size=new.contract_size if given or not old.given else one.contract_size,
        inverse=new.inverse,
        price_ticks_max=ticks_max,
        qty_lots_max=(INT64 - 1) // ticks_max,
        min_notional=new.min_notional if given else one.min_notional,
    )
    return merged, given or old.given


def _kind(folder: str) -> str:
    return folder.removeprefix(BARS).replace("Mo", "M")
