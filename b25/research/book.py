"""A look at one book at one moment: its levels as frames, and what can be computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.kernels.annotate_book import apply_rows
from b25.kernels.book import make_ladder
from b25.kernels.book_reads import imbalance, microprice, top
from b25.market.tape import Tape
from b25.model.book import LEVEL
from b25.model.instrument import Instrument

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Book:
    """The resting levels of one instrument at one moment, as the trader knew them.

    Parameters
    ----------
    instrument : Instrument
    time_ns : int
    bid_levels, ask_levels : ndarray of LEVEL
        Best first.
    imbalance_by_levels : dict of int to float
        (bids - asks) / (bids + asks) over the best 1, 5 and 20 levels.
    microprice : float
        Touch weighted by the opposite side's quantity; NaN when a side is empty.
    """

    instrument: Instrument
    time_ns: int
    bid_levels: np.ndarray
    ask_levels: np.ndarray
    imbalance_by_levels: dict[int, float]
    microprice: float

    def _frame(self, levels: np.ndarray) -> pl.DataFrame:
        import polars as pl

        record = self.instrument.record()[0]
        quantity = levels["qty_lots"] * record["lot_num"] / record["lot_den"]
        return pl.DataFrame(
            {
                "price": levels["price_ticks"] * record["tick_num"] / record["tick_den"],
                "quantity": quantity,
                "cumulative": np.cumsum(quantity),
            }
        )

    @property
    def bids(self) -> pl.DataFrame:
        """Bids, best first: price, quantity, cumulative quantity."""
        return self._frame(self.bid_levels)

    @property
    def asks(self) -> pl.DataFrame:
        """Asks, best first: price, quantity, cumulative quantity."""
        return self._frame(self.ask_levels)

    @property
    def mid(self) -> float:
        """Middle of the touch; NaN when a side is empty."""
        if not self.bid_levels.size or not self.ask_levels.size:
            return float("nan")
        low, high = self.bid_levels["price_ticks"][0], self.ask_levels["price_ticks"][0]
        return float(low + high) / 2 * float(self.instrument.tick)

    @property
    def spread_ticks(self) -> int:
        """Ask less bid in ticks; 0 when a side is empty."""
        if not self.bid_levels.size or not self.ask_levels.size:
            return 0
        return int(self.ask_levels["price_ticks"][0] - self.bid_levels["price_ticks"][0])

    def plot(self, *, levels: int = 60, theme: str = "light") -> Any:
        """Draw the depth around the touch."""
        from b25.analytics.book_plots import plot_depth

        bids, asks = self.bids.head(levels), self.asks.head(levels)
        return plot_depth(
            bids.select("price", "quantity").to_numpy(),
            asks.select("price", "quantity").to_numpy(),
            quote=self.instrument.quote,
            base=self.instrument.base,
            title=f"{self.instrument.symbol} · {np.datetime64(self.time_ns, 'ns').astype('datetime64[ms]')} UTC",
            theme=theme,  # type: ignore[arg-type]
        )

    def __repr__(self) -> str:
        moment = np.datetime64(self.time_ns, "ns").astype("datetime64[ms]")
        return (
            f"Book({self.instrument.symbol} at {moment} UTC: {self.bid_levels.size:,} bids, {self.ask_levels.size:,} asks, "
            f"mid {self.mid:g}, spread {self.spread_ticks} ticks)"
        )

    def _repr_html_(self) -> str:
        from b25.research.cards import book_card

        return book_card(self).html()


def book_at(tape: Tape, time_ns: int) -> Book:
    """Rebuild the trader's book from the tape's rows up to and including a time."""
    place = int(np.searchsorted(tape.messages["local_ns"], time_ns, side="right"))
    stop = int(tape.messages["row_end"][place - 1]) if place else 0
    ladder = make_ladder()
    apply_rows(tape.levels, stop, *ladder.book)
    sides = []
    for index, count in ((0, int(ladder.head[0]["bid_levels"])), (1, int(ladder.head[0]["ask_levels"]))):
        out = np.zeros(count, LEVEL)
        top(*ladder.book, index, out)
        sides.append(out)
    tick = float(tape.instrument.tick)
    return Book(
        instrument=tape.instrument,
        time_ns=time_ns,
        bid_levels=sides[0],
        ask_levels=sides[1],
        imbalance_by_levels={n: float(imbalance(*ladder.book, n)) for n in (1, 5, 20)},
        microprice=float(microprice(*ladder.book)) * tick,
    )
