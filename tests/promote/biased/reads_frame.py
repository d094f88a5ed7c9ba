"""Looks tomorrow's close up in a frame, as research code often does, and runs as plain Python."""

import b25

FRAME = b25.sample(bars="1h", days=125).frame.select("close")


class ReadsFrame(b25.Strategy):
    """Buys what will have risen."""

    k: int = 0
    ahead: float = 0.0

    def on_bar(self, ctx):
        self.ahead = FRAME["close"][min(self.k + 1, FRAME.height - 1)]
        self.k += 1
        ctx.target(1.0 if self.ahead > ctx.bar().close else -1.0)
