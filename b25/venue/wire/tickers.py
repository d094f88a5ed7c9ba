"""The rolling 24 hours of one symbol, and its average price: sums over closed minutes or seconds, and the open ones on top."""

from collections import deque
from dataclasses import dataclass

from b25.venue.wire.candles import DAY_MS, MINUTE_MS, Candle, Candles

AVERAGE_PRICE_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Ticker:
    """What traded in a window; prices in ticks, volumes in lots, turnover in ticks × lots. All zero when nothing ever traded."""

    open_time_ms: int
    close_time_ms: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    last_lots: int
    previous_ticks: int  # the last price before the window; the first of it when there was none
    lots: int
    ticklots: int
    first_id: int
    last_id: int
    count: int


class RollingWindow:
    """Sums over the closed minutes of a span, kept up to date as minutes come and go."""

    def __init__(self, span_ms: int = DAY_MS) -> None:
        self.span_ms = span_ms
        self._minutes: deque[Candle] = deque()  # only those in which something traded
        self._highs: deque[Candle] = deque()  # falling
        self._lows: deque[Candle] = deque()  # rising
        self._lots = self._ticklots = self._count = 0
        self._seen_ms = -1
        self._dropped: Candle | None = None

    def refresh(self, candles: Candles, now_ms: int) -> None:
        """Take the minutes that have closed since, drop those that are too old."""
        news: list[Candle] = []
        for candle in reversed(candles.series["1m"].closed):
            if candle.open_ms <= self._seen_ms:
                break
            news.append(candle)
        for candle in reversed(news):
            self._seen_ms = candle.open_ms
            if candle.first_id >= 0:
                self._add(candle)
        # A minute belongs to the window while any of it may: the window is exact to the minute.
        while self._minutes and self._minutes[0].close_ms < now_ms - self.span_ms:
            self._drop()

    def _add(self, candle: Candle) -> None:
        self._minutes.append(candle)
        while self._highs and self._highs[-1].high_ticks <= candle.high_ticks:
            self._highs.pop()
        while self._lows and self._lows[-1].low_ticks >= candle.low_ticks:
            self._lows.pop()
        self._highs.append(candle)
        self._lows.append(candle)
        self._lots += candle.lots
        self._ticklots += candle.ticklots
        self._count += candle.count

    def _drop(self) -> None:
        gone = self._dropped = self._minutes.popleft()
        if self._highs[0] is gone:
            self._highs.popleft()
        if self._lows[0] is gone:
            self._lows.popleft()
        self._lots -= gone.lots
        self._ticklots -= gone.ticklots
        self._count -= gone.count

    def ticker(self, current: Candle | None, now_ms: int, last_lots: int) -> Ticker:
        """The window with the open minute added."""
        open_time_ms = now_ms - self.span_ms
        begin = self._minutes[0] if self._minutes else current
        if current is None or begin is None:
            return Ticker(open_time_ms, now_ms, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 0)
        trades = current.first_id >= 0
        high = max(self._highs[0].high_ticks if self._highs else 0, current.high_ticks if trades else 0)
        lows = [candle.low_ticks for candle in (*list(self._lows)[:1], *([current] if trades else []))]
        last = current.close_ticks
        return Ticker(
            open_time_ms=open_time_ms,
            close_time_ms=now_ms,
            open_ticks=begin.open_ticks,
            high_ticks=high or last,
            low_ticks=min(lows, default=last),
            last_ticks=last,
            last_lots=last_lots,
            previous_ticks=self._dropped.close_ticks if self._dropped else begin.open_ticks,
            lots=self._lots + current.lots,
            ticklots=self._ticklots + current.ticklots,
            first_id=begin.first_id,
            last_id=current.last_id if trades else (self._minutes[-1].last_id if self._minutes else -1),
            count=self._count + current.count,
        )


def average_price(candles: Candles, now_ms: int) -> tuple[int, int]:
    """Turnover and lots of the last five minutes, in whole seconds; (0, 0) when nothing traded."""
    oldest_ms = now_ms - AVERAGE_PRICE_MINUTES * MINUTE_MS
    ticklots = lots = 0
    current = candles.current("1s")
    if current is not None and current.close_ms >= oldest_ms:
        ticklots, lots = current.ticklots, current.lots
    for second in reversed(candles.series["1s"].closed):
        if second.open_ms < oldest_ms:
            break
        ticklots += second.ticklots
        lots += second.lots
    return ticklots, lots
