"""What the store keeps of an account: its fills with their strategies, its other entries once each, its state and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import and_, func, select
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.account_tables import account_entry, account_snapshot, account_state
from b25.store.store import Store
from b25.store.tables import balance, fill, intent


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """A row of `account_entry`; `ref` makes it unique within its kind."""

    kind: str
    ref: str
    time_ms: int
    amount: int = 0
    asset: str | None = None
    symbol: str | None = None
    strategy: str = ""
    body: Mapping[str, Any] | None = None


class AccountLog:
    """Rows of one account at one venue.

    Parameters
    ----------
    store : Store
    venue, account : str
    now_ns : callable
        Local clock, for the rows' own times.
    """

    def __init__(self, store: Store, venue: str, account: str, *, now_ns: Callable[[], int]) -> None:
        self.store, self.venue, self.account, self.now_ns = store, venue, account, now_ns
        make: Any = sqlite.insert if store.is_sqlite else postgresql.insert
        self._entry_once = make(account_entry).on_conflict_do_nothing()
        state = make(account_state)
        self._state = state.on_conflict_do_update(
            index_elements=["venue", "account"], set_={"ts_ns": state.excluded.ts_ns, "body": state.excluded.body}
        )
        self._snapshot = make(account_snapshot).on_conflict_do_nothing()
        self._balance = make(balance).on_conflict_do_nothing()

    def _key(self) -> dict[str, str]:
        return {"venue": self.venue, "account": self.account}

    # -- writing ----------------------------------------------------------------------------------

    def add(self, *rows: EntryRow) -> list[bool]:
        """Append entries, all or none; tell of each whether it was new.

        Raises
        ------
        StoreFailed
        """
        made = []
        with self.store.writing():
            for row in rows:
                values = {
                    **self._key(), "kind": row.kind, "ref": row.ref, "ts_ns": self.now_ns(), "time_ms": row.time_ms,
                    "symbol": row.symbol, "strategy": row.strategy, "asset": row.asset, "amount": str(row.amount),
                    "body": orjson.dumps(row.body or {}).decode(),
                }  # fmt: skip
                made.append(self.store.execute(self._entry_once, values) == 1)
        return made

    def save(self, state: Mapping[str, Any], snapshot: Mapping[str, Any], *, ts_ns: int) -> None:
        """Keep the state to begin from, and a snapshot for the history.

        Raises
        ------
        StoreFailed
        """
        with self.store.writing():
            self.store.execute(self._state, {**self._key(), "ts_ns": ts_ns, "body": orjson.dumps(state).decode()})
            self.store.execute(self._snapshot, {**_SNAPSHOT_EMPTY, **self._key(), "ts_ns": ts_ns, **snapshot})

    def save_balances(self, rows: Mapping[str, tuple[str, str, str]], *, ts_ns: int) -> None:
        """Keep what the venue told: free, used and total by asset, as text."""
        with self.store.writing():
            for asset, (free, used, total) in rows.items():
                row = {**self._key(), "asset": asset, "free": free, "used": used, "total": total, "ts_ns": ts_ns}
                self.store.execute(self._balance, row)

    # -- reading ----------------------------------------------------------------------------------

    def fills(self, *, since_ms: int = 0) -> list[Any]:
        """Fills from a venue time on, oldest first, each with the `strategy` of its order: None when no order is known."""
        joined = fill.outerjoin(intent, and_(intent.c.coid == fill.c.coid, intent.c.kind == "NEW"))
        return self.store.rows(
            select(fill, intent.c.strategy)
            .select_from(joined)
            .where(fill.c.venue == self.venue, fill.c.account == self.account, fill.c.venue_ts_ms >= since_ms)
            .order_by(fill.c.venue_ts_ms)
        )

    def fill_counts(self) -> dict[str, int]:
        """Number of fills by symbol."""
        mine = select(fill.c.symbol, func.count()).where(fill.c.venue == self.venue, fill.c.account == self.account)
        return {row[0]: int(row[1]) for row in self.store.rows(mine.group_by(fill.c.symbol))}

    def entries(self, *kinds: str, since_ms: int = -(2**62)) -> list[Any]:
        """Entries of these kinds from a venue time on, oldest first; `body` is parsed with `body_of`."""
        mine = select(account_entry).where(
            account_entry.c.venue == self.venue, account_entry.c.account == self.account, account_entry.c.kind.in_(kinds)
        )
        ordered = mine.where(account_entry.c.time_ms >= since_ms).order_by(
            account_entry.c.time_ms, account_entry.c.ts_ns, account_entry.c.ref
        )
        return self.store.rows(ordered)

    def state(self) -> tuple[int, dict[str, Any]] | None:
        """The last state and its time; None for an account without one."""
        mine = select(account_state).where(account_state.c.venue == self.venue, account_state.c.account == self.account)
        rows = self.store.rows(mine)
        return (int(rows[0].ts_ns), orjson.loads(rows[0].body)) if rows else None

    def snapshots(self, *, since_ns: int = 0, every_ns: int = 1) -> list[Any]:
        """The last snapshot of each interval, oldest first."""
        mine = and_(account_snapshot.c.venue == self.venue, account_snapshot.c.account == self.account)
        lasts = (
            select(func.max(account_snapshot.c.ts_ns))
            .where(mine, account_snapshot.c.ts_ns >= since_ns)
            .group_by(account_snapshot.c.ts_ns // every_ns)
        )
        wanted = select(account_snapshot).where(mine, account_snapshot.c.ts_ns.in_(lasts)).order_by(account_snapshot.c.ts_ns)
        return self.store.rows(wanted)

    def balances(self) -> dict[str, Any]:
        """What the venue told last, by asset."""
        mine = select(balance).where(balance.c.venue == self.venue, balance.c.account == self.account)
        latest = select(func.max(balance.c.ts_ns)).where(balance.c.venue == self.venue, balance.c.account == self.account)
        return {row.asset: row for row in self.store.rows(mine.where(balance.c.ts_ns == latest.scalar_subquery()))}


def accounts_of(store: Store) -> list[tuple[str, str]]:
    """Every (venue, account) of which a state is kept."""
    rows = store.rows(select(account_state.c.venue, account_state.c.account).order_by("venue", "account"))
    return [(row.venue, row.account) for row in rows]


def body_of(row: Any) -> dict[str, Any]:
    """The parsed body of an entry."""
    found: dict[str, Any] = orjson.loads(row.body)
    return found


_SNAPSHOT_EMPTY: Final = {column.name: None for column in account_snapshot.c} | {"body": "{}"}
