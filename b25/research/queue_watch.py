"""What stands ahead of one order that joins a level, and when the first lot of it would be filled.

The rules are those of the simulated venue, applied to a single order of one lot without latency: for looking at queue
models, not for backtests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.kernels.queue import after_depth, after_trade, lots_reached
from b25.market.tape import Tape
from b25.model.errors import Misuse
from b25.model.event import BUY, CLEAR, DEPTH, NO_ASK_TICKS, NO_BID_TICKS, SELL, SNAPSHOT, TRADE
from b25.model.instrument import Instrument
from b25.venue.models import Queue

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class QueueWatch:
    """The life of a one-lot order at the back of a queue.

    Parameters
    ----------
    instrument : Instrument
    model : str
        Queue model, e.g. ``"power_prob_3:3.0"``.
    side, price_ticks : int
        Of the order.
    time_ns : ndarray of int64, shape (n,)
        When the quantity ahead changed; first of all when the order joined.
    ahead : ndarray of float64, shape (n,)
        Base units ahead of the order from then on.
    trades : (ndarray of int64, ndarray of float64)
        Times and quantities of the trades at its price.
    filled_ns : int or None
        When the first lot was filled.
    end_ns : int
        When the watch ended.
    """

    instrument: Instrument
    model: str
    side: int
    price_ticks: int
    time_ns: np.ndarray
    ahead: np.ndarray
    trades: tuple[np.ndarray, np.ndarray]
    filled_ns: int | None
    end_ns: int

    @property
    def price(self) -> float:
        """Price of the order."""
        record = self.instrument.record()[0]
        return float(self.price_ticks * record["tick_num"] / record["tick_den"])

    @property
    def wait_s(self) -> float:
        """Seconds until the fill; infinite when there was none."""
        return (self.filled_ns - int(self.time_ns[0])) / 1e9 if self.filled_ns is not None else float("inf")

    @property
    def frame(self) -> pl.DataFrame:
        """The quantity ahead over time: time, ahead."""
        import polars as pl

        return pl.DataFrame({"time": pl.Series(self.time_ns).cast(pl.Datetime("ns", "UTC")), "ahead": self.ahead})

    def plot(self, *others: QueueWatch, theme: str = "light") -> Any:
        """Draw the quantity ahead, the trades at its price, and what `others` (of other models) say was ahead."""
        from b25.analytics.book_plots import plot_queue
        from b25.analytics.series import TimeSeries

        side = "buy" if self.side == BUY else "sell"
        return plot_queue(
            self.time_ns,
            self.ahead,
            filled_ns=self.filled_ns,
            trades=self.trades,
            others=[(other.model, TimeSeries(other.time_ns, other.ahead)) for other in others],
            base=self.instrument.base,
            title=f"Ahead of a {side} at {self.price:g}, {self.model}",
            theme=theme,  # type: ignore[arg-type]
        )

    def __repr__(self) -> str:
        side = "buy" if self.side == BUY else "sell"
        fate = f"filled after {self.wait_s:.3f} s" if self.filled_ns is not None else "not filled"
        return f"QueueWatch({side} at {self.price:g}, {self.ahead[0]:g} {self.instrument.base} ahead, {self.model}: {fate})"


def watch_queue(
    tape: Tape, time_ns: int, end_ns: int, *, side: int = BUY, price_ticks: int | None = None, model: str = "risk_adverse"
) -> QueueWatch:
    """Let a one-lot order join the queue and follow it.

    Parameters
    ----------
    tape : Tape
    time_ns, end_ns : int
        When the order reaches the venue, and when the watch ends; both on the venue's clock.
    side : int
        BUY or SELL.
    price_ticks : int, optional
        Default: the venue's best price of that side at that time.
    model : str
        Queue model.

    Raises
    ------
    Misuse
        When there is no such price, or an order there would trade at once.
    """
    if side not in (BUY, SELL):
        raise Misuse(f"{side!r} is no side", remedy="use b25.BUY or b25.SELL")
    code, exponent = Queue(model).code()
    joined = int(np.searchsorted(tape.venue["exch_ns"], time_ns, side="right"))
    best, against = _touch(tape, joined, side)
    price = best if price_ticks is None else price_ticks
    if not NO_BID_TICKS < price < NO_ASK_TICKS or (price - against) * side >= 0:
        raise Misuse("there is no place to join at that price and time", remedy="give a time and a price within the data's book")
    record = tape.instrument.record()[0]
    num, den = int(record["lot_num"]), int(record["lot_den"])
    times, ahead, prints = [time_ns], [_shown(tape, joined, side, price) * num / den], []
    front, cum, shown, filled_ns = ahead[0], 0.0, ahead[0], None
    for row in _rows_that_concern(tape, joined, end_ns, side, price):
        before, now, quantity = front, int(row["exch_ns"]), int(row["qty_lots"]) * num / den
        if row["kind"] == CLEAR:
            shown = 0.0  # a clear row touches no order
        elif row["kind"] == TRADE and row["price_ticks"] == price:
            front, cum = after_trade(front, cum, quantity)
            prints.append((now, quantity))
        elif row["kind"] != TRADE and row["side"] == side:
            front, cum = after_depth(code, exponent, front, cum, shown, quantity)
            shown = quantity
        else:
            filled_ns = now  # a print or a level through our price
            break
        if front != before:
            times.append(now)
            ahead.append(max(float(front), 0.0))
        if row["kind"] == TRADE and lots_reached(front, num / den) > 0:
            filled_ns = now
            break
    marks = (np.array([t for t, _ in prints], np.int64), np.array([q for _, q in prints], np.float64))
    return QueueWatch(tape.instrument, model, side, price, np.array(times), np.array(ahead), marks, filled_ns, end_ns)


def _touch(tape: Tape, joined: int, side: int) -> tuple[int, int]:
    """Best price of our side and of the other one, as the venue has them after `joined` rows."""
    if joined == 0:
        return (NO_BID_TICKS, NO_ASK_TICKS) if side == BUY else (NO_ASK_TICKS, NO_BID_TICKS)
    row = tape.venue[joined - 1]
    bid, ask = int(row["bid_ticks"]), int(row["ask_ticks"])
    return (bid, ask) if side == BUY else (ask, bid)


def _sets_a_level(kind: np.ndarray) -> np.ndarray:
    return np.asarray((kind == DEPTH) | (kind == SNAPSHOT))


def _shown(tape: Tape, joined: int, side: int, price: int) -> int:
    """Lots that the venue shows at a level after `joined` rows."""
    rows = tape.venue[:joined]
    mine = rows["side"] == side
    level = _sets_a_level(rows["kind"]) & (rows["price_ticks"] == price)
    cleared = (rows["kind"] == CLEAR) & ((price - rows["price_ticks"]) * side >= 0)
    places = np.flatnonzero(mine & (level | cleared))
    if not places.size or rows["kind"][places[-1]] == CLEAR:
        return 0
    return int(rows["qty_lots"][places[-1]])


def _rows_that_concern(tape: Tape, joined: int, end_ns: int, side: int, price: int) -> Iterator[np.void]:
    """Rows at our level, and those of the other side at our price or through it, in the venue's order."""
    stop = int(np.searchsorted(tape.venue["exch_ns"], end_ns, side="right"))
    rows = tape.venue[joined:stop]
    beyond = (price - rows["price_ticks"].astype(np.int64)) * side
    ours = rows["side"] == side
    levels = _sets_a_level(rows["kind"])
    level = ours & levels & (beyond == 0)
    cleared = ours & (rows["kind"] == CLEAR) & (beyond >= 0)
    traded = ~ours & (rows["kind"] == TRADE) & (beyond >= 0)
    met = ~ours & levels & (beyond >= 0) & (rows["qty_lots"] > 0)
    yield from rows[level | cleared | traded | met]
