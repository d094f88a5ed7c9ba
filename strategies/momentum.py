"""Follow a move that has already happened, a little at a time."""

import b25


class Momentum(b25.Strategy):
    """Buy after a rise, sell after a fall, one tenth of the largest position at a time.

    Every `step_ns` the mid is kept. Once there are `lookback` of them, m = (last - first) / first. Above the threshold
    (strictly) it buys a tenth of `max_position`, as far as there is room; below minus the threshold it sells as much, going
    below flat only with `allow_short`. Orders take what is there up to `slippage_bps_max` beyond the touch; the rest expires.

    It assumes that moves go on. It loses in a market that turns back, and on every trade it pays the taker's fee and half of
    the spread, so a threshold near the fee cannot be earned back. The default threshold fires a few times an hour on a major
    perpetual with steps of one second; with hourly steps 200 bps is a usual start.

    Parameters
    ----------
    step_ns : int
        Nanoseconds of event time between two prices.
    lookback : int
        Prices compared: the first with the last.
    threshold_bps : float
        Basis points of the first price.
    max_position : float
        Base units; at least ten lots.
    slippage_bps_max : float
        Basis points beyond the touch at which an order still takes.
    allow_short : bool
        Whether a fall may be sold below flat.
    """

    step_ns: int = b25.param(1_000_000_000, ge=1_000_000, unit="ns")
    lookback: int = b25.param(20, ge=2, le=1_000, unit="steps")
    threshold_bps: float = b25.param(4.0, gt=0, le=10_000, unit="bps")
    max_position: float = b25.param(0.1, gt=0, unit="base")
    slippage_bps_max: float = b25.param(0.5, ge=0, le=1_000, unit="bps")
    allow_short: bool = b25.param(False)
    prices: list[float] = b25.window(1_000)
    seen: int = 0

    def on_start(self, ctx):
        ctx.every(self.step_ns)

    def on_timer(self, ctx):
        if not (ctx.ready() and ctx.healthy()):
            self.seen = 0  # a window with a hole in it is not full
            return
        self.prices[self.seen % self.lookback] = ctx.mid()
        self.seen += 1
        if self.seen < self.lookback or ctx.working(b25.BUY) + ctx.working(b25.SELL) > 0:
            return
        first = self.prices[self.seen % self.lookback]
        move = (ctx.mid() - first) / first
        position = ctx.position()
        if move > self.threshold_bps / 1e4:
            quantity = ctx.floor_quantity(min(self.max_position / 10.0, self.max_position - position))
            if quantity > 0.0:
                ctx.buy(quantity, ctx.ask() * (1.0 + self.slippage_bps_max / 1e4), tif=b25.IOC)
        elif move < -self.threshold_bps / 1e4:
            room = position + (self.max_position if self.allow_short else 0.0)
            quantity = ctx.floor_quantity(min(self.max_position / 10.0, room))
            if quantity > 0.0:
                ctx.sell(quantity, ctx.bid() * (1.0 - self.slippage_bps_max / 1e4), tif=b25.IOC)
