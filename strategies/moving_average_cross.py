"""Be long while a fast average of closes is above a slow one: the plainest trend follower there is."""

import b25


class MovingAverageCross(b25.Strategy):
    """Long while the mean of the last `fast` closes is above that of the last `slow`; else flat, or short with `short`.

    Both averages are running sums over one window: a close comes in, the one that is `fast` or `slow` bars old goes out. A
    position is opened at market when the averages have crossed, of `exposure` times the equity at that close, and not touched
    until they cross again. Nothing is done before `slow` closes were seen, nor ever when `fast` is not below `slow`.

    It assumes that a move which has lasted goes on for longer than it takes the averages to notice. It loses in a market
    without a direction, a little at each false cross, and it gives back the end of every trend. Pairs that lie close
    together behave alike: a best pair whose neighbours are poor is luck.

    Parameters
    ----------
    fast, slow : int
        Bars that each average is taken over.
    exposure : float
        Position's value on the equity when it is opened; the account's leverage must allow it. Below 1 it leaves room for the
        fee and for the next bar's open.
    short : bool
        Whether it sells short, rather than being flat, while the fast average is below.
    """

    fast: int = b25.param(24, ge=1, le=999, unit="bars")
    slow: int = b25.param(120, ge=2, le=1_000, unit="bars")
    exposure: float = b25.param(0.95, gt=0, le=20, unit="of equity")
    short: bool = b25.param(False)
    closes: list[float] = b25.window(1_000)
    fast_sum: float = 0.0
    slow_sum: float = 0.0
    seen: int = 0

    def on_bar(self, ctx):
        close = ctx.bar().close
        oldest = self.seen % self.slow
        # Places of the window that were never written hold 0.0, so that sums begin by themselves.
        self.fast_sum += close - self.closes[(self.seen - self.fast) % self.slow]
        self.slow_sum += close - self.closes[oldest]
        self.closes[oldest] = close
        self.seen += 1
        if self.seen < self.slow or self.fast >= self.slow:
            return
        held, quantity = ctx.position(), self.exposure * ctx.equity() / close
        if self.fast_sum / self.fast > self.slow_sum / self.slow:
            if held <= 0.0:
                ctx.target(quantity)
        elif self.short:
            if held >= 0.0:
                ctx.target(-quantity)
        elif held > 0.0:
            ctx.target(0.0)
