"""Bars of one instrument: what every backtest on bars reads. Integers inside, floats and frames at the border."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.kernels.resample import resample_bars
from b25.market.manifest import instrument_text
from b25.market.timeframe import Timeframe, base_and_larger, timeframe
from b25.market.timerange import length_text, time_ns, time_text, timerange
from b25.model.bar import BAR, BAR_VIEW, FUNDING_RATE
from b25.model.errors import Misuse
from b25.model.instrument import Instrument

if TYPE_CHECKING:
    import polars as pl

NO_FUNDING = np.zeros(0, FUNDING_RATE)
NO_FUNDING.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are not there.

    Attributes
    ----------
    start_ns, end_ns : int
        Open of the last bar before and of the first one after; between the two no other bar opens.
    missing : int
        How many bars would have opened between them.
    """

    start_ns: int
    end_ns: int
    missing: int

    @property
    def length_ns(self) -> int:
        """From open to open."""
        return self.end_ns - self.start_ns

    def __str__(self) -> str:
        bars = "1 bar" if self.missing == 1 else f"{self.missing:,} bars"
        return f"{time_text(self.start_ns)} to {time_text(self.end_ns)}: {length_text(self.length_ns)}, {bars} missing"


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """Bars of one instrument and one timeframe, with larger timeframes of the same instrument where they were asked for.

    Attributes
    ----------
    instrument : Instrument
        The grid of prices and quantities.
    timeframe : str
        ``"1m"`` … ``"1M"``; of information bars ``"100 ticks"``, ``"5 volume"``, ``"1000 dollar"``, ``"20 imbalance"``.
    frame_ns : int
        Length of a bar; 0 where it is not fixed.
    rows : ndarray of BAR, shape (n,)
        Complete bars, ascending, read-only. No bar opens before the one before it closes.
    volume : ndarray of float64, shape (n,)
        As the source has it; `rows` holds it in whole lots.
    funding : ndarray of FUNDING_RATE
        Ascending; may be empty.
    gaps : tuple of Gap
        Where bars are missing; they are never filled. Of a larger timeframe: the gaps of the bars it was made from.
    source : str
        Where they come from.
    larger : tuple of Bars
        Larger timeframes, ascending; a bar of these is visible from its close on.
    notes : tuple of str
        What reading them found that somebody should know, one sentence each.
    """

    instrument: Instrument
    timeframe: str
    frame_ns: int
    rows: np.ndarray
    volume: np.ndarray
    source: str
    funding: np.ndarray = field(default_factory=lambda: NO_FUNDING)
    gaps: tuple[Gap, ...] = ()
    larger: tuple[Bars, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.rows, self.volume, self.funding):
            array.flags.writeable = False
        if self.rows.dtype != BAR or self.funding.dtype != FUNDING_RATE or self.volume.shape != self.rows.shape:
            raise Misuse("these arrays are no bars", remedy="make bars with b25.bars(...)")
        if len(self.rows) == 0:
            raise Misuse(
                f"{self.symbol} {self.timeframe}: there is no complete bar in {self.source}",
                remedy="give a span that holds at least one bar whose close has passed",
            )

    @cached_property
    def hash(self) -> str:
        """Of instrument, timeframe, bars, volume and funding: equal hashes are equal data."""
        text = json.dumps([instrument_text(self.instrument), self.timeframe], sort_keys=True)
        digest = hashlib.sha256(text.encode())
        for array in (self.rows, self.volume, self.funding):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @property
    def venue(self) -> str:
        """Ccxt id of the venue."""
        return self.instrument.venue

    @property
    def symbol(self) -> str:
        """Ccxt unified symbol."""
        return self.instrument.symbol

    @property
    def start_ns(self) -> int:
        """Open of the first bar."""
        return int(self.rows["open_ns"][0])

    @property
    def end_ns(self) -> int:
        """Close of the last bar."""
        return int(self.rows["close_ns"][-1])

    @cached_property
    def clock_ns(self) -> np.ndarray:
        """When each bar is complete: ndarray of int64, contiguous, read-only."""
        found = np.ascontiguousarray(self.rows["close_ns"])
        found.flags.writeable = False
        return found

    @cached_property
    def view(self) -> np.ndarray:
        """The bars in quote and base units: ndarray of BAR_VIEW, read-only."""
        record = self.instrument.record()[0]
        found = np.empty(len(self.rows), BAR_VIEW)
        found["open_ns"], found["close_ns"], found["volume"] = self.rows["open_ns"], self.rows["close_ns"], self.volume
        for name in ("open", "high", "low", "close"):
            found[name] = self.rows[f"{name}_ticks"].astype(np.int64) * record["tick_num"] / record["tick_den"]
        bought = self.rows["buy_lots"]
        found["buy_volume"] = np.where(bought < 0, np.nan, bought * float(record["lot_num"]) / record["lot_den"])
        found.flags.writeable = False
        return found

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The bars as a polars frame: date (UTC, of the open), open, high, low, close, volume."""
        import polars as pl

        view = self.view
        columns: dict[str, Any] = {"date": pl.Series(view["open_ns"].copy()).cast(pl.Datetime("ns", "UTC"))}
        columns.update((name, view[name].copy()) for name in ("open", "high", "low", "close", "volume"))
        return pl.DataFrame(columns)

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, time: Any) -> int:
        """Return a time as ns of the epoch.

        Parameters
        ----------
        time : datetime, ISO text, int of ns, or float in [0, 1]
            A float is a share of the span; None is the end.
        """
        return self.end_ns if time is None else time_ns(time, start_ns=self.start_ns, end_ns=self.end_ns)

    def between(self, start: Any = None, end: Any = None) -> Bars:
        """Return the bars that open in `[start, end)`, with the larger bars and the funding of the same span.

        Parameters
        ----------
        start, end : see `at`
            None is unbounded. `start` alone may be a time range such as ``"20240101-20240201"``.
        """
        begin, stop = self._span(start, end)
        inside = slice(*np.searchsorted(self.rows["open_ns"], [begin, stop]).tolist())
        rows = self.rows[inside]
        if len(rows) == 0:
            raise Misuse(
                f"no bar of {self.symbol} {self.timeframe} opens between {time_text(begin)} and {time_text(stop)}",
                remedy=f"the bars span {time_text(self.start_ns)} to {time_text(self.end_ns)}",
            )
        first, last = int(rows["open_ns"][0]), int(rows["close_ns"][-1])
        times = self.funding["time_ns"]
        return replace(
            self,
            rows=rows,
            volume=self.volume[inside],
            funding=self.funding[(times >= begin) & (times < stop)],
            gaps=tuple(gap for gap in self.gaps if gap.start_ns >= first and gap.end_ns < last),
            larger=tuple(part for one in self.larger if (part := one._within(first, last)) is not None),
        )

    def resample(self, larger: str) -> Bars:
        """Return larger bars.

        A bar of these is made from what is there: where bars are missing, the gap stays reported. It is left out when the
        data begin inside it, and when they end before its close.

        Parameters
        ----------
        larger : str
            A timeframe that this one divides.
        """
        base, into = base_and_larger((self._time_frame().name, larger))
        opens = self.rows["open_ns"]
        border = into.open_of(self.start_ns)
        if border < self.start_ns:
            border = into.next_open(self.start_ns)
        skip = int(np.searchsorted(opens, border))
        rows, volume = np.zeros(len(opens) - skip, BAR), np.zeros(len(opens) - skip)
        count = resample_bars(
            self.rows[skip:], self.volume[skip:], into.frame_ns, into.offset_ns, into.months, self.end_ns, rows, volume
        )
        if count == 0:
            raise Misuse(
                f"{self.symbol}: the {base.name} bars from {time_text(self.start_ns)} to {time_text(self.end_ns)} hold no whole "
                f"bar of {into.name}",
                remedy="give more data or a smaller timeframe",
            )
        found = replace(
            self,
            timeframe=into.name,
            frame_ns=into.frame_ns,
            rows=rows[:count].copy(),
            volume=volume[:count].copy(),
            larger=(),
            notes=(*self.notes, *self._left_out(into, int(rows["open_ns"][0]), int(rows["close_ns"][count - 1]))),
        )
        return replace(found, gaps=tuple(g for g in self.gaps if g.end_ns > found.start_ns and g.start_ns < found.end_ns))

    def with_larger(self, *larger: str) -> Bars:
        """Return the same with larger timeframes beside it, e.g. ``with_larger("1h", "1d")``; they replace those it had."""
        names = [frame.name for frame in base_and_larger((self._time_frame().name, *larger))[1:]]
        return replace(self, larger=tuple(self.resample(name) for name in names))

    def with_funding(self, rates: np.ndarray) -> Bars:
        """Return the same with funding rates: ndarray of FUNDING_RATE, ascending."""
        if rates.dtype != FUNDING_RATE:
            raise Misuse("these are no funding rates", remedy="read them with b25.bars(..., funding=FILE)")
        if np.any(np.diff(rates["time_ns"]) <= 0):
            raise Misuse("the funding rates are not in order of time", remedy="sort them and remove repeated times")
        return replace(self, funding=rates.copy(), larger=tuple(replace(one, funding=rates.copy()) for one in self.larger))

    def _time_frame(self) -> Timeframe:
        if self.timeframe[-1:] not in "smhdwMy" or " " in self.timeframe:
            raise Misuse(
                f"bars of {self.timeframe} are no bars by time, and no timeframe is made of them",
                remedy="make both from the trades",
            )
        return timeframe(self.timeframe)

    def _span(self, start: Any, end: Any) -> tuple[int, int]:
        if isinstance(start, str) and end is None and _is_range(start):
            span = timerange(start)
            start, end = span.start_ns, span.end_ns
        begin = self.start_ns if start is None else self.at(start)
        stop = self.end_ns if end is None else self.at(end)
        if stop <= begin:
            raise Misuse(
                f"the span from {time_text(begin)} to {time_text(stop)} is empty",
                remedy=f"the bars span {time_text(self.start_ns)} to {time_text(self.end_ns)}",
            )
        return begin, stop

    def _within(self, start_ns: int, end_ns: int) -> Bars | None:
        inside = (self.rows["open_ns"] >= start_ns) & (self.rows["close_ns"] <= end_ns)
        if not inside.any():
            return None
        times = self.funding["time_ns"]
        return replace(
            self,
            rows=self.rows[inside],
            volume=self.volume[inside],
            funding=self.funding[(times >= start_ns) & (times < end_ns)],
            gaps=tuple(gap for gap in self.gaps if gap.start_ns >= start_ns and gap.end_ns < end_ns),
        )

    def _left_out(self, into: Timeframe, first_ns: int, last_ns: int) -> list[str]:
        notes = []
        if first_ns > self.start_ns:
            notes.append(
                f"the first bar of {into.name} is left out, since the data begin inside it, at {time_text(self.start_ns)}; "
                f"the first one opens at {time_text(first_ns)}"
            )
        if last_ns < self.end_ns:
            notes.append(
                f"the last bar of {into.name} is left out, since the data end before its close, at {time_text(self.end_ns)}"
            )
        return notes

    def __repr__(self) -> str:
        longest = max(self.gaps, key=lambda gap: gap.length_ns, default=None)
        gaps = f"{len(self.gaps)} gaps, the longest {longest}" if longest else "no gap"
        larger = f", with {', '.join(one.timeframe for one in self.larger)}" if self.larger else ""
        return (
            f"Bars({self.symbol} on {self.venue}: {len(self):,} x {self.timeframe}{larger} from {time_text(self.start_ns)} "
            f"to {time_text(self.end_ns)}, {gaps})"
        )


def find_gaps(rows: np.ndarray, frame: Timeframe) -> tuple[Gap, ...]:
    """Places where a bar does not open when the one before it closes."""
    places = np.flatnonzero(rows["open_ns"][1:] > rows["close_ns"][:-1])
    starts, ends = rows["open_ns"][places].tolist(), rows["open_ns"][places + 1].tolist()
    return tuple(Gap(a, b, len(frame.opens(a, b)) - 1) for a, b in zip(starts, ends, strict=True))


def _is_range(text: str) -> bool:
    return ".." in text or (text.strip().replace("-", "", 1).isdigit() and "-" in text)
