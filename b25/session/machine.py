"""The world and the strategy of a session, driven by one event after another through the very `step` of the backtests.

It has no clock, no file and no socket, and does not know what kind of session it is in: the same events leave the same effects.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from b25.engine.backtest import HALTS
from b25.engine.records import ON_START, ON_STOP
from b25.engine.step import apply_event, end_event, judge_intents, step
from b25.engine.world import World, make_world
from b25.execution.parents import CANCEL_ALL, PAUSE_ALL, RESUME_ALL, command_parents
from b25.kernels.address import address_of, code_address
from b25.model.errors import B25Error, Halt
from b25.model.event import COMMAND, EVENT, ORDER_ACCEPTED, PARENTS_DUE, TIMER
from b25.model.instrument import Instrument
from b25.model.order import MANUAL, ORDER, Pending, State
from b25.model.risk import ACTIVE, REDUCING, SET_STATE, STOPPED
from b25.model.world import NO_LIMIT, RUNNING
from b25.session.commands import Command, set_value
from b25.session.limit_swap import LimitSwap
from b25.session.manual import BY_HAND, wish_by_hand
from b25.session.stride import take_events
from b25.strategy.compile import BITS, callback_bits, looks_at_views, makes_parents
from b25.strategy.plain import PlainContext
from b25.strategy.strategy import Strategy

HELD: Final = 128  # of a book's health: the feed says that it is not to be traded on
NEVER_NS: Final = 2**62  # a timer that is due at no time
RESTS: Final = (int(State.OPEN), int(State.PART_FILLED))
NEVER_LIFTED: Final = {"value_bound", "trading", "version", "hash"}  # of limits: the first is no limit but what a number can hold
CLOSE_AGAIN_NS: Final = 1_000_000_000
# What a command does to parent orders, which work on while nobody stops them.
TO_PARENTS: Final = {
    Command.PAUSE: PAUSE_ALL,
    Command.RESUME: RESUME_ALL,
    Command.FLATTEN: CANCEL_ALL,
    Command.DRAIN: CANCEL_ALL,
    Command.STOP: CANCEL_ALL,
}
WORKS_AT_ONCE: Final = (Command.START, Command.RESUME, Command.PAUSE, Command.FLATTEN, Command.DRAIN)


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
            instruments,
            limits.copy(),
            depth_kept=bar_frames == 0,
            balance=balance,
            bar_frames=bar_frames,
            parents=makes_parents(cls),
        )
        self.keeps_parents = self.world.parents.size > 0
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
        self._held_to = self._asked_state = ACTIVE  # what the session's own commands and the gate's leave it of freedom
        self._cancel_below = 0  # a pause cancels the orders before this one: exits that come after it stay
        self._swap = LimitSwap(self.world)
        self.configured: dict[int, tuple[int, int]] = {}  # by kind: version and checksum of what a CONFIGURE event noted
        self._closed_ns = [-CLOSE_AGAIN_NS] * len(self.instruments)
        self._context, self._ended = np.uintp(self.world.context.ctypes.data), np.uintp(self.finished.ctypes.data)
        self._judge, self._apply, self._end = judge_intents.code(), apply_event.code(), end_event.code()
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
        kept = self.world.head.copy()
        self.door.cancel_all(0, 0)
        self.door.close(0)
        self.door.cancel(0)
        self.world.head[:], self.world.intents[:] = kept, np.zeros(1, self.world.intents.dtype)
        if self.keeps_parents:
            self._command_parents = command_parents.code()

    @property
    def seq(self) -> int:
        """Number of the last event."""
        return int(self.head["seq"])

    @property
    def now_ns(self) -> int:
        """Time of the last event."""
        return int(self.head["now_ns"])

    @property
    def limits(self) -> np.ndarray[Any, Any]:
        """Limits in force as they were given, whatever commands restrict beside them."""
        return self._swap.limits()

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
        """When the strategy's timer or a parent order is due; NEVER_NS when neither will be."""
        return min(self.strategy_due_ns, self.parents_due_ns)

    @property
    def strategy_due_ns(self) -> int:
        """When the strategy's timer is due; NEVER_NS without one."""
        timed = int(self.head["timer_ns"]) > 0
        return int(self.head["timer_next_ns"]) if timed else NEVER_NS

    @property
    def parents_due_ns(self) -> int:
        """When a parent order wants to be worked although nothing happens; NEVER_NS when none does.

        On bars that is never: there, as in a backtest, they are worked when a bar is complete or an order is answered.
        """
        waits = int(self.head["parents"]) > 0 and self.world.bar_marks.shape[1] == 0
        return int(self.head["parent_due_ns"]) if waits else NEVER_NS

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
        if kind == COMMAND and int(event[0]["status"]) < SET_STATE:
            self._command(event[0])
            self._settle_state(event[0])  # before parents work: they go on by what is allowed from now on
            if int(event[0]["status"]) in WORKS_AT_ONCE:
                self._end(self._context, np.uintp(event.ctypes.data))
        elif self.call is not None:
            step_code, apply_code, callback = self._codes
            at = np.uintp(event.ctypes.data)
            self._stride(self._context, at, 0, 1, self._ended, step_code, apply_code, callback, self._callbacks)
        else:
            self._take_plainly(event)
        if kind == COMMAND and int(event[0]["status"]) >= SET_STATE:
            self._settle_state(event[0])
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
        self._end(self._context, np.uintp(event.ctypes.data))

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
        if self.keeps_parents and code in TO_PARENTS:
            self._command_parents(self._context, TO_PARENTS[code])
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
        elif code in (Command.RESTRICT, Command.PERMIT):
            i = int(event["instrument"])
            self._swap.bar(i, on=code is Command.RESTRICT)
            if code is Command.RESTRICT:
                self._cancel_all(i)
                self._judge(self._context)
        elif code is Command.LIMIT:
            self._swap.say(event)
        elif code is Command.CONFIGURE:
            self.configured[int(event["side"])] = (int(event["amount"]), int(event["order_id"]))
            for i in self._swap.swap():
                self._cancel_all(i)
            self._judge(self._context)
        elif code is Command.OVERRIDE:
            self._override(event)
        elif code in BY_HAND:
            wish_by_hand(self.world, event)
            self._judge(self._context)
        elif code is Command.WATCH:
            self._judge(self._context)  # nothing to judge: the gate marks the account
        else:
            self._cancels = code is not Command.RESUME
            self._closes = code is Command.FLATTEN or (self._closes and code is Command.DRAIN)
            # Paused, the strategy may still reduce what it holds; at the end, and while all is closed for it, it may not.
            self._held_to = ACTIVE if code is Command.RESUME else REDUCING if code is Command.PAUSE else STOPPED
            self._cancel_below = int(self.head["next_order_id"])

    def judge(self) -> None:
        """Judge what was wished for."""
        self._judge(self._context)

    def _override(self, event: Any) -> None:
        """Send one order of a person past every limit, until its time is over; an order that makes no sense is refused still."""
        if int(event["local_ns"]) > int(event["amount"]):
            return
        world = self.world
        kept, risk = world.limits.copy(), world.risk[["state", "latched"]].copy()
        for name in set(world.limits.dtype.names or ()) - NEVER_LIFTED:
            world.limits[name] = NO_LIMIT
        world.risk["state"], world.risk["latched"] = ACTIVE, 0
        wish_by_hand(world, event)
        self._judge(self._context)
        world.limits[:], world.risk["state"], world.risk["latched"] = kept, risk["state"], risk["latched"]

    def _settle_state(self, event: Any) -> None:
        """Let the gate stand where the stricter of two leaves it: the session's commands, or what was asked of the gate."""
        if int(event["status"]) == SET_STATE:
            self._asked_state = int(self.world.risk["state"][0])
        self.world.risk["state"] = max(self._asked_state, self._held_to)

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
            if working and self._held_to == REDUCING:
                self._cancel_what_was_before(i)
            elif working:
                self._cancel_all(i)
            elif self._closes and int(self.world.positions[i]["position_lots"]) and now_ns >= self._closed_ns[i] + CLOSE_AGAIN_NS:
                self._closed_ns[i] = now_ns
                self.door.close(i)
        if int(self.head["intents"]):
            state = int(self.world.risk["state"][0])
            self.world.risk["state"] = REDUCING  # what closes passes
            self._judge(self._context)
            self.world.risk["state"] = state

    def _cancel_all(self, i: int) -> None:
        """Cancel the strategy's own orders in an instrument, and a person's: parent orders are told apart from this."""
        self.door.cancel_all(0, i)
        self._cancel_each((self.world.orders["flags"] & MANUAL != 0) & (self.world.orders["instrument"] == i))

    def _cancel_what_was_before(self, i: int) -> None:
        orders = self.world.orders
        self._cancel_each((orders["instrument"] == i) & (orders["order_id"] < self._cancel_below))

    def _cancel_each(self, which: np.ndarray[Any, Any]) -> None:
        """Cancel those of the orders that can be cancelled now, in order of their ids."""
        orders = self.world.orders
        rests = (orders["pending"] == int(Pending.NONE)) & np.isin(orders["state"], RESTS)
        for order_id in np.sort(orders["order_id"][rests & which]):
            self.door.cancel(int(order_id))


def timer_event(due_ns: int, *, for_parents: bool = False) -> np.ndarray[Any, Any]:
    """Return the event of a strategy's timer, or of one that only parent orders wait for."""
    event = np.zeros(1, EVENT)
    event["kind"] = TIMER
    event["status"] = PARENTS_DUE if for_parents else 0
    event["exch_ns"] = event["local_ns"] = due_ns
    return event


Taker = Callable[[np.ndarray[Any, Any]], None]
