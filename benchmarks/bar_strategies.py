"""The crossing of two moving averages, as every contestant runs it."""

import b25

LENGTH_MAX = 512


class MaCross(b25.Strategy):
    """Long `quantity` from a crossing upwards of the moving averages of the close to the next crossing downwards.

    Two running sums over one window, rebuilt once around the window so that rounding does not grow.
    """

    fast: int = b25.param(20, ge=1, le=LENGTH_MAX - 1, unit="bars")
    slow: int = b25.param(100, ge=2, le=LENGTH_MAX - 1, unit="bars")
    quantity: float = b25.param(1.0, gt=0, unit="base")
    closes: list[float] = b25.window(LENGTH_MAX)
    seen: int = 0
    fast_sum: float = 0.0
    slow_sum: float = 0.0
    side: int = 0  # where the fast average lay when it last lay anywhere but on the slow one

    def on_bar(self, ctx):
        close = ctx.bar().close
        at = self.seen % LENGTH_MAX
        self.closes[at] = close
        self.seen += 1
        self.fast_sum += close - self.closes[(at - self.fast) % LENGTH_MAX]
        self.slow_sum += close - self.closes[(at - self.slow) % LENGTH_MAX]
        if at == 0:
            self.fast_sum = self.sum_of(self.fast)
            self.slow_sum = self.sum_of(self.slow)
        if self.seen < self.slow:
            return
        # Averages are compared by multiplying with each other's length: nothing is rounded where the sums are exact.
        fast, slow = self.fast_sum * self.slow, self.slow_sum * self.fast
        if fast > slow:
            if self.side < 0 and ctx.position() == 0.0:
                ctx.buy(self.quantity)
            self.side = 1
        elif fast < slow:
            if self.side > 0 and ctx.position() > 0.0:
                ctx.close()
            self.side = -1

    def sum_of(self, length):
        """Return the sum of the last closes, added up afresh."""
        total = 0.0
        for back in range(length):
            total += self.closes[(self.seen - 1 - back) % LENGTH_MAX]
        return total
