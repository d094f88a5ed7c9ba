"""Bars of a live session, built from its trades by the kernel that builds those of `b25.bars`, and the events that tell them.

A bar by time is complete when a trade at or after its close has come, or when the close and a grace have passed by the clock; a
bar of another rule is complete with its last trade. The bars of all instruments that close at one border are told at one moment,
larger ones with them, in order of time. Where trades may have been missed, nothing that was built from them is told: the bars of
that span are wanted from the venue's own history, and everything later waits for them.

Nothing here has a clock: the time comes with each call.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from b25.market.bar_rule import EXAMPLES, BarRule, bar_rule
from b25.market.timeframe import Timeframe, base_and_larger, declared_in, timeframe
from b25.market.trade_bars import BarBuilder
from b25.model.bar import BAR
from b25.model.errors import Misuse
from b25.model.event import BAR as BAR_EVENT
from b25.model.event import EVENT, LAST_OF_MESSAGE, MARK
from b25.model.instrument import Instrument
from b25.strategy.strategy import Strategy

NEVER_NS: Final = 2**62
NOTHING_NS: Final = -1  # before the first bar of which anything is known


@dataclass(frozen=True, slots=True)
class BarFrames:
    """What a session on bars runs on.

    Attributes
    ----------
    base : Timeframe or BarRule
        The bars that `on_bar` is called for.
    larger : tuple of Timeframe
        Larger ones beside them, ascending.
    """

    base: Timeframe | BarRule
    larger: tuple[Timeframe, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """As `b25.bars` takes them."""
        return (self.base.name, *(frame.name for frame in self.larger))

    @property
    def count(self) -> int:
        """How many timeframes there are."""
        return 1 + len(self.larger)

    @property
    def timed(self) -> Timeframe | None:
        """The base, where it is one of time."""
        return self.base if isinstance(self.base, Timeframe) else None

    def since_ns(self, until_ns: int, count: int) -> int:
        """Open of the first of `count` bars before a border; earlier where a larger bar would begin inside them."""
        assert isinstance(self.base, Timeframe)
        at_ns = self.base.open_of(until_ns)
        for _ in range(count if self.base.months else 0):
            at_ns = self.base.open_of(at_ns - 1)
        at_ns -= count * self.base.frame_ns
        return min([at_ns, *(frame.open_of(at_ns) for frame in self.larger)])


def frames_of(cls: type[Strategy], text: str = "") -> BarFrames:
    """What a class runs on: as it declares by `b25.bars("5m", "1h")` in its body, or as it is told.

    Parameters
    ----------
    cls : type of Strategy
    text : str
        A timeframe such as ``"1m"``, or a rule such as ``"100 ticks"``; empty leaves it to the class.

    Raises
    ------
    Misuse
        When both say nothing, or one thing each.
    """
    declared = declared_in(cls)
    if declared is not None:
        if text and text != declared.names[0]:
            raise Misuse(f"{cls.__name__} runs on bars of {declared.names[0]}, not of {text}", remedy="leave out the timeframe")
        base, *larger = base_and_larger(declared.names)
        return BarFrames(base, tuple(larger))
    if not text:
        raise Misuse(
            f"{cls.__name__} runs on bars, and nothing says which", remedy=f"give a timeframe such as 1m, or one of {EXAMPLES}"
        )
    rule = bar_rule(text)
    return BarFrames(timeframe(text) if rule is None else rule)


@dataclass(frozen=True, slots=True)
class Moment:
    """What becomes known at once: EVENT rows, and the time that they are of."""

    at_ns: int
    events: np.ndarray[Any, Any]


class Larger:
    """One larger timeframe of one instrument, gathered from the smaller bars as `Bars.resample` does."""

    def __init__(self, frame: Timeframe) -> None:
        self.frame = frame
        self.start_ns = NOTHING_NS
        self.open: np.ndarray[Any, Any] | None = None

    def add(self, row: Any) -> None:
        """Take a smaller bar. The data begin with the first one: a larger bar that began before is left out."""
        open_ns = int(row["open_ns"])
        if self.start_ns == NOTHING_NS:
            border = self.frame.open_of(open_ns)
            self.start_ns = border if border == open_ns else self.frame.next_open(open_ns)
        if open_ns < self.start_ns:
            return
        if self.open is None:
            self.open = np.array([row], BAR)
            self.open["open_ns"], self.open["close_ns"] = self.frame.open_of(open_ns), self.frame.next_open(open_ns)
            return
        into = self.open[0]
        into["high_ticks"] = max(into["high_ticks"], row["high_ticks"])
        into["low_ticks"] = min(into["low_ticks"], row["low_ticks"])
        into["close_ticks"] = row["close_ticks"]
        into["volume_lots"] += row["volume_lots"]
        known = into["buy_lots"] >= 0 and row["buy_lots"] >= 0
        into["buy_lots"] = into["buy_lots"] + row["buy_lots"] if known else -1

    def complete(self, at_ns: int) -> list[Any]:
        """Return the open bar if it closes by then: none or one."""
        if self.open is None or int(self.open[0]["close_ns"]) > at_ns:
            return []
        done, self.open = self.open[0], None
        return [done]


class LiveBars:
    """Bars of all instruments of a session.

    Parameters
    ----------
    instruments : sequence of Instrument
    frames : BarFrames
    grace_ns : int
        How long after a border its trades may still come.

    Attributes
    ----------
    known_ns : list of int
        Up to here the bars of each instrument are settled.
    whole_ns : list of int
        From this border on each instrument's trades are all there; NEVER_NS while they are not.
    built : deque of (int, BAR record)
        Bars that were built from trades, for whoever checks them.
    late : int
        Trades that came after their bar was told: they are in none.
    """

    def __init__(self, instruments: Sequence[Instrument], frames: BarFrames, *, grace_ns: int) -> None:
        if frames.timed is None and len(instruments) > 1:
            raise Misuse(
                f"bars of {frames.base.name} of several instruments close at different times",
                remedy="run each instrument in a session of its own, or on bars by time",
            )
        self.frames, self.grace_ns = frames, grace_ns
        count = len(instruments)
        self.builders = [BarBuilder(frames.base, one) for one in instruments]
        self.known_ns, self.whole_ns = [NOTHING_NS] * count, [NEVER_NS] * count
        self.built: deque[tuple[int, Any]] = deque(maxlen=1_000)
        self.late = 0
        self._passed_ns = [NOTHING_NS] * count  # up to here the stream has told everything
        self._settled: list[deque[Any]] = [deque() for _ in instruments]
        self._larger = [[Larger(frame) for frame in frames.larger] for _ in instruments]
        self._marks: deque[tuple[int, int, int]] = deque()
        self._lag_ns = NEVER_NS  # smallest difference between our clock and the venue's times

    # What comes in.

    def trades(self, i: int, rows: np.ndarray[Any, Any]) -> None:
        """Take trades (ROW) of an instrument as they come."""
        if not len(rows):
            return
        self._lag_ns = min(self._lag_ns, int((rows["recv_ns"] - rows["exch_ns"]).min()))
        timed = self.frames.timed
        times = rows["exch_ns"]
        if self.whole_ns[i] == NEVER_NS:
            first_ns = int(times[0])
            self.synced(i, first_ns)
        is_late = times < self._passed_ns[i]
        self.late += int(is_late.sum())
        keep = ~is_late & (times >= self.whole_ns[i])
        if not keep.any():
            return
        builder = self.builders[i]
        state = builder.state[0]
        # Out of order within a bar: the order of coming is all that its extremes and its close can go by.
        times = np.maximum.accumulate(np.maximum(times[keep], state["last_ns"]))
        rows = rows[keep]
        was = (int(state["trades"]) > 0, int(state["open_ns"]))
        made = builder.add(
            np.ascontiguousarray(times),
            rows["price_ticks"].astype(np.int64),
            np.ascontiguousarray(rows["qty_lots"]),
            np.ascontiguousarray(rows["side"]),
        )
        self._settle_built(i, made)
        if state["trades"] > 0 and (True, int(state["open_ns"])) != was:
            self._marks.append((int(state["open_ns"]), i, int(state["open_ticks"])))
        if timed is not None:
            self._pass(i, int(timed.open_of(int(times[-1]))))

    def synced(self, i: int, at_ns: int) -> None:
        """From a time on every trade of an instrument comes: its bars are whole from the next border on."""
        if self.whole_ns[i] != NEVER_NS:
            return
        timed = self.frames.timed
        self.whole_ns[i] = at_ns if timed is None else timed.next_open(max(at_ns, self.known_ns[i]))
        if timed is None or self.known_ns[i] == NOTHING_NS:
            self.known_ns[i] = self.whole_ns[i]

    def lost(self, i: int) -> None:
        """Trades of an instrument may be missed from now on: the bar that is open is not built on."""
        self.whole_ns[i] = NEVER_NS
        self.builders[i].state["trades"] = 0
        self._passed_ns[i] = self.known_ns[i]
        self._marks = deque(mark for mark in self._marks if mark[1] != i)
        self._settled[i] = deque(
            row for row in self._settled[i] if self.frames.timed is None or row["close_ns"] <= self.known_ns[i]
        )

    def pass_time(self, now_ns: int) -> None:
        """Close what is to be closed by the clock."""
        timed = self.frames.timed
        if timed is None or self._lag_ns == NEVER_NS:
            return
        border = int(timed.open_of(now_ns - self._lag_ns - self.grace_ns))
        for i, builder in enumerate(self.builders):
            if self.whole_ns[i] <= border:
                self._settle_built(i, builder.finish(border))
                self._pass(i, border)

    def fill(self, i: int, rows: np.ndarray[Any, Any], until_ns: int) -> None:
        """Take the venue's own bars (BAR) of an instrument, all that close after what is known and by a border."""
        after = [row for row in self._settled[i] if row["open_ns"] >= until_ns]
        before = [row for row in self._settled[i] if row["close_ns"] <= self.known_ns[i]]
        inside = [row for row in rows if row["open_ns"] >= self.known_ns[i] and row["close_ns"] <= until_ns]
        self._settled[i] = deque([*before, *inside, *after])
        self.known_ns[i] = max(self.known_ns[i], until_ns)
        self._advance(i)

    def recall(self, i: int, rows: np.ndarray[Any, Any], until_ns: int) -> None:
        """Go on after bars (BAR) that were told by an earlier life: only the larger bars that they have begun still want them."""
        for row in rows[rows["close_ns"] <= until_ns] if len(rows) else ():
            for larger in self._larger[i]:
                larger.complete(int(row["open_ns"]))
                larger.add(row)
                larger.complete(int(row["close_ns"]))
        self.known_ns[i] = until_ns

    # What is wanted, and what goes out.

    def wants(self) -> list[tuple[int, int, int]]:
        """Instruments whose own trades do not tell all their bars: (instrument, since, until), borders in ns."""
        return [
            (i, self.known_ns[i], self.whole_ns[i])
            for i in range(len(self.builders))
            if self.known_ns[i] < self.whole_ns[i] <= self._passed_ns[i]
        ]

    def moments(self) -> list[Moment]:
        """Return what can be told now, in order; it is not told again."""
        found: list[Moment] = []
        until_ns = NEVER_NS if self.frames.timed is None else min(self.known_ns)
        while True:
            close_ns = min((int(rows[0]["close_ns"]) for rows in self._settled if rows), default=NEVER_NS)
            ends = close_ns > until_ns or close_ns == NEVER_NS
            while self._marks and (self._marks[0][0] < close_ns if not ends else self._marks[0][0] <= until_ns):
                at_ns, i, ticks = self._marks.popleft()
                found.append(Moment(at_ns, mark_event(i, ticks, at_ns)))
            if ends:
                return found
            found.append(Moment(close_ns, self._moment(close_ns)))

    def _moment(self, close_ns: int) -> np.ndarray[Any, Any]:
        events = []
        for i, rows in enumerate(self._settled):
            row = rows.popleft() if rows and int(rows[0]["close_ns"]) == close_ns else None
            if row is not None:
                events.append(bar_event(i, 0, row, close_ns))
            for frame, larger in enumerate(self._larger[i], 1):
                done = []
                if row is not None:
                    done = larger.complete(int(row["open_ns"]))
                    larger.add(row)
                done += larger.complete(close_ns)
                events += [bar_event(i, frame, one, close_ns) for one in done]
        events[-1]["flags"] = LAST_OF_MESSAGE
        return np.concatenate(events)

    def _settle_built(self, i: int, made: np.ndarray[Any, Any]) -> None:
        for row in made:
            self._settled[i].append(row)
            self.built.append((i, row))

    def _pass(self, i: int, border_ns: int) -> None:
        self._passed_ns[i] = max(self._passed_ns[i], border_ns)
        self._advance(i)

    def _advance(self, i: int) -> None:
        if self.known_ns[i] >= self.whole_ns[i]:
            self.known_ns[i] = max(self.known_ns[i], self._passed_ns[i])


def bar_event(i: int, frame: int, row: Any, local_ns: int) -> np.ndarray[Any, Any]:
    """Return a bar as an event; see engine/apply_bar.py."""
    event = np.zeros(1, EVENT)
    event["kind"], event["instrument"], event["status"] = BAR_EVENT, i, frame
    event["exch_ns"], event["seq"], event["local_ns"] = row["open_ns"], row["close_ns"], local_ns
    event["price_ticks"] = (int(row["open_ticks"]) << 32) | int(row["close_ticks"])
    event["amount"] = (int(row["high_ticks"]) << 32) | int(row["low_ticks"])
    event["qty_lots"], event["order_id"] = row["volume_lots"], row["buy_lots"]
    return event


def mark_event(i: int, price_ticks: int, local_ns: int) -> np.ndarray[Any, Any]:
    """Return the event of a price between two closes."""
    event = np.zeros(1, EVENT)
    event["kind"], event["instrument"], event["price_ticks"] = MARK, i, price_ticks
    event["exch_ns"] = event["local_ns"] = local_ns
    return event


def priced(events: np.ndarray[Any, Any], filled: int) -> np.ndarray[Any, Any]:
    """Return events with each fill's price told before it, as the simulated venue on bars has it.

    Parameters
    ----------
    events : ndarray of EVENT
    filled : int
        The kind of event that is a fill.
    """
    if not (events["kind"] == filled).any():
        return events
    parts = []
    for k in range(len(events)):
        event = events[k : k + 1]
        if event[0]["kind"] == filled:
            parts.append(mark_event(int(event[0]["instrument"]), int(event[0]["price_ticks"]), int(event[0]["local_ns"])))
        parts.append(event)
    return np.concatenate(parts)
