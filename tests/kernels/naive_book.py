"""The book in the dullest Python: two dicts of price to lots. It is the specification that the kernels are held to."""

from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS


class NaiveBook:
    """Same verbs as the kernels, no ladder, no bits, no far table."""

    def __init__(self):
        self.sides = ({}, {})
        self.best = [NO_BID_TICKS, NO_ASK_TICKS]
        self.crossed_by = 0
        self.crossed_messages = 0
        self.cleared_levels = 0

    def next_level(self, side, price):
        """Level that follows a price away from the touch."""
        if side == 0:
            return max((p for p in self.sides[0] if p < price), default=NO_BID_TICKS)
        return min((p for p in self.sides[1] if p > price), default=NO_ASK_TICKS)

    def set_level(self, side, price, lots):
        before = self.sides[side].pop(price, 0)
        if lots:
            self.sides[side][price] = lots
            if price > self.best[0] if side == 0 else price < self.best[1]:
                self.best[side] = price
                if self.best[0] >= self.best[1]:
                    self.crossed_by = side + 1
        elif price == self.best[side]:
            self.best[side] = self.next_level(side, price)
        return before

    def clear_side(self, side, up_to):
        gone = [p for p in self.sides[side] if (p >= up_to if side == 0 else p <= up_to)]
        for price in gone:
            del self.sides[side][price]
        if (self.best[0] >= up_to) if side == 0 else (self.best[1] <= up_to):
            self.best[side] = self.next_level(side, up_to)
        return len(gone)

    def push_crossed(self, side):
        if self.best[0] >= self.best[1]:
            self.best[1 - side] = self.next_level(1 - side, self.best[side])
        self.crossed_by = 0

    def end_message(self, *, keep):
        crossed = self.best[0] >= self.best[1]
        if crossed:
            self.crossed_messages += 1
            winner = 1 if self.crossed_by == 2 else 0
            if keep:
                self.push_crossed(winner)
            else:
                self.cleared_levels += self.clear_side(1 - winner, self.best[winner])
        self.crossed_by = 0
        return crossed

    def walk(self, side):
        """Levels from the best away from the touch, as (price, lots)."""
        if side == 0:
            return [(p, self.sides[0][p]) for p in sorted(self.sides[0], reverse=True) if p <= self.best[0]]
        return [(p, self.sides[1][p]) for p in sorted(self.sides[1]) if p >= self.best[1]]

    def imbalance(self, levels):
        bid = sum(q for _, q in self.walk(0)[:levels])
        ask = sum(q for _, q in self.walk(1)[:levels])
        return (bid - ask) / (bid + ask) if bid + ask else None

    def depth_to(self, side, price):
        return sum(q for p, q in self.walk(side) if (p >= price if side == 0 else p <= price))

    def cost_to_fill(self, side, lots):
        units = [p for p, q in self.walk(side) for _ in range(q)]
        return sum(units[:lots]), max(0, lots - len(units))
