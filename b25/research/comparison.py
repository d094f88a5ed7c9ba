"""Two results held against each other: every metric that differs, and the first record in which the two runs part."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.analytics.card import GOOD, WARN, Card, Table
from b25.analytics.figures import metric_text
from b25.market.timerange import time_text

if TYPE_CHECKING:
    import polars as pl

    from b25.research.result import Backtest

STREAMS: Final = ("effects", "fills", "orders")
SHOWN: Final = (
    "net_profit", "total_return", "max_drawdown", "sharpe", "sortino", "fills", "fees", "maker_share", "trades", "win_rate",
    "turnover", "profit_bps",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first record in which two runs part.

    Attributes
    ----------
    stream : str
        ``effects``, ``fills`` or ``orders``.
    number : int
        Of the record, from 0.
    field : str
        The first field that differs; empty where one run has no such record.
    one, other : str
        Its values.
    time_ns : int or None
    """

    stream: str
    number: int
    field: str
    one: str
    other: str
    time_ns: int | None

    def __str__(self) -> str:
        when = "" if self.time_ns is None else f" at {time_text(self.time_ns)}"
        if not self.field:
            return f"record {self.number:,} of {self.stream}{when}: {self.one} against {self.other}"
        return f"record {self.number:,} of {self.stream}{when}: {self.field} {self.one} against {self.other}"


class Comparison:
    """Two results side by side.

    Parameters
    ----------
    one, other : Backtest
    """

    def __init__(self, one: Backtest, other: Backtest) -> None:
        self.one, self.other = one, other

    @property
    def same(self) -> bool:
        """Whether the two runs left equal records."""
        return self.divergence is None

    @cached_property
    def divergence(self) -> Divergence | None:
        """Where they part first; None where every effect, fill and order is the same."""
        found = [_first(name, getattr(self.one.outcome, name), getattr(self.other.outcome, name)) for name in STREAMS]
        known = [one for one in found if one is not None]
        return min(
            known, key=lambda one: (2**62 if one.time_ns is None else one.time_ns, STREAMS.index(one.stream)), default=None
        )

    @cached_property
    def table(self) -> pl.DataFrame:
        """Metrics of both and their difference: metric, one, other, difference; null where one is n/a."""
        import polars as pl

        names = [name for name in self.one.metrics if name in self.other.metrics]
        left, right = ([_value(run.metrics[name].value) for name in names] for run in (self.one, self.other))
        differences = [None if a is None or b is None else b - a for a, b in zip(left, right, strict=True)]
        return pl.DataFrame(
            {"metric": names, "one": left, "other": right, "difference": differences},
            schema={"metric": pl.String, "one": pl.Float64, "other": pl.Float64, "difference": pl.Float64},
        )

    @cached_property
    def changed(self) -> list[str]:
        """What was given otherwise: parameters, data, models."""
        told = []
        for name in sorted({*self.one.parameters, *self.other.parameters}):
            a, b = self.one.parameters.get(name), self.other.parameters.get(name)
            if a != b:
                told.append(f"{name}: {a} against {b}")
        for what, a, b in (
            ("strategy", self.one.name, self.other.name),
            ("data", *([d.hash[:16] for d in run.made.datasets] for run in (self.one, self.other))),
            ("assumptions", self.one.assumed, self.other.assumed),
        ):
            if a != b:
                told.append(f"{what} differ" if what == "assumptions" else f"{what}: {a} against {b}")
        return told

    def card(self) -> Card:
        """What is shown of it."""
        rows = []
        for name in (name for name in SHOWN if name in self.one.metrics and name in self.other.metrics):
            a, b = self.one.metrics[name], self.other.metrics[name]
            texts = [metric_text(one, currency=run.currency) for one, run in ((a, self.one), (b, self.other))]
            first, second = _value(a.value), _value(b.value)
            rows.append((a.title, *texts, None if first is None or second is None else second - first))
        parted = "the same in every effect, fill and order" if self.divergence is None else str(self.divergence)
        return Card(
            title=f"{self.one.name} against {self.other.name}",
            badges=(("equal records", GOOD),) if self.same else (("they differ", WARN),),
            facts=(("first divergence", parted), ("given otherwise", "; ".join(self.changed) or "nothing")),
            tables=(Table(heads=("metric", "one", "other", "difference"), rows=rows),),
            notes=(f"results {self.one.hash[:16]} and {self.other.hash[:16]}",),
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        card = self.card()
        return {"text/plain": card.text(), "text/html": card.html()}

    def __repr__(self) -> str:
        return self.card().text()


def compare(one: Backtest, other: Backtest) -> Comparison:
    """Hold two results against each other.

    Parameters
    ----------
    one, other : Backtest
        E.g. of two values of a parameter, or of two runs that should be the same.

    Returns
    -------
    Comparison
        `.same`, `.divergence`, `.table`, `.changed`.
    """
    return Comparison(one, other)


def _first(stream: str, one: np.ndarray, other: np.ndarray) -> Divergence | None:
    size = min(one.size, other.size)
    if one.dtype == other.dtype and size:
        left = np.ascontiguousarray(one[:size]).view(np.uint8).reshape(size, -1)
        right = np.ascontiguousarray(other[:size]).view(np.uint8).reshape(size, -1)
        differing = np.flatnonzero((left != right).any(axis=1))
        if differing.size:
            return _parted(stream, int(differing[0]), one, other)
    if one.size != other.size:
        rows = one if one.size > other.size else other
        told = [f"{one.size:,} records", f"{other.size:,}"]
        return Divergence(stream=stream, number=size, field="", one=told[0], other=told[1], time_ns=_time(rows, size))
    return None


def _parted(stream: str, number: int, one: np.ndarray, other: np.ndarray) -> Divergence:
    a, b = one[number], other[number]
    for name in one.dtype.names or ():
        if a[name].tobytes() != b[name].tobytes():
            return Divergence(
                stream=stream, number=number, field=name, one=str(a[name]), other=str(b[name]), time_ns=_time(one, number)
            )
    return Divergence(stream=stream, number=number, field="", one="a record", other="another", time_ns=_time(one, number))


def _time(rows: np.ndarray, number: int) -> int | None:
    names = rows.dtype.names or ()
    known = next((name for name in ("time_ns", "created_ns", "local_ns", "venue_ns") if name in names), None)
    return None if known is None else int(rows[known][number])


def _value(value: Any) -> float | None:
    if value is None or isinstance(value, str):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
