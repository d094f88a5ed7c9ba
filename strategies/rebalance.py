"""Hold several instruments with equal shares of the risk, and put the shares right from time to time."""

import math

import b25

INSTRUMENTS_MAX = 16
LOOKBACK_MAX = 512


class Rebalance(b25.Strategy):
    """Weigh each instrument by one over its volatility, and trade back to these weights every so many bars.

    The volatility of an instrument is the standard deviation of its last `lookback` returns from close to close. Weights add up
    to `invested`; those of instruments with too few returns are 0. Every `period` bars each position is brought to its weight
    of the equity, sales before purchases, unless it is less than `band` of the equity away.

    It assumes that yesterday's volatility tells something about tomorrow's, which it does, and that the instruments earn
    something for being held, which is a matter of faith. It takes no view: in a market where all fall together it falls with
    them, and it loses the fees of every rebalance; the band is there to save the small ones.

    Parameters
    ----------
    lookback : int
        Returns that a volatility is measured from.
    period : int
        Bars between two rebalances.
    invested : float
        Share of the equity that the weights add up to; a little below 1 leaves room for fees and for the gap to the next open.
    band : float
        Share of the equity: a difference that is not larger is not traded.
    """

    lookback: int = b25.param(72, ge=2, le=LOOKBACK_MAX, unit="bars")
    period: int = b25.param(24, ge=1, unit="bars")
    invested: float = b25.param(0.95, gt=0, le=1, unit="of equity")
    band: float = b25.param(0.01, ge=0, lt=1, unit="of equity")
    returns: list[float] = b25.window(INSTRUMENTS_MAX * LOOKBACK_MAX)
    closes: list[float] = b25.window(INSTRUMENTS_MAX)
    seen: list[float] = b25.window(INSTRUMENTS_MAX)
    weights: list[float] = b25.window(INSTRUMENTS_MAX)
    bars: int = 0

    def on_bar(self, ctx):
        instruments = min(ctx.n, INSTRUMENTS_MAX)
        for i in range(instruments):
            if ctx.fresh(i):
                self.remember(i, ctx.bar(i).close)
        self.bars += 1
        if self.bars % self.period == 0 and self.weigh(instruments):
            for buying in range(2):
                for i in range(instruments):
                    self.approach(ctx, i, buying)

    def remember(self, i, close):
        """Keep the return of a bar that has just closed."""
        if self.closes[i] > 0.0:
            self.returns[i * LOOKBACK_MAX + int(self.seen[i]) % self.lookback] = close / self.closes[i] - 1.0
            self.seen[i] += 1.0
        self.closes[i] = close

    def deviation(self, i):
        """Standard deviation of the kept returns; 0.0 until there are enough of them."""
        if self.seen[i] < self.lookback:
            return 0.0
        mean = 0.0
        for k in range(self.lookback):
            mean += self.returns[i * LOOKBACK_MAX + k] / self.lookback
        total = 0.0
        for k in range(self.lookback):
            total += (self.returns[i * LOOKBACK_MAX + k] - mean) ** 2
        return math.sqrt(total / (self.lookback - 1))

    def weigh(self, instruments):
        """Set the weights; false when there is no volatility to weigh by."""
        total = 0.0
        for i in range(instruments):
            deviation = self.deviation(i)
            self.weights[i] = 1.0 / deviation if deviation > 0.0 else 0.0
            total += self.weights[i]
        for i in range(instruments):
            self.weights[i] = self.weights[i] / total * self.invested if total > 0.0 else 0.0
        return total > 0.0

    def approach(self, ctx, i, buying):
        """Trade a position to its weight, if that is a purchase or a sale as asked for."""
        equity = ctx.equity()
        if not (equity > 0.0 and self.closes[i] > 0.0):
            return
        wanted = self.weights[i] * equity / self.closes[i]
        missing = wanted - ctx.position(i)
        if (missing > 0.0) == (buying == 1) and abs(missing) * self.closes[i] > self.band * equity:
            ctx.target(wanted, i)
