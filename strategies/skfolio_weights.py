"""Hold several instruments with the weights of skfolio's optimiser, chosen anew from trailing returns."""

import numpy as np

import b25

INSTRUMENTS_MAX = 16
LOOKBACK_MAX = 512


class SkfolioWeights(b25.Strategy):
    """Every so many bars, let skfolio find the weights of least variance on the last returns, and trade to them.

    It runs as plain Python, for no compiler knows an optimiser; skfolio (``pip install "b25[portfolio]"``) is imported when the
    first weights are due. Only times at which all instruments closed a bar count. Nothing is traded until `lookback` returns
    are known.

    It assumes that covariances last. Least variance is what an optimiser does least badly: no returns are estimated. It
    crowds into the calmest instrument, hence the bound on a weight; it changes its mind a little every time and loses the fees
    of that; and it falls when all fall.

    Parameters
    ----------
    lookback : int
        Returns from close to close that the covariances are measured from.
    period : int
        Bars between two rebalances.
    invested : float
        Share of the equity that the weights add up to.
    weight_max : float
        Largest share of the invested part in one instrument; at least one over their number.
    """

    lookback: int = b25.param(168, ge=10, le=LOOKBACK_MAX, unit="bars")
    period: int = b25.param(168, ge=1, unit="bars")
    invested: float = b25.param(0.95, gt=0, le=1, unit="of equity")
    weight_max: float = b25.param(0.6, gt=0, le=1, unit="of the invested")
    closes: list[float] = b25.window((LOOKBACK_MAX + 1) * INSTRUMENTS_MAX)
    rows: int = 0

    def on_bar(self, ctx):
        if not all(ctx.fresh(i) for i in range(ctx.n)):
            return
        row = self.rows % (self.lookback + 1) * INSTRUMENTS_MAX
        for i in range(ctx.n):
            self.closes[row + i] = ctx.bar(i).close
        self.rows += 1
        if self.rows > self.lookback and self.rows % self.period == 0:
            self.rebalance(ctx)

    def rebalance(self, ctx):
        """Bring every position to its weight, sales first."""
        prices = [ctx.bar(i).close for i in range(ctx.n)]
        shares = self.weights(ctx.n) * self.invested * ctx.equity()
        missing = [shares[i] / prices[i] - ctx.position(i) for i in range(ctx.n)]
        for i in sorted(range(ctx.n), key=lambda i: missing[i] * prices[i]):
            ctx.target(float(shares[i] / prices[i]), i)

    def weights(self, instruments):
        """Weights of least variance on the kept returns, oldest first."""
        import skfolio.optimization

        ring = np.asarray(self.closes).reshape(-1, INSTRUMENTS_MAX)[: self.lookback + 1, :instruments]
        closes = np.roll(ring, -(self.rows % (self.lookback + 1)), axis=0)
        returns = closes[1:] / closes[:-1] - 1.0
        return skfolio.optimization.MeanRisk(max_weights=self.weight_max).fit(returns).weights_
