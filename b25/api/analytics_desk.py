"""Answers questions about the events: within what the asker may see, from the aggregates, and kept for a minute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
from fastapi.responses import Response

from b25.analytics.events import rules
from b25.analytics.events.aggregation import FIGURES
from b25.analytics.events.buckets import NS_PER_S
from b25.analytics.events.event import FILL, DomainEvent
from b25.analytics.events.measures import known
from b25.analytics.trade_metrics import profit_metrics
from b25.api.answer_cache import KEPT_S, AnswerCache, cache_key
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.store import derived
from b25.store.aggregates import Aggregates
from b25.store.event_log import Added, EventLog
from b25.store.faults import Cause, StoreFailed
from b25.store.store import Store

ROWS_MAX: Final = 10_000
TRIES: Final = 4
READ_MAX: Final = 100_000  # aggregates that one question may go through
HOUR_NS: Final = 3_600 * NS_PER_S
COMPOSED: Final = ("count", "sum", "mean", "min", "max")
OF_PROFITS: Final = ("trades", "win_rate", "average_win", "average_loss", "profit_factor", "streak_wins", "streak_losses")


@dataclass(slots=True)
class AnalyticsDesk:
    """The part of the gateway that asks analytics.

    Parameters
    ----------
    store : Store
    now_ns : callable
    """

    store: Store
    now_ns: Callable[[], int]
    cache: AnswerCache = field(default_factory=AnswerCache)
    log: EventLog = field(init=False)
    aggregates: Aggregates = field(init=False)

    def __post_init__(self) -> None:
        self.log, self.aggregates = EventLog(self.store, rules, now_ns=self.now_ns), Aggregates(self.store, rules)

    def cached(
        self, by: Principal, route: str, asked: Mapping[str, Any], answer: Callable[[], Any], *, kept_s: float = KEPT_S
    ) -> Response:
        """Return the answer to a question, from the cache if it was asked by the same person within a minute."""
        key = cache_key(by, route, asked)
        body = self.cache.get(key)
        if body is None:
            body = orjson.dumps(answer())
            self.cache.put(key, body, kept_s=kept_s)
        return Response(body, media_type="application/json")

    def add(self, events: Sequence[DomainEvent]) -> Added:
        """Store events. Raises Problem when the store cannot now: told again under their ids they are the same ones."""
        for again in range(TRIES):
            try:
                return self.log.add(events)
            except StoreFailed as fault:
                if again == TRIES - 1 or fault.cause is not Cause.LOCKED:
                    raise Problem(503, "the events were not stored", remedy="tell them again, under the same ids") from fault
        raise AssertionError("unreachable")

    def seen_members(self, by: Principal, dimension: str, members: Collection[str] | None) -> Collection[str] | None:
        """Return the members that a question is about, as far as the asker sees them.

        Raises
        ------
        Problem
            When he sees some accounts only, and asks for what does not tell accounts apart, or for another's.
        """
        if by.accounts is None:
            return members
        if dimension != "account":
            raise Problem(403, f"{by.name} sees some accounts only", remedy="ask with dimension=account")
        asked = set(by.accounts if members is None else members)
        if not asked <= by.accounts:
            raise Problem(403, f"{by.name} does not see {min(asked - by.accounts)}")
        return asked

    def custom(
        self, by: Principal, *, name: str, interval: str, start_ns: int, end_ns: int, dimension: str,
        members: Collection[str] | None, figures: Collection[str], group_by: Collection[str],
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Rows of one measure, put together over time, over members, or both. Raises Problem for what cannot be."""
        apart = {"time"} | ({"member"} if dimension != "all" else set())
        merges = not apart <= set(group_by)
        if merges and (wrong := sorted(set(figures) - set(COMPOSED))):
            raise Problem(
                422, f"{wrong[0]} cannot be put together from parts",
                remedy="group by time and member, or choose a longer interval",
                fields=[{"field": "body.figures", "rule": f"one of {', '.join(COMPOSED)}"}],
            )  # fmt: skip
        seen = self.seen_members(by, dimension, members)
        rows = self.aggregates.read(
            name, interval, start_ns, end_ns, dimension=dimension, members=seen, limit=READ_MAX + 1, now_ns=self.now_ns()
        )
        if len(rows) > READ_MAX:
            raise Problem(422, "the question goes through too many buckets", remedy="ask for a shorter span or a longer interval")
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in rows:
            key = (row["open_ns"] if "time" in group_by else None, row["member"] if "member" in group_by else None)
            groups.setdefault(key, []).append(row)
        found = []
        for (open_ns, member), some in groups.items():
            whole = some[0] if len(some) == 1 else composed(some)
            flags = {flag: any(row[flag] for row in some) for flag in ("is_open", "is_pending")}
            found.append({"open_ns": open_ns, "member": member, "figures": {one: whole[one] for one in figures}, **flags})
        if len(found) > ROWS_MAX:
            raise Problem(422, f"the answer has {len(found)} rows", remedy="ask for a shorter span or a longer interval")
        return found

    def dashboard(self, by: Principal) -> dict[str, Any]:
        """The few figures of the first screen; None for what there is nothing of."""
        now_ns = self.now_ns()
        hour = self.aggregates.counts(now_ns - HOUR_NS, now_ns + 1, by.accounts)
        minute = self.aggregates.counts(now_ns - 60 * NS_PER_S, now_ns + 1, by.accounts)
        placed, filled, rejected = (hour.get(f"order.{what}", 0) for what in ("created", "filled", "rejected"))
        volume, waits = self._hour(by, f"{FILL}.notional"), self._hour(by, "order.created.ack_ms")
        return {
            "now_ns": now_ns,
            "active_users_5m": derived.active(self.store, "principal", now_ns - 300 * NS_PER_S, by.accounts),
            "active_strategies_1h": derived.active(self.store, "strategy", now_ns - HOUR_NS, by.accounts),
            "events_per_s_1m": sum(minute.values()) / 60, "orders_placed_1h": placed, "orders_filled_1h": filled,
            "fill_rate_1h": filled / placed if placed else None, "volume_1h": volume["sum"] if volume else 0.0,
            "ack_ms_mean_1h": waits["mean"] if waits else None, "ack_ms_max_1h": waits["max"] if waits else None,
            "error_rate_1h": rejected / (placed + rejected) if placed + rejected else None,
        }  # fmt: skip

    def _hour(self, by: Principal, name: str) -> dict[str, Any] | None:
        """One measure over the minutes of the last hour, the present one included."""
        now_ns = self.now_ns()
        dimension = "all" if by.accounts is None else "account"
        rows = self.aggregates.read(
            name, "1m", now_ns - HOUR_NS, now_ns + 1, dimension=dimension, members=by.accounts, now_ns=now_ns, limit=READ_MAX
        )
        return composed(rows) if rows else None

    def profits(self, by: Principal, start_ns: int, end_ns: int, strategy: str) -> list[dict[str, Any]]:
        """Figures of the fills that realised something, of each strategy: the ledger's profits, and the metrics of reports."""
        made: dict[str, list[float]] = {}
        for whose, told in derived.properties(self.store, FILL, start_ns, end_ns, accounts=by.accounts, strategy=strategy):
            facts = orjson.loads(told)
            profit = known(facts.get("realised"))
            if profit and not facts.get("is_synthetic"):
                made.setdefault(whose, []).append(profit)
        found = []
        for whose, profits in sorted(made.items()):
            metrics = profit_metrics(np.array(profits))
            found.append({"strategy": whose} | {name: metrics[name].value for name in OF_PROFITS})
        return found


def composed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of several buckets together, as far as they follow from the parts."""
    count = sum(row["count"] for row in rows)
    total = sum(row["sum"] for row in rows)
    low, high = min(row["min"] for row in rows), max(row["max"] for row in rows)
    whole: dict[str, Any] = {"count": count, "sum": total, "mean": total / count, "min": low, "max": high}
    return dict.fromkeys(FIGURES) | whole
