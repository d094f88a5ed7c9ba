"""A strategy that asks for everything that can be asked for, all the time: rests, takes, changes, cancels, waits with stops."""

import b25


class Busy(b25.Strategy):
    """Trade without any sense.

    Parameters
    ----------
    quantity : float
        Base units of one order.
    """

    quantity: float = b25.param(0.005, gt=0, unit="base")
    turn: int = 0
    last: int = 0
    before: int = 0
    stop: int = 0

    def on_start(self, ctx):
        ctx.every(40_000_000)

    def on_timer(self, ctx):
        if not (ctx.ready() and ctx.healthy()):
            return
        self.turn += 1
        mid, tick = ctx.mid(), ctx.tick()
        side = b25.BUY if self.turn * 7 % 11 < 5 else b25.SELL
        if ctx.position() > 4 * self.quantity:
            side = b25.SELL
        elif ctx.position() < -4 * self.quantity:
            side = b25.BUY
        what = self.turn % 6
        if what == 0:
            self.before = self.last
            self.last = ctx.trade(side, 2.0 * self.quantity, mid - side * tick)
        elif what == 1:
            ctx.amend(self.last, mid - side * 3.0 * tick, 3.0 * self.quantity)
        elif what == 2:
            ctx.trade(side, self.quantity)
        elif what == 3:
            ctx.cancel(self.before)
        elif what == 4 and self.turn % 24 == 4:
            ctx.cancel(self.stop)
            self.stop = ctx.trade(side, self.quantity, None, stop_price=mid + side * 40.0 * tick)
        elif ctx.working(b25.BUY) + ctx.working(b25.SELL) > 6:
            ctx.cancel_all()
