"""The reference price of the percent-price filters: the volume-weighted average of the last minutes."""

from collections import deque


class ReferencePrice:
    """A rolling average in buckets of one second, so that its memory is bounded whatever trades."""

    def __init__(self) -> None:
        self._buckets: deque[list[int]] = deque()  # [second, ticklots, lots]
        self._ticklots = 0
        self._lots = 0
        self.last_ticks = 0

    def add(self, price_ticks: int, qty_lots: int, time_ms: int) -> None:
        """Count a trade."""
        second = time_ms // 1000
        if not self._buckets or self._buckets[-1][0] != second:
            self._buckets.append([second, 0, 0])
        bucket = self._buckets[-1]
        bucket[1] += price_ticks * qty_lots
        bucket[2] += qty_lots
        self._ticklots += price_ticks * qty_lots
        self._lots += qty_lots
        self.last_ticks = price_ticks
        self._drop(second - 3600)

    def average_ticks(self, now_ms: int, minutes: int) -> int:
        """Average price of so many minutes, the last price when nothing traded in them, 0 before the first trade."""
        if minutes <= 0:
            return self.last_ticks
        since = now_ms // 1000 - 60 * min(minutes, 60)
        self._drop(since)
        return self._ticklots // self._lots if self._lots else self.last_ticks

    def _drop(self, until_second: int) -> None:
        while self._buckets and self._buckets[0][0] <= until_second:
            _, ticklots, lots = self._buckets.popleft()
            self._ticklots -= ticklots
            self._lots -= lots
