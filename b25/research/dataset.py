"""One instrument's recorded market, ready for a backtest or a look: `b25.dataset(...)`, `b25.sample()`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from b25.market.catalog import Catalog
from b25.market.tape import BRIDGED, Tape, make_tape
from b25.market.tape_cache import open_tape
from b25.model.errors import Misuse
from b25.model.event import BUY, DEPTH, NO_ASK_TICKS, NO_BID_TICKS, TRADE
from b25.model.instrument import Instrument
from b25.research.book import Book, book_at
from b25.venue.models import ConstantLatency, LognormalLatency

if TYPE_CHECKING:
    import polars as pl

    from b25.analytics.series import FillSeries
    from b25.market.bars import Bars
    from b25.research.queue_watch import QueueWatch

SAMPLE_SYMBOL, SAMPLE_MINUTES, SAMPLE_DAYS, SAMPLE_SEED = "BTC/USDT:USDT", 30, 365, 25


@dataclass(frozen=True)
class Dataset:
    """Everything that a catalog holds of one instrument.

    Parameters
    ----------
    venue, symbol : str
    catalog : Catalog
    profile : {"bridged", "hftbacktest"}
        How its rows are replayed.
    feed : ConstantLatency or LognormalLatency, optional
        Latency of the feed in place of the recorded one.
    """

    venue: str
    symbol: str
    catalog: Catalog = field(repr=False)
    profile: str = BRIDGED
    feed: ConstantLatency | LognormalLatency | None = None

    @cached_property
    def tape(self) -> Tape:
        """The rows laid out for replay; made at the first use, and kept beside the catalog when the feed is as recorded."""
        if self.feed is not None:
            stored = self.catalog.load(self.venue, self.symbol)
            source = f"{stored.hash}:{self.feed}"
            return make_tape(stored.instrument, stored.rows, profile=self.profile, source_hash=source, feed=self.feed.draws)
        return open_tape(self.catalog, self.venue, self.symbol, profile=self.profile)

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.tape.instrument

    @property
    def hash(self) -> str:
        """Of the data; equal for equal data."""
        return self.tape.hash

    @property
    def start_ns(self) -> int:
        """Earliest time in the data, on either clock."""
        tape = self.tape
        return min(int(tape.venue["exch_ns"][0]), int(tape.messages["local_ns"][0]))

    @property
    def end_ns(self) -> int:
        """When the last message reached the trader."""
        return int(self.tape.messages["local_ns"][-1])

    @cached_property
    def touch(self) -> pl.DataFrame:
        """Best bid and ask after every depth message, as the trader received them: time, bid, ask, quantities, mid, spread."""
        import polars as pl

        rows = self.tape.messages
        rows = rows[(rows["kind"] == DEPTH) & (rows["bid_ticks"] != NO_BID_TICKS) & (rows["ask_ticks"] != NO_ASK_TICKS)]
        tick, lot = float(self.instrument.tick), float(self.instrument.lot)
        price = {side: _prices(rows[f"{side}_ticks"], self.instrument) for side in ("bid", "ask")}
        return pl.DataFrame(
            {
                "time": pl.Series(rows["local_ns"].copy()).cast(pl.Datetime("ns", "UTC")),
                "bid": price["bid"],
                "ask": price["ask"],
                "bid_quantity": rows["bid_lots"] * lot,
                "ask_quantity": rows["ask_lots"] * lot,
                "mid": (price["bid"] + price["ask"]) / 2,
                "spread_ticks": np.round((price["ask"] - price["bid"]) / tick).astype(np.int64),
            }
        )

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Public trades as the trader received them: time, price, quantity, side of the aggressor (+1 bought, -1 sold)."""
        import polars as pl

        rows = self.tape.messages
        rows = rows[rows["kind"] == TRADE]
        return pl.DataFrame(
            {
                "time": pl.Series(rows["local_ns"].copy()).cast(pl.Datetime("ns", "UTC")),
                "price": _prices(rows["price_ticks"], self.instrument),
                "quantity": rows["qty_lots"] * float(self.instrument.lot),
                "side": rows["side"].copy(),
            }
        )

    def book(self, time: Any = None) -> Book:
        """Return the trader's book at a time.

        Parameters
        ----------
        time : datetime, ISO text, int of nanoseconds, or float in [0, 1], optional
            When; a float is a share of the span, the default the end.
        """
        return book_at(self.tape, self.at(time))

    def plot_book(
        self, start: Any = 0.0, end: Any = None, *, ticks: int = 15, fills: FillSeries | None = None, theme: str = "light"
    ) -> Any:
        """Draw resting quantity by time and price between two times, `ticks` beyond the touch, with our fills if given."""
        from b25.research.book_history import plot_book_between

        return plot_book_between(self.tape, self.at(start), self.at(end), ticks=ticks, fills=fills, theme=theme)

    def plot_trades(self, start: Any = 0.0, end: Any = None, *, theme: str = "light") -> Any:
        """Draw the public trades between two times on the touch they met, and what they add up to."""
        from b25.research.book_history import plot_trades_between

        return plot_trades_between(self.tape, self.at(start), self.at(end), theme=theme)

    def queue(
        self, time: Any, *, side: int = BUY, price: float | None = None, model: str = "risk_adverse", seconds: float = 60.0
    ) -> QueueWatch:
        """Let a one-lot order join the queue at a time, and watch for some seconds what stands ahead of it.

        Parameters
        ----------
        time : datetime, ISO text, int of nanoseconds, or float in [0, 1]
            When it reaches the venue.
        side : int
            BUY or SELL.
        price : float, optional
            Default: the venue's best price of that side.
        model : str
            Queue model, as in `backtest`.
        seconds : float
            How long to watch.
        """
        from b25.research.queue_watch import watch_queue

        joined = self.at(time)
        ticks = None if price is None else round(price / float(self.instrument.tick))
        return watch_queue(self.tape, joined, joined + int(seconds * 1e9), side=side, price_ticks=ticks, model=model)

    def at(self, time: Any) -> int:
        """Return a time as nanoseconds of the epoch; see `book` for what it may be. Raises Misuse when it cannot be read."""
        if time is None:
            return self.end_ns
        if isinstance(time, float) and 0.0 <= time <= 1.0:
            return self.start_ns + int(time * (self.end_ns - self.start_ns))
        if isinstance(time, int | np.integer) and not isinstance(time, bool):
            return int(time)
        try:
            # numpy's times are UTC and carry no zone.
            bare = time.rstrip("Z") if isinstance(time, str) else time.replace(tzinfo=None)
            moment = np.datetime64(bare, "ns")
            return int(moment.astype(np.int64))
        except (ValueError, TypeError, AttributeError):
            raise Misuse(
                f"{time!r} is no time", remedy="give a datetime, ISO text in UTC, nanoseconds, or a share from 0.0 to 1.0"
            ) from None

    def __repr__(self) -> str:
        tape = self.tape
        span_s = (self.end_ns - self.start_ns) / 1e9
        return (
            f"Dataset({self.symbol} on {self.venue}: {tape.venue.size:,} rows, {tape.messages.size:,} messages, {span_s:,.0f} s "
            f"from {np.datetime64(self.start_ns, 'ns').astype('datetime64[s]')} UTC, {self.profile})"
        )

    def _repr_html_(self) -> str:
        from b25.research.cards import dataset_card

        return dataset_card(self).html()


def _prices(ticks: np.ndarray, instrument: Instrument) -> np.ndarray:
    record = instrument.record()[0]
    prices: np.ndarray = ticks.astype(np.int64) * record["tick_num"] / record["tick_den"]
    return prices


def default_catalog() -> Path:
    """Return the catalog's folder: B25_CATALOG, else `data/catalog` of the project that the current folder is in."""
    if named := os.environ.get("B25_CATALOG"):
        return Path(named)
    here = Path.cwd()
    project = next((p for p in (here, *here.parents) if (p / "strategies").is_dir() and (p / "data").is_dir()), here)
    return project / "data" / "catalog"


def dataset(
    symbol: str, *, venue: str = "binanceusdm", catalog: Catalog | Path | str | None = None, profile: str = BRIDGED
) -> Dataset:
    """Open an instrument of a catalog.

    Parameters
    ----------
    symbol : str
        Ccxt unified symbol, e.g. ``"ETH/USDT:USDT"``.
    venue : str
        Ccxt id of the venue it was recorded on.
    catalog : Catalog, Path or str, optional
        Folder of the catalog; see `default_catalog`.
    profile : {"bridged", "hftbacktest"}
        ``bridged`` begins with the snapshot and follows the venue's chain; ``hftbacktest`` replays every row by the rules of
        that engine.

    Raises
    ------
    Misuse
        When the catalog does not hold it.
    """
    found = Dataset(venue, symbol, catalog if isinstance(catalog, Catalog) else Catalog(catalog or default_catalog()), profile)
    found.catalog.manifest(venue, symbol)
    return found


@overload
def sample(*, minutes: int | None = None, seed: int = SAMPLE_SEED, catalog: Catalog | Path | str | None = None) -> Dataset: ...
@overload
def sample(*, bars: str, days: int = SAMPLE_DAYS, seed: int = SAMPLE_SEED, edge: float = 0.0) -> Bars: ...
def sample(
    *,
    minutes: int | None = None,
    seed: int = SAMPLE_SEED,
    catalog: Catalog | Path | str | None = None,
    bars: str | None = None,
    days: int | None = None,
    edge: float | None = None,
) -> Dataset | Bars:
    """Open a market of our own making; equal arguments give equal bytes.

    Without `bars` it is some minutes of an order book, made by the order-flow simulator on first use and kept in a catalog.
    With `bars` it is a long series of bars, made anew each time: without an edge a fair game on which nothing can be earned but
    by chance, with one a market with a hidden trend; see `b25.market.synthetic_bars`.

    Parameters
    ----------
    minutes : int, optional
        Length of a recording; 30 by default.
    seed : int
        Which market.
    catalog : Catalog, Path or str, optional
        Folder of the catalog that keeps the recording; see `default_catalog`.
    bars : str, optional
        Timeframe, from ``"1s"`` to ``"1d"``.
    days : int, optional
        Length of the bars, from 2020-01-01 on; 365 by default.
    edge : float, optional
        Size of the bars' hidden trend, from 0 (the default) to 1, on the volatility of a day.

    Returns
    -------
    Dataset, or Bars when `bars` is given

    Raises
    ------
    Misuse
        For a number out of bounds, or arguments of one kind with the other.
    """
    if bars is not None:
        if minutes is not None or catalog is not None:
            raise Misuse("a sample of bars has neither minutes nor a catalog", remedy="say days=…; bars are made anew each time")
        from b25.market.synthetic_bars import make_bars

        return make_bars(bars, days=SAMPLE_DAYS if days is None else days, seed=seed, edge=0.0 if edge is None else edge)
    if days is not None or edge is not None:
        raise Misuse("days and edge are of a sample of bars", remedy='say which bars, e.g. b25.sample(bars="1h", days=365)')
    from b25.market.synthetic import build_sample

    minutes = SAMPLE_MINUTES if minutes is None else minutes
    folder = catalog.folder if isinstance(catalog, Catalog) else Path(catalog or default_catalog())
    if (minutes, seed) != (SAMPLE_MINUTES, SAMPLE_SEED):
        # A catalog holds one recording of an instrument; another sample is another catalog.
        folder = folder / "samples" / f"seed{seed}_{minutes}min"
    build_sample(folder, seed=seed, minutes=minutes)
    return dataset(SAMPLE_SYMBOL, venue="sim", catalog=folder)
