"""Strategies that work through parent orders, for the lives to be compared on."""

import b25


class Scheduled(b25.Strategy):
    """Every ten seconds another kind of parent order, on both sides in turn; called by its timer alone."""

    quantity: float = b25.param(0.06, gt=0, unit="base")
    turn: int = 0
    last: int = 0
    spent: float = 0.0
    curve: object = b25.window(4)

    def on_start(self, ctx):
        for k in range(4):
            self.curve[k] = 1.0 + k
        ctx.every(10_000_000_000)

    def on_timer(self, ctx):
        side = b25.BUY if self.turn % 2 == 0 else b25.SELL
        kind = self.turn % 7
        mid = ctx.mid()
        seen = ctx.parent(self.last)
        if seen.state > 0 and seen.filled > 0:
            self.spent += seen.slippage_bps
            ctx.log(seen.algo, seen.filled)
        if kind == 0:
            self.last = ctx.twap(side, self.quantity, 8.0, 6)
        elif kind == 1:
            self.last = ctx.twap(side, self.quantity, 7.0, 5, limit=mid, passive=True, catch_up=True)
        elif kind == 2:
            self.last = ctx.bracket(side, self.quantity, stop=mid * (1 - side * 0.0004), target=mid * (1 + side * 0.0002))
        elif kind == 3:
            self.last = ctx.iceberg(side, self.quantity, mid * (1 + side * 0.0001), 0.013)
        elif kind == 4:
            self.last = ctx.vwap(side, self.quantity, 9.0, self.curve, participation=0.05)
        elif kind == 5:
            held = ctx.position()
            if held != 0.0:
                way = b25.SELL if held > 0 else b25.BUY
                self.last = ctx.trailing_stop(way, abs(held), distance_bps=1.5, step_bps=0.1)
        else:
            if self.last > 0:
                ctx.cancel_parent(self.last)
            # Asked for with the position that it protects still on its way.
            ctx.target(side * self.quantity)
            self.last = ctx.oco(-side, self.quantity, stop=mid * (1 - side * 0.0003), target=mid * (1 + side * 0.0003))
        self.turn += 1


class Watching(Scheduled):
    """The same, called for every message as well: it counts what its parents' children do."""

    books: int = 0
    fills: float = 0.0

    def on_book(self, ctx):
        self.books += 1
        if self.books % 400 == 0 and self.last > 0:
            ctx.pause_parent(self.last)
        if self.books % 400 == 150 and self.last > 0:
            ctx.resume_parent(self.last)

    def on_fill(self, ctx):
        if ctx.fill().parent > 0:
            self.fills += ctx.fill().quantity
