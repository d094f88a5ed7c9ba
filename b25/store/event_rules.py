"""What the store has to be told of events, since it does not know their meaning: `b25.analytics.events.rules` is such rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

NS_PER_S: Final = 10**9
MINUTE_NS: Final = 60 * NS_PER_S
DAY_NS: Final = 86_400 * NS_PER_S
Bucket = tuple[str, int, str]  # interval, open, type
Row = dict[str, Any]


class Event(Protocol):
    """An event as it is to be stored; see `b25.analytics.events.event.DomainEvent`."""

    @property
    def key(self) -> str:
        """What its id is remembered by."""

    @property
    def id(self) -> str:
        """What makes it one."""

    @property
    def type(self) -> str:
        """Its kind."""

    @property
    def time_ns(self) -> int:
        """When it happened."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its facts."""

    def named(self) -> tuple[str, str, str, str, str, str]:
        """Principal, account, session, strategy, symbol and source."""

    def but(self, **properties: Any) -> Any:
        """Return the same with other or more properties."""


class Rules(Protocol):
    """What events mean."""

    @property
    def INTERVALS(self) -> Mapping[str, int]:  # noqa: N802 - a constant of a module
        """Lengths of the buckets by name."""

    @property
    def LASTING(self) -> tuple[str, ...]:  # noqa: N802
        """Types that are never deleted."""

    @property
    def touched(self) -> Any:
        """Of (type, time_ns) pairs: the set of buckets that they are in."""

    @property
    def is_due(self) -> Any:
        """Whether a bucket is to be added up again."""

    @property
    def numbers(self) -> Any:
        """Of type and rows (time_ns, account, session, strategy, symbol, properties): a frame of their numbers."""

    @property
    def aggregates(self) -> Any:
        """Of frames of numbers, interval and opens: the rows of the buckets."""

    @property
    def wants_intent(self) -> Any:
        """Whether an event would like to know when its order was wished for."""

    @property
    def order_key(self) -> Any:
        """Of an event: account and client id of its order, or None."""

    @property
    def new_order(self) -> Any:
        """Of an event: the row of its order, as yet without it."""

    @property
    def folded(self) -> Any:
        """Of a row and an event of an order: the row with it."""

    @property
    def performance_key(self) -> Any:
        """Of an event: day, account, strategy, symbol; or None."""

    @property
    def new_day(self) -> Any:
        """Of such a key: a row without a fill."""

    @property
    def performed(self) -> Any:
        """Of a row and an event of a day: the row with it."""


def open_of(time_ns: int, span_ns: int) -> int:
    """When the span opens that a time is in; on a border it opens there."""
    return time_ns // span_ns * span_ns


def minutes_of(events: Iterable[Event]) -> dict[tuple[int, str, str], int]:
    """How many events there are of each minute, type and account."""
    counts: dict[tuple[int, str, str], int] = {}
    for event in events:
        place = (open_of(event.time_ns, MINUTE_NS), event.type, event.named()[1])
        counts[place] = counts.get(place, 0) + 1
    return counts
