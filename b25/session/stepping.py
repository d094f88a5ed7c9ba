"""A session's journal, event by event: at each of them the book, the orders, the position and the strategy's fields as they were.

The journal is only read, so that the session may still write it. What the machine decides on the way is compared with what the
journal says was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.model.errors import Halt, Misuse
from b25.model.event import ORDER_ACCEPTED
from b25.model.order import EFFECT
from b25.session.composition import Composition, from_header
from b25.session.glance import levels_of
from b25.session.machine import Machine
from b25.session.picture import event_facts, picture_of, row_facts
from b25.session.stepping_frames import frame_of
from b25.session.trace import Trace, trace_of, traces_of
from b25.store.journal import EFFECTS, END, EVENTS, HEADER, Reading, Record
from b25.strategy.strategy import Strategy

LEVELS: Final = 10
FAR_NS: Final = 2**62


@dataclass(frozen=True, slots=True)
class Moment:
    """One event and what it led to.

    Attributes
    ----------
    seq : int
        Number of the event in the session, from 1.
    time_ns : int
        Local time.
    event : dict
    decided : list of dict
        Effects, refused ones too.
    order_ids : frozenset of int
        Orders that it is about.
    """

    seq: int
    time_ns: int
    event: dict[str, Any]
    decided: list[dict[str, Any]]
    order_ids: frozenset[int]

    def __repr__(self) -> str:
        what = ", ".join(f"{one['kind']} {one.get('order_id', '')} {one.get('reason', '')}".strip() for one in self.decided)
        return f"{self.seq} {np.datetime64(self.time_ns, 'ns')} {self.event.get('kind')}" + (f" → {what}" if what else "")


@dataclass(frozen=True, slots=True)
class Why:
    """Why an order was sent, and what became of it.

    Attributes
    ----------
    moment : Moment
        The event at which it was decided.
    before : dict
        Touch, position, orders and the strategy's fields just before.
    trace : Trace
    """

    moment: Moment
    before: dict[str, Any]
    trace: Trace

    def lines(self) -> Iterator[str]:
        """Yield it for a person."""
        yield f"order {self.trace.order_id} of {self.trace.session}, {self.trace.symbol}: decided at {self.moment!r}"
        for one in self.before["instruments"]:
            yield f"  before: {one['symbol']} {one['bid']} / {one['ask']}, position {one['position']}, {one['fills']} fills"
        yield "  fields: " + ", ".join(f"{name} {value}" for name, value in self.before["strategy"].items())
        for row in self.trace.facts()["steps"]:
            told = {name: row.get("facts", {}).get(name) for name in ("side", "price", "quantity", "verdict", "reason")}
            words = ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)
            yield f"  {row['since_first_ns'] / 1e6:>12.3f} ms  {row['step']:<16} {words}"

    def __repr__(self) -> str:
        return "\n".join(self.lines())


class Stepping:
    """Goes through a journal; iterating gives moment after moment.

    Parameters
    ----------
    path : Path
        Of the journal.
    cls : type of Strategy
        What the session ran.
    begin_ns, end_ns : int
        The part that is looked at: what is before is taken at once, what is after is left.

    Attributes
    ----------
    machine : Machine
        As it stands after the last event.
    differs : list of str
        Where what was decided now is not what the journal says; empty for a session that can be trusted.

    Raises
    ------
    Misuse
        When it is no journal, or of another layout.
    """

    def __init__(self, path: Path, cls: type[Strategy], *, begin_ns: int = 0, end_ns: int = FAR_NS) -> None:
        self.path, self.cls, self.begin_ns, self.end_ns = path, cls, begin_ns, end_ns
        self._restart()

    def _restart(self) -> None:
        self._taken = 0  # records that were read
        self._records: Iterator[Record] = iter(Reading(self.path))
        header = self._next_record()
        if header is None or header.kind != HEADER:
            raise Misuse(f"{self.path} has no header: the session ended before it began", remedy="give another journal")
        self.header = header.json
        self.composition: Composition = from_header(self.header, self.cls)
        self.machine: Machine = self.composition.machine()
        self.halt: str | None = None
        self.ended = False
        self.differs: list[str] = []
        self.moment: Moment | None = None
        self._batch, self._place = np.zeros(0), 0
        self._came: list[np.ndarray[Any, Any]] = []
        self._decided: list[np.ndarray[Any, Any]] = []
        self._journal: list[np.ndarray[Any, Any]] = []
        if self.begin_ns:
            self._skip(lambda: self._next_ns() >= self.begin_ns)

    # What the machine tells.

    def effects(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        """Keep effects of the present event."""
        self._came.append(rows.astype(EFFECT))

    def state(self, seq: int, rows: bytes) -> None:
        """The positions are the machine's own."""

    def notes(self, rows: bytes) -> None:
        """Notes are the strategy's own."""

    # Going on.

    def __iter__(self) -> Iterator[Moment]:
        """Give moment after moment, to the end of what was written by then."""
        while (found := self.step()) is not None:
            yield found

    def step(self, n: int = 1) -> Moment | None:
        """Take `n` events; gives the last of them, None when there was none any more.

        Of a session that still runs, calling it again later takes what was written meanwhile.
        """
        found = None
        for _ in range(n):
            one = self._one()
            if one is None:
                break
            found = one
        return found

    def until(self, time: Any = None, *, order_id: int | None = None, code: str = "") -> Moment | None:
        """Go on to the first event that fits, that one included; None when none came.

        Parameters
        ----------
        time : int of ns, datetime or ISO text, optional
            At or after which it is; without a zone it is UTC.
        order_id : int, optional
            Which decides about the order or tells of it.
        code : str
            Kind of an event (``"order_filled"``), of an effect (``"cancel"``), or a reason (``"position_limit"``).
        """
        at_ns = _ns(time) if time is not None else 0
        if time is not None and order_id is None and not code and self._next_ns() < at_ns:
            self._skip(lambda: self._next_ns() >= at_ns)
        wanted = code.lower()
        while (found := self._one()) is not None:
            words = {found.event.get("kind"), found.event.get("reason"), found.event.get("command")}
            words |= {one.get(name) for one in found.decided for name in ("kind", "reason")}
            if found.time_ns >= at_ns and (order_id is None or order_id in found.order_ids) and (not wanted or wanted in words):
                return found
        return None

    # As it stands.

    @property
    def now_ns(self) -> int:
        """Time of the last event."""
        return self.machine.now_ns

    @property
    def picture(self) -> dict[str, Any]:
        """Touch, positions, orders, the gate and the strategy's fields, in words."""
        return picture_of(self.machine)

    @property
    def orders(self) -> list[dict[str, Any]]:
        """Orders that work or are in flight."""
        found: list[dict[str, Any]] = self.picture["orders"]
        return found

    @property
    def position(self) -> dict[str, str]:
        """What is held, by symbol, in base units or contracts."""
        return {one["symbol"]: one["position"] for one in self.picture["instruments"]}

    @property
    def strategy(self) -> dict[str, Any]:
        """Parameters and fields of the strategy."""
        found: dict[str, Any] = self.picture["strategy"]
        return found

    def book(self, i: int = 0, levels: int = LEVELS) -> dict[str, list[tuple[str, str, int]]]:
        """Bids and asks of an instrument, best first: price, quantity, and lots of our own orders there."""
        bids, asks = levels_of(self.machine, i, levels)
        return {"bids": bids, "asks": asks}

    def why(self, order_id: int) -> Why:
        """Tell why an order was sent, from the state just before. Raises Misuse when the journal has no such order."""
        trace = trace_of(self.path, order_id)
        other = Stepping(self.path, self.cls)
        other._skip(lambda: other.machine.seq >= trace.seq - 1)
        before = other.picture
        moment = other.step()
        assert moment is not None
        return Why(moment, before, trace)

    def frames(
        self, order_id: int | None = None, before: int = 20, after: int = 20, levels: int = LEVELS
    ) -> list[dict[str, Any]]:
        """Return what led to an order and what became of it, as plain records for a picture that is stepped through.

        Parameters
        ----------
        order_id : int, optional
            By default the first that was sent.
        before, after : int
            Events before the decision, and after the last event of the order; in between, only what is about the order is kept.

        Returns
        -------
        list of dict
            See `b25.session.stepping_frames.frame_of`; ``skipped`` counts the events left out before one, ``about_order`` says
            whether it is about the order.

        Raises
        ------
        Misuse
            When the journal has no such order.
        """
        trace = trace_of(self.path, order_id) if order_id is not None else next(traces_of(self.path), None)
        if trace is None:
            raise Misuse(f"no order was sent in {self.path.name}", remedy="give a session that traded")
        other = Stepping(self.path, self.cls)
        other._skip(lambda: other.machine.seq >= max(trace.seq - 1 - before, 0))
        found: list[dict[str, Any]] = []
        last, seen, ends_ns = other.machine.seq, 0, trace.steps[-1].at_ns
        for moment in other:
            is_about = trace.order_id in moment.order_ids
            if is_about or moment.seq <= trace.seq + after or moment.time_ns > ends_ns:
                more = {"about_order": is_about, "skipped": moment.seq - last - 1}
                found.append(frame_of(other.machine, moment.seq, moment.event, moment.decided, levels) | more)
                last = moment.seq
            seen += moment.time_ns > ends_ns
            if seen >= after:
                break
        return found

    # The journal.

    def _next_record(self) -> Record | None:
        record = next(self._records, None)
        if record is None:
            self._records = iter(Reading(self.path))  # the session may have written more
            for _ in range(self._taken):
                next(self._records, None)
            record = next(self._records, None)
        if record is not None:
            self._taken += 1
        return record

    def _fill_batch(self) -> bool:
        """Have an event at hand; False when there is none (yet)."""
        while self._place >= len(self._batch):
            record = self._next_record()
            if record is None:
                return False
            if record.kind == EFFECTS:
                self._journal.append(record.effects)
            elif record.kind in (EVENTS, END):
                self._compare()
                self.ended = record.kind == END
                if record.kind == EVENTS:
                    self._batch, self._place = record.events, 0
        return True

    def _compare(self) -> None:
        """Compare what was decided over the last batch with what the journal says, now that its next record is here."""
        was, now = (b"".join(one.tobytes() for one in rows) for rows in (self._journal, self._decided))
        if was != now and len(self._batch):
            self.differs.append(f"events up to {self.machine.seq}: what was decided is not what the journal says")
        self._journal, self._decided = [], []

    def _next_ns(self) -> int:
        return int(self._batch[self._place]["local_ns"]) if self._fill_batch() else FAR_NS

    def _skip(self, is_there: Callable[[], bool]) -> None:
        while self.halt is None and not is_there() and self._take_one() is not None:
            pass

    def _take_one(self) -> Any:
        """Take the next event; gives it, None when there is none."""
        if self.halt is not None or not self._fill_batch():
            return None
        event = self._batch[self._place : self._place + 1]
        if int(event[0]["local_ns"]) >= self.end_ns:
            return None
        self._place += 1
        self._came = []
        try:
            self.machine.take(event, self)
        except Halt as fault:
            self.halt = fault.what
        self._decided += self._came
        return event[0]

    def _one(self) -> Moment | None:
        event = self._take_one()
        if event is None:
            return None
        rows = np.concatenate(self._came) if self._came else np.zeros(0, EFFECT)
        ids = {int(row["order_id"]) for row in rows}
        if int(event["kind"]) >= ORDER_ACCEPTED:
            ids.add(int(event["order_id"]))
        instruments = self.composition.instruments
        decided = [row_facts(row, instruments) for row in rows]
        facts = event_facts(event, instruments)
        self.moment = Moment(self.machine.seq, int(event["local_ns"]), facts, decided, frozenset(ids))
        return self.moment


def _ns(time: Any) -> int:
    if isinstance(time, int | np.integer):
        return int(time)
    from datetime import UTC, datetime

    try:
        moment = time if isinstance(time, datetime) else datetime.fromisoformat(str(time))
    except ValueError:
        raise Misuse(
            f"{time!r} is no time", remedy="give ns since 1970, a datetime, or a text like 2026-01-31T12:00:00"
        ) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000) * 1_000
