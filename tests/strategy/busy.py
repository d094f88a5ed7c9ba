"""Strategies that between them use everything a strategy may use."""

import math

import numba

import b25

LEAN = 0.25


@numba.njit
def leaned(price, tick, position):
    return price - LEAN * tick * position


class Quiet(b25.Strategy):
    """Base class: a helper method, a nested indicator and a state that subclasses inherit."""

    quantity: float = b25.param(0.002, gt=0, unit="base")
    slow: b25.Ema = b25.ema(span=5)
    seen: int = 0

    def on_book(self, ctx):
        self.seen += 1
        if ctx.ready():
            self.slow.update(ctx.mid())

    def fair(self, ctx, skew):
        return leaned(self.slow.value, ctx.tick(), ctx.position() / self.quantity) + skew


class Busy(Quiet):
    """Reads, logs, orders, amends and cancels on every occasion, by a small generator of its own."""

    period_ns: int = b25.param(50, ge=1, unit="ns")
    dice: int = 12_345
    last: b25.window(4) = b25.window(4)
    spread: b25.RollingStd = b25.rolling_std(3)
    strength: b25.Rsi = b25.rsi(3)
    paid: b25.Vwap = b25.vwap(4)
    average: b25.Sma = b25.sma(3)
    ranged: b25.Atr = b25.atr(3)
    told: bool = False
    heard: int = 0

    def on_start(self, ctx):
        ctx.every(self.period_ns)
        ctx.log(1, float(ctx.n))

    def throw(self, sides):
        self.dice = (self.dice * 1_103_515_245 + 12_345) % 2_147_483_648
        return (self.dice // 65_536) % sides

    def on_timer(self, ctx):
        if not ctx.ready():
            ctx.buy(self.quantity, math.nan)
            return
        tick, what = ctx.tick(), self.throw(9)
        side = b25.BUY if self.throw(2) == 0 else b25.SELL
        price = self.fair(ctx, (self.throw(7) - 3) * tick)
        if what == 0:
            ctx.trade(side, self.quantity, price, reduce_only=self.throw(2) == 0)
        elif what == 1:
            ctx.buy(self.quantity * 2, ctx.ask(), tif=b25.IOC)
        elif what == 2:
            ctx.sell(self.quantity, ctx.bid(), tif=b25.FOK)
        elif what == 3:
            ctx.quote(side, price, self.quantity)
        elif what == 4:
            for order in ctx.orders(side):
                ctx.amend(order.order_id, price, order.quantity + self.quantity)
        elif what == 5:
            ctx.cancel_all(side)
        elif what == 6:
            ctx.close()
        elif what == 7:
            ctx.buy(self.quantity) if side == b25.BUY else ctx.sell(self.quantity)
        else:
            ctx.cancel(self.throw(20))
        self.read(ctx)

    def read(self, ctx):
        values = self.last
        values[self.seen % 4] = ctx.microprice() + ctx.spread()
        total = 0.0
        for k in range(4):
            total += values[k]
        total += ctx.imbalance(2) + ctx.depth(b25.BUY, 3) + ctx.quantity_to(b25.SELL, ctx.ask() + 3 * ctx.tick())
        total += ctx.bid_quantity() - ctx.ask_quantity() + ctx.lot() + ctx.floor_quantity(0.0055)
        total += ctx.floor_price(self.slow.value) - ctx.ceil_price(self.slow.value) + ctx.book_age_ns()
        cost = ctx.price_to_fill(b25.BUY, 0.003)
        if not math.isnan(cost):
            total += cost
        total += ctx.working(b25.BUY) - ctx.working(b25.SELL) + ctx.realized() + ctx.fees()
        entry = ctx.entry_price()
        if not math.isnan(entry):
            total += entry + ctx.unrealized()
        ctx.log(2, total)
        ctx.log(3, ctx.equity() - ctx.cash())

    def on_trade(self, ctx):
        self.spread.update(ctx.last_trade())
        self.strength.update(ctx.last_trade())
        self.average.update(ctx.last_trade())
        self.ranged.update(ctx.last_trade() + ctx.tick(), ctx.last_trade() - ctx.tick(), ctx.last_trade())
        self.paid.update(ctx.last_trade(), ctx.last_trade_quantity())
        if self.spread.value > 0.0 and self.strength.value > 50.0:
            ctx.log(4, self.paid.value + self.average.value + ctx.last_trade_side())

    def on_fill(self, ctx):
        fill = ctx.fill()
        self.heard += 1
        ctx.log(5, fill.order_id + fill.side * fill.price * fill.quantity + fill.fee + fill.maker)
        if fill.side > 0 and ctx.position() > 3 * self.quantity:
            ctx.sell(ctx.floor_quantity(ctx.position()), fill.price + ctx.tick(), reduce_only=True)

    def on_order(self, ctx):
        order = ctx.order()
        ctx.log(6, order.order_id * 100.0 + order.state + order.leaves + order.filled + order.reason)

    def on_stop(self, ctx):
        self.told = True
        ctx.log(7, float(self.seen))
        ctx.every(0)


class Pair(b25.Strategy):
    """Trade each instrument on its own messages, the same way as one alone would be traded."""

    quantity: float = b25.param(0.003, gt=0, unit="base")
    only: int = b25.param(-1, ge=-1, unit="instrument")

    def on_trade(self, ctx):
        i = ctx.i
        if self.only >= 0 and i != self.only:
            return
        if not ctx.ready(i):
            return
        if ctx.last_trade_side(i) == b25.BUY:
            ctx.quote(b25.SELL, ctx.ask(i), self.quantity, i=i)
            ctx.buy(self.quantity, ctx.ask(i), tif=b25.IOC, i=i)
        else:
            ctx.quote(b25.BUY, ctx.bid(i), self.quantity, i=i)
