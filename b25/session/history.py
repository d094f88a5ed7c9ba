"""What a session's journal tells of it: fills, orders, effects, and the account's worth over time, by a replay of its events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.engine.backtest import Outcome
from b25.engine.records import MARK
from b25.model.errors import Halt, Misuse
from b25.model.event import MAKER, NO_ASK_TICKS, NO_BID_TICKS, ORDER_ACCEPTED, ORDER_FILLED, TRADE
from b25.model.fill import FILL
from b25.model.order import EFFECT, ORDER
from b25.model.world import NOTE
from b25.session.composition import Composition, from_header
from b25.session.machine import Machine
from b25.session.session import working_orders
from b25.store.journal import EVENTS, HEADER, Reading
from b25.strategy.strategy import Strategy

SAMPLE_NS: Final = 1_000_000_000  # between two marks when nothing is filled
TOUCH = np.dtype([("exch_ns", "i8"), ("local_ns", "i8"), ("bid_ticks", "i8"), ("ask_ticks", "i8")], align=True)


@dataclass(frozen=True, slots=True)
class History:
    """A session, as its journal tells it.

    Attributes
    ----------
    header : dict
        What the journal begins with.
    composition : Composition
    outcome : Outcome
        In the records of a backtest.
    touches : list of ndarray of TOUCH
        Of each instrument, a row whenever its best prices changed.
    traded_lots : ndarray of int64, shape (n,)
        What the whole market traded in each instrument meanwhile.
    halt : str or None
        Why it could not go on.
    """

    header: dict[str, Any]
    composition: Composition
    outcome: Outcome
    touches: list[np.ndarray[Any, Any]]
    traded_lots: np.ndarray[Any, Any]
    halt: str | None


def history_of(path: Path, cls: type[Strategy], *, sample_ns: int = SAMPLE_NS) -> History:
    """Replay a journal and write down what a result is made of.

    Parameters
    ----------
    path : Path
    cls : type of Strategy
        The class that the session ran.
    sample_ns : int
        Period at which the account is marked, besides every fill.

    Raises
    ------
    Misuse
        When it is no journal, of another layout, or nothing happened in it.
    Resync
        When it is damaged.
    """
    records = iter(Reading(path))
    header = next(records, None)
    if header is None or header.kind != HEADER:
        raise Misuse(f"{path} has no header: the session ended before it began", remedy="give another journal")
    composition = from_header(header.json, cls)
    run = _Replay(composition, sample_ns)
    for record in records:
        if record.kind == EVENTS and run.halt is None:
            run.take(record.events)
    if run.first_ns < 0:
        raise Misuse(f"nothing happened in the session of {path}", remedy="give a journal with events")
    return run.history(header.json)


class _Replay:
    """A machine over a journal's events, and the logs that a backtest's loop would have kept."""

    def __init__(self, composition: Composition, sample_ns: int) -> None:
        self.composition, self.sample_ns = composition, sample_ns
        self.machine: Machine = composition.machine()
        self.halt: str | None = None
        self.first_ns, self.due_ns, self.rows = -1, 0, 0
        count = len(composition.instruments)
        self.fills: list[np.ndarray[Any, Any]] = []
        self.orders: list[np.ndarray[Any, Any]] = []
        self.kept_effects: list[np.ndarray[Any, Any]] = []
        self.kept_notes: list[np.ndarray[Any, Any]] = []
        self.marks: list[tuple[int, ...]] = []
        self.touched: list[list[tuple[int, int, int, int]]] = [[] for _ in range(count)]
        self.mid2 = [0] * count
        self.traded_lots = np.zeros(count, np.int64)

    # What the machine tells.

    def effects(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        """Keep effects."""
        self.kept_effects.append(rows.astype(EFFECT))

    def state(self, seq: int, rows: bytes) -> None:
        """The positions are in the marks."""

    def notes(self, rows: bytes) -> None:
        """Keep notes."""
        self.kept_notes.append(np.frombuffer(rows, NOTE))

    # What the journal tells.

    def take(self, events: np.ndarray[Any, Any]) -> None:
        """Take a batch of events of one time."""
        now_ns = int(events["local_ns"][0])
        if self.first_ns < 0:
            self.first_ns, self.due_ns = now_ns, now_ns + self.sample_ns
        self.rows += len(events)
        prints = events[events["kind"] == TRADE]
        if len(prints):
            np.add.at(self.traded_lots, prints["instrument"], prints["qty_lots"])
        try:
            if (events["kind"] >= ORDER_ACCEPTED).any():
                for k in range(len(events)):
                    self._take_one(events[k : k + 1])
            else:
                self.machine.take(events, self)
        except Halt as fault:
            self.halt = fault.what
        self._touch(int(events["exch_ns"][-1]), now_ns)
        if now_ns >= self.due_ns or not self.marks:
            self._mark(now_ns)
            self.due_ns = now_ns + self.sample_ns

    def _take_one(self, event: np.ndarray[Any, Any]) -> None:
        finished = self.machine.finished
        finished["state"] = 0
        self.machine.take(event, self)
        if event[0]["kind"] == ORDER_FILLED:
            self._fill(event[0])
            self._mark(int(event[0]["local_ns"]))
        if finished[0]["state"]:
            self.orders.append(finished.copy())

    def _fill(self, event: Any) -> None:
        row, i = np.zeros(1, FILL), int(event["instrument"])
        row["venue_ns"], row["local_ns"], row["fee_e8"] = event["exch_ns"], event["local_ns"], event["amount"]
        for name in ("order_id", "price_ticks", "qty_lots", "instrument", "side"):
            row[name] = event[name]
        row["position_lots"] = self.machine.world.positions[i]["position_lots"]
        row["mid2_ticks"], row["maker"] = self._mid2(i), 1 if event["flags"] & MAKER else 0
        self.fills.append(row)

    def _mid2(self, i: int) -> int:
        book = self.machine.world.books[i]
        bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
        return 0 if bid == NO_BID_TICKS or ask == NO_ASK_TICKS else bid + ask

    def _touch(self, exch_ns: int, now_ns: int) -> None:
        for i, touched in enumerate(self.touched):
            book = self.machine.world.books[i]
            bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
            if not touched or touched[-1][2:] != (bid, ask):
                touched.append((exch_ns, now_ns, bid, ask))
                self.mid2[i] = self._mid2(i) or self.mid2[i]

    def _mark(self, time_ns: int) -> None:
        for i, position in enumerate(self.machine.world.positions):
            names = ("position_lots", "cost", "realised", "fees", "fees_e8", "funding", "borrow", "insurance")
            self.marks.append((time_ns, self.mid2[i], *(int(position[name]) for name in names), i))

    def history(self, header: dict[str, Any]) -> History:
        """What was kept, in a backtest's records."""
        self._mark(self.machine.now_ns)
        working = working_orders(self.machine)
        outcome = Outcome(
            fills=_joined(self.fills, FILL),
            orders=_joined([*self.orders, working], ORDER),
            effects=_joined(self.kept_effects, EFFECT),
            marks=np.array(self.marks, MARK),
            notes=_joined(self.kept_notes, NOTE),
            world=self.machine.world,
            strategy=self.machine.record,
            start_ns=self.first_ns,
            end_ns=self.machine.now_ns,
            rows=self.rows,
        )
        touches = [np.array(rows, TOUCH) for rows in self.touched]
        return History(header, self.composition, outcome, touches, self.traded_lots, self.halt)


def _joined(pieces: list[np.ndarray[Any, Any]], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    rows: np.ndarray[Any, Any] = np.concatenate(pieces).astype(dtype) if pieces else np.zeros(0, dtype)
    return rows
