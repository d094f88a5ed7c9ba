"""The account of the naive run over bars: what is held, what it is worth, what may be bought, and where it is liquidated."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

E8 = 10**8


@dataclass
class Order:
    order_id: int
    side: int
    lots: int
    limit: int  # 0 for a market order
    stop: int  # 0 when it has none, or no more
    tif: int
    post: bool
    reduces: bool
    market: bool
    sent_ns: int
    touched_ns: int  # last sent, amended or filled
    state: str = "CREATED"
    reason: str = "OK"
    filled: int = 0
    asked: bool = True
    more: int = 0  # lots that a pending amend adds

    @property
    def left(self):
        return self.lots - self.filled

    @property
    def rests(self):
        return self.state in ("OPEN", "PART_FILLED")


@dataclass
class Setup:
    balance: int
    contract: bool = True
    at_close: bool = False
    by_touch: bool = False
    slippage_e12: int = 0
    impact_e12: int = 0
    participation: Fraction | None = None
    maker_e8: int = 0
    taker_e8: int = 0
    leverage: Fraction = Fraction(1)
    isolated: bool = False
    maintenance: Fraction = Fraction(1, 200)
    liquidation_e8: int = 0
    funding: list[tuple[int, int]] = field(default_factory=list)  # (ns, rate_e12)


class NaiveAccount:
    """Holds one linear instrument with a tick and a lot of 1; money in whole units, and fees in 1e-8 of them."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.fills: list[tuple[int, ...]] = []
        self.held = self.cash = self.fees_e8 = self.funding = self.insurance = 0
        self.cost = self.grown_cost = self.grown_lots = 0
        self.now = self.price = self.lots_left = self.opened_leg = self.leg = 0

    def equity(self, price):
        return self.setup.balance + self.cash + self.held * price - Fraction(self.fees_e8, E8) + self.funding + self.insurance

    def affordable(self, side, lots, price, rate_e8):
        closing = min(lots, abs(self.held)) if self.held * side < 0 else 0
        opening = lots - closing
        if opening == 0:
            return lots
        if side < 0 and not self.setup.contract:
            return closing
        keeps = abs(self.held) if self.held * side > 0 else 0
        rate, leverage = Fraction(rate_e8, E8), self.setup.leverage
        room = leverage * (self.equity(price) - closing * price * rate) - keeps * price
        each = price + leverage * price * max(rate, 0)
        return closing + max(0, min(opening, math.floor(room / each)))

    def book(self, order_id, side, price, lots, fee_e8, maker):
        before, closing = self.held, min(lots, abs(self.held)) if self.held * side < 0 else 0
        self.cash -= side * lots * price
        self.fees_e8 += fee_e8
        self.held += side * lots
        if closing:
            kept = abs(before) - closing
            self.cost = (self.grown_cost * kept * 2 + self.grown_lots) // (2 * self.grown_lots)
        if lots > closing:
            self.cost += side * (lots - closing) * price
            self.grown_cost, self.grown_lots = self.cost, abs(self.held)
        if abs(self.held) > abs(before) or self.held * before < 0:
            self.opened_leg = self.leg
        fill = (self.now, order_id, side, price, lots, fee_e8, int(maker))
        self.fills.append(fill)
        self.lots_left = max(0, self.lots_left - lots)
        return fill

    def forced(self):
        """The price at or beyond which the venue closes what is held, or None."""
        setup = self.setup
        if self.held == 0 or not (setup.contract or setup.leverage > 1):
            return None
        side, lots = (1 if self.held > 0 else -1), abs(self.held)
        if setup.isolated:
            wallet = Fraction(abs(self.cost)) / setup.leverage
        else:
            wallet = self.equity(self.price) - (self.held * self.price - self.cost)
        # At this price the equity is the part of the value that the venue demands.
        price = (wallet - self.cost) / (lots * (setup.maintenance - side))
        if price <= 0:
            return None
        return math.floor(price) if side > 0 else math.ceil(price)

    def is_forced(self, price):
        forced = self.forced()
        return forced is not None and (price <= forced if self.held > 0 else price >= forced)
