"""A run over bars, the slow way: the price walks tick by tick through each bar, and every order looks at every tick.

For one linear instrument with a tick and a lot of 1. Written from docs/bars.md; money in whole units and in 1e-8 of them.
"""

import math
from collections import deque
from collections.abc import Callable
from fractions import Fraction

from tests.engine.naive_bar_account import E8, NaiveAccount, Order, Setup
from tests.kernels.naive_bar_rules import better, exact_slip, first_direction, open_price, walk

GTC, IOC, FOK = 0, 1, 2


class NaiveRun(NaiveAccount):
    """Lives through bars of (open_ns, close_ns, open, high, low, close, volume); `wishes_of(kind, number)` is the strategy."""

    def __init__(self, bars, setup: Setup, wishes_of: Callable[[str, int], list[tuple[int, ...]]]) -> None:
        super().__init__(setup)
        self.bars, self.wishes_of = bars, wishes_of
        self.orders: list[Order] = []
        self.refused: list[str] = []
        self.notes: list[tuple[int, ...]] = []
        self.answers: deque[tuple[str, Order, tuple[int, ...]]] = deque()
        self.paid = deque(setup.funding)
        self.next_id = 1
        self.volume = self.closed_ns = self.heard = self.first_id = self.inside_ns = 0

    # What the strategy hears and wishes

    def hear(self, fill=None, order=None):
        """Call what a happening calls for, then let the venue answer what was asked for."""
        if fill:
            self.notes.append((self.now, -1 - fill[1], fill[2] * fill[4]))
            self.heard += 1
            self.judge("fill", self.heard - 1)
        if order:
            self.note(order)
        while self.answers:
            self.answer(*self.answers.popleft())

    def note(self, order):
        self.notes.append((self.now, order.order_id, order.state, order.reason, order.left))

    def judge(self, kind, number):
        """Take the wishes of one callback, each seeing what was there before the callback; then judge them one by one."""
        self.asked = []
        for wish in self.wishes_of(kind, number):
            self.asked += self.intents(*wish)
        for what, *rest in self.asked:
            {"submit": self.submit, "cancel": self.cancel, "amend": self.amend}[what](*rest)

    def intents(self, what, side, lots, price, stop, tif, flags):
        if what == 1:
            yield "submit", self.new_id(), side, lots, price, stop, tif, price != 0 and flags & 1 != 0, flags & 2 != 0
        elif what == 2:
            yield "cancel", price
        elif what == 3:
            yield "amend", stop, price, lots
        elif what == 4:
            # What this callback has asked for already is on its way as well.
            wished = sum(intent[2] * intent[3] for intent in self.asked if intent[0] == "submit")
            missing = side * lots - self.held - sum(o.side * (o.left + o.more) for o in self.alive()) - wished
            if missing:
                yield "submit", self.new_id(), 1 if missing > 0 else -1, abs(missing), 0, 0, IOC, False, False
        elif what == 5:
            if self.held:
                yield "submit", self.new_id(), -1 if self.held > 0 else 1, abs(self.held), 0, 0, IOC, False, True
        else:
            yield from (("cancel", o.order_id) for o in self.alive() if side in (0, o.side) and o.rests and not o.asked)

    def new_id(self):
        self.next_id += 1
        return self.next_id - 1

    def alive(self):
        """Live orders: buys before sells, each side in order of submission."""
        return sorted((o for o in self.orders if o.rests or o.state == "CREATED"), key=lambda o: (-o.side, o.order_id))

    def live(self, order_id):
        return next((o for o in self.alive() if o.order_id == order_id), None)

    def submit(self, order_id, side, lots, limit, stop, tif, post, reduces):
        market = limit == 0
        tif = IOC if market else tif
        refusal = self.refusal(side, lots, stop, tif, post, reduces, market)
        if refusal:
            self.refused.append(refusal)
            return
        order = Order(order_id, side, lots, limit, stop, tif, post, reduces, market, self.now, self.now)
        self.orders.append(order)
        self.answers.append(("new", order, ()))

    def refusal(self, side, lots, stop, tif, post, reduces, market):
        if lots <= 0:
            return "QUANTITY_NOT_POSITIVE"
        if post and tif != GTC:
            return "CONFLICTING_FLAGS"
        if reduces and self.held * side >= 0:
            return "WOULD_INCREASE"
        if stop:
            if post or (tif != GTC and not market):
                return "CONFLICTING_FLAGS"
            if (stop - self.price) * side <= 0:
                return "STOP_WRONG_SIDE"
        return ""

    def cancel(self, order_id):
        order = self.found(order_id)
        if order:
            self.ask(order, "cancel", ())

    def amend(self, order_id, price, lots):
        order = self.found(order_id)
        if order is None:
            return
        bad = "QUANTITY_NOT_POSITIVE" if lots <= 0 else "QUANTITY_BELOW_FILLED" if lots <= order.filled else ""
        if bad:
            self.refused.append(bad)
            return
        order.more = max(0, lots - order.lots)
        self.ask(order, "amend", (price, lots))

    def found(self, order_id):
        """The order, if something may be asked of it."""
        order = self.live(order_id)
        if order is None or order.asked or not order.rests:
            self.refused.append("UNKNOWN_ORDER" if order is None else "REQUEST_PENDING")
            return None
        return order

    def ask(self, order, what, wanted):
        order.asked, order.touched_ns = True, self.now
        self.answers.append((what, order, wanted))

    def answer(self, what, order, wanted):
        order.asked, order.touched_ns, order.more = False, self.now, 0
        if what == "new":
            crosses = order.post and better(order.side, order.limit, self.price) >= 0
            self.end(order, "EXPIRED", "POST_ONLY_WOULD_CROSS") if crosses else self.state(order, "OPEN")
        elif what == "cancel":
            self.end(order, "CANCELLED", "CANCEL_REQUESTED")
        elif order.post and better(order.side, wanted[0], self.price) >= 0:
            self.end(order, "EXPIRED", "POST_ONLY_WOULD_CROSS")
        else:
            order.limit, order.lots = wanted
            self.note(order)

    def state(self, order, state):
        order.state = state
        self.note(order)

    def end(self, order, state, reason):
        order.reason = reason
        self.state(order, state)

    # Fills

    def fill(self, order, level, takes):
        """Fill an order at a level, as far as everything allows; False when the bar's volume does not."""
        lots = order.left
        self.price = level
        if order.reduces:
            lots = min(lots, max(0, -order.side * self.held))
            if lots == 0:
                self.end_now(order, "WOULD_INCREASE")
                return True
        allowed = min(lots, self.lots_left)
        if allowed == 0 or (order.tif == FOK and allowed < lots):
            return False
        price = self.slipped(order, level, allowed) if takes else level
        rate_e8 = self.setup.taker_e8 if takes else self.setup.maker_e8
        paid = self.affordable(order.side, allowed, price, rate_e8)
        broke = "INSUFFICIENT_FUNDS" if order.side > 0 or self.setup.contract else "SHORT_NOT_ALLOWED"
        if paid == 0 or (order.tif == FOK and paid < allowed):
            self.end_now(order, broke)
            return True
        fill = self.book(order.order_id, order.side, price, paid, paid * price * rate_e8, not takes)
        order.filled, order.touched_ns = order.filled + paid, self.now
        order.state = "FILLED" if order.left == 0 else "PART_FILLED"
        if order.left and paid < allowed:
            order.state, order.reason = "EXPIRED", broke
        elif order.left and order.reduces and self.held * order.side >= 0:
            order.state, order.reason = "EXPIRED", "WOULD_INCREASE"
        self.hear(fill, None if order.rests else order)
        return True

    def slipped(self, order, level, lots):
        exact = exact_slip(level, self.setup.slippage_e12, self.setup.impact_e12, lots, self.volume)
        price = max(1, level + order.side * math.ceil(Fraction(exact) - Fraction(1, 10**9)))
        if order.market:
            return price
        return min(price, order.limit) if order.side > 0 else max(price, order.limit)

    def end_now(self, order, reason):
        order.state, order.reason = "EXPIRED", reason
        self.hear(order=order)

    def liquidate(self, price):
        for one in [o for o in self.alive() if o.rests]:
            one.state, one.reason = "EXPIRED", "LIQUIDATED"
            self.hear(order=one)
        setup, lots, side = self.setup, abs(self.held), (-1 if self.held > 0 else 1)
        margin = (abs(self.cost) * 10**6 * 2 + int(setup.leverage * 10**6)) // (2 * int(max(setup.leverage, 1) * 10**6))
        before = self.cash + self.cost - self.fees_e8 // E8
        self.price = price
        fill = self.book(0, side, price, lots, lots * price * (setup.taker_e8 + setup.liquidation_e8), False)
        lost = before - (self.cash + self.cost - self.fees_e8 // E8) + 1
        if setup.isolated and lost > margin:
            self.insurance += lost - margin
        self.hear(fill)

    # A bar

    def run(self):
        for k, bar in enumerate(self.bars):
            open_ns, close_ns, opened, high, low, close, self.volume = bar
            share = self.setup.participation
            self.lots_left = 2**62 if share is None else math.floor(self.volume * share)
            self.first_id = self.next_id
            self.now, self.price, self.leg = open_ns, opened, 0
            while self.at_open(open_ns, opened):
                pass
            self.inside_ns = close_ns - 1
            self.inside(opened, high, low, close)
            self.now, self.price, self.closed_ns = close_ns, close, close_ns
            self.judge("bar", k)
            self.hear()
            while self.setup.at_close and self.at_this_close(close):
                pass
        return self

    def old(self):
        """Orders that rest, and were there when the bar began; what reduces comes first."""
        orders = [o for o in self.alive() if o.rests and o.order_id < self.first_id]
        return sorted(orders, key=lambda o: self.held * o.side >= 0)

    def at_open(self, open_ns, opened):
        if self.paid and self.paid[0][0] <= open_ns:
            _, rate_e12 = self.paid.popleft()
            exact = Fraction(self.held * opened * rate_e12, 10**12)
            self.funding -= math.floor(abs(exact) + Fraction(1, 2)) * (1 if exact > 0 else -1)
            return True
        if self.is_forced(opened):
            self.liquidate(opened)
            return True
        for one in self.old():
            price = open_price(one.side, one.limit, one.stop, one.market, opened)
            stopped = one.stop != 0
            if stopped and (opened - one.stop) * one.side >= 0:
                one.stop = 0
            takes = one.market or stopped or one.touched_ns >= self.closed_ns
            if price is not None and self.fill(one, price, takes):
                return True
        for one in self.alive():
            if one.rests and one.order_id < self.first_id and one.tif != GTC and not one.market:
                self.end_now(one, "NOTHING_TO_MATCH")
                return True
        return False

    def inside(self, opened, high, low, close):
        direction = first_direction(self.held, opened, high, low)
        self.opened_leg = 0
        first, second = (high, low) if direction > 0 else (low, high)
        for self.leg, (start, end, way) in enumerate(
            [(opened, first, direction), (first, second, -direction), (second, close, direction)], start=1
        ):
            for price in walk(start, end):
                while self.at_tick(price, end, way, close):
                    pass

    def at_tick(self, price, end, way, close):
        """Do the next thing that happens while the price stands at a tick; False when nothing is left."""
        for one in self.alive():
            if one.rests and one.reduces and self.held * one.side >= 0:
                self.end_now(one, "WOULD_INCREASE")
                return True
        before, self.now = self.now, self.inside_ns
        if self.moves(price, end, way, close):
            return True
        self.now = before
        return False

    def moves(self, price, end, way, close):
        against = self.held != 0 and (self.held > 0) == (way < 0)
        forced = self.forced() if against else None
        if forced is not None and (price - forced) * way > 0:
            self.liquidate(price)
            return True
        acting = [o for o in self.alive() if o.rests and self.acts(o, price, end, way, close)]
        for one in sorted(acting, key=lambda o: o.stop == 0):
            stopped, one_better = one.stop != 0, better(one.side, one.limit, price)
            one.stop = 0
            if stopped and not one.market and one_better < 0:
                return True
            if self.fill(one, price, one.market or stopped or one_better > 0) or stopped:
                return True
        if forced is not None and price == forced:
            self.liquidate(price)
            return True
        return False

    def acts(self, one, price, end, way, close):
        if one.stop:
            return one.stop == price and way == one.side
        if one.market:
            return False
        wanted = min(one.left, abs(self.held)) if one.reduces else one.left
        if self.lots_left == 0 or (one.tif == FOK and wanted > self.lots_left):
            return False
        gain = better(one.side, one.limit, price)
        goes_beyond = way == -one.side and price != end
        if gain < 0 or (gain == 0 and not self.setup.by_touch and not goes_beyond):
            return False
        closes = self.held * one.side < 0
        unproven = better(one.side, price, close) < 0
        return not (closes and self.leg > 1 and self.opened_leg == 1 and unproven)

    def at_this_close(self, close):
        waiting = [o for o in self.alive() if o.rests and o.market and not o.stop]
        return any(self.fill(one, close, True) for one in sorted(waiting, key=lambda o: self.held * o.side >= 0))
