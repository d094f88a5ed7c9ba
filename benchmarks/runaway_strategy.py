"""A strategy gone wild: an order each millisecond, whatever came of the last."""

import b25


class Runaway(b25.Strategy):
    """Buys far below the market each millisecond, and forgets what it has sent."""

    def on_start(self, ctx):
        """Wake a thousand times a second."""
        ctx.every(1_000_000)

    def on_timer(self, ctx):
        """Send, and send again."""
        ctx.buy(0.001, ctx.bid() - 200 * ctx.tick())
