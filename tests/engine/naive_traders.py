"""The two reference strategies of the naive twin, and what a trader knows: its own book, orders, position and money."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, SELL
from tests.engine.naive_venue import Order


@dataclass
class Working:
    """An order as the trader knows it: its terms, whether a request of it travels, whether it is over."""

    side: int
    ticks: int
    pending: bool = True
    over: bool = False


class Trader:
    """Keeps the account that the answers describe; a subclass says what to ask for at each step."""

    def __init__(self, book: Any, params: dict[str, float], *, tick: str, lot: str, fee_maker: float, fee_taker: float) -> None:
        self.book, self.params = book, params
        self.tick, self.lot = Fraction(tick), Fraction(lot)
        self.fee_maker, self.fee_taker = fee_maker, fee_taker
        self.orders: dict[int, Working] = {}
        self.fills: list[dict[str, Any]] = []
        self.requests: list[tuple[str, Any]] = []
        self.submits = self.cancels = 0
        self.position = self.balance = self.fee = 0.0

    def on_answer(self, answer: dict[str, Any]) -> None:
        order = self.orders.get(answer["order_id"])
        if order is not None:  # a cancel's refusal can find the filled order forgotten already
            order.pending = False
            order.over = order.over or answer["what"] in ("filled", "expired", "cancelled")
        if answer["what"] == "filled":
            self.book_fill(answer["fill"])

    def book_fill(self, fill: dict[str, Any]) -> None:
        qty, price = float(fill["qty_lots"] * self.lot), float(fill["price_ticks"] * self.tick)
        self.position += fill["side"] * qty
        self.balance -= fill["side"] * qty * price
        self.fee += qty * price * (self.fee_maker if fill["maker"] else self.fee_taker)
        self.fills.append(fill)

    def act(self) -> list[tuple[str, Any]]:
        """One step: forget what is over, decide, and return the requests in the order sent."""
        self.requests = []
        self.orders = {order_id: order for order_id, order in self.orders.items() if not order.over}
        # A side without a level: no mid, no act. (Finished orders were forgotten all the same.)
        if self.book.bid != NO_BID_TICKS and self.book.ask != NO_ASK_TICKS:
            self.decide(self.book.bid, self.book.ask)
        return self.requests

    def decide(self, bid: int, ask: int) -> None:
        raise NotImplementedError

    def has_room(self, side: int) -> bool:
        return side * self.position < self.params["max_qty"] - self.params["qty"] / 2

    def submit(self, side: int, ticks: int, tif: str) -> None:
        self.submits += 1
        order_id = self.submits  # ids count submissions from 1
        self.orders[order_id] = Working(side, ticks)
        lots = round(self.params["qty"] / float(self.lot))
        self.requests.append(("new", Order(order_id, side, ticks, lots, tif)))

    def cancel(self, order_id: int) -> None:
        self.cancels += 1
        self.orders[order_id].pending = True
        self.requests.append(("cancel", order_id))

    def of_side(self, side: int) -> Iterator[tuple[int, Working]]:
        return ((order_id, order) for order_id, order in self.orders.items() if order.side == side)


class Maker(Trader):
    """One post-only quote a side, `half_ticks` from the mid or at the touch, moved when the wanted price moves."""

    def decide(self, bid: int, ask: int) -> None:
        mid, half = (bid + ask) / 2, self.params["half_ticks"]
        wanted = {BUY: min(math.floor(mid - half), bid), SELL: max(math.ceil(mid + half), ask)}
        for order_id, order in self.orders.items():
            keep = order.ticks == wanted[order.side] and self.has_room(order.side)
            if not keep and not order.pending:
                self.cancel(order_id)
        # All cancels leave before any new order, then the bid before the ask. An order whose cancel has just left still
        # occupies its side.
        for side in (BUY, SELL):
            if not any(self.of_side(side)) and self.has_room(side):
                self.submit(side, wanted[side], "GTX")


class Taker(Trader):
    """Cross the spread when the mid is `threshold_ticks` away from its own moving average."""

    ema: float | None = None

    def decide(self, bid: int, ask: int) -> None:
        mid = (bid + ask) / 2
        if self.ema is None:
            self.ema = mid
        # Moved at the first step too (by zero), and also at steps where an order is still listed.
        self.ema += self.params["alpha"] * (mid - self.ema)
        if self.orders:
            return
        if mid > self.ema + self.params["threshold_ticks"] and self.has_room(BUY):
            self.submit(BUY, ask, "IOC")
        elif mid < self.ema - self.params["threshold_ticks"] and self.has_room(SELL):
            self.submit(SELL, bid, "IOC")
