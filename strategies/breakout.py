"""Go with a price that leaves the range of its last bars, with a stop and a target at the venue from the first fill on."""

import b25


class Breakout(b25.Strategy):
    """Buy a close above the highest high of the `lookback` bars before it, sell one below the lowest low (Donchian's channel).

    It enters at market when flat. The size is such that the stop costs `risk` of the equity, and its value is at most
    `exposure_max` times the equity. At each fill it places two reduce-only orders anew, for all that is then held: a stop
    `stop_ranges` usual ranges against the position, and a limit `target_ranges` in its favour. When one of them has closed
    the position, the other is cancelled. Both lie at the venue: they need no further bar to work.

    It assumes that a range which held for long is left for a reason. It loses on false breakouts, one stop each, and a gap
    beyond the stop costs more than `risk`: a stop is a promise to sell, not a price.

    Parameters
    ----------
    lookback : int
        Bars of the channel, the present one left out.
    stop_ranges, target_ranges : float
        Distance of stop and target from the entry price, in usual ranges: the mean of high - low of the last 24
        bars.
    risk : float
        Part of the equity that is lost at the stop.
    exposure_max : float
        Largest value of a position on the equity; the account's leverage must allow it.
    short : bool
        Whether breakouts to below are sold.
    """

    lookback: int = b25.param(72, ge=2, le=1_000, unit="bars")
    stop_ranges: float = b25.param(3.0, gt=0, le=100, unit="ranges")
    target_ranges: float = b25.param(9.0, gt=0, le=1_000, unit="ranges")
    risk: float = b25.param(0.01, gt=0, le=1, unit="of equity")
    exposure_max: float = b25.param(0.95, gt=0, le=20, unit="of equity")
    short: bool = b25.param(True)
    range: b25.Sma = b25.sma(24)
    highs: list[float] = b25.window(1_000)
    lows: list[float] = b25.window(1_000)
    seen: int = 0

    def on_bar(self, ctx):
        bar = ctx.bar()
        reach = self.range.update(bar.high - bar.low)
        highest, lowest = self.channel()
        self.highs[self.seen % self.lookback] = bar.high
        self.lows[self.seen % self.lookback] = bar.low
        self.seen += 1
        # A full channel, a known range (NaN is not above 0), nothing held and nothing under way.
        waiting = ctx.working(b25.BUY) + ctx.working(b25.SELL) > 0
        if self.seen <= self.lookback or not reach > 0.0 or ctx.position() != 0.0 or waiting:
            return
        stop = self.stop_ranges * reach
        quantity = ctx.equity() * min(self.risk / stop, self.exposure_max / bar.close)
        if bar.close > highest:
            ctx.buy(ctx.floor_quantity(quantity))
        elif bar.close < lowest and self.short:
            ctx.sell(ctx.floor_quantity(quantity))

    def on_fill(self, ctx):
        ctx.cancel_all()
        held, entry = ctx.position(), ctx.entry_price()
        stop, target = self.stop_ranges * self.range.value, self.target_ranges * self.range.value
        if held > 0.0:
            ctx.sell(held, stop_price=ctx.floor_price(entry - stop), reduce_only=True)
            ctx.sell(held, ctx.ceil_price(entry + target), reduce_only=True)
        elif held < 0.0:
            ctx.buy(-held, stop_price=ctx.ceil_price(entry + stop), reduce_only=True)
            ctx.buy(-held, ctx.floor_price(entry - target), reduce_only=True)

    def channel(self):
        """Highest high and lowest low of the bars in the window."""
        highest, lowest = self.highs[0], self.lows[0]
        for k in range(1, self.lookback):
            highest, lowest = max(highest, self.highs[k]), min(lowest, self.lows[k])
        return highest, lowest
