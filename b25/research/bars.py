"""The door to bars: `b25.bars("1m", "1h", source=...)` from files, folders, frames, trades, ticks, or the catalog."""

from __future__ import annotations

from typing import Any

from b25.market.bar_grid import Grid, given_decimal
from b25.market.bar_source import BarRequest, read_bars
from b25.market.timeframe import Timeframes


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
        The timeframe to run on, then larger ones that are visible beside it once they are complete: ``"1m", "1h"``.
    source : path, frame, Dataset, Bars, optional
        A file (``.csv``, ``.feather``, ``.parquet``, ``.json``, ``.json.gz``), a folder of freqtrade's data, a polars or
        pandas frame of bars or of trades, or bars. Smaller bars are gathered into the timeframe asked for.
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
    found = read_bars(source, request)
    return found if start is None and end is None else found.between(start, end)
