"""Adds up the numbers of events by bucket and by whom they are about: counts, sums and exact percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from b25.analytics.events.buckets import INTERVALS
from b25.analytics.events.measures import measures

DIMENSIONS: Final = ("all", "account", "session", "strategy", "symbol")
FIGURES: Final = ("count", "sum", "mean", "min", "max", "p50", "p95", "p99")
COLUMNS: Final = ("time_ns", "name", "account", "session", "strategy", "symbol", "value")
SCHEMA: Final[dict[str, Any]] = {
    "time_ns": pl.Int64, "name": pl.String, "account": pl.String, "session": pl.String, "strategy": pl.String,
    "symbol": pl.String, "value": pl.Float64,
}  # fmt: skip


@dataclass(slots=True)
class Numbers:
    """Numbers of many events, collected in columns."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def add(
        self, kind: str, time_ns: int, properties: Mapping[str, Any], *, account: str, session: str, strategy: str, symbol: str
    ) -> None:
        """Add the numbers of one event."""
        told = (account, session, strategy, symbol)
        for name, value in measures(kind, properties).items():
            for column, held in zip(self.columns.values(), (time_ns, name, *told, value), strict=True):
                column.append(held)

    def frame(self) -> pl.DataFrame:
        """Return them, one row a number."""
        return pl.DataFrame(self.columns, schema=SCHEMA)


def aggregates(numbers: pl.DataFrame, interval: str, opens: Iterable[int]) -> list[dict[str, Any]]:
    """Add up the buckets of one length.

    Parameters
    ----------
    numbers : DataFrame
        As made by `Numbers`; every number of the wanted buckets, and any others.
    interval : str
    opens : iterable of int
        When the wanted buckets open.

    Returns
    -------
    list of dict
        ``open_ns, name, dimension, member`` and `FIGURES`. Percentiles are interpolated linearly. An empty member (an event
        that is about no strategy) has no row of its own, but is in that of "all".
    """
    if not numbers.height:
        return []
    span = INTERVALS[interval]
    wanted = pl.Series("open_ns", sorted(opens), pl.Int64)
    rows = numbers.with_columns((pl.col("time_ns").floordiv(span) * span).alias("open_ns"))
    rows = rows.filter(pl.col("open_ns").is_in(wanted.implode()))
    value = pl.col("value")
    figures = [
        pl.len().cast(pl.Int64).alias("count"), value.sum().alias("sum"), value.mean().alias("mean"), value.min().alias("min"),
        value.max().alias("max"), *(value.quantile(share, "linear").alias(f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)),
    ]  # fmt: skip
    found = []
    for dimension in DIMENSIONS:
        some = rows if dimension == "all" else rows.filter(pl.col(dimension) != "")
        member = pl.lit("") if dimension == "all" else pl.col(dimension)
        grouped = some.group_by("open_ns", "name", member.alias("member")).agg(figures)
        found.append(grouped.with_columns(pl.lit(dimension).alias("dimension")))
    return pl.concat(found).sort("open_ns", "name", "dimension", "member").to_dicts()


def plain(values: np.ndarray) -> dict[str, float]:
    """The same figures of one bucket's numbers, the obvious way.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        At least one.
    """
    figures = {"count": float(values.size), "sum": float(values.sum()), "mean": float(values.mean())}
    figures |= {"min": float(values.min()), "max": float(values.max())}
    return figures | {f"p{share}": float(np.percentile(values, share)) for share in (50, 95, 99)}
