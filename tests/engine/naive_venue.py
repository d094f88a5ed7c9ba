"""The exchange of the naive twin: orders that fill whole or not at all, and the queue models that say when.

Rules are those of the `hftbacktest` profile. The venue keeps its own book, moved by rows at their venue time, and never
changes it by a trade of ours. Answers are dicts; the caller adds the latency.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from b25.model.event import BUY, CLEAR, NO_ASK_TICKS, NO_BID_TICKS, TRADE


@dataclass
class Order:
    order_id: int
    side: int
    ticks: int
    lots: int
    tif: str  # GTX (post-only), GTC, IOC or FOK
    front: float = 0.0  # base units ahead of us
    traded: float = 0.0  # base units traded at our tick since its level last changed


class Queued(Protocol):
    """What a queue model moves."""

    front: float
    traded: float


def pow_or_nan(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except ValueError:  # a negative base, by rounding only; other languages say NaN here
        return math.nan


def log_or_nan(x: float) -> float:
    return math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)


def ratio(top: float, bottom: float) -> float:
    if bottom == 0:
        return math.nan if top == 0 or math.isnan(top) else math.copysign(math.inf, top)
    return top / bottom


def power(front: float, back: float, n: float) -> float:
    b, f = pow_or_nan(back, n), pow_or_nan(front, n)
    return ratio(b, b + f)


def power_2(front: float, back: float, n: float) -> float:
    return ratio(pow_or_nan(back, n), pow_or_nan(back + front, n))


def power_3(front: float, back: float, n: float) -> float:
    return 1.0 - pow_or_nan(ratio(front, front + back), n)


def log(front: float, back: float, _: float) -> float:
    return ratio(log_or_nan(1.0 + back), log_or_nan(1.0 + back) + log_or_nan(1.0 + front))


def log_2(front: float, back: float, _: float) -> float:
    return ratio(log_or_nan(1.0 + back), log_or_nan(1.0 + back + front))


PROBABILITIES = {
    "power_prob": power,
    "power_prob_2": power_2,
    "power_prob_3": power_3,
    "log_prob": log,
    "log_prob_2": log_2,
}


class RiskAdverse:
    """Only trades, or the level shrinking below what was ahead, bring us forward."""

    def trade(self, order: Queued, qty: float) -> None:
        order.front -= qty

    def depth(self, order: Queued, prev: float, new: float) -> None:
        order.front = min(order.front, new)


class Probability:
    """A shrinking level lost a share p behind us and the rest ahead of us."""

    def __init__(self, name: str, n: float) -> None:
        self.probability, self.n = PROBABILITIES[name], n

    def trade(self, order: Queued, qty: float) -> None:
        order.front -= qty
        order.traded += qty

    def depth(self, order: Queued, prev: float, new: float) -> None:
        # What has left the level besides the trades: the trades have moved us already.
        chg = prev - new - order.traded
        order.traded = 0.0
        if chg < 0:
            order.front = min(order.front, new)
            return
        back = prev - order.front
        p = self.probability(order.front, back, self.n)
        if math.isnan(p):
            # 0/0: nothing ahead and nothing behind. There min(NaN, new) is new; here it would be NaN.
            order.front = new
            return
        if math.isinf(p):
            p = 1.0
        order.front = min(order.front - (1.0 - p) * chg + min(back - p * chg, 0.0), new)


def queue_model(name: str) -> RiskAdverse | Probability:
    """`risk_adverse`, `log_prob`, `log_prob_2`, `power_prob:n`, `power_prob_2:n` or `power_prob_3:n`."""
    name, _, n = name.partition(":")
    return RiskAdverse() if name == "risk_adverse" else Probability(name, float(n or 0.0))


class Venue:
    """One instrument's exchange: its book, and our orders that rest there, in order of arrival."""

    def __init__(self, book: Any, *, queue: str, lot: str) -> None:
        self.book = book
        self.queue = queue_model(queue)
        self.lot = Fraction(lot)
        self.resting: dict[int, Order] = {}

    def base(self, lots: int) -> float:
        # Numerator times lots, one rounded division: 36829 lots are the float nearest to 36.829.
        return lots * self.lot.numerator / self.lot.denominator

    def on_row(self, row: tuple[int, int, int, int, int, int]) -> list[dict[str, Any]]:
        """Move the book or print the trade, and return the fills of resting orders in order of arrival."""
        exch_ns, _, kind, side, ticks, lots = row
        if kind == TRADE:
            met = list(self.met_by_trade(side, ticks, lots))
        elif kind == CLEAR:
            met = []  # a clear row touches no order, not even its queue position
            self.book.apply(row)
        else:
            met = list(self.met_by_depth(row))
        return [self.fill(self.resting.pop(order.order_id), order.ticks, exch_ns, maker=True) for order in met]

    def met_by_trade(self, side: int, ticks: int, lots: int) -> Iterator[Order]:
        """Orders that a print of aggressor `side` reaches; every one at its tick is moved by the whole quantity."""
        for order in self.resting.values():
            if order.side == side:
                continue
            if (order.ticks - ticks) * order.side > 0:
                yield order  # it printed through our price
            elif order.ticks == ticks:
                self.queue.trade(order, self.base(lots))
                if self.executable_lots(order) > 0:
                    yield order

    def executable_lots(self, order: Queued) -> int:
        ahead_lots = -order.front / self.base(1)
        return math.trunc(ahead_lots + math.copysign(0.5, ahead_lots))  # half away from zero

    def met_by_depth(self, row: tuple[int, int, int, int, int, int]) -> Iterator[Order]:
        """Orders that the other side's best now meets; first the queue hook of own orders at the row's tick."""
        _, _, _, side, ticks, lots = row
        bid, ask, prev = self.book.bid, self.book.ask, self.book.lots(side, ticks)
        self.book.apply(row)
        for order in self.resting.values():
            if order.side == side and order.ticks == ticks:
                self.queue.depth(order, self.base(prev), self.base(lots))
        # Only a row that improves the other side's best can fill: one that worsens into our price does not.
        fallen, risen = self.book.ask < ask, self.book.bid > bid
        for order in self.resting.values():
            if fallen and self.book.ask <= order.ticks if order.side == BUY else risen and self.book.bid >= order.ticks:
                yield order

    def on_request(self, request: tuple[str, Any], now_ns: int) -> dict[str, Any]:
        """One answer to one request, judged by the book as the exchange has it now."""
        what, subject = request
        if what == "cancel":
            if self.resting.pop(subject, None) is None:
                return {"what": "cancel rejected", "order_id": subject}  # filled meanwhile
            return {"what": "cancelled", "order_id": subject}
        order: Order = subject
        touch = self.book.ask if order.side == BUY else self.book.bid
        if touch not in (NO_ASK_TICKS, NO_BID_TICKS) and (order.ticks - touch) * order.side >= 0:
            if order.tif == "GTX":
                return {"what": "expired", "order_id": order.order_id}
            # Whole, at the best, whatever the size shown there.
            return self.fill(order, touch, now_ns, maker=False)
        if order.tif in ("IOC", "FOK"):
            return {"what": "expired", "order_id": order.order_id}
        order.front, order.traded = self.base(self.book.lots(order.side, order.ticks)), 0.0
        self.resting[order.order_id] = order
        return {"what": "open", "order_id": order.order_id}

    @staticmethod
    def fill(order: Order, ticks: int, now_ns: int, *, maker: bool) -> dict[str, Any]:
        fill = {
            "order_id": order.order_id,
            "side": order.side,
            "price_ticks": ticks,
            "qty_lots": order.lots,
            "exch_ns": now_ns,
            "maker": maker,
        }
        return {"what": "filled", "order_id": order.order_id, "fill": fill}
