"""Looks tomorrow's close up in an array that it brought along."""

import b25

CLOSES = b25.sample(bars="1h", days=125).view["close"].copy()


class ReadsNextBar(b25.Strategy):
    """Buys what will have risen."""

    k: int = 0
    ahead: float = 0.0

    def on_bar(self, ctx):
        self.ahead = CLOSES[min(self.k + 1, len(CLOSES) - 1)]
        self.k += 1
        ctx.target(1.0 if self.ahead > ctx.bar().close else -1.0)
