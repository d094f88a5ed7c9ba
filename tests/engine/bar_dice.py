"""A strategy that throws dice over everything that it may do on bars, and markets for it."""

from collections.abc import Sequence

import numpy as np

import b25
from b25.market.bars import Bars
from b25.model.instrument import Instrument
from tests.engine.bar_runs import bars_of

HOUR = 3_600 * 10**9
MIDNIGHT = 1_600_041_600 * 10**9  # 2020-09-14


def market(seed: int, count: int, instrument: Instrument, *, hours: int = 1, rates: Sequence[float] = ()) -> Bars:
    """A random walk around 20 000 ticks with some gaps in it; funding every eight hours when there are rates."""
    dice = np.random.default_rng(seed)
    ticks = np.maximum(2_000, 20_000 + np.cumsum(dice.normal(0, 160, count + 1))).astype(np.int64)
    rows = []
    for k in range(count):
        opened, close = int(ticks[k]), int(ticks[k + 1])
        up, down = dice.integers(0, 150, 2)
        rows.append((opened, max(opened, close) + int(up), min(opened, close) - int(down), close, int(dice.integers(0, 60))))
    gone = [k for k in range(2, count - 1) if dice.random() < 0.03]
    every = max(1, 8 // hours)
    paid = [(k, rates[k // every % len(rates)]) for k in range(0, count, every)] if rates else []
    return bars_of(rows, instrument, missing=gone, funding=paid, frame_ns=hours * HOUR, start_ns=MIDNIGHT, timeframe=f"{hours}h")


class Dice(b25.Strategy):
    """Market, limit and stop orders, targets, exits, cancels and amends, by a small generator of its own."""

    dice: int = b25.param(12_345, ge=0)
    base: float = b25.param(1.0, gt=0)
    rolled: int = 0
    last: int = 0

    def on_start(self, ctx):
        self.rolled = self.dice

    def throw(self, sides):
        self.rolled = (self.rolled * 1_103_515_245 + 12_345) % 2_147_483_648
        return (self.rolled // 65_536) % sides

    def on_bar(self, ctx):
        for i in range(ctx.n):
            if ctx.fresh(i):
                self.act(ctx, i)

    def act(self, ctx, i):
        what, close, tick = self.throw(9), ctx.bar(i).close, ctx.tick(i)
        side = b25.BUY if self.throw(2) == 0 else b25.SELL
        lots, away = self.base * (1 + self.throw(3)), tick * (1 + self.throw(150))
        if what == 0:
            ctx.target(side * lots, i)
        elif what == 1:
            ctx.close(i)
        elif what == 2:
            self.last = ctx.trade(side, lots, close - side * away, i=i)
        elif what == 3:
            self.last = ctx.trade(side, lots, close - side * away, post_only=True, reduce_only=True, i=i)
        elif what == 4:
            self.last = ctx.trade(side, lots, stop_price=close + side * away, i=i)
        elif what == 5:
            self.last = ctx.trade(side, lots, close + side * 2.0 * away, stop_price=close + side * away, i=i)
        elif what == 6:
            ctx.amend(self.last, close - side * away, lots)
        elif what == 7 and self.throw(3) == 0:
            ctx.cancel_all(0, i)
        elif what == 8:
            ctx.trade(side, lots, close + side * away, tif=b25.IOC, i=i)

    def on_fill(self, ctx):
        fill = ctx.fill()
        ctx.log(fill.order_id, fill.price)
        if self.throw(4) == 0:
            i = fill.instrument
            self.last = ctx.trade(-fill.side, fill.quantity, fill.price + fill.side * 30.0 * ctx.tick(i), i=i)

    def on_order(self, ctx):
        ctx.log(ctx.order().reason, ctx.order().leaves)

    def on_funding(self, ctx):
        ctx.log(-1, ctx.equity())
