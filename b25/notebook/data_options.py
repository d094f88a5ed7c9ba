"""Words that say what a magic runs on, and how: the same as those of `b25 backtest`, where they mean the same."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse
from b25.notebook.arguments import Words, given

SAMPLE_MINUTES: Final = 5
SAMPLE_DAYS: Final = 120
FEE_MAKER, FEE_TAKER = 0.0002, 0.0005


def add_data_options(words: Words) -> None:
    """Add what names the data."""
    words.add_argument("--symbol", help="Unified symbol of the catalog, e.g. BTC/USDT:USDT; left out: a sample market.")
    words.add_argument("--timeframe", action="append", metavar="FRAME", help="Run on bars: 1h, or 5m,1h with larger ones.")
    words.add_argument("--timerange", help="UTC, half-open: 20240101-20240201, either side may be left out.")
    words.add_argument("--data", action="append", metavar="FILE|SYMBOL", help="A file of bars or trades; for each instrument.")
    words.add_argument("--venue", help="ccxt id of the venue.")
    words.add_argument("--catalog", type=Path, help="Folder of the catalog; left out: data/catalog.")
    words.add_argument("--days", type=int, default=SAMPLE_DAYS, help="Length of a sample of bars.")
    words.add_argument("--minutes", type=int, default=SAMPLE_MINUTES, help="Length of a sample of ticks.")


def add_run_options(words: Words) -> None:
    """Add what the simulated venue assumes, and the parameters."""
    words.add_argument("--param", action="append", metavar="NAME=VALUE", help="A parameter that is not at its default.")
    words.add_argument("--fee-maker", type=float, default=FEE_MAKER, help="Ratio of the value, e.g. 0.0002.")
    words.add_argument("--fee-taker", type=float, default=FEE_TAKER, help="Ratio of the value, e.g. 0.0005.")
    words.add_argument("--balance", type=float, help="Settlement currency at the start.")
    words.add_argument("--slippage-bps", type=float, help="On bars: what an order pays beyond the price it meets.")
    words.add_argument("--leverage", type=float, help="On bars: largest multiple of the equity that may be held.")
    words.add_argument("--warmup", type=int, help="On bars: how many before the start are seen.")
    words.add_argument("--class", dest="cls", metavar="NAME", help="Which class, where the cell defines several.")
    words.add_argument("--into", metavar="NAME", help="Name that the result is given in the notebook.")


def open_data(options: argparse.Namespace, cls: type | None = None) -> Any:
    """Open what the words name.

    Parameters
    ----------
    options : argparse.Namespace
    cls : class of Strategy, optional
        Its declared timeframes are taken where none are named.

    Returns
    -------
    Dataset, Bars, or list of Bars
    """
    import b25
    from b25.market.timeframe import declared_in
    from b25.research.asked import frames_of, is_file, open_bars

    declared = declared_in(cls) if cls is not None else None
    frames = frames_of(options.timeframe) if options.timeframe else list(declared.names) if declared else []
    if not frames and cls is not None and not options.data and callable(getattr(cls, "on_bar", None)):
        raise Misuse(f"{cls.__name__} wants bars", remedy="say which: --timeframe 1h")
    named = options.data or options.symbol
    if frames and named:
        place = given(options, "symbol", "venue", "catalog")
        found = open_bars(frames, options.data, **place)
        return found if len(found) > 1 else found[0]
    if frames:
        sample = b25.sample(bars=frames[0], days=options.days)
        return sample.with_larger(*frames[1:]) if len(frames) > 1 else sample
    if options.data:
        files = [text for text in options.data if is_file(text)]
        why = f"--data {(files or options.data)[0]} is of bars or trades, and no timeframe is named"
        raise Misuse(why, remedy="add --timeframe 1h, or name a recording with --symbol")
    if options.symbol:
        place = given(options, "venue", "catalog")
        return b25.dataset(options.symbol, **place)
    return b25.sample(minutes=options.minutes, **given(options, "catalog"))


def run_keywords(options: argparse.Namespace, data: Any) -> dict[str, Any]:
    """Keywords of `backtest` that the words give, parameters included."""
    from b25.market.timerange import timerange
    from b25.research.asked import parameters
    from b25.research.dataset import Dataset
    from b25.venue.bar_models import Account, BarFills
    from b25.venue.models import Fees

    how: dict[str, Any] = {"fees": Fees(options.fee_maker, options.fee_taker), **given(options, "balance")}
    if options.timerange:
        span = timerange(options.timerange)
        how |= {name: ns for name, ns in (("start", span.start_ns), ("end", span.end_ns)) if ns is not None}
    of_bars = given(options, "slippage_bps", "leverage", "warmup")
    if isinstance(data, Dataset):
        if of_bars:
            word = next(iter(of_bars)).replace("_", "-")
            raise Misuse(f"--{word} means nothing on ticks", remedy="leave it out, or name a --timeframe")
    else:
        how["bar_fills"] = BarFills(**given(options, "slippage_bps"))
        how["account"] = Account(**given(options, "leverage"))
        how |= given(options, "warmup")
    return how | parameters(options.param, "--param")
