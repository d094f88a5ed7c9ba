"""Naive twins for the order-flow simulator: a generator in plain integers, a book of two dicts, a reader of its tape."""

from collections.abc import Iterable

import numpy as np

from b25.kernels.orderflow_state import CANCEL, PLACE, REACH_TICKS, RUNG_MASK, TAKE, Flow
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, SNAPSHOT, TRADE

Book = dict[int, dict[int, int]]  # side → price → lots


class Xoshiro:
    """xoshiro128++ as its authors write it down, in numbers without a width."""

    def __init__(self, words: Iterable[int]) -> None:
        self.s = [int(word) for word in words]

    def draw(self) -> int:
        s = self.s
        rotl = lambda x, k: ((x << k) | (x >> (32 - k))) % 2**32  # noqa: E731
        result = (rotl((s[0] + s[3]) % 2**32, 7) + s[0]) % 2**32
        t = (s[1] << 9) % 2**32
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 11)
        return result


class NaiveBook:
    """Two dicts. Whatever rests is post-only, a cancel takes what is there, a taker takes the best price first."""

    def __init__(self) -> None:
        self.levels: Book = {1: {}, -1: {}}

    def best(self, side: int) -> int | None:
        prices = self.levels[side]
        return (max(prices) if side == BUY else min(prices)) if prices else None

    def apply(self, kind: int, side: int, price: int, lots: int) -> list[tuple[int, int]]:
        """The fills, as (price, lots), one for each level."""
        own, other = self.levels[side], self.best(-side)
        if kind == PLACE:
            touch = self.best(side)
            crosses = other is not None and (price - other) * side >= 0
            too_far = touch is not None and (touch - price) * side > REACH_TICKS
            if not crosses and not too_far:
                own[price] = own.get(price, 0) + lots
                touch = self.best(side)
                for far in [p for p in own if (touch - p) * side > REACH_TICKS]:
                    del own[far]
        elif kind == CANCEL and price in own:
            own[price] -= min(lots, own[price])
            if own[price] == 0:
                del own[price]
        elif kind == TAKE:
            return list(self._take(side, price, lots))
        return []

    def _take(self, side: int, limit: int, lots: int) -> Iterable[tuple[int, int]]:
        other = self.levels[-side]
        while lots and (price := self.best(-side)) is not None and (price - limit) * side <= 0:
            fill = min(lots, other[price])
            other[price] -= fill
            lots -= fill
            if other[price] == 0:
                del other[price]
            yield price, fill


def book_of(flow: Flow) -> Book:
    """The simulator's own book, level by level."""
    state = flow.state[0]
    spans = {1: range(state["low_bid_ticks"], state["best_bid_ticks"] + 1)}
    spans[-1] = range(state["best_ask_ticks"], state["high_ask_ticks"] + 1)
    book: Book = {1: {}, -1: {}}
    for side, span in spans.items():
        ladder = flow.rungs["qty_lots"][0 if side == BUY else 1]
        for price in span:
            if lots := int(ladder[price & RUNG_MASK]):
                book[side][price] = lots
    return book


def read_tape(rows: np.ndarray, book: Book) -> Iterable[np.void]:
    """Apply rows to `book` and yield the last row of each message, when the book is whole."""
    for row in rows:
        side, price = int(row["side"]), int(row["price_ticks"])
        if row["kind"] == CLEAR:
            book[side] = {p: lots for p, lots in book[side].items() if (p - price) * side < 0}
        elif row["kind"] in (DEPTH, SNAPSHOT):
            book[side][price] = int(row["qty_lots"])
            if row["qty_lots"] == 0:
                del book[side][price]  # a KeyError here would be a deletion of what was never shown
        else:
            assert row["kind"] == TRADE
        if row["flags"] & LAST_OF_MESSAGE:
            yield row
