"""Intents before they are sent, what became of them, and fills with everything that follows from one, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.faults import Fenced
from b25.store.leases import Lease
from b25.store.store import Store
from b25.store.tables import fill, intent, journal, lease, order_event, position, watermark

IntentRow = Mapping[str, Any]
NOBODY: Final = "unattributed"  # in the ledger, of a fill that is no strategy's


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a booking: an integer count of base units of an asset, in a ledger account."""

    asset: str
    account: str
    amount: int


def _upserts(is_sqlite: bool) -> tuple[Any, Any, Any]:
    make = sqlite.insert if is_sqlite else postgresql.insert
    once = make(fill).on_conflict_do_nothing()
    marks = make(watermark)
    mark = marks.on_conflict_do_update(
        index_elements=["venue", "account", "symbol"],
        set_={"last_trade_id": marks.excluded.last_trade_id, "last_ts_ms": marks.excluded.last_ts_ms},
    )
    places = make(position)
    place = places.on_conflict_do_update(
        index_elements=["venue", "account", "symbol", "strategy"],
        set_={"qty": places.excluded.qty, "updated_ns": places.excluded.updated_ns},
    )
    return once, mark, place


class OrderLog:
    """Orders and fills of one account, written by the holder of its lease.

    Parameters
    ----------
    store : Store
    lease : Lease
        Every transaction that lets an order leave proves that it still holds.
    now_ns : callable
        Local clock, for the rows' own times.
    """

    def __init__(self, store: Store, lease: Lease, *, now_ns: Callable[[], int]) -> None:
        self.store, self.lease, self.now_ns = store, lease, now_ns
        self._fill_once, self._mark, self._place = _upserts(store.is_sqlite)
        self._event_seq = self._journal_seq = -1
        self._held = _HELD
        self._positions: dict[tuple[str, str, str], Decimal] = {}
        self.reload()

    def reload(self) -> None:
        """Read counters and positions again: after a failure nobody knows which of them were written."""
        self._event_seq = self._last(order_event.c.seq)
        self._journal_seq = self._last(journal.c.seq)
        rows = self.store.rows(select(position).where(position.c.account == self.lease.account))
        self._positions = {(row.venue, row.symbol, row.strategy): Decimal(row.qty) for row in rows}

    def _last(self, column: Any) -> int:
        """Last number of this life. No two lives share an epoch, so that several accounts can write to one store."""
        first = self.lease.epoch * 2**32
        mine = select(func.coalesce(func.max(column), first)).where(column >= first, column < first + 2**32)
        return int(self.store.rows(mine)[0][0])

    def intend(self, row: IntentRow) -> None:
        """Make an intent durable. Only when this returns may anything be sent.

        Raises
        ------
        StoreFailed, Fenced
            Nothing may be sent.
        """
        with self.store.writing():
            if self.store.execute(self._held, {"b_account": self.lease.account, "b_epoch": self.lease.epoch}) != 1:
                raise Fenced(self.lease.account, f"epoch {self.lease.epoch} is over")
            self.store.execute(_INTEND, {**_INTENT_EMPTY, **row, "ts_ns": self.now_ns(), "account": self.lease.account})

    def record(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append to the events of orders."""
        with self.store.writing():
            for event in events:
                self._event(event)

    def _event(self, event: Mapping[str, Any]) -> None:
        self._event_seq += 1
        self.store.execute(_EVENT, {**_EVENT_EMPTY, **event, "seq": self._event_seq, "ts_ns": self.now_ns()})

    def book(
        self, row: Mapping[str, Any], legs: Iterable[Leg], *, strategy: str = "", event: Mapping[str, Any] | None = None
    ) -> bool:
        """Insert a fill, its legs, the position and the watermark, all or nothing.

        Returns
        -------
        bool
            False when the fill was there already: then nothing else is done either.
        """
        key = (str(row["venue"]), str(row["symbol"]), strategy)
        signed = Decimal(row["qty"]) * (1 if row["side"] == "buy" else -1)
        try:
            with self.store.writing():
                if self.store.execute(self._fill_once, {**row, "account": self.lease.account}) != 1:
                    return False
                self._legs(legs, fill_ref(row["venue"], self.lease.account, row["symbol"], row["trade_id"]))
                held = self._positions.get(key, Decimal(0)) + signed
                place = {"venue": key[0], "account": self.lease.account, "symbol": key[1], "strategy": strategy}
                self.store.execute(self._place, {**place, "qty": text_of(held), "updated_ns": self.now_ns()})
                if event is not None:
                    self._event(event)
        except BaseException:
            self._event_seq, self._journal_seq = -1, -1  # unknown until `reload`
            raise
        self._positions[key] = held
        return True

    def _legs(self, legs: Iterable[Leg], ref: str) -> None:
        sums: dict[str, int] = {}
        self._journal_seq += 1
        for number, leg in enumerate(legs):
            sums[leg.asset] = sums.get(leg.asset, 0) + leg.amount
            self.store.execute(
                _LEG,
                {
                    "seq": self._journal_seq,
                    "leg": number,
                    "asset": leg.asset,
                    "account": leg.account,
                    "amount": str(leg.amount),
                    "fill_ref": ref,
                },
            )
        if any(sums.values()):
            raise ValueError(f"legs of {ref} do not balance: {sums}")

    def pulled(self, venue: str, symbol: str, trade_id: str, time_ms: int) -> None:
        """Remember that every trade up to this one has been read and booked; a stream's fills, with gaps, do not move it."""
        row = {"venue": venue, "account": self.lease.account, "symbol": symbol, "last_trade_id": trade_id, "last_ts_ms": time_ms}
        with self.store.writing():
            self.store.execute(self._mark, row)

    # -- reading ----------------------------------------------------------------------------------

    def unfinished(self, ended: Iterable[str], venue: str) -> list[tuple[Any, list[Any], list[Any]]]:
        """Every intent that may still live, with its events and fills: no end recorded, or more executed than booked."""
        over = select(order_event.c.coid).where(order_event.c.status.in_(list(ended)))
        rows = self.store.rows(
            select(intent)
            .where(
                intent.c.account == self.lease.account,
                intent.c.venue == venue,
                intent.c.kind == "NEW",
                intent.c.coid.not_in(over),
            )
            .order_by(intent.c.id)
        )
        short = self._short(ended, venue)
        return [(row, self.events_of(row.coid), self.fills_of(row.coid)) for row in (*rows, *short)]

    def _short(self, ended: Iterable[str], venue: str) -> list[Any]:
        """Ended orders of the last lives with fewer booked than executed."""
        ends = select(order_event.c.coid).where(order_event.c.status.in_(list(ended)), order_event.c.cum_qty != "0")
        rows = self.store.rows(
            select(intent)
            .where(
                intent.c.account == self.lease.account, intent.c.venue == venue, intent.c.kind == "NEW", intent.c.coid.in_(ends)
            )
            .order_by(intent.c.id.desc())
            .limit(10_000)
        )
        booked: dict[str, Decimal] = {}
        for one in self.store.rows(select(fill.c.coid, fill.c.qty).where(fill.c.account == self.lease.account)):
            booked[one.coid] = booked.get(one.coid, Decimal(0)) + Decimal(one.qty)
        said: dict[str, Decimal] = {}
        for one in self.store.rows(
            select(order_event.c.coid, order_event.c.cum_qty).where(order_event.c.status.in_(list(ended)))
        ):
            said[one.coid] = max(said.get(one.coid, Decimal(0)), Decimal(one.cum_qty))
        return [row for row in rows if booked.get(row.coid, Decimal(0)) < said.get(row.coid, Decimal(0))]

    def events_of(self, coid: str) -> list[Any]:
        """Events of an order, oldest first."""
        return self.store.rows(select(order_event).where(order_event.c.coid == coid).order_by(order_event.c.seq))

    def fills_of(self, coid: str) -> list[Any]:
        """Fills of an order."""
        return self.store.rows(select(fill).where(fill.c.coid == coid, fill.c.account == self.lease.account))

    def owner_of(self, venue: str, symbol: str, *, trade_id: str, venue_id: str, client_id: str) -> str:
        """Our id of the order that an execution is of, if we ever had it; empty for one of nobody."""
        mine = (fill.c.venue == venue, fill.c.account == self.lease.account, fill.c.symbol == symbol)
        if rows := self.store.rows(select(fill.c.coid).where(*mine, fill.c.trade_id == trade_id)):
            return rows[0].coid or ""
        if client_id:
            return client_id if self.intent_of(client_id) is not None else ""
        told = select(intent.c.coid).join(order_event, order_event.c.coid == intent.c.coid)
        owns = (order_event.c.venue_oid == venue_id, intent.c.account == self.lease.account, intent.c.symbol == symbol)
        rows = self.store.rows(told.where(*owns, intent.c.venue == venue).limit(1))
        return rows[0].coid if rows else ""

    def strategy_of(self, coid: str) -> str:
        """Whose order it is."""
        row = self.intent_of(coid)
        return "" if row is None else str(row.strategy)

    def intent_of(self, coid: str) -> Any | None:
        """The intent of an order."""
        rows = self.store.rows(select(intent).where(intent.c.coid == coid))
        return rows[0] if rows else None

    def changes_of(self, coid: str) -> list[Any]:
        """Intents to change an order, oldest first."""
        return self.store.rows(select(intent).where(intent.c.target_coid == coid).order_by(intent.c.id))

    def marks(self, venue: str) -> dict[str, tuple[str, int]]:
        """Last trade of each symbol up to which everything is booked, and its time: an empty id is the day we began."""
        rows = self.store.rows(select(watermark).where(watermark.c.venue == venue, watermark.c.account == self.lease.account))
        return {row.symbol: (row.last_trade_id, row.last_ts_ms) for row in rows}

    def positions(self, venue: str) -> dict[str, Decimal]:
        """What the fills add up to, netted over strategies."""
        net: dict[str, Decimal] = {}
        for (at, symbol, _), qty in self._positions.items():
            if at == venue:
                net[symbol] = net.get(symbol, Decimal(0)) + qty
        return net

    def position_of(self, venue: str, symbol: str, strategy: str) -> Decimal:
        """What the fills of one strategy add up to."""
        return self._positions.get((venue, symbol, strategy), Decimal(0))

    def rebuild(self) -> None:
        """Make the positions anew from fills and the ledger: they are a projection, and this is what they project."""
        strategies = {row.coid: row.strategy for row in self.store.rows(select(intent.c.coid, intent.c.strategy))}
        owners = {row.fill_ref: row.account for row in self.store.rows(select(journal).where(journal.c.leg == 0))}
        sums: dict[tuple[str, str, str], Decimal] = {}
        for row in self.store.rows(select(fill).where(fill.c.account == self.lease.account)):
            owner = owners.get(fill_ref(row.venue, row.account, row.symbol, row.trade_id), NOBODY)
            key = (row.venue, row.symbol, strategies.get(row.coid or "", "" if owner == NOBODY else owner))
            sums[key] = sums.get(key, Decimal(0)) + Decimal(row.qty) * (1 if row.side == "buy" else -1)
        with self.store.writing():
            self.store.execute(_CLEAR, {"b_account": self.lease.account})
            for (venue, symbol, strategy), qty in sums.items():
                place = {"venue": venue, "account": self.lease.account, "symbol": symbol, "strategy": strategy}
                self.store.execute(self._place, {**place, "qty": text_of(qty), "updated_ns": self.now_ns()})
        self.reload()


def fill_ref(venue: Any, account: str, symbol: Any, trade_id: Any) -> str:
    """How the ledger names the fill that a booking is of."""
    return f"{venue}/{account}/{symbol}/{trade_id}"


def text_of(number: Decimal) -> str:
    """Canonical text of a decimal: no exponent, no trailing zeros, no negative zero."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


_INTENT_EMPTY: Final = {column.name: None for column in intent.c} | {
    "flags": 0, "decision": "{}", "code_hash": b"", "cfg_hash": b"", "order_id": 0, "request_id": 0, "kind": "NEW",
}  # fmt: skip
_EVENT_EMPTY: Final = {column.name: None for column in order_event.c}
_INTEND: Final = insert(intent)
_EVENT: Final = insert(order_event)
_LEG: Final = insert(journal)
_CLEAR: Final = delete(position).where(position.c.account == bindparam("b_account"))
# Changes nothing, and locks the row until the intent is durable: whoever takes the lease waits, or has taken it before.
_HELD: Final = (
    update(lease)
    .where(lease.c.account == bindparam("b_account"), lease.c.epoch == bindparam("b_epoch"))
    .values(epoch=lease.c.epoch)
)
