"""Drive the loop over bars from Python: lay out the tapes, the clock and the venue, and start where trading begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.engine.backtest import LOGS, Backtest
from b25.engine.bar_loop import run_bars
from b25.engine.bar_records import BAR_RUN
from b25.engine.bar_settle import settle_bars
from b25.engine.bar_venue import next_answer, venue_turn
from b25.engine.world import make_world
from b25.kernels.address import address_of, code_address
from b25.model.bar_run import BAR_TAPE, BAR_VENUE, BLOCKS, OVER, POINT
from b25.model.errors import Misuse
from b25.model.event import EVENT
from b25.model.order import ORDER
from b25.model.world import FEES
from b25.strategy.compile import Compiled, callback_bits, looks_at_views, makes_parents
from b25.strategy.strategy import Strategy
from b25.venue.bar_models import Account, BarFills, bar_model, is_contract

if TYPE_CHECKING:
    from b25.market.bars import Bars

PARTS = {"settle": settle_bars, "venue": venue_turn, "answer": next_answer}
ANSWERS = 1_024
NO_HIGH = 2**31
DAY_NS = 86_400 * 10**9
FOREVER = 2**62


@dataclass(frozen=True)
class BarTrack:
    """One instrument of a run over bars: its bars, larger ones too, and a row of features for each of the first."""

    bars: Bars
    features: np.ndarray[Any, Any] | None = None

    @property
    def frames(self) -> tuple[Bars, ...]:
        """All timeframes, the one that drives the run first."""
        return (self.bars, *self.bars.larger)


@dataclass(frozen=True, kw_only=True)
class BarSetup:
    """What a run over bars assumes, and the part of the data that it trades on.

    Parameters
    ----------
    fills : BarFills
    account : Account
    limits : ndarray of LIMITS, shape (n,)
    fees : ndarray of FEES, shape (n,)
    balance : float
        Settlement currency at the start.
    start_ns, end_ns : int, optional
        The first bar that is traded on opens at or after the one, the last one closes at or before the other.
    warmup : int, optional
        How many bars before the start the strategy sees; all by default.
    """

    fills: BarFills
    account: Account
    limits: np.ndarray[Any, Any]
    fees: np.ndarray[Any, Any]
    balance: float
    start_ns: int | None = None
    end_ns: int | None = None
    warmup: int | None = None


class BarEngine(Backtest):
    """One run of one strategy over the bars of one or several instruments.

    Parameters
    ----------
    cls : type of Strategy
    params : dict
        Parameters that differ from their defaults.
    tracks : sequence of BarTrack
        All with the same timeframes.
    setup : BarSetup
    compiled : Compiled, optional
        The strategy's machine code; None runs the class as plain Python.
    compact : bool
        Gather the figures of a sweep point and keep no records.
    """

    def __init__(
        self,
        cls: type[Strategy],
        params: dict[str, Any],
        tracks: Sequence[BarTrack],
        setup: BarSetup,
        compiled: Compiled | None,
        *,
        compact: bool = False,
    ) -> None:
        self.cls, self.call = cls, None if compiled is None else compiled.call
        self.compiled, self.tracks, self.setup = compiled, list(tracks), setup
        self.strategy = cls.record(params)
        self.instruments = [t.bars.instrument for t in tracks]
        frames = [t.frames for t in tracks]
        _same_timeframes(frames)
        self.features = [np.ascontiguousarray(t.features) for t in tracks if t.features is not None and t.features.size]
        views = [[bars.view for bars in one] for one in frames]
        width = self.features[0].shape[1] if self.features else 0
        self.world = make_world(
            self.instruments,
            setup.limits.copy(),
            depth_kept=False,
            balance=setup.balance,
            bar_views=views,
            features=width,
            parents=makes_parents(cls),
        )
        self.world.books["health"] = 0
        highest = np.maximum(np.abs(setup.fees["maker_e8"]), np.abs(setup.fees["taker_e8"])).max(axis=1)
        self.world.limits["value_bound"] = 2**62 // np.maximum(highest, 1)
        self.fees = setup.fees.astype(FEES).copy()
        self.model = bar_model(setup.fills, setup.account, self.instruments)
        self._lay_out_clock(frames)
        self.rows = [[np.ascontiguousarray(bars.rows) for bars in one] for one in frames]
        self.tapes = self._tapes(views)
        self.tiers = [setup.account.tier_rows(i) for i in self.instruments]
        self.bar_venues = self._venues()
        self.answers = np.zeros(ANSWERS + 1, EVENT)
        self.logs = {name: np.zeros(size if not compact else 1, dtype) for name, (dtype, size) in LOGS.items()}
        self.taken: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in LOGS}
        self.notes: list[np.ndarray[Any, Any]] = []
        self.last_mid2 = np.zeros(len(tracks), np.int64)
        self.finished = np.zeros(1, ORDER)
        self.point = self._point()
        self.loop = run_bars.code()
        self.run = self._make_bar_run(compact)

    def _lay_out_clock(self, frames: Sequence[tuple[Bars, ...]]) -> None:
        """Find the steps of the clock, which row each instrument has at each, and where trading begins and ends."""
        closes = [one[0].rows["close_ns"] for one in frames]
        opens = [one[0].rows["open_ns"] for one in frames]
        if len(frames) == 1:
            clock, first_open, self.places = frames[0][0].clock_ns, opens[0], np.zeros((0, 1), np.int32)
        else:
            clock = np.unique(np.concatenate(closes))
            first_open = np.full(clock.size, np.iinfo(np.int64).max)
            self.places = np.full((clock.size, len(frames)), -1, np.int32)
            for i, (close, open_) in enumerate(zip(closes, opens, strict=True)):
                at = np.searchsorted(clock, close)
                self.places[at, i] = np.arange(close.size)
                first_open[at] = np.minimum(first_open[at], open_)
            _one_after_the_other(clock, first_open)
        setup = self.setup
        self.clock_ns = clock
        end = clock.size if setup.end_ns is None else int(np.searchsorted(clock, setup.end_ns, side="right"))
        trading = 0 if setup.start_ns is None else int(np.searchsorted(first_open, setup.start_ns, side="left"))
        if trading >= end:
            raise Misuse("no bar lies between the start and the end that were chosen", remedy="choose a longer span")
        self.step_end, self.step_trading = end, trading
        self.step_first = 0 if setup.warmup is None else max(0, trading - setup.warmup)
        self.begin_ns = self.start_ns = int(first_open[trading])
        self.seen_from_ns = int(first_open[self.step_first])

    def share_clock(self, other: BarEngine) -> None:
        """Keep no clock of one's own beside that of an engine over the same bars."""
        self.clock_ns, self.places = other.clock_ns, other.places
        self.run["clock_ns"], self.run["places"] = self.clock_ns.ctypes.data, self.places.ctypes.data

    def _tapes(self, views: Sequence[Sequence[np.ndarray[Any, Any]]]) -> np.ndarray[Any, Any]:
        tapes = np.zeros((len(views), len(views[0])), BAR_TAPE)
        for i, (rows, seen) in enumerate(zip(self.rows, views, strict=True)):
            for f, (row, view) in enumerate(zip(rows, seen, strict=True)):
                tapes[i, f]["rows"], tapes[i, f]["views"], tapes[i, f]["count"] = row.ctypes.data, view.ctypes.data, row.size
        for i, features in enumerate(self.features):
            tapes[i, 0]["features"] = features.ctypes.data
        return tapes

    def _venues(self) -> np.ndarray[Any, Any]:
        venues = np.zeros(len(self.tracks), BAR_VENUE)
        self.funding = [np.ascontiguousarray(t.bars.funding) for t in self.tracks]
        for i, (instrument, funding) in enumerate(zip(self.instruments, self.funding, strict=True)):
            row = venues[i]
            row["phase"] = OVER
            row["funding"], row["funding_count"] = funding.ctypes.data, funding.size
            row["funding_next"] = np.searchsorted(funding["time_ns"], self.begin_ns)
            row["tiers"] = self.tiers[i].ctypes.data
            row["liquidation_low"], row["liquidation_high"] = -1, NO_HIGH
            row["spot"] = not is_contract(instrument)
        return venues

    def _point(self) -> np.ndarray[Any, Any]:
        point = np.zeros(1, POINT)
        for name in ("start_equity", "equity", "bar_equity", "peak", "day_equity"):
            point[name] = self.setup.balance
        point["begin_ns"] = point["end_ns"] = self.begin_ns
        point["midnight_ns"] = (self.begin_ns // DAY_NS + 1) * DAY_NS
        point["block_end"] = (self.step_end - self.step_trading) // BLOCKS
        point["day_best"], point["day_worst"] = -np.inf, np.inf
        return point

    def _make_bar_run(self, compact: bool) -> np.ndarray[Any, Any]:
        run = np.zeros(1, BAR_RUN)
        context = self.world.context
        run["context"] = context.ctypes.data
        run["strategy"] = context["strategy"] = self.strategy.ctypes.data
        if self.compiled is not None:
            run["callback"] = code_address(self.compiled.call)
            run["stride_code"] = 0 if self.compiled.stride is None else code_address(self.compiled.stride)
        run["self"] = run.ctypes.data
        for name, part in PARTS.items():
            run[f"{name}_code"] = address_of(part)
        arrays = {
            "tapes": self.tapes, "venues": self.bar_venues, "model": self.model, "fees": self.fees, "last_mid2": self.last_mid2,
            "clock_ns": self.clock_ns, "places": self.places, "answers": self.answers, "finished": self.finished,
            "point": self.point,
        }  # fmt: skip
        for name, array in arrays.items():
            run[name] = array.ctypes.data
        run["answer_size"] = ANSWERS
        run["compact"], run["compiled"] = compact, self.compiled is not None
        run["callbacks"] = callback_bits(self.cls)
        run["step"], run["step_end"], run["step_trading"] = self.step_first, self.step_end, self.step_trading
        run["begin_ns"] = run["end_ns"] = self.begin_ns
        run["budget"] = FOREVER
        for name, log in self.logs.items():
            run[f"{name}_log"], run[f"{name}_size"] = log.ctypes.data, log.size
        context["feature_fields"] = self._feature_fields()
        context["viewed"] = looks_at_views(self.cls)
        head = self.world.head
        head["now_ns"] = context["now_ns"] = self.seen_from_ns
        head["rate_filled_ns"] = self.begin_ns
        head["trading_ns"] = self.begin_ns
        return run

    def _feature_fields(self) -> int:
        names = list(getattr(self.cls, "features", {}))
        if not names:
            return 0
        offset = self.strategy.dtype.fields[names[0]][1]
        return int(self.strategy.ctypes.data) + int(offset)


def _one_after_the_other(clock_ns: np.ndarray[Any, Any], first_open: np.ndarray[Any, Any]) -> None:
    # An order that is sent at one close would be filled at the open of a bar that began before it.
    late = np.flatnonzero(first_open[1:] < clock_ns[:-1])
    if late.size:
        begun, ended = (np.datetime64(int(t), "ns") for t in (first_open[late[0] + 1], clock_ns[late[0]]))
        raise Misuse(
            f"the bars of these instruments overlap: one begins at {begun} UTC, before another ends at {ended} UTC",
            remedy="give bars by time with the same borders, or run each instrument on its own",
        )


def _same_timeframes(frames: Sequence[tuple[Bars, ...]]) -> None:
    wanted = [bars.timeframe for bars in frames[0]]
    for one in frames[1:]:
        found = [bars.timeframe for bars in one]
        if found != wanted:
            raise Misuse(
                f"{one[0].symbol} has bars of {', '.join(found)}, {frames[0][0].symbol} of {', '.join(wanted)}",
                remedy="give all instruments the same timeframes, e.g. with .resample(...)",
            )
