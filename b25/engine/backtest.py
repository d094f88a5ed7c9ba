"""Drive the compiled loop from Python: feed it, call a plain-Python strategy when it asks, take its logs away."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from b25.engine.depth import apply_levels
from b25.engine.loop import run_loop
from b25.engine.parts import settle, take_answer
from b25.engine.records import CALL, DONE, DRAIN, HALTED, MARK, PAUSE, RUN
from b25.engine.world import World, make_world
from b25.kernels.address import address_of, code_address
from b25.model.errors import B25Error, Halt, Misuse
from b25.model.fill import FILL
from b25.model.instrument import Instrument
from b25.model.order import EFFECT, ORDER
from b25.model.tape import LEVEL_ROW, MESSAGE, VENUE_ROW
from b25.model.world import (
    DEPTH_NOT_KEPT,
    INTENTS_FULL,
    NO_BARS,
    NO_END,
    NOTES_FULL,
    OUTBOX_FULL,
    PARENTS_NOT_KEPT,
    PIPE_FULL,
    VENUE_ORDERS_FULL,
)
from b25.strategy.compile import BITS, callback_bits, looks_at_views, makes_parents, reads_depth
from b25.strategy.plain import PlainContext
from b25.strategy.source_key import functions_in_reach
from b25.strategy.strategy import Strategy
from b25.venue.models import Models
from b25.venue.parts import replay_part, request_part
from b25.venue.records import VENUE
from b25.venue.simulated import SimulatedVenue

LOGS = {"fill": (FILL, 8_192), "order": (ORDER, 8_192), "effect": (EFFECT, 16_384), "mark": (MARK, 16_384)}
PARTS = {"settle": settle, "answer": take_answer, "replay": replay_part, "request": request_part}
ROWS_A_BREATH = 4_000_000  # rows between two chances for Ctrl-C and progress
HALTS = {
    INTENTS_FULL: ("a callback asked for more than 256 things at once", "ask for less in one callback"),
    OUTBOX_FULL: ("one step left more effects than the outbox holds", "ask for less in one callback"),
    NOTES_FULL: ("one callback called ctx.log more than 8 192 times", "log less in one callback"),
    DEPTH_NOT_KEPT: ("the strategy read the depth in a way that its source does not show", "pass depth=True"),
    VENUE_ORDERS_FULL: ("more than 1 024 orders rest at the simulated venue", "keep fewer orders"),
    NO_BARS: (
        "the strategy read a bar or a feature that this run does not have",
        "run it on bars that hold this timeframe; on ticks, read the book and the prints",
    ),
    NO_END: (
        "more than 65 536 requests were answered within one bar",
        "do not send anew in on_order what was refused a moment before",
    ),
    PARENTS_NOT_KEPT: (
        "the strategy made a parent order in a way that its source does not show",
        "call ctx.twap, ctx.bracket and the like by name in a method of the class",
    ),
    PIPE_FULL: ("more than 4 096 requests or answers are under way", "send less, or lower the latency"),
}


@dataclass(frozen=True, slots=True)
class Track:
    """One instrument's data, as a tape gives it."""

    instrument: Instrument
    venue: np.ndarray[Any, Any]
    messages: np.ndarray[Any, Any]
    levels: np.ndarray[Any, Any]
    base_ticks: int
    size_ticks: int
    crossed_kept: bool = False
    packed: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind: every fill, finished order, effect, mark and note, and the world as it ended."""

    fills: np.ndarray[Any, Any]
    orders: np.ndarray[Any, Any]
    effects: np.ndarray[Any, Any]
    marks: np.ndarray[Any, Any]
    notes: np.ndarray[Any, Any]
    world: World
    strategy: np.ndarray[Any, Any]
    start_ns: int
    end_ns: int
    rows: int


class Backtest:
    """One run of one strategy over one or several tracks.

    Parameters
    ----------
    cls : type of Strategy
    params : dict
        Parameters that differ from their defaults.
    tracks : sequence of Track
    models : sequence of Models
        One a track.
    limits : ndarray of LIMITS, shape (n,)
    fees : ndarray of FEES, shape (n,)
    balance : float
        Settlement currency at the start.
    sample_ns : int
        Period at which equity is marked, besides every fill.
    call : compiled function or None
        The strategy's machine code; None runs the class as plain Python.
    depth : bool, optional
        Keep the trader's whole book; by default only when the strategy's source reads beyond the touch.
    start_ns, end_ns : int, optional
        Trade in this part of the data only; the book is built from its beginning all the same.
    """

    def __init__(
        self,
        cls: type[Strategy],
        params: dict[str, Any],
        tracks: Sequence[Track],
        *,
        models: Sequence[Models],
        limits: np.ndarray[Any, Any],
        fees: np.ndarray[Any, Any],
        balance: float,
        sample_ns: int,
        call: Any,
        depth: bool | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> None:
        self.cls, self.call = cls, call
        tracks = [_until(t, end_ns) for t in tracks]
        kept = reads_depth(cls) if depth is None else depth
        self.world = make_world(
            [t.instrument for t in tracks], limits, depth_kept=kept, balance=balance, parents=makes_parents(cls)
        )
        self.strategy = cls.record(params)
        self.venues = [
            SimulatedVenue(
                _checked(t.venue, VENUE_ROW),
                _checked(t.messages, MESSAGE),
                _checked(t.levels, LEVEL_ROW),
                packed=t.packed,
                base_ticks=t.base_ticks,
                size_ticks=t.size_ticks,
                crossed_kept=t.crossed_kept,
                models=m,
            )
            for t, m in zip(tracks, models, strict=True)
        ]
        self.venue_rows = np.concatenate([v.record for v in self.venues]).astype(VENUE)
        self.models = list(models)
        self.latencies = np.concatenate([m.latency.record() for m in models])
        self.fees = fees
        # A fee is counted in 1e-8 of the money unit: above this value it would not fit.
        highest = np.maximum(np.abs(fees["maker_e8"]), np.abs(fees["taker_e8"])).max(axis=1)
        self.world.limits["value_bound"] = 2**62 // np.maximum(highest, 1)
        firsts = [int(t.venue["exch_ns"][0]) for t in tracks if t.venue.size]
        firsts += [int(t.messages["local_ns"][0]) for t in tracks if t.messages.size]
        if not firsts:
            raise Misuse("there is nothing to replay in the part of the data that was chosen", remedy="choose a later end")
        self.start_ns = min(firsts)
        self.begin_ns = self.start_ns if start_ns is None else max(start_ns, self.start_ns)
        self.logs = {name: np.zeros(size, dtype) for name, (dtype, size) in LOGS.items()}
        self.taken: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in LOGS}
        self.notes: list[np.ndarray[Any, Any]] = []
        self.last_mid2 = np.zeros(len(tracks), np.int64)
        self.finished = np.zeros(1, ORDER)
        self.loop = run_loop.code()
        self.run = self._make_run(sample_ns, callback_bits(cls))

    def _make_run(self, sample_ns: int, callbacks: int) -> np.ndarray[Any, Any]:
        run = np.zeros(1, RUN)
        run["context"] = self.world.context.ctypes.data
        run["strategy"] = self.world.context["strategy"] = self.strategy.ctypes.data
        self.world.context["viewed"] = looks_at_views(self.cls)
        run["callback"] = 0 if self.call is None else code_address(self.call)
        run["self"] = run.ctypes.data
        for name, part in PARTS.items():
            run[f"{name}_code"] = address_of(part)
        if int(self.world.context[0]["depth_kept"]):
            self.venue_rows["levels_code"] = address_of(apply_levels)
        size = self.venue_rows.itemsize
        self.venue_rows["self"] = self.venue_rows.ctypes.data + np.arange(self.venue_rows.size) * size
        run["venues"], run["latencies"] = self.venue_rows.ctypes.data, self.latencies.ctypes.data
        run["fees"], run["last_mid2"] = self.fees.ctypes.data, self.last_mid2.ctypes.data
        run["finished"] = self.finished.ctypes.data
        run["callbacks"], run["compiled"] = callbacks, self.call is not None
        run["each_message"] = callbacks & (BITS["on_book"] | BITS["on_trade"] | BITS["on_gap"]) != 0
        run["begin_ns"] = self.begin_ns
        run["sample_ns"], run["sample_next_ns"] = sample_ns, self.begin_ns + sample_ns
        run["end_ns"] = self.begin_ns
        for name, log in self.logs.items():
            run[f"{name}_log"], run[f"{name}_size"] = log.ctypes.data, log.size
        self.world.head["now_ns"] = self.world.context["now_ns"] = self.begin_ns
        self.world.head["rate_filled_ns"] = self.begin_ns
        return run

    def execute(self, progress: Callable[[int], None] | None = None, *, breath_rows: int = ROWS_A_BREATH) -> Outcome:
        """Run to the end of the data.

        Parameters
        ----------
        progress : callable, optional
            Called now and then with the number of rows replayed.
        breath_rows : int
            Rows between two of these calls.

        Raises
        ------
        Halt
            When a capacity is exceeded or the strategy read what is not kept.
        """
        address = np.uintp(self.run.ctypes.data)
        methods = self._plain_methods()
        awaiting = self.run["awaiting"].data
        self.run["budget"] = breath_rows
        while True:
            try:
                why = self.loop(address)
                if why == CALL:
                    methods[awaiting[0]]()
            except B25Error:
                raise
            except Exception as fault:
                raise self._raised(fault) from fault
            if why == CALL:
                continue
            if why == DRAIN:
                self._drain()
            elif why == PAUSE:
                self.run["budget"] = breath_rows
                if progress:
                    progress(int(self.run[0]["rows"]))
            elif why == HALTED:
                status = int(self.world.head[0]["status"])
                what, remedy = HALTS.get(status, (f"status {status}", "report this"))
                raise Halt(f"{self.cls.__name__} halted at {int(self.world.head[0]['now_ns'])} ns: {what}", remedy=remedy)
            elif why == DONE:
                return self._outcome()

    def _raised(self, fault: Exception) -> Halt:
        """Say where a callback raised. The world is half moved by then, so nothing can go on."""
        files = {f.__code__.co_filename for _, f in functions_in_reach(self.cls)}
        frames = [f for f in traceback.extract_tb(fault.__traceback__) if f.filename in files]
        place = f" in {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        moment = np.datetime64(int(self.world.head[0]["now_ns"]), "ns")
        how = "mend that line" if frames else "run it as plain Python (compiled=False, --python) to see the line"
        return Halt(f"{self.cls.__name__} raised {type(fault).__name__}: {fault}{place}, at {moment} UTC", remedy=how)

    def _plain_methods(self) -> dict[int, Callable[[], Any]]:
        if self.call is not None:
            return {}
        plain = self.cls.__new__(self.cls)
        plain._lay_over(self.strategy)
        ctx = PlainContext(self.world)

        def bound(name: str) -> Callable[[], Any]:
            method = getattr(plain, name)
            return lambda: method(ctx)

        return {BITS[name]: bound(name) for name in self.cls.callbacks()}

    def _drain(self) -> None:
        notes = int(self.world.head[0]["notes"])
        self.notes.append(self.world.notes[:notes].copy())
        self.world.head["notes"] = 0
        for name, log in self.logs.items():
            count = int(self.run[0][f"{name}_count"])
            if count:
                self.taken[name].append(log[:count].copy())
            self.run[f"{name}_count"] = 0

    def _outcome(self) -> Outcome:
        self._drain()
        whole = {name: _joined(self.taken[name]) if self.taken[name] else log[:0].copy() for name, log in self.logs.items()}
        live = self.world.orders[self.world.orders["state"] != 0]
        return Outcome(
            fills=whole["fill"],
            orders=np.concatenate([whole["order"], live[np.argsort(live["order_id"])]]),
            effects=whole["effect"],
            marks=whole["mark"],
            notes=np.concatenate(self.notes),
            world=self.world,
            strategy=self.strategy,
            start_ns=self.begin_ns,
            end_ns=int(self.run[0]["end_ns"]),
            rows=int(self.run[0]["rows"]),
        )


def _joined(pieces: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Put the pieces of a log together; most runs have one, which need not be copied again."""
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _until(track: Track, end_ns: int | None) -> Track:
    """Cut a track after the last row and message of a time."""
    if end_ns is None:
        return track
    rows = int(np.searchsorted(track.venue["exch_ns"], end_ns, side="right"))
    messages = int(np.searchsorted(track.messages["local_ns"], end_ns, side="right"))
    return replace(track, venue=track.venue[:rows], messages=track.messages[:messages], packed=None)


def _checked(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Give the canonical dtype to a memory-mapped array; addresses need contiguous memory."""
    view = array.view(dtype)
    assert view.flags.c_contiguous
    return view
