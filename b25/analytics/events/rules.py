"""The meaning of events in one place, for the store that keeps them: handed to it, since it may not look here itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import polars as pl

from b25.analytics.events.aggregation import SCHEMA, Numbers
from b25.analytics.events.aggregation import aggregates as of_one_frame
from b25.analytics.events.buckets import INTERVALS, is_due, touched
from b25.analytics.events.event import LASTING, ORDER_TYPES, DomainEvent
from b25.analytics.events.order_fold import folded, new_order, order_key
from b25.analytics.events.performance_fold import new_day, performance_key, performed

__all__ = [
    "INTERVALS", "LASTING", "aggregates", "folded", "is_due", "new_day", "new_order", "numbers", "order_key", "performance_key",
    "performed", "touched", "wants_intent",
]  # fmt: skip


def numbers(kind: str, rows: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """Numbers of events of one type, given as (time_ns, account, session, strategy, symbol, properties as JSON)."""
    made = Numbers()
    for time_ns, account, session, strategy, symbol, told in rows:
        made.add(kind, time_ns, orjson.loads(told), account=account, session=session, strategy=strategy, symbol=symbol)
    return made.frame()


def aggregates(frames: Sequence[pl.DataFrame], interval: str, opens: Iterable[int]) -> list[dict[str, Any]]:
    """Add up the buckets of one length, see `b25.analytics.events.aggregation.aggregates`."""
    return of_one_frame(pl.concat([pl.DataFrame(schema=SCHEMA), *frames]), interval, opens)


def wants_intent(event: DomainEvent) -> bool:
    """Whether an event is of an order, and does not say when it was wished for."""
    return event.type in ORDER_TYPES and bool(event.properties.get("client_id")) and "intent_ns" not in event.properties
