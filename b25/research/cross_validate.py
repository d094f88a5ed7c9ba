"""Combinatorial purged cross-validation of a choice of parameters: many out-of-sample pasts in place of one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from b25.analytics.metric import DAYS_PER_YEAR, all_equal
from b25.model.errors import Misuse
from b25.research.splits import Splits, combinatorial_purged
from b25.strategy.strategy import Strategy

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
POINTS_MAX = 10_000


@dataclass(frozen=True, eq=False, kw_only=True)
class CrossValidation:
    """What choosing the best of a grid would have brought on every path through the data.

    Attributes
    ----------
    name : str
    points : tuple of dict
        Parameters of each point of the grid.
    returns : ndarray of float64, shape (points, days)
        Daily returns of each.
    splits : Splits
    chosen : ndarray of int64, shape (splits,)
        Point with the best Sharpe on each split's training days.
    """

    name: str
    points: tuple[dict[str, Any], ...]
    returns: FloatArray
    splits: Splits
    chosen: npt.NDArray[np.int64]

    @cached_property
    def paths(self) -> FloatArray:
        """Sharpe of each path out of sample, annualised with 365 days; NaN where a path never moved."""
        bounds = self.splits.bounds
        out = []
        for path in self.splits.paths:
            days = [
                self.returns[self.chosen[split], bounds[group] : bounds[group + 1]] for group, split in enumerate(path.tolist())
            ]
            out.append(sharpe(np.concatenate(days)))
        return np.array(out)

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row a split: groups tested, parameters chosen, Sharpe in and out of sample."""
        import polars as pl

        rows = [self.points[point] for point in self.chosen.tolist()]
        inside = [sharpe(self.returns[point, part.train]) for point, part in zip(self.chosen, self.splits, strict=True)]
        outside = [sharpe(self.returns[point, part.test]) for point, part in zip(self.chosen, self.splits, strict=True)]
        return pl.DataFrame(
            {
                "groups": [", ".join(str(group) for group in part.groups) for part in self.splits],
                **{name: [row[name] for row in rows] for name in self.points[0]},
                "sharpe_train": inside,
                "sharpe_test": outside,
                "purged": [part.purged.size for part in self.splits],
                "embargoed": [part.embargoed.size for part in self.splits],
            }
        ).with_columns(pl.col("sharpe_train", "sharpe_test").fill_nan(None))

    @cached_property
    def summary(self) -> dict[str, float | int | None]:
        """Mean, spread and quantiles of the paths' Sharpe, share of paths below 0, and the mean in sample; None where n/a."""
        known = self.paths[np.isfinite(self.paths)]
        inside = self.table["sharpe_train"].drop_nulls()
        some = known.size > 0
        low, middle, high = np.quantile(known, (0.05, 0.5, 0.95)).tolist() if some else (None, None, None)
        return {
            "points": len(self.points),
            "splits": len(self.splits),
            "paths": int(self.paths.size),
            "sharpe_mean": float(known.mean()) if some else None,
            "sharpe_std": float(known.std(ddof=1)) if known.size > 1 else None,
            "sharpe_p05": low,
            "sharpe_median": middle,
            "sharpe_p95": high,
            "paths_lost": float(np.mean(known < 0)) if some else None,
            "sharpe_train_mean": float(inside.mean()) if inside.len() else None,  # type: ignore[arg-type]
        }

    def __repr__(self) -> str:
        return "\n".join([self._title(), *(f"  {name:<18} {text}" for name, text in self._lines())])

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>" for name, text in self._lines())
        return (
            '<div style="font-family:system-ui,sans-serif;color:inherit;line-height:1.4">'
            f'<div style="font-size:16px;font-weight:700">{escape(self._title())}</div>'
            f'<table style="text-align:left">{rows}</table></div>'
        )

    def _title(self) -> str:
        return f"{self.name}, combinatorial purged cross-validation"

    def _lines(self) -> list[tuple[str, str]]:
        found = self.summary
        return [(name, "n/a" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:.3g}") for name, v in found.items()]


def cross_validate(
    strategy: type[Strategy],
    data: Any,
    *,
    grid: Mapping[str, Sequence[Any]],
    groups: int = 6,
    test_groups: int = 2,
    embargo: float = 0.01,
    held_days: int = 1,
    progress: Callable[[str], None] | None = None,
    **options: Any,
) -> CrossValidation:
    """Choose the best of a grid on every combination of training blocks, and join what it made on the tested ones.

    Each point is run once over all of the data; its daily returns are then divided. Positions are carried over the borders of
    blocks, which is why days near a tested block are purged from training.

    Parameters
    ----------
    strategy : class of Strategy
    data : Bars, Dataset, or sequence of either
    grid : mapping of str to values
        Parameters to try, all combinations.
    groups, test_groups : int
        Blocks of days, and how many of them are tested at a time.
    embargo : int or float
        Days left out after each tested block; a float below 1 is a share of all days.
    held_days : int
        Days over which a position is held at most: so many before a tested block are purged from training.
    progress : callable, optional
        Called with what is being done.
    **options
        Further keywords of `backtest`, fixed parameters included.

    Returns
    -------
    CrossValidation

    Raises
    ------
    Misuse
        For an empty grid, a point that violates a bound, fewer days than blocks need, or a Sharpe that is not defined for a
        point on some training days: nothing is scored then.

    References
    ----------
    López de Prado, *Advances in Financial Machine Learning*, 12.4.
    """
    from b25.research.backtest import backtest

    points = _points(strategy, grid)
    rows: list[FloatArray] = []
    for number, point in enumerate(points, 1):
        if progress:
            progress(f"point {number} of {len(points)}")
        rows.append(backtest(strategy, data, **(options | point)).curve.daily().returns)
    returns = np.array(rows)
    days = returns.shape[1]
    if days < 2 * groups:
        raise Misuse(f"{days} days in {groups} blocks", remedy="give more data or fewer groups; a block needs two days at least")
    ends = np.minimum(np.arange(days) + max(held_days, 1) - 1, days - 1)
    splits = combinatorial_purged(days, groups, test_groups, ends, embargo)
    chosen = np.array([_best(points, returns[:, part.train], part.groups) for part in splits], np.int64)
    return CrossValidation(name=strategy.__name__, points=points, returns=returns, splits=splits, chosen=chosen)


def sharpe(returns: FloatArray) -> float:
    """Annualised Sharpe of daily returns, 365 days; NaN where it is not defined."""
    if returns.size < 2 or not np.all(np.isfinite(returns)) or all_equal(returns):
        return math.nan
    return float(np.mean(returns) / np.std(returns, ddof=1) * math.sqrt(DAYS_PER_YEAR))


def _points(cls: type[Strategy], grid: Mapping[str, Sequence[Any]]) -> tuple[dict[str, Any], ...]:
    names = list(grid)
    count = math.prod(len(grid[name]) for name in names)
    if not names or not 0 < count <= POINTS_MAX:
        raise Misuse(f"a grid of {count if names else 0:,} points", remedy=f"give 1 to {POINTS_MAX:,} points")
    points = tuple(dict(zip(names, values, strict=True)) for values in itertools.product(*(grid[name] for name in names)))
    for point in points:
        cls.record(point)
    return points


def _best(points: Sequence[dict[str, Any]], returns: FloatArray, groups: tuple[int, ...]) -> int:
    scores = [sharpe(row) for row in returns]
    for point, score in zip(points, scores, strict=True):
        if not math.isfinite(score):
            raise Misuse(
                f"the Sharpe of {point} is not defined on the {returns.shape[1]} days that are left when groups "
                f"{', '.join(map(str, groups))} are tested",
                remedy="leave out points that hardly trade, or give more data",
            )
    return int(np.argmax(scores))
