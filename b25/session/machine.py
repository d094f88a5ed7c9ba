"""The world and the strategy of a session, driven by one event after another through the very `step` of the backtests.

It has no clock, no file and no socket, and does not know what kind of session it is in: the same events leave the same effects.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from b25.engine.backtest import HALTS
from b25.engine.records import ON_START, ON_STOP
from b25.engine.step import apply_event, judge_intents, step
from b25.engine.world import World, make_world
from b25.kernels.address import address_of, code_address
from b25.model.errors import B25Error, Halt
from b25.model.event import COMMAND, EVENT, ORDER_ACCEPTED, TIMER
from b25.model.instrument import Instrument
from b25.model.order import ORDER
from b25.model.world import RUNNING
from b25.session.commands import Command, set_value
from b25.session.stride import take_events
from b25.strategy.compile import BITS, callback_bits, looks_at_views
from b25.strategy.plain import PlainContext
from b25.strategy.strategy import Strategy

HELD: Final = 128  # of a book's health: the feed says that it is not to be traded on
NEVER_NS: Final = 2**62  # trading begins at no time: the gate refuses every new order
CLOSE_AGAIN_NS: Final = 1_000_000_000


class Sink(Protocol):
    """Who is told what an event led to, in this order, before the next event is taken."""

    def effects(self, seq: int, rows: np.ndarray[Any, Any]) -> None:
        """Take the effects of event `seq`; the memory is written again after this returns."""

    def state(self, seq: int, rows: bytes) -> None:
        """Take the positions after event `seq`; told for orders' events, funding and commands."""

    def notes(self, rows: bytes) -> None:
        """Take what the strategy noted."""


class Machine:
    """One world with its strategy.

    Parameters
    ----------
    cls : type of Strategy
    params : dict
        Parameters that differ from their defaults.
    instruments : sequence of Instrument
    limits : ndarray of LIMITS, shape (n,)
    balance : float
        Settlement currency at the start.
    call : compiled function or None
        The strategy's machine code; None runs the class as plain Python.
    bar_frames : int
        How many timeframes of bars come as events.
    """

    def __init__(
        self,
        cls: type[Strategy],
        params: dict[str, Any],
        instruments: Sequence[Instrument],
        *,
        limits: np.ndarray[Any, Any],
        balance: float,
        call: Any,
        bar_frames: int = 0,
    ) -> None:
        self.cls, self.call, self.instruments = cls, call, list(instruments)
        self.world: World = make_world(
            instruments, limits.copy(), depth_kept=bar_frames == 0, balance=balance, bar_frames=bar_frames
        )
        if bar_frames:
            self.world.books["health"] = 0  # there is no book that could be suspect
        self.record = cls.record(params)
        self.world.context["strategy"] = self.record.ctypes.data
        self.world.context["viewed"] = looks_at_views(cls)
        self.head = self.world.head[0]
        self.door: Any = PlainContext(self.world)  # has its methods from the compiled door
        self.finished = np.zeros(1, ORDER)
        self._callbacks = 0  # nobody is called before the start
        self._cancels = self._closes = False
        self._closed_ns = [-CLOSE_AGAIN_NS] * len(self.instruments)
        self._context, self._ended = np.uintp(self.world.context.ctypes.data), np.uintp(self.finished.ctypes.data)
        self._judge, self._apply = judge_intents.code(), apply_event.code()
        self._warm()
        if call is not None:
            codes = (address_of(step), address_of(apply_event), code_address(call))
            self._stride, self._codes = take_events.code(), codes
        else:
            plain = cls.__new__(cls)
            plain._lay_over(self.record)
            self._methods = {BITS[name]: getattr(plain, name) for name in cls.callbacks()}

    def _warm(self) -> None:
        """Have what a command may call compiled now, and not when somebody is in a hurry; there is nothing to cancel or close."""
        self.door.cancel_all(0, 0)
        self.door.close(0)

    @property
    def seq(self) -> int:
        """Number of the last event."""
        return int(self.head["seq"])

    @property
    def now_ns(self) -> int:
        """Time of the last event."""
        return int(self.head["now_ns"])

    @property
    def live_orders(self) -> int:
        """Orders that are live or in flight."""
        return int(self.head["live_orders"])

    @property
    def bars_told_ns(self) -> list[int]:
        """Close of the last bar of each instrument, of the smallest timeframe; 0 before the first, empty without bars."""
        closes: list[int] = self.world.bar_slots["close_ns"][:, 0].tolist() if self.world.bar_slots.size else []
        return closes

    @property
    def timer_due_ns(self) -> int:
        """When the strategy's timer is due; NEVER_NS without one."""
        timed = int(self.head["timer_ns"]) > 0
        return int(self.head["timer_next_ns"]) if timed else NEVER_NS

    def take(self, events: np.ndarray[Any, Any], sink: Sink) -> None:
        """Take events in order.

        Raises
        ------
        Halt
            When a capacity is exceeded, or the strategy raised: nothing can go on from here.
        """
        count = len(events)
        try:
            if events[0]["kind"] == COMMAND or self._cancels or self.call is None:
                for k in range(count):
                    self._take_one(events[k : k + 1], sink)
            else:
                self._take_all(events, count, sink)
        except B25Error:
            raise
        except Exception as fault:
            moment = np.datetime64(self.now_ns, "ns")
            what = f"{self.cls.__name__} raised {type(fault).__name__}: {fault}, at {moment} UTC"
            raise Halt(what, remedy="mend the strategy; the journal replays to this very event") from fault
        if int(self.head["notes"]):
            sink.notes(self.world.notes[: int(self.head["notes"])].tobytes())
            self.head["notes"] = 0

    def _take_all(self, events: np.ndarray[Any, Any], count: int, sink: Sink) -> None:
        """Take many events in machine code, coming back for what they lead to."""
        at, done = np.uintp(events.ctypes.data), 0
        step_code, apply_code, callback = self._codes
        while done < count:
            done = self._stride(self._context, at, done, count, self._ended, step_code, apply_code, callback, self._callbacks)
            self._tell(int(events[done - 1]["kind"]), sink)

    def _take_one(self, event: np.ndarray[Any, Any], sink: Sink) -> None:
        kind = int(event[0]["kind"])
        if kind == COMMAND:
            self._command(event[0])
        elif self.call is not None:
            step_code, apply_code, callback = self._codes
            at = np.uintp(event.ctypes.data)
            self._stride(self._context, at, 0, 1, self._ended, step_code, apply_code, callback, self._callbacks)
        else:
            self._take_plainly(event)
        if self._cancels:
            self._withdraw()
        self._tell(kind, sink)

    def _take_plainly(self, event: np.ndarray[Any, Any]) -> None:
        bits = int(self._apply(self._context, np.uintp(event.ctypes.data), self._ended)) & self._callbacks
        while bits and self.head["status"] == RUNNING:
            bit = bits & -bits
            bits &= ~bit
            self._methods[bit](self.door)
            self._judge(self._context)

    def _tell(self, kind: int, sink: Sink) -> None:
        count = int(self.head["outbox"])
        if count:
            sink.effects(self.seq, self.world.outbox[:count])
        if kind >= ORDER_ACCEPTED or kind == COMMAND:
            sink.state(self.seq, self.world.positions.tobytes())
        if self.head["status"] != RUNNING:
            status = int(self.head["status"])
            what, remedy = HALTS.get(status, (f"status {status}", "report this"))
            raise Halt(f"{self.cls.__name__} halted at {self.now_ns} ns: {what}", remedy=remedy)

    # Commands.

    def _command(self, event: Any) -> None:
        """Do what a command asks for; as `step`, it empties the outbox first."""
        self.head["outbox"] = 0
        self.head["seq"] += 1
        now_ns = int(event["local_ns"])
        self.head["now_ns"] = self.world.context["now_ns"] = now_ns
        self.world.context["i"] = event["instrument"]
        code = Command(int(event["status"]))
        if code is Command.START:
            self.head["rate_filled_ns"] = now_ns
            self.head["trading_ns"] = event["amount"]
            self._callbacks = callback_bits(self.cls)
            self._call(ON_START)
        elif code is Command.STOP:
            self._call(ON_STOP)
            self._callbacks = 0
        elif code is Command.SET:
            name, value = set_value(self.cls, event)
            self.record[name] = value
        elif code in (Command.HOLD, Command.RELEASE):
            book = self.world.books[int(event["instrument"])]
            book["health"] = (int(book["health"]) & ~HELD) | (HELD if code is Command.HOLD else 0)
        else:
            self._cancels = code is not Command.RESUME
            self._closes = code is Command.FLATTEN or (self._closes and code is Command.DRAIN)
            self.head["trading_ns"] = NEVER_NS if self._cancels else 0

    def _call(self, bit: int) -> None:
        """Call one callback and judge what it asked for."""
        if not self._callbacks & bit:
            return
        if self.call is not None:
            self.call(bit, np.uintp(self.record.ctypes.data), self._context)
        else:
            self._methods[bit](self.door)
        self._judge(self._context)

    def _withdraw(self) -> None:
        """Cancel what can be cancelled now, and close what is held once nothing works any more, if that was asked for."""
        now_ns = self.now_ns
        for i in range(len(self.instruments)):
            working = int(self.world.lives[i]["count"].sum())
            if working:
                self.door.cancel_all(0, i)
            elif self._closes and int(self.world.positions[i]["position_lots"]) and now_ns >= self._closed_ns[i] + CLOSE_AGAIN_NS:
                self._closed_ns[i] = now_ns
                self.door.close(i)
        if int(self.head["intents"]):
            self.head["trading_ns"] = 0
            self._judge(self._context)
            self.head["trading_ns"] = NEVER_NS


def timer_event(due_ns: int) -> np.ndarray[Any, Any]:
    """Return the event of a strategy's timer."""
    event = np.zeros(1, EVENT)
    event["kind"] = TIMER
    event["exch_ns"] = event["local_ns"] = due_ns
    return event


Taker = Callable[[np.ndarray[Any, Any]], None]
