"""How long after one message the next one may come: the 99.9th percentile of the times between them, in fixed memory."""

from b25.market.feed.pacing import NS_PER_S

BINS_PER_DOUBLING = 4
FIRST_NS = 1_000_000
BINS = 4 * 27  # from 1 ms to a day and a half
ENOUGH = 1000  # a 99.9th percentile of fewer is their maximum
QUANTILE = 0.999
HALF_EVERY_NS = 12 * 3600 * NS_PER_S  # so that the last day outweighs all days before


class Arrivals:
    """A histogram of times between messages, on a scale of quarter doublings."""

    def __init__(self) -> None:
        self.counts = [0.0] * BINS
        self.total = 0.0
        self.last_ns = 0
        self.halved_ns = 0

    def add(self, at_ns: int) -> None:
        """Note a message."""
        if self.last_ns:
            steps = ((at_ns - self.last_ns) // FIRST_NS).bit_length()
            fine = 0
            if steps:
                floor = FIRST_NS << (steps - 1)
                fine = min(BINS_PER_DOUBLING - 1, (at_ns - self.last_ns - floor) * BINS_PER_DOUBLING // floor)
            self.counts[min(BINS - 1, steps * BINS_PER_DOUBLING + fine)] += 1
            self.total += 1
        self.last_ns = at_ns
        if at_ns - self.halved_ns > HALF_EVERY_NS:
            if self.halved_ns:
                self.counts = [count / 2 for count in self.counts]
                self.total /= 2
            self.halved_ns = at_ns

    def late_after_ns(self, factor: float, floor_ns: int) -> int | None:
        """Return the age from which the stream is late; None before enough is known."""
        if self.total < ENOUGH:
            return None
        left = self.total * (1 - QUANTILE)
        for place in range(BINS - 1, -1, -1):
            left -= self.counts[place]
            if left < 0:
                steps, fine = divmod(place, BINS_PER_DOUBLING)
                floor = FIRST_NS << (steps - 1) if steps else 0
                upper = floor + (floor * (fine + 1) // BINS_PER_DOUBLING if steps else FIRST_NS)
                return max(floor_ns, round(factor * upper))
        return floor_ns
