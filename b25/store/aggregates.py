"""Aggregates over the stored events: added up again wherever events came in, and read back with what is still open said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, tuple_

from b25.store.analytics_tables import aggregate, bucket_pending, domain_event, event_count, maintenance
from b25.store.event_log import EventLog
from b25.store.event_rules import DAY_NS, MINUTE_NS, Bucket, Rules, open_of
from b25.store.plain_rows import plain_all
from b25.store.store import Store

PAGE: Final = 50_000
BUCKETS_AT_ONCE: Final = 50  # of one transaction, which others wait for
RAW: Final = "raw"  # in `maintenance`: until when events were deleted


class Aggregates:
    """Aggregates of one store.

    Parameters
    ----------
    store : Store
    rules : Rules
        What events mean: `b25.analytics.events.rules`.
    """

    def __init__(self, store: Store, rules: Rules) -> None:
        self.store, self.rules = store, rules
        self._last: dict[Bucket, int] = {}

    def refresh(self, now_ns: int) -> int:
        """Add up the buckets that are due; return how many. Reads outside of transactions: writers do not wait for it."""
        horizon = self.horizon_ns()
        pending = {(row.interval, row.open_ns, row.type): int(row.mark) for row in self.store.rows(select(bucket_pending))}
        lost = [one for one in pending if one[1] < horizon and one[2] not in self.rules.LASTING]
        due = [one for one in pending if self.rules.is_due(one[0], one[1], now_ns=now_ns, last_ns=self._last.get(one, 0))]
        days: dict[tuple[str, int], list[Bucket]] = {}
        for one in sorted(set(due) - set(lost)):
            days.setdefault((one[2], open_of(one[1], DAY_NS)), []).append(one)
        for (kind, _), buckets in sorted(days.items()):
            self._refresh(kind, buckets, pending, now_ns)
        if lost:  # their events are gone but for the late ones: what was added up before them stays
            with self.store.writing():
                for one in lost:
                    self.store.execute(_DONE, _named(one, pending[one]))
        self._last = {one: at for one, at in self._last.items() if one[1] + self.rules.INTERVALS[one[0]] > now_ns}
        return len(due) - len(set(due) & set(lost))

    def _refresh(self, kind: str, buckets: list[Bucket], marks: dict[Bucket, int], now_ns: int) -> None:
        """Add up buckets of one type and day."""
        start = min(open_ns for _, open_ns, _ in buckets)
        end = max(open_ns + self.rules.INTERVALS[interval] for interval, open_ns, _ in buckets)
        numbers = self._numbers(kind, start, end)
        made: dict[Bucket, list[dict[str, Any]]] = {one: [] for one in buckets}
        for interval in {one[0] for one in buckets}:
            opens = [one[1] for one in buckets if one[0] == interval]
            for row in self.rules.aggregates(numbers, interval, opens):
                at = {"interval": interval, "type": kind, "as_of_ns": now_ns}
                made[interval, row["open_ns"], kind].append(row | at)
        for i in range(0, len(buckets), BUCKETS_AT_ONCE):
            some = buckets[i : i + BUCKETS_AT_ONCE]
            with self.store.writing():
                for one in some:
                    self.store.execute(_CLEAR, _named(one, 0))
                    # Whoever stored more in the meantime has raised the mark: then it stays pending.
                    self.store.execute(_DONE, _named(one, marks[one]))
                self.store.execute_many(_INSERT, [row for one in some for row in made[one]])
            self._last |= dict.fromkeys(some, now_ns)

    def _numbers(self, kind: str, start_ns: int, end_ns: int) -> list[Any]:
        pages = self._pages(kind, start_ns, end_ns)
        return [self.rules.numbers(kind, [(row[0], *row[2:]) for row in rows]) for rows in pages]

    def _pages(self, kind: str, start_ns: int, end_ns: int) -> Iterator[list[Any]]:
        event = domain_event.c
        wanted = select(event.ts_ns, event.seq, event.account, event.session, event.strategy, event.symbol, event.properties)
        wanted = wanted.where(event.type == kind, event.ts_ns < end_ns).order_by(event.ts_ns, event.seq).limit(PAGE)
        after = (start_ns, -1)
        while rows := self.store.rows(wanted.where(tuple_(event.ts_ns, event.seq) > after)):
            yield rows
            after = (rows[-1][0], rows[-1][1])

    def rebuild(self, log: EventLog, start_ns: int = 0, end_ns: int = 2**62) -> int:
        """Note every bucket of which all events are there to be added up again; return how many minutes with events that are."""
        start_ns = max(start_ns, self.horizon_ns())
        minutes = select(event_count.c.type, event_count.c.minute_ns).distinct()
        found = self.store.rows(minutes.where(event_count.c.minute_ns >= start_ns, event_count.c.minute_ns < end_ns))
        for i in range(0, len(found), BUCKETS_AT_ONCE):
            with self.store.writing():
                log.mark((row.type, row.minute_ns) for row in found[i : i + BUCKETS_AT_ONCE])
        self._last.clear()
        return len(found)

    def horizon_ns(self) -> int:
        """Time before which events were deleted, but for those that never are."""
        rows = self.store.rows(select(maintenance.c.body).where(maintenance.c.name == RAW))
        return int(rows[0][0]) if rows else 0

    # -- reading ----------------------------------------------------------------------------------

    def read(
        self,
        name: str,
        interval: str,
        start_ns: int,
        end_ns: int,
        *,
        dimension: str = "all",
        members: Collection[str] | None = None,
        limit: int = 10_000,
        now_ns: int,
        after: Sequence[Any] = (),
    ) -> list[dict[str, Any]]:
        """Rows of one measure, oldest first.

        Each says `is_open` (its bucket has not ended), `is_pending` (events came since it was added up) and `as_of_ns`.
        """
        span = self.rules.INTERVALS[interval]
        c = aggregate.c
        wanted = select(aggregate)
        wanted = wanted.where(c.name == name, c.interval == interval, c.dimension == dimension)
        wanted = wanted.where(c.open_ns >= start_ns, c.open_ns < end_ns)
        if dimension == "all":
            wanted = wanted.where(c.member == "")  # its only one: said, the index gives the span
        if after:
            wanted = wanted.where(tuple_(c.open_ns, c.member) > tuple(after))
        if members is not None:
            wanted = wanted.where(c.member.in_(sorted(members)))
        waiting = self._waiting(interval, start_ns, end_ns)  # read first: what is added up in between counts as pending
        found = plain_all(self.store.rows(wanted.order_by(c.open_ns, c.member).limit(limit)))
        for row in found:
            row["is_pending"] = (row["open_ns"], row["type"]) in waiting
            row["close_ns"] = row["open_ns"] + span
            row["is_open"] = row["close_ns"] > now_ns
        return found

    def _waiting(self, interval: str, start_ns: int, end_ns: int) -> set[tuple[int, str]]:
        c = bucket_pending.c
        within = select(c.open_ns, c.type).where(c.interval == interval, c.open_ns >= start_ns, c.open_ns < end_ns)
        return {(row[0], row[1]) for row in self.store.rows(within)}

    def names(self) -> list[str]:
        """Every measure of which there are aggregates."""
        by_day = select(aggregate.c.name).where(aggregate.c.interval == "1d", aggregate.c.dimension == "all").distinct()
        return sorted(row[0] for row in self.store.rows(by_day))

    def counts(self, start_ns: int, end_ns: int, accounts: Collection[str] | None = None) -> dict[str, int]:
        """Events by type within a span, exactly."""
        whole_start, whole_end = -(-start_ns // MINUTE_NS) * MINUTE_NS, end_ns // MINUTE_NS * MINUTE_NS
        total: dict[str, int] = {}
        spans = [(start_ns, end_ns)]
        if whole_start < whole_end:
            spans = [(a, b) for a, b in ((start_ns, whole_start), (whole_end, end_ns)) if a < b]
            c = event_count.c
            counted = select(c.type, func.sum(c.count)).where(c.minute_ns >= whole_start, c.minute_ns < whole_end)
            if accounts is not None:
                counted = counted.where(c.account.in_(sorted(accounts)))
            total = {row[0]: int(row[1]) for row in self.store.rows(counted.group_by(c.type))}
        e = domain_event.c
        kind_of = e.type.concat(literal_column("''"))  # not the column itself, by whose index all events would be gone through
        for a, b in spans:
            edge = select(kind_of, func.count()).where(e.ts_ns >= a, e.ts_ns < b)
            if accounts is not None:
                edge = edge.where(e.account.in_(sorted(accounts)))
            for kind, count in self.store.rows(edge.group_by(kind_of)):
                total[kind] = total.get(kind, 0) + int(count)
        return dict(sorted(total.items()))


def _named(bucket: Bucket, mark: int) -> dict[str, Any]:
    return {"b_interval": bucket[0], "b_open_ns": bucket[1], "b_type": bucket[2], "b_mark": mark}


_INSERT: Final = insert(aggregate)
_CLEAR: Final = delete(aggregate).where(
    aggregate.c.interval == bindparam("b_interval"), aggregate.c.open_ns == bindparam("b_open_ns"),
    aggregate.c.type == bindparam("b_type"),
)  # fmt: skip
_DONE: Final = delete(bucket_pending).where(
    bucket_pending.c.interval == bindparam("b_interval"), bucket_pending.c.open_ns == bindparam("b_open_ns"),
    bucket_pending.c.type == bindparam("b_type"), bucket_pending.c.mark == bindparam("b_mark"),
)  # fmt: skip
