"""Go on with the journal of a session that died: the same machine as it was, and what the last event led to written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.model.event import COMMAND, ORDER_FILLED
from b25.model.order import EFFECT, SUBMIT, Reason
from b25.session.commands import Command
from b25.session.composition import Composition, from_header
from b25.session.machine import Machine
from b25.session.manual import Done, places_of_requests
from b25.session.replay import Item, Pass, changes_of
from b25.store.journal import EFFECTS, END, EVENTS, HEADER, STATE, Journal, Reading, Record
from b25.strategy.strategy import Strategy

Fill = tuple[int, int, int, int, int]  # instrument, side, price_ticks, qty_lots, exch_ns


@dataclass(slots=True)
class Past:
    """What a journal tells of the lives before.

    Attributes
    ----------
    composition : Composition
    machine : Machine
        As the last event left it.
    unwritten : list of Item
        What that event led to, and what the journal has not: nothing of it left.
    fills : Counter
        Executions that the world has heard of.
    submitted : set of int
        Orders that were to be sent.
    requests : dict of int to list of Done
        What was asked for by hand.
    events, effects : int
        So far.
    is_started, is_over : bool
        The strategy was started; or it was told of the end already, halted, or the journal has its last record.
    more : dict
        Of the header.
    """

    composition: Composition
    machine: Machine
    unwritten: list[Item] = field(default_factory=list)
    fills: Counter[Fill] = field(default_factory=Counter)
    submitted: set[int] = field(default_factory=set)
    requests: dict[int, list[Done]] = field(default_factory=dict)
    events: int = 0
    effects: int = 0
    is_started: bool = False
    is_over: bool = False
    _done: dict[int, Done] = field(default_factory=dict)

    @property
    def more(self) -> dict[str, Any]:
        """Facts of the header."""
        return self.composition.more

    def note(self, record: Record) -> None:
        """Take note of what a record tells, beside its replay."""
        if record.kind == EVENTS:
            events = record.events
            for event in events[events["kind"] == ORDER_FILLED]:
                self.fills[fill_of(event)] += 1
            for event in events[events["kind"] == COMMAND]:
                self.is_started |= int(event["status"]) == Command.START
                self.is_over |= int(event["status"]) == Command.STOP
            for k in places_of_requests(events):
                one = Done(self.machine.seq + 1 + k, events[k : k + 1])
                self._done[one.seq] = one
                self.requests.setdefault(int(events[k]["amount"]), []).append(one)
        elif record.kind == EFFECTS:
            self._effects(record.seq, record.effects)
        elif record.kind == END:
            self.is_over = True

    def _effects(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        if (one := self._done.get(seq)) is not None:
            one.effects = rows
        sent = rows[(rows["kind"] == SUBMIT) & (rows["reason"] == Reason.OK)]
        self.submitted.update(int(one) for one in sent["order_id"])

    def write(self, journal: Journal) -> None:
        """Write down what the last event led to: from here on the journal is whole."""
        for kind, seq, rows in self.unwritten:
            if kind == EFFECTS:
                journal.effects(seq, rows)
            elif kind == STATE:
                journal.state(seq, rows)
            else:
                journal.notes(rows)
        journal.flush()
        self.unwritten.clear()


def fill_of(event: Any) -> Fill:
    """What tells one execution from another, as far as an event knows."""
    return int(event["instrument"]), int(event["side"]), int(event["price_ticks"]), int(event["qty_lots"]), int(event["exch_ns"])


def read_past(path: Path, cls: type[Strategy]) -> Past | None:
    """Replay a journal up to its end; None for one that has not even a header.

    Raises
    ------
    Misuse
        When the code of today does not do what the session did: it cannot be gone on with.
    Resync
        When the journal is damaged.
    """
    records = iter(Reading(path))
    header = next(records, None)
    if header is None or header.kind != HEADER:
        return None
    composition = from_header(header.json, cls)
    run = Pass(composition)
    past = Past(composition, run.machine)

    def noted() -> Iterator[Record]:
        for record in records:
            past.note(record)
            yield record

    found = run.over(noted())
    if found is not None:
        _, seq, what = found
        changed = "; ".join(changes_of(header.json, composition, composition, None)) or "nothing that its header tells"
        raise Misuse(
            f"{path} cannot be gone on with: at event {seq} {what}; changed: {changed}",
            remedy="give another --name: positions and cash are taken from the store; or restore the code of that session",
        )
    past.unwritten = list(run.kept.items)
    past.events, past.effects = run.events, run.kept.effect_count
    past.is_over = past.is_over or run.halt is not None
    for kind, seq, rows in past.unwritten:
        if kind == EFFECTS:
            past._effects(seq, np.frombuffer(rows, EFFECT))
    return past


def has_ended(path: Path) -> bool:
    """Whether a journal has its last record."""
    kind = 0
    for record in Reading(path):
        kind = record.kind
    return kind == END


def set_aside(path: Path) -> Path:
    """Give a finished journal another name, so that its session's next life begins a new one: NAME.1.journal, and so on."""
    check = Journal.resume(path) if path.stat().st_size else None  # refused while a process writes it
    if check is not None:
        check.close()
    number = 1
    while (aside := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    return path.rename(aside)
