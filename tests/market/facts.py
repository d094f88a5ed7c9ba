"""What is known of every real market, measured on archive rows: the stylised facts, in plain Python and numpy."""

from dataclasses import dataclass

import numpy as np

from b25.model.event import BUY, DEPTH, LAST_OF_MESSAGE, SNAPSHOT, TRADE

SECOND_NS = 1_000_000_000
PROFILE_TICKS = 3_400


@dataclass(frozen=True)
class Quotes:
    """The touch after each depth message, and the mean lots resting at each distance from it."""

    time_ns: np.ndarray
    bid_ticks: np.ndarray
    ask_ticks: np.ndarray
    bid_lots: np.ndarray
    ask_lots: np.ndarray
    profile_lots: np.ndarray  # shape (PROFILE_TICKS,), both sides

    @property
    def mid_ticks(self) -> np.ndarray:
        return (self.bid_ticks + self.ask_ticks) / 2

    @property
    def spread_ticks(self) -> np.ndarray:
        return self.ask_ticks - self.bid_ticks

    def mid_at(self, time_ns: np.ndarray) -> np.ndarray:
        """The mid that was public at each time."""
        return self.mid_ticks[np.clip(np.searchsorted(self.time_ns, time_ns, side="right") - 1, 0, None)]


def quotes_of(rows: np.ndarray, profile_every: int = 200) -> Quotes:
    """Follow the book row by row, on two plain lists indexed by tick."""
    rows = rows[np.isin(rows["kind"], (DEPTH, SNAPSHOT))]
    low = int(rows["price_ticks"].min()) - 1
    size = int(rows["price_ticks"].max()) - low + 2
    bids, asks = [0] * size, [0] * size
    best_bid, best_ask = 0, size - 1
    touches, profile, samples = [], np.zeros(PROFILE_TICKS), 0
    columns = (rows["price_ticks"] - low, rows["qty_lots"], rows["side"], rows["flags"], rows["exch_ns"])
    for price, lots, side, flags, time_ns in zip(*(column.tolist() for column in columns), strict=True):
        if side == BUY:
            bids[price] = lots
            best_bid = max(best_bid, price) if lots else best_bid
            while bids[best_bid] == 0 and best_bid > 0:
                best_bid -= 1
        else:
            asks[price] = lots
            best_ask = min(best_ask, price) if lots else best_ask
            while asks[best_ask] == 0 and best_ask < size - 1:
                best_ask += 1
        if flags & LAST_OF_MESSAGE:
            touches.append((time_ns, best_bid + low, best_ask + low, bids[best_bid], asks[best_ask]))
            if len(touches) % profile_every == 0:
                samples += 1
                for behind in (bids[best_bid::-1], asks[best_ask:]):
                    reach = min(PROFILE_TICKS, len(behind))
                    profile[:reach] += behind[:reach]
    return Quotes(*np.array(touches).T, profile / (2 * samples))


def returns_of(quotes: Quotes, step_ns: int = SECOND_NS) -> np.ndarray:
    """Log returns of the mid on an even grid."""
    grid_ns = np.arange(quotes.time_ns[0], quotes.time_ns[-1], step_ns)
    return np.diff(np.log(quotes.mid_at(grid_ns)))


def excess_kurtosis(values: np.ndarray) -> float:
    away = values - values.mean()
    return float(np.mean(away**4) / np.mean(away**2) ** 2 - 3.0)


def autocorrelation(values: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


def orders_of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, side and lots of the market orders: prints of one moment and side are one order."""
    trades = rows[rows["kind"] == TRADE]
    new = np.r_[True, (np.diff(trades["exch_ns"]) > 0) | (np.diff(trades["side"]) != 0)]
    starts = np.flatnonzero(new)
    return trades["exch_ns"][starts], trades["side"][starts].astype(np.int64), np.add.reduceat(trades["qty_lots"], starts)


def per_second(rows: np.ndarray, quotes: Quotes) -> tuple[np.ndarray, np.ndarray]:
    """Number of prints, and the square root of the signed lots, in each second of `returns_of`."""
    trades = rows[rows["kind"] == TRADE]
    edges_ns = np.arange(quotes.time_ns[0], quotes.time_ns[-1], SECOND_NS)
    prints = np.histogram(trades["exch_ns"], edges_ns)[0]
    signed = np.histogram(trades["exch_ns"], edges_ns, weights=trades["qty_lots"] * trades["side"].astype(np.int64))[0]
    return prints, np.sign(signed) * np.sqrt(np.abs(signed))
