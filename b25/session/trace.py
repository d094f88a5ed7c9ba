"""One order from the market event that led to it to the ledger, put together from what journal and store hold anyway.

Nothing is added to the way of an event: an order's trace id follows from the session, its epoch and the number of the event that
it was decided at, all of which are stored with the order. In a journal time stands still while an event is handled, so that how
long a decision took is not in here; the metrics have it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.model.errors import Misuse
from b25.model.event import ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_EXPIRED, ORDER_FILLED, ORDER_REJECTED
from b25.model.instrument import Instrument
from b25.model.order import SUBMIT, Reason
from b25.session.composition import instruments_of
from b25.session.picture import EFFECT_NAMES, EVENT_NAMES, event_facts, row_facts
from b25.store.journal import EFFECTS, EVENTS, HEADER, Reading

TRACE_BYTES, SPAN_BYTES = 16, 8
ENDS: Final = (ORDER_REJECTED, ORDER_EXPIRED, ORDER_CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of a trace.

    Attributes
    ----------
    name : str
        market event, signal, verdict, stored, order_accepted, order_filled, ledger, …
    at_ns : int
        Local time at which it was known or done.
    began_ns : int or None
        When it began, by the clock that `clock` names: ours, or the venue's, which may differ from ours.
    """

    name: str
    at_ns: int
    began_ns: int | None = None
    clock: str = "ours"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An order's way.

    Attributes
    ----------
    trace_id : str
        32 hexadecimal digits, the same whenever and wherever it is reckoned.
    is_error : bool
        It was refused, rejected or expired.
    """

    trace_id: str
    session: str
    epoch: int
    seq: int
    order_id: int
    symbol: str
    is_error: bool
    steps: tuple[Step, ...]

    def facts(self) -> dict[str, Any]:
        """For a person and for programs: each step with the time since the first, and since the one before."""
        began_ns = before_ns = (
            self.steps[0].began_ns if self.steps[0].clock == "ours" and self.steps[0].began_ns else self.steps[0].at_ns
        )
        rows = []
        for step in self.steps:
            rows.append(
                {
                    "step": step.name, "at_ns": step.at_ns, "since_first_ns": step.at_ns - began_ns,
                    "since_last_ns": step.at_ns - before_ns, "venue_ns": step.began_ns if step.clock == "venue" else None,
                    **({"facts": dict(step.facts)} if step.facts else {}),
                }
            )  # fmt: skip
            before_ns = step.at_ns
        return {
            "trace_id": self.trace_id, "session": self.session, "epoch": self.epoch, "seq": self.seq, "order_id": self.order_id,
            "symbol": self.symbol, "is_error": self.is_error, "steps": rows,
        }  # fmt: skip


def trace_id_of(session: str, epoch: int, seq: int) -> str:
    """Id of everything that event `seq` led to."""
    return hashlib.sha256(f"{session}\0{epoch}\0{seq}".encode()).hexdigest()[: 2 * TRACE_BYTES]


def span_id_of(trace_id: str, name: str, number: int) -> str:
    """Id of a part of a trace."""
    return hashlib.sha256(f"{trace_id}\0{name}\0{number}".encode()).hexdigest()[: 2 * SPAN_BYTES]


@dataclass(slots=True)
class _Order:
    """What the journal has of an order."""

    seq: int
    order_id: int
    instrument: int
    is_error: bool
    steps: list[Step]


def traces_of(path: Path) -> Iterator[Trace]:
    """Every order of a journal, refused ones too, in the order in which they were decided.

    Raises
    ------
    Misuse, Resync
        As for reading a journal.
    """
    name, epoch, instruments, orders = read_orders(path)
    for one in orders:
        yield Trace(
            trace_id=trace_id_of(name, epoch, one.seq), session=name, epoch=epoch, seq=one.seq, order_id=one.order_id,
            symbol=instruments[one.instrument].symbol, is_error=one.is_error, steps=tuple(one.steps),
        )  # fmt: skip


def read_orders(path: Path) -> tuple[str, int, list[Instrument], list[_Order]]:
    """Session, epoch and instruments of a journal, and its orders."""
    name, epoch, instruments = path.stem, 0, list[Instrument]()
    taken, seq = dict[int, np.ndarray[Any, Any]](), 0
    orders: dict[int, _Order] = {}
    for record in Reading(path):
        if record.kind == HEADER:
            header = record.json
            name, epoch, instruments = header["session"], int(header["more"].get("epoch") or 0), instruments_of(header)
        elif record.kind == EVENTS:
            taken = {seq + k + 1: event for k, event in enumerate(record.events)}
            seq += len(taken)
            for event in taken.values():
                if event["kind"] >= ORDER_ACCEPTED and (found := orders.get(int(event["order_id"]))) is not None:
                    _answered(found, event, instruments)
        elif record.kind == EFFECTS:
            for row in record.effects:
                _decided(orders, record.seq, row, taken.get(record.seq), instruments)
    return name, epoch, instruments, list(orders.values())


def _decided(orders: dict[int, _Order], seq: int, row: Any, event: Any, instruments: list[Instrument]) -> None:
    order_id, at_ns, reason = int(row["order_id"]), int(row["time_ns"]), int(row["reason"])
    verdict = "refused" if reason else "approved"
    facts = {"verdict": verdict, **({"reason": Reason(reason).name.lower()} if reason else {})}
    if int(row["kind"]) != SUBMIT or order_id in orders:
        if (known := orders.get(order_id)) is not None:
            name = EFFECT_NAMES.get(int(row["kind"]), "effect")
            known.steps.append(Step(name=name, at_ns=at_ns, facts={"seq": seq, **facts}))
        return
    steps = []
    if event is not None:
        venue_ns = int(event["exch_ns"])
        told = {"seq": seq, **event_facts(event, instruments)}
        kind = EVENT_NAMES.get(int(event["kind"]), "event")
        name = "market event" if int(event["kind"]) < ORDER_ACCEPTED else kind
        clock = "venue" if venue_ns > 0 else "ours"
        steps.append(Step(name=name, at_ns=int(event["local_ns"]), began_ns=venue_ns or None, clock=clock, facts=told))
    steps.append(Step(name="signal", at_ns=at_ns, facts=row_facts(row, instruments)))
    steps.append(Step(name="verdict", at_ns=at_ns, facts=facts))
    orders[order_id] = _Order(seq, order_id, int(row["instrument"]), bool(reason), steps)


def _answered(order: _Order, event: Any, instruments: list[Instrument]) -> None:
    kind, venue_ns = int(event["kind"]), int(event["exch_ns"])
    facts = event_facts(event, instruments)
    name = EVENT_NAMES.get(kind, str(kind))
    order.steps.append(
        Step(
            name=name, at_ns=int(event["local_ns"]), began_ns=venue_ns or None, clock="venue" if venue_ns else "ours", facts=facts
        )
    )
    order.is_error |= kind in (ORDER_REJECTED, ORDER_EXPIRED)


def trace_of(path: Path, order_id: int) -> Trace:
    """The trace of one order. Raises Misuse when the journal has none of that number."""
    found = next((one for one in traces_of(path) if one.order_id == order_id), None)
    if found is None:
        raise Misuse(f"{path.name} has no order {order_id}", remedy="b25 session trace SESSION lists them")
    return found


def with_stored(trace: Trace, stored: Iterable[Step]) -> Trace:
    """The trace with what the store has of the order between its steps, in order of time."""
    steps = sorted([*trace.steps, *stored], key=lambda step: step.at_ns)
    return Trace(
        trace_id=trace.trace_id, session=trace.session, epoch=trace.epoch, seq=trace.seq, order_id=trace.order_id,
        symbol=trace.symbol, is_error=trace.is_error, steps=tuple(steps),
    )  # fmt: skip


def fills_in(trace: Trace) -> int:
    """Number of executions in a trace."""
    return sum(1 for step in trace.steps if step.name == EVENT_NAMES[ORDER_FILLED])
