"""Replay a journal: the same events through the same code must leave every effect again, byte for byte.

Where they do not, the first difference is told: the event, what the journal has, what came now, the state before it, and what of
code, parameters, limits and fees is not as it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.kernels.build import build_key
from b25.kernels.ledger import notional
from b25.model.errors import Halt, Misuse
from b25.model.event import EVENT, MAKER, ORDER_FILLED
from b25.model.order import EFFECT
from b25.model.position import POSITION
from b25.model.world import NOTE
from b25.session.composition import Composition, from_header, rows_as_facts
from b25.session.machine import Machine
from b25.session.picture import event_facts, picture_of, row_facts
from b25.session.session import sums_of
from b25.store.journal import EFFECTS, END, EVENTS, HEADER, NOTES, STATE, Reading, Record
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy
from b25.venue.fees import fee_of

ROWS: Final = {EFFECTS: EFFECT, STATE: POSITION, NOTES: NOTE}
NAMES: Final = {EFFECTS: "effects", STATE: "positions", NOTES: "notes", END: "the state at the end"}


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference between a journal and its replay.

    Attributes
    ----------
    seq : int
        Number of the event that led to it.
    what : str
        One sentence.
    event : dict
    journal, replay : list of dict
        Rows as they were written and as they came now; empty where there were none.
    before : dict
        The state before the event.
    """

    seq: int
    what: str
    event: dict[str, Any]
    journal: list[dict[str, Any]]
    replay: list[dict[str, Any]]
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay showed.

    Attributes
    ----------
    events, effects : int
        Replayed, and compared.
    changed : list of str
        What is not as it was when the journal was written.
    divergence : Divergence or None
    torn_bytes : int
        Of a record that was never finished.
    ended : bool
        Whether the session ended by itself; without, effects after the last event may be missing.
    """

    events: int
    effects: int
    changed: list[str]
    divergence: Divergence | None
    torn_bytes: int
    ended: bool

    @property
    def agrees(self) -> bool:
        """Whether every effect came again."""
        return self.divergence is None


Item = tuple[int, int, bytes]  # kind of record, number of the event, rows


class Kept:
    """A sink that keeps what a machine tells, to be compared."""

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.effect_count = 0

    def effects(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        """Keep effects."""
        self.items.append((EFFECTS, seq, rows.tobytes()))
        self.effect_count += len(rows)

    def state(self, seq: int, rows: bytes) -> None:
        """Keep positions."""
        self.items.append((STATE, seq, rows))

    def notes(self, rows: bytes) -> None:
        """Keep notes."""
        self.items.append((NOTES, -1, rows))


def replay(
    path: Path,
    cls: type[Strategy],
    *,
    params: dict[str, Any] | None = None,
    fees: np.ndarray[Any, Any] | None = None,
    compiled: bool | None = None,
) -> Report:
    """Replay a journal and compare.

    Parameters
    ----------
    path : Path
    cls : type of Strategy
        The class that is to do what the journal's did.
    params : dict, optional
        Parameters to have other values than the journal's.
    fees : ndarray of FEES, optional
        Fees that every fill is charged anew by, in place of those that the venue told.
    compiled : bool, optional
        In which life; by default in the one that the session had.

    Raises
    ------
    Misuse
        When it is no journal, or of another layout.
    Resync
        When it is damaged.
    """
    reading = Reading(path)
    records = iter(reading)
    header = next(records, None)
    if header is None or header.kind != HEADER:
        raise Misuse(f"{path} has no header: the session ended before it began", remedy="give another journal")
    told = from_header(header.json, cls)
    used = replace(told, params=told.params | (params or {}), compiled=told.compiled if compiled is None else compiled)
    changed = changes_of(header.json, told, used, fees)
    run = Pass(used, fees)
    found = run.over(records)
    divergence = None
    if found is not None:
        item, seq, what = found
        before = _state_before(path, used, fees, seq)
        divergence = Divergence(
            seq,
            what,
            event_facts(run.event_at(seq), used.instruments),
            _facts(item[0], item[1], used),
            _facts(item[0], item[2], used),
            before,
        )
    return Report(run.events, run.kept.effect_count, changed, divergence, reading.torn_bytes, run.ended)


class Pass:
    """One pass of a machine over the records of a journal.

    Attributes
    ----------
    machine : Machine
    kept : Kept
        What the machine told; what is left of it after the last record was never written.
    ended : bool
        Whether the journal has its last record.
    halt : str or None
        Why the machine halted.
    """

    def __init__(self, composition: Composition, fees: np.ndarray[Any, Any] | None = None) -> None:
        self.machine: Machine = composition.machine()
        self.fees, self.kept = fees, Kept()
        self.events = self.first_seq = 0
        self.ended = False
        self.batch: np.ndarray[Any, Any] = np.zeros(0, EVENT)
        self.halt: str | None = None

    def over(self, records: Iterator[Record]) -> tuple[tuple[int, bytes, bytes], int, str] | None:
        """Compare record by record; returns the first difference: kind, rows of the journal and of now; the event; the words."""
        items = self.kept.items
        for record in records:
            if record.kind == EVENTS:
                if items:
                    return self._left_over(items[0])
                self.take(record.events)
            elif record.kind == END:
                self.ended = True
                if items:
                    return self._left_over(items[0])
                return self._at_the_end(record.json)
            else:
                came = items.popleft() if items else None
                seq = record.seq if record.kind != NOTES else self.machine.seq
                rows = record.rows if record.kind != NOTES else record.body
                name = NAMES[record.kind]
                if came is None or came[0] != record.kind or (record.kind != NOTES and came[1] != seq):
                    theirs = came[1] if came is not None and came[1] >= 0 else seq
                    if came is not None and theirs < seq:
                        return self._left_over(came)
                    return (record.kind, rows, b""), seq, f"the journal has {name} that did not come again"
                if came[2] != rows:
                    return (record.kind, rows, came[2]), seq, f"the {name} differ: {_differing(record.kind, rows, came[2])}"
        return None

    def take(self, events: np.ndarray[Any, Any]) -> None:
        """Take events as the session took them."""
        self.batch, self.first_seq = events, self.machine.seq + 1
        self.events += len(events)
        if self.halt is not None:
            return
        try:
            if self.fees is None:
                self.machine.take(events, self.kept)
                return
            for k in range(len(events)):
                if events[k]["kind"] == ORDER_FILLED:
                    events[k]["amount"] = self._fee(events[k])
                self.machine.take(events[k : k + 1], self.kept)
        except Halt as fault:
            self.halt = fault.what

    def event_at(self, seq: int) -> Any:
        """The event of a number, of the batch that was taken last."""
        place = min(max(seq - self.first_seq, 0), len(self.batch) - 1)
        return self.batch[place] if len(self.batch) else None

    def _fee(self, event: Any) -> int:
        i = int(event["instrument"])
        instrument, position = self.machine.world.instruments[i], self.machine.world.positions[i]
        value = notional(instrument, event["price_ticks"], event["qty_lots"])
        assert self.fees is not None
        is_maker = bool(event["flags"] & MAKER)
        return int(fee_of(self.fees[i], value, int(event["qty_lots"]), is_maker, int(position["volume"])))

    def _left_over(self, item: Item) -> tuple[tuple[int, bytes, bytes], int, str]:
        kind, seq, rows = item
        return (kind, b"", rows), seq if seq >= 0 else self.machine.seq, f"{NAMES[kind]} came that the journal has not"

    def _at_the_end(self, told: dict[str, Any]) -> tuple[tuple[int, bytes, bytes], int, str] | None:
        if told["halt"] != self.halt:
            words = f"the session {_halted(told['halt'])}, the replay {_halted(self.halt)}"
            return (END, b"", b""), self.machine.seq, words
        now = sums_of(self.machine)
        wrong = [name for name in ("seq", "world", "strategy") if now[name] != told[name]]
        if wrong:
            return (END, b"", b""), self.machine.seq, f"the state at the end differs: {', '.join(wrong)}"
        return None


def _halted(why: str | None) -> str:
    return f"halted ({why})" if why else "did not halt"


def _state_before(path: Path, composition: Composition, fees: np.ndarray[Any, Any] | None, seq: int) -> dict[str, Any]:
    """Run anew up to the event before one, and tell the state."""
    run = Pass(composition, fees)
    for record in Reading(path):
        if record.kind != EVENTS:
            continue
        events = record.events
        left = seq - 1 - run.machine.seq
        if left < len(events):
            if left > 0:
                run.take(events[:left])
            break
        run.take(events)
    return picture_of(run.machine)


def changes_of(header: dict[str, Any], told: Composition, used: Composition, fees: np.ndarray[Any, Any] | None) -> list[str]:
    """What is not as it was, one line each."""
    found = []
    strategy = header["strategy"]
    now = behaviour_key(used.cls)
    if now != strategy["behaviour"]:
        found.append(f"code: {strategy['class']} was {strategy['behaviour']}, now it is {now}")
    if header["build"] != build_key():
        found.append(f"build: b25, numba or CPU were {header['build']}, now they are {build_key()}")
    values = used.cls.record(used.params)[0]
    for name in used.cls.params:
        was, value = strategy["parameters"].get(name), values[name].item()
        if was != value:
            found.append(f"parameter {name}: was {was}, now it is {value}")
    found += [
        f"parameter {name}: was {strategy['parameters'][name]}, now there is none"
        for name in strategy["parameters"]
        if name not in used.cls.params
    ]
    if fees is not None:
        for i, (was, charged) in enumerate(zip(rows_as_facts(told.fees), rows_as_facts(fees), strict=True)):
            symbol = told.instruments[i].symbol
            found += [
                f"fee {name} of {symbol}: was {was[name]}, now it is {charged[name]}"
                for name in was
                if was[name] != charged[name]
            ]
    return found


def _facts(kind: int, rows: bytes, composition: Composition) -> list[dict[str, Any]]:
    dtype = ROWS.get(kind)
    return [] if dtype is None or not rows else [row_facts(row, composition.instruments) for row in np.frombuffer(rows, dtype)]


def _differing(kind: int, was: bytes, now: bytes) -> str:
    """Names of the fields that differ in the first row that does."""
    before, after = (np.frombuffer(rows, ROWS[kind]) for rows in (was, now))
    if len(before) != len(after):
        return f"{len(before)} rows, now {len(after)}"
    for k, (one, other) in enumerate(zip(before, after, strict=True)):
        wrong = [name for name in ROWS[kind].names or () if np.any(one[name] != other[name])]
        if wrong:
            return ", ".join(f"{name} of row {k} was {one[name]}, now {other[name]}" for name in wrong)
    return "padding"
