"""The two strategies whose fills an independent engine has confirmed; see tests/engine/test_reference.py."""

import math

import b25


class ReferenceMaker(b25.Strategy):
    """Quote both sides `half_ticks` from the mid, never inside the touch, one order a side, up to `max_qty`."""

    step_ns: int = b25.param(10_000_000, gt=0, unit="ns")
    half_ticks: float = b25.param(2.0, ge=0, unit="ticks")
    qty: float = b25.param(0.1, gt=0, unit="base")
    max_qty: float = b25.param(1.0, gt=0, unit="base")

    def on_start(self, ctx):
        ctx.every(self.step_ns)

    def on_timer(self, ctx):
        if not ctx.ready():
            return
        tick = ctx.tick()
        bid, ask = ctx.bid_ticks(), ctx.ask_ticks()
        mid = (bid + ask) / 2.0
        want_bid = min(math.floor(mid - self.half_ticks), bid)
        want_ask = max(math.ceil(mid + self.half_ticks), ask)
        room = self.max_qty - self.qty / 2.0
        position = ctx.position()
        ctx.quote(b25.BUY, want_bid * tick, self.qty if position < room else 0.0)
        ctx.quote(b25.SELL, want_ask * tick, self.qty if position > -room else 0.0)


class ReferenceTaker(b25.Strategy):
    """Take the touch when the mid leaves its moving average by more than `threshold_ticks`, up to `max_qty`."""

    step_ns: int = b25.param(50_000_000, gt=0, unit="ns")
    alpha: float = b25.param(0.05, gt=0, le=1)
    threshold_ticks: float = b25.param(8.0, ge=0, unit="ticks")
    qty: float = b25.param(0.1, gt=0, unit="base")
    max_qty: float = b25.param(0.5, gt=0, unit="base")
    ema: float = 0.0
    begun: bool = False

    def on_start(self, ctx):
        ctx.every(self.step_ns)

    def on_timer(self, ctx):
        if not ctx.ready():
            return
        tick = ctx.tick()
        bid, ask = ctx.bid_ticks(), ctx.ask_ticks()
        mid = (bid + ask) / 2.0
        if not self.begun:
            self.begun = True
            self.ema = mid
        self.ema += self.alpha * (mid - self.ema)
        if ctx.working(b25.BUY) + ctx.working(b25.SELL) > 0:
            return
        room = self.max_qty - self.qty / 2.0
        position = ctx.position()
        if mid > self.ema + self.threshold_ticks and position < room:
            ctx.buy(self.qty, ask * tick, tif=b25.IOC)
        elif mid < self.ema - self.threshold_ticks and position > -room:
            ctx.sell(self.qty, bid * tick, tif=b25.IOC)
