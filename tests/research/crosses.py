"""Strategies on bars that the tests of sweeps run, also by a process or worker of its own."""

import statistics

import numba

import b25


class Cross(b25.Strategy):
    """Long while a quick average stands above a calm one, short while below."""

    fast: int = b25.param(5, ge=1, le=200)
    slow: int = b25.param(20, ge=2, le=500)
    size: float = b25.param(5.0, ge=0, le=1_000)
    quick: float = 0.0
    calm: float = 0.0

    def on_bar(self, ctx):
        price = ctx.bar().close
        self.quick = price if self.quick == 0.0 else self.quick + (price - self.quick) * 2.0 / (self.fast + 1)
        self.calm = price if self.calm == 0.0 else self.calm + (price - self.calm) * 2.0 / (self.slow + 1)
        held = ctx.position(0)
        if self.quick > self.calm and held <= 0:
            ctx.target(self.size, 0)
        elif self.quick < self.calm and held >= 0:
            ctx.target(-self.size, 0)


class Fragile(Cross):
    """Divides by zero where fast is 7."""

    def on_bar(self, ctx):
        price = ctx.bar().close
        self.quick = price / (self.fast - 7)
        if ctx.position(0) == 0:
            ctx.buy(self.size)


class Plain(b25.Strategy):
    """The like of `Cross` that no compiler takes."""

    fast: int = b25.param(5, ge=1, le=50)
    size: float = b25.param(5.0, gt=0)
    mean: float = 0.0

    def on_bar(self, ctx):
        price = ctx.bar().close
        self.mean = price if self.mean == 0.0 else statistics.fmean([self.mean] * (self.fast - 1) + [price])
        if price > self.mean and ctx.position(0) <= 0:
            ctx.target(self.size, 0)
        elif price < self.mean and ctx.position(0) >= 0:
            ctx.target(-self.size, 0)


class Pair(b25.Strategy):
    """Buys what fell against the other and sells what rose, every so many bars."""

    every_bars: int = b25.param(10, ge=1, le=500)
    size: float = b25.param(4.0, gt=0)
    waited: int = 0

    def on_bar(self, ctx):
        self.waited += 1
        if self.waited < self.every_bars:
            return
        self.waited = 0
        side = 1.0 if ctx.bar(0).close < ctx.bar(1).close else -1.0
        ctx.target(side * self.size, 0)
        ctx.target(-side * self.size, 1)


class Ladder(b25.Strategy):
    """Keeps many limit orders, and notes something at every bar."""

    rungs: int = b25.param(150, ge=1, le=400)
    placed: bool = False

    def on_bar(self, ctx):
        ctx.log(1, ctx.bar().close)
        if not self.placed:
            self.placed = True
            tick = ctx.tick()
            base = ctx.floor_price(ctx.bar().close * 0.995)
            for k in range(min(self.rungs, 200)):
                ctx.buy(0.01, base - k * 4 * tick)


@numba.njit
def leaning(price, mean):
    """Compiled beside the class, as a module of one's own has it."""
    return price - mean


class Leaning(b25.Strategy):
    """Calls a function of its module."""

    fast: int = b25.param(5, ge=1, le=200)
    mean: float = 0.0

    def on_bar(self, ctx):
        price = ctx.bar().close
        self.mean = price if self.mean == 0.0 else self.mean + (price - self.mean) / self.fast
        ctx.target(1.0 if leaning(price, self.mean) > 0 else -1.0, 0)
