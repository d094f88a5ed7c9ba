"""Token buckets in bounded memory, without a clock of their own: who may ask how often, by the pattern of the route."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

KEYS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in a second for long, and so many at once."""

    per_s: float
    burst: int

    def scaled(self, by: float) -> Rate:
        """Return the rate, times a number."""
        return Rate(self.per_s * by, max(1, int(self.burst * by)))


@dataclass(frozen=True, slots=True)
class Told:
    """What a bucket said."""

    is_allowed: bool
    remaining: int
    again_s: float  # until one is allowed


class Buckets:
    """Buckets by key; the one that was used least lately makes room when there are too many.

    Parameters
    ----------
    keys_max : int
    """

    def __init__(self, keys_max: int = KEYS_MAX) -> None:
        self.keys_max = keys_max
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when that was

    def __len__(self) -> int:
        return len(self._held)

    def take(self, key: str, rate: Rate, now_s: float) -> Told:
        """Take one token, if there is one."""
        held, then_s = self._held.get(key, (float(rate.burst), now_s))
        held = min(float(rate.burst), held + max(0.0, now_s - then_s) * rate.per_s)
        is_allowed = held >= 1.0
        if is_allowed:
            held -= 1.0
        self._held[key] = (held, max(now_s, then_s))
        self._held.move_to_end(key)
        if len(self._held) > self.keys_max:
            self._held.popitem(last=False)
        return Told(is_allowed, int(held), 0.0 if held >= 1.0 else (1.0 - held) / rate.per_s)


ALL: Final = Rate(1_000.0, 2_000)
IP: Final = Rate(5.0, 500)
CLIENT: Final = Rate(100.0, 200)
# By the first part of the pattern under /api/v1; everything else has the client's.
BY_TOPIC: Final[dict[str, Rate]] = {
    "orders": Rate(10.0, 20),
    "market-data": Rate(100.0, 200),
    "account": Rate(50.0, 100),
    "auth": Rate(100 / 900, 100),
}


def topic_of(pattern: str) -> str:
    """Return the topic of a route's pattern: ``orders`` of ``/api/v1/orders/{id}``; empty for one that has no rate of its own."""
    word = pattern.removeprefix("/api/v1/").partition("/")[0]
    return word if word in BY_TOPIC else ""
