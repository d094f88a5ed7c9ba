"""What a running session tells of itself as metrics: read between two events, once a second, from what it counts anyway.

On the way of an event nothing is added but this: effects and the venue's answers are put aside as they pass, a reference and a
small copy; and one delivery in many is timed, by a stand-in that takes its own place away when it has done so.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.model import event as kinds
from b25.model.order import CANCEL, EFFECT, MARKET, POST_ONLY, SUBMIT, Reason
from b25.observe.meter import Meter
from b25.runner.metrics_account import read_account, read_desk, read_worth
from b25.runner.metrics_feed import read_feed
from b25.session.picture import EVENT_NAMES

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop

NOTED_MAX: Final = 8_192
SENT_MAX: Final = 4_096
TIME_S: Final = 0.05  # between two deliveries that are timed
ANSWERS: Final = frozenset(range(kinds.ORDER_ACCEPTED, kinds.ORDER_TRIGGERED + 1))


class SessionMetrics:
    """Reads one session into a meter.

    Parameters
    ----------
    loop : LiveLoop
        Put together already.
    meter : Meter
    mode, account : str
    """

    def __init__(self, loop: LiveLoop, meter: Meter, *, mode: str, account: str) -> None:
        self.loop, self.meter, self.mode, self.account = loop, meter, mode, account
        self.is_paused: Callable[[], bool] = lambda: False
        self._effects: deque[bytes] = deque(maxlen=NOTED_MAX)
        self._answers: deque[bytes] = deque(maxlen=NOTED_MAX)
        self._sent_ns: dict[tuple[int, int], int] = {}  # by kind of effect and order
        self._timed: list[tuple[int, int, int]] = []  # decision, processing, travel

    def attach(self) -> None:
        """Begin to note; after everybody else who watches effects, for the place is one."""
        before, noted = self.loop.session.watch, self._effects

        def watch(rows: np.ndarray[Any, Any]) -> None:
            if before is not None:
                before(rows)
            noted.append(rows.tobytes())  # a hundredth of what `copy` takes of such rows

        self.loop.session.watch = watch
        self.loop.answered.append(lambda events: self._answers.append(events.tobytes()))
        asyncio.get_running_loop().call_later(TIME_S, self._time_one)

    def _time_one(self) -> None:
        """Have the next delivery of the feed timed."""
        if self.loop.until.is_set():
            return
        asyncio.get_running_loop().call_later(TIME_S, self._time_one)
        place, clock_ns, rows_of = self.loop.__dict__, self.loop.clock_ns, self.loop.rows
        if "rows" in place:
            return  # the last one still waits for a delivery

        def timed(book: int, rows: np.ndarray[Any, Any]) -> None:
            place.pop("rows", None)
            last = rows[-1]
            recv_ns, exch_ns = int(last["recv_ns"]), int(last["exch_ns"])
            began_ns = time.perf_counter_ns()
            rows_of(book, rows)
            took_ns = time.perf_counter_ns() - began_ns
            self._timed.append((took_ns, clock_ns() - recv_ns, recv_ns - exch_ns if exch_ns > 0 else 0))

        place["rows"] = timed

    def read(self) -> None:
        """Bring the meter up to date."""
        meter, session = self.meter, self.loop.session
        machine = session.machine
        head, world = machine.head, machine.world
        meter.set("b25_session_info", 1, strategy=machine.cls.__name__, mode=self.mode, account=self.account)
        halted = session.fault is not None
        paused = self.is_paused()
        state = int(world.risk["state"][0])
        meter.set("b25_session_active", not halted and not paused and state == 0 and not self.loop.until.is_set())
        meter.set("b25_session_paused", paused)
        meter.set("b25_session_halted", halted)
        meter.total("b25_session_events_total", session.events_taken)
        meter.total("b25_session_effects_total", session.effects_left)
        try:
            meter.set("b25_journal_size_bytes", session.journal.path.stat().st_size)
        except OSError:
            meter.set("b25_journal_size_bytes", None)
        meter.total("b25_order_submits_total", int(head["submits"]))
        meter.total("b25_order_cancels_total", int(head["cancels"]))
        meter.total("b25_order_amends_total", int(head["amends"]))
        meter.total("b25_risk_refused_total", int(head["refused"]))
        meter.set("b25_order_live", machine.live_orders)
        self._read_noted()
        self._read_timed()
        read_feed(self.loop, meter)
        read_worth(machine, meter)
        read_desk(self.loop, meter)
        read_account(self.loop, meter)
        self._read_bus()

    def _read_timed(self) -> None:
        timed, self._timed = self._timed, []
        self.meter.observe("b25_strategy_decision_seconds", [one[0] / 1e9 for one in timed])
        self.meter.observe("b25_feed_processing_seconds", [one[1] / 1e9 for one in timed if one[1] >= 0])
        self.meter.observe("b25_feed_latency_seconds", [one[2] / 1e9 for one in timed if one[2] > 0])

    def _read_noted(self) -> None:
        """Count what was decided and what the venue told, and how long the one took to the other."""
        meter = self.meter
        while self._effects:
            for row in np.frombuffer(self._effects.popleft(), EFFECT):
                self._note_effect(row)
        trips: dict[str, list[float]] = {"b25_order_submit_seconds": [], "b25_order_cancel_seconds": []}
        while self._answers:
            for event in np.frombuffer(self._answers.popleft(), kinds.EVENT):
                kind, order_id, local_ns = int(event["kind"]), int(event["order_id"]), int(event["local_ns"])
                if kind not in ANSWERS:
                    continue
                meter.add("b25_order_answers_total", status=EVENT_NAMES.get(kind, str(kind)))
                for name, asked in _ENDS.get(kind, ()):
                    sent_ns = self._sent_ns.pop((asked, order_id), None)
                    if sent_ns is not None and name:
                        trips[name].append(max(0, local_ns - sent_ns) / 1e9)
        for name, took_s in trips.items():
            meter.observe(name, took_s)

    def _note_effect(self, row: Any) -> None:
        kind, reason = int(row["kind"]), int(row["reason"])
        if kind == SUBMIT:
            status = "refused" if reason else "approved"
            side = "buy" if int(row["side"]) > 0 else "sell"
            self.meter.add("b25_strategy_intents_total", side=side, order_type=order_type(row), status=status)
        if reason:
            self.meter.add("b25_order_refused_total", reason=Reason(reason).name.lower())
        elif kind in (SUBMIT, CANCEL):
            if len(self._sent_ns) >= SENT_MAX:
                self._sent_ns.clear()  # of orders that were never answered
            self._sent_ns[kind, int(row["order_id"])] = int(row["time_ns"])

    def _read_bus(self) -> None:
        """How the messages of this session fare, if it has a bus."""
        bus = self.loop.bus
        if bus is None:
            return
        counts, link = bus.publisher.counts, bus.link
        self.meter.set("b25_bus_connected", link is not None and link.is_up)
        self.meter.total("b25_bus_reconnects_total", link.reconnects if link is not None else 0)
        self.meter.set("b25_bus_waiting_messages", bus.publisher.waiting)
        for name in ("published", "overtaken", "refused", "failed"):
            self.meter.total(f"b25_bus_{name}_total", getattr(counts, name))


def order_type(row: Any) -> str:
    """What kind of order an effect asks for."""
    flags = int(row["flags"])
    if int(row["stop_ticks"]):
        return "stop"
    if flags & MARKET:
        return "market"
    return "post_only" if flags & POST_ONLY else "limit"


# Which question each answer ends, and under which name the time between is kept.
_ENDS: Final = {
    kinds.ORDER_ACCEPTED: (("b25_order_submit_seconds", SUBMIT),),
    kinds.ORDER_REJECTED: (("", SUBMIT),),
    kinds.ORDER_EXPIRED: (("", SUBMIT), ("", CANCEL)),
    kinds.ORDER_CANCELLED: (("", SUBMIT), ("b25_order_cancel_seconds", CANCEL)),
    kinds.CANCEL_REJECTED: (("", CANCEL),),
}
