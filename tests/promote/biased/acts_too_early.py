"""Needs 500 bars and waits for 100: where the data begin decides what it does."""

import b25


class ActsTooEarly(b25.Strategy):
    """Follows a mean that it does not know yet."""

    last: list[float] = b25.window(500)
    level: float = 0.0
    seen: int = 0

    def on_bar(self, ctx):
        close = ctx.bar().close
        self.last[self.seen % 500] = close
        self.seen += 1
        known = min(self.seen, 500)
        total = 0.0
        for j in range(known):
            total += self.last[j]
        self.level = total / known
        if self.seen < 100:
            return
        if close > self.level and ctx.position() <= 0:
            ctx.target(1.0)
        elif close < self.level and ctx.position() >= 0:
            ctx.target(-1.0)
