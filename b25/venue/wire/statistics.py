"""What one symbol's trades add up to: candles, the rolling day, average price, aggregate trades; for REST and streams alike."""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from b25.venue.exchange.money import money_text
from b25.venue.wire.candles import DAY_MS, Candle, Candles
from b25.venue.wire.tickers import RollingWindow, Ticker, average_price

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing, PublicTrade

# Futures put together what one side took at one price within this time; spot, what one order took at one price.
AGGREGATION_MS = 100
AGGREGATES_KEPT = 10_000
WINDOWS_MAX = 16


class AggTrade(NamedTuple):
    """Trades of one taker at one price, told as one."""

    agg_id: int
    price_ticks: int
    qty_lots: int
    first_id: int
    last_id: int
    time_ms: int
    buyer_is_maker: bool


class Aggregator:
    """Puts trades together: a whole batch at once (spot), or within 100 ms (futures)."""

    def __init__(self, within_ms: int) -> None:
        self.within_ms = within_ms
        self.done: deque[AggTrade] = deque(maxlen=AGGREGATES_KEPT)
        self.open: AggTrade | None = None
        self._next_id = 1

    def take(self, trades: Sequence["PublicTrade"]) -> list[AggTrade]:
        """Count the trades of one command; gives the aggregates that are complete."""
        told = []
        for trade in trades:
            one = self.open
            if one is not None and self._joins(one, trade):
                self.open = one._replace(qty_lots=one.qty_lots + trade.qty_lots, last_id=trade.trade_id)
                continue
            told += self.close()
            self.open = AggTrade(
                self._next_id,
                trade.price_ticks,
                trade.qty_lots,
                trade.trade_id,
                trade.trade_id,
                trade.time_ms,
                trade.buyer_is_maker,
            )
            self._next_id += 1
        if not self.within_ms:
            told += self.close()
        return told

    def _joins(self, one: AggTrade, trade: "PublicTrade") -> bool:
        same = one.price_ticks == trade.price_ticks and one.buyer_is_maker == trade.buyer_is_maker
        return same and trade.time_ms - one.time_ms <= self.within_ms

    def close(self, now_ms: int | None = None) -> list[AggTrade]:
        """Complete the open aggregate; with a time, only when its 100 ms are over."""
        one = self.open
        if one is None or (now_ms is not None and now_ms - one.time_ms < self.within_ms):
            return []
        self.done.append(one)
        self.open = None
        return [one]


class Statistics:
    """Everything that one listing's trades add up to.

    Parameters
    ----------
    listing : Listing
        Trades that it already holds are counted as history.
    now_ms : int
        Time of the venue.
    """

    def __init__(self, listing: "Listing", now_ms: int) -> None:
        self.listing = listing
        self.candles = Candles()
        self.aggregator = Aggregator(0 if listing.market == "spot" else AGGREGATION_MS)
        self._windows: dict[int, RollingWindow] = {}
        self._now_ms = now_ms
        self._last_lots = 0
        for trade in listing.trades:
            self.take([trade])

    def take(self, trades: Sequence["PublicTrade"]) -> list[AggTrade]:
        """Count the trades of one command; gives the aggregate trades that are complete."""
        for trade in trades:
            self.candles.take(trade.price_ticks, trade.qty_lots, trade.time_ms, trade.trade_id, not trade.buyer_is_maker)
        if trades:
            self._last_lots = trades[-1].qty_lots
        return self.aggregator.take(trades)

    def roll(self, now_ms: int) -> list[AggTrade]:
        """Let time pass: candles close; gives the aggregate trades whose 100 ms are over."""
        self._now_ms = now_ms
        self.candles.roll(now_ms)
        return self.aggregator.close(now_ms) if self.aggregator.open else []

    def seed(self, minutes: Iterable[Candle]) -> None:
        """Take a flow's history: minutes that lie before the first trade, the oldest first."""
        self.candles.seed(minutes)

    def klines(self, interval: str, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500) -> list[Candle]:
        """Candles that open within [start, end], the oldest first: the first `limit` from a start, else the last ones."""
        return self.candles.between(interval, start_ms, end_ms, limit)

    def ticker(self, span_ms: int = DAY_MS) -> Ticker:
        """What traded in the last 24 hours or another span of whole minutes, exact to the minute."""
        window = self._windows.get(span_ms)
        if window is None:
            if len(self._windows) >= WINDOWS_MAX:  # clients may ask for any span: forget one that was asked for, not the day
                self._windows.pop(next(span for span in self._windows if span != DAY_MS))
            window = self._windows[span_ms] = RollingWindow(span_ms)
        window.refresh(self.candles, self._now_ms)
        return window.ticker(self.candles.current("1m"), self._now_ms, self._last_lots)

    def average_price(self) -> Decimal:
        """Mean price of the last five minutes by volume; the last price when nothing traded in them, 0 before the first trade."""
        ticklots, lots = average_price(self.candles, self._now_ms)
        if lots:
            return (Decimal(ticklots) / lots * self.listing.tick).quantize(Decimal("1e-8"))
        current = self.candles.current("1s")
        return current.close_ticks * self.listing.tick if current else Decimal(0)

    @property
    def agg_trades(self) -> list[AggTrade]:
        """The newest aggregate trades, the oldest first; the open one too."""
        return [*self.aggregator.done, *([self.aggregator.open] if self.aggregator.open else [])]

    def turnover_text(self, ticklots: int) -> str:
        """Turnover as the wire writes it: eight decimals of the quote asset."""
        return money_text(self.listing.notional(ticklots))

    def weighted_text(self, ticker: Ticker) -> str:
        """Mean price of a ticker by volume, eight decimals."""
        return f"{ticker.ticklots / Decimal(ticker.lots) * self.listing.tick:.8f}" if ticker.lots else "0.00000000"
