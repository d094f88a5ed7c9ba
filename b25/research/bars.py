"""The door to bars: `b25.bars("1m", "1h", source=...)` from files, folders, frames, trades, ticks, or the catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from b25.market.bar_catalog import has_series, series_of
from b25.market.bar_grid import Grid, given_decimal
from b25.market.bar_rule import BarRule
from b25.market.bar_source import BarRequest, bars_of_series, bars_wanted, needed_symbol, read_bars
from b25.market.bars import Bars
from b25.market.catalog import Catalog
from b25.market.manifest import NAME
from b25.market.timeframe import Timeframe, Timeframes
from b25.market.trade_bars import bars_of_ticks
from b25.model.errors import Misuse
from b25.model.event import TRADE
from b25.research.dataset import Dataset, dataset, default_catalog


def bars(
    *timeframes: str,
    source: Any = None,
    symbol: str | None = None,
    venue: str | None = None,
    catalog: Any = None,
    tick: Any = None,
    lot: Any = None,
    contract_size: Any = None,
    start: Any = None,
    end: Any = None,
    funding: Any = None,
    utc: bool | None = None,
) -> Any:
    """Read bars.

    Parameters
    ----------
    *timeframes : str
        The timeframe to run on, then larger ones that are visible beside it once they are complete: ``"1m", "1h"``. The
        first may be a rule for trades: ``"100 ticks"``, ``"5 volume"``, ``"100000 dollar"``, ``"20 imbalance"``,
        ``"5 volume imbalance"``; see `b25.kernels.bar_build`.
    source : path, frame, Dataset, Bars, optional
        A file (``.csv``, ``.feather``, ``.parquet``, ``.json``, ``.json.gz``), a folder of freqtrade's data, a polars or pandas
        frame of bars or of trades, ccxt's dicts of trades, a Dataset (its trades), or bars. Smaller bars are gathered into
        the timeframe asked for.
    symbol : str, optional
        Ccxt unified symbol; not needed where the source's name or the source itself says it.
    venue : str, optional
        Ccxt id; the default is what the source says, else Binance's market for such symbols.
    catalog : Catalog or path, optional
        Where bars are looked for when there is no source.
    tick, lot : str or Decimal, optional
        Price and quantity steps; else published ones, or what the values show.
    contract_size : str or Decimal, optional
        Base (linear) or quote (inverse) units of a contract; else the venue's usual one, or 1.
    start, end : datetime, ISO text, or int of ns, optional
        Half-open span of opens; `start` may be a time range such as ``"20240101-20240201"``.
    funding : path, frame or array, optional
        Funding rates. None takes those that lie beside the file; False takes none.
    utc : bool, optional
        True: times without a zone are UTC. False: they are refused. None: text is UTC, datetime columns are refused.

    Returns
    -------
    Bars, or Timeframes
        A declaration for a strategy's body when neither source nor symbol nor catalog is given.

    Raises
    ------
    Misuse
        For any fault in the data or the arguments, with the row it is in.
    """
    if source is None and symbol is None and catalog is None:
        return Timeframes(timeframes)
    request = BarRequest(
        timeframes=timeframes,
        symbol=symbol,
        venue=venue,
        grid=Grid(given_decimal(tick, "tick"), given_decimal(lot, "lot"), given_decimal(contract_size, "contract_size")),
        funding=funding,
        utc=utc,
    )
    if source is None:
        found = _of_catalog(catalog if isinstance(catalog, Catalog) else Catalog(catalog or default_catalog()), request)
    else:
        found = _of_ticks(source, request) if isinstance(source, Dataset) else read_bars(source, request)
    return found if start is None and end is None else found.between(start, end)


def _of_catalog(catalog: Catalog, request: BarRequest) -> Bars:
    """Bars of a catalog: stored ones, else made of stored trades, else of a recording's trades."""
    symbol = needed_symbol(request.symbol, "a catalog")
    if request.venue is None and not has_series(catalog, symbol, None):
        venues = sorted({one.instrument.venue for one in catalog.manifests() if one.instrument.symbol == symbol})
        if len(venues) > 1:
            raise Misuse(f"the catalog {catalog.folder} holds {symbol} of {', '.join(venues)}", remedy="give venue=")
        request = replace(request, venue=venues[0]) if venues else request
    recorded = request.venue is not None and (catalog.instrument_folder(request.venue, symbol) / NAME).exists()
    held = [] if recorded and not has_series(catalog, symbol, request.venue) else series_of(catalog, symbol, request.venue)
    found = bars_of_series(held, request)
    if found is not None:
        return found
    if not recorded:
        have = ", ".join(one.kind for one in held)
        raise Misuse(
            f"the catalog {catalog.folder} holds nothing that bars of {request.timeframes[0]} of {symbol} can be made of: {have}",
            remedy="ask for a multiple of what is there, or download more: b25 data download",
        )
    return _of_ticks(dataset(symbol, venue=str(request.venue), catalog=catalog), request)


def _of_ticks(source: Dataset, request: BarRequest) -> Bars:
    """Bars of a recording's trades, in venue time; those that are whole inside it."""
    base, larger = bars_wanted(request.timeframes)
    rows = source.tape.venue
    begin_ns, known_ns = int(rows["exch_ns"].min()), int(rows["exch_ns"].max())
    prints = rows[rows["kind"] == TRADE]
    prints = prints[np.argsort(prints["exch_ns"], kind="stable")]

    def made(rule: Timeframe | BarRule) -> Bars:
        some = prints
        if isinstance(rule, Timeframe) and rule.open_of(begin_ns) < begin_ns:
            some = prints[prints["exch_ns"] >= rule.next_open(begin_ns)]
        columns = (some["exch_ns"].copy(), some["price_ticks"].astype(np.int64), some["qty_lots"].copy(), some["side"].copy())
        where = f"the trades of {source.symbol} on {source.venue}"
        note = "bars by time that the recording begins or ends inside are left out"
        return bars_of_ticks(
            source.instrument,
            columns,
            rule,
            known_ns=known_ns,
            source=where,
            notes=(note,) if isinstance(rule, Timeframe) else (),
        )

    if isinstance(base, Timeframe) and larger:
        return made(base).with_larger(*(frame.name for frame in larger))
    return replace(made(base), larger=tuple(made(frame) for frame in larger))
