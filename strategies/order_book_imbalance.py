"""Join the side that the book leans to, and leave when the lean is gone."""

import b25


class OrderBookImbalance(b25.Strategy):
    """Hold in the direction in which more is waiting to trade.

    The imbalance is (bids - asks) / (bids + asks) over the best `levels` of each side. Above `threshold` it bids at the
    touch, up to `max_position`; below -`threshold` it offers at the touch; between the two it works what it holds off at
    the touch. There is one post-only order a side, and never one on the side that the book leans against.

    It assumes that a heavier side is about to move the price. It loses where depth is shown to be seen and gone when it
    counts, and because its bid fills last in a long queue: most surely when the lean was wrong.

    Parameters
    ----------
    levels : int
        Levels of each side that are counted.
    threshold : float
        Imbalance, in [0, 1), beyond which it follows.
    quantity, max_position : float
        Base units: of one order, whole lots; and of the position, long or short.
    """

    levels: int = b25.param(5, ge=1, le=100, unit="levels")
    threshold: float = b25.param(0.3, ge=0, lt=1)
    quantity: float = b25.param(0.01, gt=0, unit="base")
    max_position: float = b25.param(0.05, gt=0, unit="base")

    def on_book(self, ctx):
        if not (ctx.ready() and ctx.healthy()):
            ctx.cancel_all()
            return
        position = ctx.position()
        lean = ctx.imbalance(self.levels)
        room = self.max_position - self.quantity + ctx.lot() / 2.0
        bid_quantity, ask_quantity = 0.0, 0.0
        if lean > self.threshold:
            bid_quantity = self.quantity if position <= room else 0.0
        elif lean < -self.threshold:
            ask_quantity = self.quantity if position >= -room else 0.0
        else:
            bid_quantity = min(self.quantity, max(0.0, -position))
            ask_quantity = min(self.quantity, max(0.0, position))
        ctx.quote(b25.BUY, ctx.bid(), bid_quantity)
        ctx.quote(b25.SELL, ctx.ask(), ask_quantity)
