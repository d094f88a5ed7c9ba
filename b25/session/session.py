"""A session: every event goes into the journal, then into the machine; what comes out goes into the journal, then to who acts.

Nothing here has a clock. Whoever runs it stamps the events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import numpy as np

from b25.model.errors import Halt, Retry
from b25.model.order import ORDER
from b25.session.commands import Command, command_event, set_event
from b25.session.composition import Composition
from b25.session.machine import Machine, timer_event
from b25.session.manual import Done, places_of_requests
from b25.store.journal import Journal

if TYPE_CHECKING:
    from b25.session.resume import Past

Act = Callable[[np.ndarray[Any, Any]], None]
SKIPPED_TIMERS = 16  # periods behind which a timer does not catch up one by one


class Session:
    """One strategy in one world, with its journal.

    Parameters
    ----------
    composition : Composition
    path : Path
        Of the journal, which must not exist.
    act : callable
        Is handed the approved effects of an event, after they are in the journal. What it learns at once it may hand to `take`
        at once: that is taken when the present events are done.

    Attributes
    ----------
    machine : Machine
    fault : Halt or None
        Why the session cannot go on.
    watch : callable or None
        Told of all effects, refused ones too, and of the time they are of.
    requests : dict of int to list of Done
        What was asked for by hand and what it led to, in every life, by the request's number.
    """

    def __init__(self, composition: Composition, path: Path, act: Act) -> None:
        self._begin(composition, composition.machine(), Journal(path, composition.header()), act)

    def _begin(self, composition: Composition, machine: Machine, journal: Journal, act: Act) -> None:
        self.composition, self.act, self.machine, self.journal = composition, act, machine, journal
        self.fault: Halt | None = None
        self.watch: Act | None = None
        self.events_taken = self.effects_left = 0
        self.requests: dict[int, list[Done]] = {}
        self._heard: list[Done] | None = None
        self._waiting: deque[np.ndarray[Any, Any]] = deque()
        self._is_taking = False

    @classmethod
    def resumed(cls, past: Past, path: Path, act: Act) -> Self:
        """Go on with the journal of a session that died, from where it stands.

        Raises
        ------
        Misuse
            When another process writes it.
        """
        made = cls.__new__(cls)
        made._begin(past.composition, past.machine, Journal.resume(path), act)
        made.events_taken, made.effects_left = past.events, past.effects
        made.requests = past.requests
        past.write(made.journal)
        return made

    # What enters.

    def take(self, events: np.ndarray[Any, Any]) -> None:
        """Take events of one time, in order. After a halt nothing is taken any more.

        Raises
        ------
        Halt
            When the session can go on no longer: what rests at the venue must be cancelled.
        """
        if self.fault is not None:
            return
        if self._is_taking:
            self._waiting.append(events.copy())
            return
        self._is_taking = True
        try:
            self._take(events)
            while self._waiting:
                self._take(self._waiting.popleft())
        except Halt as fault:
            self.fault = fault
            raise
        except OSError as fault:
            self.fault = Halt(
                f"the journal {self.journal.path} cannot be written: {fault.strerror}", remedy="free some space; then start anew"
            )
            raise self.fault from fault
        finally:
            self._is_taking = False

    def _take(self, events: np.ndarray[Any, Any]) -> None:
        self.journal.events(events)
        self.events_taken += len(events)
        self.machine.take(events, self)

    def timers_until(self, time_ns: int) -> None:
        """Take the timers that are due before a time: they come after everything of their own."""
        machine = self.machine
        while self.fault is None and (due_ns := machine.timer_due_ns) < time_ns:
            if due_ns < machine.strategy_due_ns:
                self.take(timer_event(max(due_ns, machine.now_ns), for_parents=True))
                continue
            period_ns = int(machine.head["timer_ns"])
            behind = (time_ns - due_ns) // period_ns
            if behind > SKIPPED_TIMERS and due_ns <= machine.now_ns:
                due_ns += behind * period_ns
            self.take(timer_event(max(due_ns, machine.now_ns)))

    def command(self, code: Command, now_ns: int, *, instrument: int = 0, amount: int = 0) -> None:
        """Do what is asked for."""
        self.take(command_event(code, max(now_ns, self.machine.now_ns), instrument=instrument, amount=amount))

    def set_parameter(self, name: str, value: Any, now_ns: int) -> None:
        """Give a parameter of the strategy another value. Raises Misuse when it may not have it."""
        self.take(set_event(self.composition.cls, name, value, max(now_ns, self.machine.now_ns)))

    def ask(self, events: np.ndarray[Any, Any]) -> list[Done]:
        """Take events that a person asked for, all or none of them, and give what each led to.

        Raises
        ------
        Retry
            When it is asked from within an event.
        Halt
            As `take` does.
        """
        if self._is_taking:
            raise Retry("the session is in the middle of an event", remedy="ask again")
        first = self.machine.seq + 1
        self._heard = done = [Done(first + k, events[k : k + 1].copy()) for k in range(len(events))]
        try:
            self.take(events)
        finally:
            self._heard = None
            for k in places_of_requests(events):
                self.requests.setdefault(int(events[k]["amount"]), []).append(done[k])
        return done

    def close(self, why: str) -> dict[str, Any]:
        """End the journal; returns what it ends with."""
        facts = {"why": why, "halt": self.fault.what if self.fault else None, **sums_of(self.machine)}
        facts |= {"events": self.events_taken, "effects": self.effects_left}
        self.journal.end(facts)
        return facts

    # What comes out, as the machine tells it.

    def effects(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        """Write effects down and have the approved ones acted on."""
        self.journal.effects(seq, rows.tobytes())
        self.effects_left += len(rows)
        if self._heard:
            self._hear(seq, rows)
        if self.watch is not None:
            self.watch(rows)
        approved = rows[rows["reason"] == 0]
        if len(approved):
            self.journal.flush()
            self.act(approved)

    def _hear(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        for one in self._heard or ():
            if one.seq == seq:
                one.effects, one.verdicts = rows.copy(), self.machine.world.verdicts[: len(rows)].tolist()

    def state(self, seq: int, rows: bytes) -> None:
        """Write the positions down."""
        self.journal.state(seq, rows)

    def notes(self, rows: bytes) -> None:
        """Write down what the strategy noted."""
        self.journal.notes(rows)


def sums_of(machine: Machine) -> dict[str, Any]:
    """Sums over the world and over the strategy's record: equal for equal states."""
    return {
        "seq": machine.seq,
        "world": crc32(machine.world.snapshot()),
        "strategy": crc32(machine.record.tobytes()),
    }


def working_orders(machine: Machine) -> np.ndarray[Any, Any]:
    """ORDER rows of what is live or in flight, by id."""
    orders = machine.world.orders
    live = orders[orders["state"] != 0]
    rows: np.ndarray[Any, Any] = live[np.argsort(live["order_id"])].astype(ORDER)
    return rows
