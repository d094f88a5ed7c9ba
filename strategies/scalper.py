"""Take a small move in the direction of the book's lean, and be out again within the minute."""

import b25


class Scalper(b25.Strategy):
    """Enter with the lean of a tight book; leave at a target, at a stop, or when the time is up, whichever comes first.

    Flat, with nothing under way, and with the market's spread at most `spread_bps_max`: an imbalance above `threshold` buys at
    the ask, one below -`threshold` sells at the bid, immediate or cancel, so that the price is one that can fill. In a
    position, the price at which it could leave now (the bid of a long one) is held against the entry price. There is one
    exit, at market and reduce-only; a second is asked for only when the first is over and has left something. Time is
    event time, and is looked at every 100 ms also while the market is silent.

    It assumes that a lean is worth more than what crossing costs. That costs two taker's fees and two half-spreads, so with
    3 bps a side it needs 6 bps from a trade that aims at 10; it loses wherever the lean does not foretell as much.

    Parameters
    ----------
    levels : int
        Levels of each side that are counted.
    threshold : float
        Imbalance (bids - asks) / (bids + asks), in [0, 1), beyond which it enters.
    spread_bps_max : float
        Basis points of the mid. The default is one tick of ETH and up to two of BTC: the spread of a calm moment.
    target_bps, stop_bps : float
        Basis points of the entry price won or lost.
    hold_ns_max : int
        Nanoseconds of event time from the first fill of a position.
    quantity : float
        Base units of a position, whole lots.
    """

    levels: int = b25.param(5, ge=1, le=100, unit="levels")
    threshold: float = b25.param(0.3, ge=0, lt=1)
    spread_bps_max: float = b25.param(0.04, gt=0, le=1_000, unit="bps")
    target_bps: float = b25.param(10.0, gt=0, le=1_000, unit="bps")
    stop_bps: float = b25.param(5.0, gt=0, le=1_000, unit="bps")
    hold_ns_max: int = b25.param(60_000_000_000, gt=0, unit="ns")
    quantity: float = b25.param(0.01, gt=0, unit="base")
    entered_ns: int = 0

    def on_start(self, ctx):
        ctx.every(100_000_000)

    def on_fill(self, ctx):
        if ctx.position() == 0.0:
            self.entered_ns = 0
        elif self.entered_ns == 0:
            self.entered_ns = ctx.now_ns

    def on_timer(self, ctx):
        self.act(ctx)

    def on_book(self, ctx):
        self.act(ctx)

    def act(self, ctx):
        if not ctx.ready() or ctx.working(b25.BUY) + ctx.working(b25.SELL) > 0:
            return
        if ctx.position() == 0.0:
            self.enter(ctx)
        elif ctx.now_ns - self.entered_ns >= self.hold_ns_max or self.has_moved(ctx):
            ctx.close()

    def enter(self, ctx):
        if not ctx.healthy() or ctx.spread() > ctx.mid() * self.spread_bps_max / 1e4:
            return
        lean = ctx.imbalance(self.levels)
        if lean > self.threshold:
            ctx.buy(self.quantity, ctx.ask(), tif=b25.IOC)
        elif lean < -self.threshold:
            ctx.sell(self.quantity, ctx.bid(), tif=b25.IOC)

    def has_moved(self, ctx):
        """Whether the price at which the position could be left has reached the target or the stop."""
        entry, target, stop = ctx.entry_price(), self.target_bps / 1e4, self.stop_bps / 1e4
        if ctx.position() > 0.0:
            out = ctx.bid()
            return out >= ctx.ceil_price(entry * (1.0 + target)) or out <= ctx.floor_price(entry * (1.0 - stop))
        out = ctx.ask()
        return out <= ctx.floor_price(entry * (1.0 - target)) or out >= ctx.ceil_price(entry * (1.0 + stop))
