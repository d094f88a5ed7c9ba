"""Candles of every Binance interval, built from trades: one update a trade, folded upwards when a second or a minute closes.

Integers only: prices in ticks, volumes in lots, turnover in ticks × lots. A candle without trades repeats the last close.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from b25.model.errors import Misuse

SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS = 1_000, 60_000, 3_600_000, 86_400_000
# Weeks begin on a Monday; 1970-01-01 was a Thursday.
_WEEK_SHIFT_MS = 3 * DAY_MS
INTERVALS_MS: dict[str, int] = {
    "1s": SECOND_MS, "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS, "2h": 2 * HOUR_MS, "4h": 4 * HOUR_MS, "6h": 6 * HOUR_MS, "8h": 8 * HOUR_MS, "12h": 12 * HOUR_MS,
    "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": 7 * DAY_MS, "1M": 0,
}  # fmt: skip
KEPT = {"1s": 3_600, "1m": 3_000}
KEPT_OTHERWISE = 1_500


@dataclass(slots=True)
class Candle:
    """One candle; `first_id` is -1 when nothing traded in it."""

    open_ms: int
    close_ms: int  # the last millisecond that belongs to it
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    lots: int = 0
    ticklots: int = 0
    count: int = 0
    taker_lots: int = 0  # bought by takers
    taker_ticklots: int = 0
    first_id: int = -1
    last_id: int = -1

    def take(self, price_ticks: int, qty_lots: int, trade_id: int, taker_buys: bool) -> None:
        """Count one trade."""
        if self.first_id < 0:
            self.first_id = trade_id
            self.open_ticks = self.high_ticks = self.low_ticks = price_ticks
        self.last_id = trade_id
        self.high_ticks = max(self.high_ticks, price_ticks)
        self.low_ticks = min(self.low_ticks, price_ticks)
        self.close_ticks = price_ticks
        self.lots += qty_lots
        self.ticklots += price_ticks * qty_lots
        self.count += 1
        if taker_buys:
            self.taker_lots += qty_lots
            self.taker_ticklots += price_ticks * qty_lots

    def fold(self, later: "Candle") -> None:
        """Count a later, shorter candle."""
        if later.first_id < 0:
            return
        if self.first_id < 0:
            self.first_id = later.first_id
            self.open_ticks, self.high_ticks, self.low_ticks = later.open_ticks, later.high_ticks, later.low_ticks
        self.last_id = later.last_id
        self.high_ticks = max(self.high_ticks, later.high_ticks)
        self.low_ticks = min(self.low_ticks, later.low_ticks)
        self.close_ticks = later.close_ticks
        self.lots += later.lots
        self.ticklots += later.ticklots
        self.count += later.count
        self.taker_lots += later.taker_lots
        self.taker_ticklots += later.taker_ticklots

    def copy(self) -> "Candle":
        """The candle as it is now."""
        return Candle(
            self.open_ms, self.close_ms, self.open_ticks, self.high_ticks, self.low_ticks, self.close_ticks, self.lots,
            self.ticklots, self.count, self.taker_lots, self.taker_ticklots, self.first_id, self.last_id,
        )  # fmt: skip


def opening_ms(interval: str, time_ms: int) -> int:
    """When the candle that holds a time opens (UTC)."""
    length = INTERVALS_MS[interval]
    if interval == "1M":
        month = datetime.fromtimestamp(time_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return round(month.timestamp() * 1000)
    shift = _WEEK_SHIFT_MS if interval == "1w" else 0
    return (time_ms + shift) // length * length - shift


def following_ms(interval: str, open_ms: int) -> int:
    """When the candle after the one that opens at `open_ms` opens."""
    return opening_ms(interval, open_ms + 32 * DAY_MS) if interval == "1M" else open_ms + INTERVALS_MS[interval]


def flat(interval: str, open_ms: int, price_ticks: int) -> Candle:
    """A candle in which nothing has traded yet."""
    return Candle(open_ms, following_ms(interval, open_ms) - 1, price_ticks, price_ticks, price_ticks, price_ticks)


class Series:
    """The candles of one interval: those that are closed, the newest last, and the one still open.

    `part` holds what closed shorter candles have brought into the open candle; what the shorter open ones hold is added
    when somebody asks.
    """

    def __init__(self, interval: str) -> None:
        self.interval = interval
        self.closed: deque[Candle] = deque(maxlen=KEPT.get(interval, KEPT_OTHERWISE))
        self.part: Candle | None = None

    def open_at(self, time_ms: int, price_ticks: int) -> Candle:
        """The part that holds a time; candles before it are closed, empty ones filled in flat."""
        if self.part is None:
            self.part = flat(self.interval, opening_ms(self.interval, time_ms), price_ticks)
        while time_ms > self.part.close_ms:
            last = self.part
            self.closed.append(last)
            self._skip(last, time_ms)
            open_ms = self.closed[-1].close_ms + 1
            self.part = flat(self.interval, open_ms, last.close_ticks)
        return self.part

    def _skip(self, last: Candle, time_ms: int) -> None:
        """Of a long silence keep only as many flat candles as the history holds."""
        length = INTERVALS_MS[self.interval]
        if not length:
            return
        missing = (time_ms - last.close_ms - 1) // length
        for back in range(min(missing, self.closed.maxlen or 0), 0, -1):
            open_ms = last.close_ms + 1 + (missing - back) * length
            self.closed.append(flat(self.interval, open_ms, last.close_ticks))


class Candles:
    """All intervals of one symbol."""

    def __init__(self) -> None:
        self.series = {interval: Series(interval) for interval in INTERVALS_MS}
        self._seconds, self._minutes = self.series["1s"], self.series["1m"]
        self._longer = [series for interval, series in self.series.items() if interval not in ("1s", "1m")]

    def take(self, price_ticks: int, qty_lots: int, time_ms: int, trade_id: int, taker_buys: bool) -> None:
        """Count one trade; trades come in the order of time."""
        second = self._seconds.part
        if second is None or time_ms > second.close_ms:
            self.roll(time_ms, price_ticks)
            second = self._seconds.part
            assert second
        second.take(price_ticks, qty_lots, trade_id, taker_buys)

    def roll(self, now_ms: int, price_ticks: int = 0) -> None:
        """Close every candle that ends before now. Without a first trade or price nothing begins."""
        second = self._seconds.part
        if second is None:
            if price_ticks:
                for series in self.series.values():
                    series.open_at(now_ms, price_ticks)
            return
        if now_ms <= second.close_ms:
            return
        self._fold_upwards(second)
        last_ticks = second.close_ticks
        for series in self.series.values():
            series.open_at(now_ms, last_ticks)

    def seed(self, minutes: Iterable[Candle]) -> None:
        """Take minutes that lie before the first trade as history, the oldest first.

        Raises
        ------
        Misuse
            When something has traded already: candles only grow forwards.
        """
        if self._seconds.part is not None:
            raise Misuse("history comes after the first trade", remedy="seed the statistics before the market opens")
        last: Candle | None = None
        for minute in minutes:
            for series in (self._minutes, *self._longer):
                series.open_at(minute.open_ms, minute.open_ticks).fold(minute)
            last = minute
        if last is not None:
            self._seconds.part = flat("1s", opening_ms("1s", last.close_ms), last.close_ticks)

    def _fold_upwards(self, second: Candle) -> None:
        if second.first_id < 0:
            return
        for series in (self._minutes, *self._longer):
            series.open_at(second.open_ms, second.open_ticks).fold(second)

    def current(self, interval: str) -> Candle | None:
        """The open candle as it is now."""
        series = self.series[interval]
        if series.part is None:
            return None
        candle = series.part.copy()
        second = self._seconds.part
        if series is not self._seconds and second is not None:
            candle.fold(second)
        return candle

    def between(self, interval: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Candle]:
        """Candles that open within [start, end], the oldest first: the first `limit` from a start, else the last ones."""
        rows = list(self.series[interval].closed)
        current = self.current(interval)
        if current is not None:
            rows.append(current)
        first = 0 if start_ms is None else bisect_left(rows, start_ms, key=lambda candle: candle.open_ms)
        last = len(rows) if end_ms is None else bisect_left(rows, end_ms + 1, key=lambda candle: candle.open_ms)
        rows = rows[first:last]
        return rows[:limit] if start_ms is not None else rows[-limit:]
