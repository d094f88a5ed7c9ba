"""The same run again on less data: up to an earlier end, or from a later start. What every bias check is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from b25.research.dataset import Dataset
from b25.strategy.strategy import Strategy

NS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, eq=False)
class Reruns:
    """Runs of one strategy with one set of options, on parts of the data.

    Parameters
    ----------
    strategy : class or instance of Strategy
    data : list of Bars or Dataset
    options : dict
        Keywords of `backtest`, parameters included.
    known : Backtest, optional
        The run on all of the data, where there is one already.
    steps_max : int
        How much of the clock is looked at: ends within the first steps, starts within the last.
    """

    strategy: type[Strategy] | Strategy
    data: list[Any]
    options: dict[str, Any]
    known: Any = field(default=None, repr=False)
    steps_max: int = 2**62

    @property
    def cls(self) -> type[Strategy]:
        """The class."""
        return self.strategy if isinstance(self.strategy, type) else type(self.strategy)

    @property
    def on_bars(self) -> bool:
        """True for bars, False for recorded messages."""
        return not isinstance(self.data[0], Dataset)

    @cached_property
    def whole(self) -> Any:
        """The run on all of the data."""
        return self.known if self.known is not None else self.run(self.data)

    @cached_property
    def span_ns(self) -> tuple[int, int]:
        """First and last moment of the run."""
        first = self.data[0]
        start, end = self.options.get("start"), self.options.get("end")
        start_ns = first.at(start) if start is not None else min(int(d.start_ns) for d in self.data)
        end_ns = first.at(end) if end is not None else max(int(d.end_ns) for d in self.data)
        return start_ns, end_ns

    @cached_property
    def clock(self) -> np.ndarray[Any, Any]:
        """Moments at which the data may be cut, in order: closes of all bars, or whole seconds since the start."""
        start_ns, end_ns = self.span_ns
        if not self.on_bars:
            return start_ns + NS_PER_SECOND * np.arange(1, (end_ns - start_ns) // NS_PER_SECOND + 1, dtype=np.int64)
        closes: np.ndarray[Any, Any] = self.data[0].rows["close_ns"]
        if len(self.data) > 1:
            closes = np.unique(np.concatenate([d.rows["close_ns"] for d in self.data]))
        inside: np.ndarray[Any, Any] = closes[(closes > start_ns) & (closes <= end_ns)]
        return inside

    @property
    def unit(self) -> str:
        """What one step of the clock is called."""
        return "bars" if self.on_bars else "s"

    def run(self, data: Sequence[Any], **other: Any) -> Any:
        """Run with the same options, save for those given."""
        from b25.research.backtest import backtest

        given = list(data)
        return backtest(self.strategy, given if len(given) > 1 else given[0], **(self.options | other))

    def until(self, end_ns: int, **other: Any) -> Any:
        """Run on what was there until `end_ns`: bars that closed by then, messages that arrived by then.

        None when a larger timeframe has no complete bar by then.
        """
        if not self.on_bars:
            return self.run(self.data, end=end_ns, **other)
        parts = [d.between(None, end_ns) for d in self.data if int(d.rows["open_ns"][0]) < end_ns]
        whole = len(parts) == len(self.data) and all(
            len(a.larger) == len(b.larger) for a, b in zip(parts, self.data, strict=True)
        )
        return self.run(parts, **({"end": None} | other)) if whole else None

    def seen_until(self, end_ns: int, **other: Any) -> Any:
        """Run to the same end with all of the data at hand, as a strategy that looks ahead would have it."""
        return self.run(self.data, end=end_ns, **other)

    def since(self, start_ns: int) -> Any:
        """Run from a later start, with the bars before it that the options ask for as warm-up and no others."""
        warm = {"warmup": self.options.get("warmup") or 0} if self.on_bars else {}
        return self.run(self.data, start=start_ns, **warm)


def cuts(clock: np.ndarray[Any, Any], count: int) -> list[int]:
    """`count` moments spread over the clock, the same every time, none at its very end."""
    if clock.size < 3:
        return []
    # Irrational steps: cuts that are whole shares of the data would all fall on one hour of the day.
    shares = (np.arange(1, count + 1) - 0.381966) / count
    rows = np.unique(np.clip((shares * clock.size).astype(np.int64), 0, clock.size - 2))
    return [int(clock[row]) for row in rows]
