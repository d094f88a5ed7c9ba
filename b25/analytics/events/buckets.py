"""Spans of time that events are added up over: half-open, aligned to the epoch in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from b25.model.errors import Misuse

NS_PER_S: Final = 10**9
MINUTE_NS: Final = 60 * NS_PER_S
DAY_NS: Final = 86_400 * NS_PER_S
INTERVALS: Final[dict[str, int]] = {
    "1m": MINUTE_NS, "5m": 5 * MINUTE_NS, "15m": 15 * MINUTE_NS, "30m": 30 * MINUTE_NS, "1h": 60 * MINUTE_NS,
    "4h": 240 * MINUTE_NS, "1d": DAY_NS,
}  # fmt: skip
OPEN_AT_LEAST_NS: Final = 5 * NS_PER_S
OPEN_SHARE: Final = 60


def length_ns(interval: str) -> int:
    """Length of an interval. Raises Misuse for one that is not kept."""
    if interval not in INTERVALS:
        raise Misuse(f"{interval!r} is no interval of aggregates", remedy=f"use one of {', '.join(INTERVALS)}")
    return INTERVALS[interval]


def open_of(time_ns: int, span_ns: int) -> int:
    """When the bucket opens that a time is in; on a border it opens there."""
    return time_ns // span_ns * span_ns


def touched(kinds_and_times: Iterable[tuple[str, int]]) -> set[tuple[str, int, str]]:
    """Buckets (interval, open_ns, type) of every length that some (type, time_ns) are in."""
    minutes = {(kind, open_of(time_ns, MINUTE_NS)) for kind, time_ns in kinds_and_times}
    return {(name, open_of(minute, span), kind) for kind, minute in minutes for name, span in INTERVALS.items()}


def is_due(interval: str, open_ns: int, *, now_ns: int, last_ns: int) -> bool:
    """Whether a bucket with new events is to be added up again now.

    One that has ended: at once. One that is open: after a sixtieth of its length, five seconds at least.
    """
    span = INTERVALS[interval]
    if open_ns + span <= now_ns:
        return True
    return now_ns - last_ns >= max(OPEN_AT_LEAST_NS, span // OPEN_SHARE)
