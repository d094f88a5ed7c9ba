"""How often: waits that double, with jitter, and budgets of so many in a span of time. Time and chance are handed in."""

from collections import deque
from collections.abc import Callable

NS_PER_S = 1_000_000_000
JITTER = 0.25  # of a wait, to both sides


def ns(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(seconds * NS_PER_S)


class Backoff:
    """Waits that double from `first_s` to `max_s`.

    Parameters
    ----------
    first_s, max_s : float
    chance : callable
        Uniform on [0, 1).
    """

    def __init__(self, first_s: float, max_s: float, chance: Callable[[], float]) -> None:
        self.first_s, self.max_s, self.chance = first_s, max_s, chance
        self.tries = 0

    def next_ns(self) -> int:
        """Return how long to wait now, in ns."""
        wait_s = min(self.max_s, self.first_s * 2 ** min(self.tries, 30))
        self.tries += 1
        return ns(wait_s * (1 + JITTER * (2 * self.chance() - 1)))

    def reset(self) -> None:
        """Begin again with the first wait."""
        self.tries = 0


class Budget:
    """At most `count` in any `span_s`."""

    def __init__(self, count: int, span_s: float) -> None:
        self.span_ns = ns(span_s)
        self.taken: deque[int] = deque(maxlen=count)

    def take(self, now_ns: int) -> bool:
        """Take one, unless the budget is spent."""
        if len(self.taken) == self.taken.maxlen and now_ns - self.taken[0] < self.span_ns:
            return False
        self.taken.append(now_ns)
        return True


class Recently:
    """How often something happened in the last `span_s`."""

    def __init__(self, span_s: float) -> None:
        self.span_ns = ns(span_s)
        self.times: deque[int] = deque(maxlen=1000)

    def add(self, now_ns: int) -> int:
        """Note one more; return how many there are in the span."""
        self.times.append(now_ns)
        while now_ns - self.times[0] >= self.span_ns:
            self.times.popleft()
        return len(self.times)
