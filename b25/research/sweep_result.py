"""What a sweep found: a table of its points, the best of them, a heat map, and how much of it may be chance."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.model.errors import Misuse
from b25.research.bar_backtest import BarPlan, run_plan
from b25.research.point_table import COUNTS, FIGURES, daily_sharpe, figures
from b25.research.result import Backtest
from b25.research.space import Points
from b25.research.tick_sweep import TickPlan

if TYPE_CHECKING:
    import polars as pl

    from b25.analytics.heatmap import ParameterGrid
    from b25.analytics.overfitting import Overfitting
    from b25.analytics.palette import Theme

ROWS_SHOWN = 10


class Sweep:
    """A finished sweep.

    Attributes
    ----------
    table : polars.DataFrame
        One row a point: its number, parameters, and figures; null where a figure is undefined.
    best : dict
        Parameters of the best point.
    blocks : ndarray of float64, shape (points, 16, 3)
        Count, sum and sum of squares of the bar returns in even blocks of time.
    """

    def __init__(
        self,
        plan: BarPlan | TickPlan,
        fixed: dict[str, Any],
        points: Points,
        results: np.ndarray,
        *,
        objective: str,
        maximize: bool,
        logged: bool = True,
    ) -> None:
        self.plan, self.fixed, self.points, self.results = plan, fixed, points, results
        self.objective, self.maximize = objective, maximize
        self.columns = points.columns(0, points.size)
        if logged:
            self._count_trials()

    def __len__(self) -> int:
        return int(self.results.size)

    @property
    def name(self) -> str:
        """Name of the strategy."""
        return self.plan.cls.__name__

    @property
    def parameters(self) -> list[str]:
        """Names of the parameters that were searched."""
        return list(self.columns)

    @property
    def datasets(self) -> tuple[Any, ...]:
        """What it was run on."""
        return self.plan.data if isinstance(self.plan, TickPlan) else self.plan.bars

    @cached_property
    def figures(self) -> dict[str, np.ndarray]:
        """Columns of the table that are figures; NaN where one is undefined."""
        return figures(self.results)

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row a point."""
        import polars as pl

        data: dict[str, Any] = {"point": np.arange(len(self)), **self.columns}
        for name in FIGURES:
            column = self.figures[name]
            data[name] = pl.Series(column) if name in COUNTS else pl.Series(column).fill_nan(None)
        ends = {0: "ok", -1: "raised"}
        data["status"] = [ends.get(status, "halted") for status in self.results["status"].tolist()]
        return pl.DataFrame(data)

    @cached_property
    def best_point(self) -> int:
        """Number of the best point; the first of equals.

        Raises
        ------
        Misuse
            When the objective is undefined at every point.
        """
        values = self.figures[self.objective].astype(np.float64)
        if not np.isfinite(values).any():
            raise Misuse(
                f"{self.name}: {self.objective} is undefined at every point", remedy="take another objective, or more data"
            )
        return int(np.nanargmax(values if self.maximize else -values))

    @property
    def best(self) -> dict[str, Any]:
        """Parameters of the best point."""
        return self.parameters_of(self.best_point)

    @property
    def best_row(self) -> dict[str, Any]:
        """The best point's row of the table."""
        return self.table.row(self.best_point, named=True)

    def parameters_of(self, point: int) -> dict[str, Any]:
        """Searched parameters of a point."""
        return {name: column[point].item() for name, column in self.columns.items()}

    @property
    def blocks(self) -> np.ndarray:
        """Block sums of every point, for cross-validation of the choice."""
        blocks: np.ndarray = self.results["blocks"]
        return blocks

    @cached_property
    def overfitting(self) -> Overfitting:
        """Probability that the best point is the best by chance (PBO), by combinatorially symmetric cross-validation."""
        from b25.analytics.overfitting import overfitting

        return overfitting(self.blocks[self.results["status"] == 0])

    def backtest(self, point: int | None = None, **params: Any) -> Backtest:
        """Run one point again with its full record.

        Parameters
        ----------
        point : int, optional
            Number of the point; the best by default.
        **params
            Parameters in place of the point's.
        """
        number = self.best_point if point is None else point
        if not 0 <= number < len(self):
            raise Misuse(f"there is no point {number!r}", remedy=f"the points are 0 to {len(self) - 1}")
        given = {**self.fixed, **self.parameters_of(number), **params}
        if isinstance(self.plan, TickPlan):
            from b25.research.backtest import backtest

            return backtest(self.plan.cls, self.plan.data, **self.plan.how, **given)
        result = run_plan(self.plan, given)
        result.blocks = self.blocks[self.results["status"] == 0]
        return result

    @cached_property
    def hash(self) -> str:
        """Equal for equal sweeps, on this machine and on a cluster."""
        from b25.research.sweep import plan_key

        digest = hashlib.sha256(f"{plan_key(self.plan)}{sorted(self.fixed.items())}{self.objective}{self.maximize}".encode())
        for name, column in self.columns.items():
            digest.update(name.encode() + column.tobytes())
        digest.update(self.results.tobytes())
        return digest.hexdigest()

    def grid_of(self, x: str, y: str, value: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values over two parameters: of all points that share a cell the best one's.

        Parameters
        ----------
        x, y : str
            Searched parameters.
        value : str, optional
            Figure; the objective by default.

        Returns
        -------
        (xs, ys, z)
            Ascending values of both, and z of shape (len(ys), len(xs)); NaN where there is no point or no figure.
        """
        shown = value or self.objective
        if shown not in FIGURES:
            raise Misuse(f"there is no figure {shown!r}", remedy=f"use one of {', '.join(FIGURES)}")
        for name in (x, y):
            if name not in self.columns:
                raise Misuse(f"{name!r} was not searched", remedy=f"use two of {', '.join(self.columns)}")
        xs, at_x = np.unique(self.columns[x], return_inverse=True)
        ys, at_y = np.unique(self.columns[y], return_inverse=True)
        z = np.full((ys.size, xs.size), np.nan)
        values = self.figures[shown].astype(np.float64)
        ranked = self.figures[self.objective].astype(np.float64) * (1 if self.maximize else -1)
        order = np.argsort(np.where(np.isnan(ranked), -np.inf, ranked), kind="stable")
        z[at_y[order], at_x[order]] = values[order]
        return xs, ys, z

    def heatmap(self, x: str | None = None, y: str | None = None, value: str | None = None, *, theme: Theme = "light") -> Any:
        """Draw a figure over two of the searched parameters; the first two and the objective by default."""
        from b25.analytics.interactive import interactive_heatmap

        names = self.parameters
        if x is None or y is None:
            if len(names) < 2:
                raise Misuse("a heat map needs two searched parameters", remedy="search two, or look at .table")
            x, y = x or names[0], y or next(n for n in names if n != (x or names[0]))
        return interactive_heatmap(self.parameter_grid(x, y, value), title=f"{self.name}: {value or self.objective}", theme=theme)

    def parameter_grid(self, x: str, y: str, value: str | None = None) -> ParameterGrid:
        """The values of `grid_of` as pictures and tear sheets take them."""
        from b25.analytics.heatmap import ParameterGrid

        xs, ys, z = self.grid_of(x, y, value)
        lower = not self.maximize and value in (None, self.objective)
        shown = value or self.objective
        return ParameterGrid(x_name=x, y_name=y, x=xs.tolist(), y=ys.tolist(), z=z, objective=shown, lower_is_better=lower)

    def _count_trials(self) -> None:
        from b25.research.trials import Trial, data_key, log_trials, trial_key
        from b25.strategy.source_key import behaviour_key

        behaviour = behaviour_key(self.plan.cls)
        models = _models_of(self.plan)
        ratios = daily_sharpe(self.results).tolist()
        names = list(self.columns)
        rows = zip(*(self.columns[name].tolist() for name in names), strict=True)
        full = {name: param.default for name, param in self.plan.cls.params.items()} | self.fixed
        trials = (
            Trial(trial_key(behaviour, full | dict(zip(names, row, strict=True)), models), ratio if ratio == ratio else None)
            for row, ratio in zip(rows, ratios, strict=True)
        )
        self.trials = log_trials(data_key([d.hash for d in self.datasets]), trials, what=f"sweep of {self.name}")

    def __repr__(self) -> str:
        spans = ", ".join(f"{name} {_span(column)}" for name, column in self.columns.items())
        head = f"Sweep of {self.name}: {len(self):,} points of {spans}"
        defined = np.isfinite(self.figures[self.objective].astype(np.float64)).any()
        best = _said(self.best) if defined else "n/a (it is undefined at every point)"
        return f"{head}\n  best by {self.objective}: {best}\n{self._top()}\n  {self.verdict}"

    @cached_property
    def verdict(self) -> str:
        """One sentence on how far the best point can be trusted."""
        from b25.analytics.overfitting import overfitting_fault

        sums = self.blocks[self.results["status"] == 0]
        if fault := overfitting_fault(sums):
            return f"probability of overfitting: n/a ({fault})"
        found = self.overfitting
        return (
            f"probability of overfitting {found.probability:.0%}: in so many of {found.logits.size:,} halves of the data the "
            f"winner of one half is below the middle in the other"
        )

    def _top(self) -> str:
        import polars as pl

        shown = list(dict.fromkeys([*self.parameters, self.objective, "total_return", "max_drawdown", "trades"]))
        table = self.table.select(shown).sort(self.objective, descending=self.maximize, nulls_last=True)
        with pl.Config(tbl_rows=ROWS_SHOWN, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
            return str(table.head(ROWS_SHOWN))

    def _repr_html_(self) -> str:
        from html import escape

        shown = list(dict.fromkeys([*self.parameters, self.objective, "total_return", "max_drawdown", "trades"]))
        table = self.table.select(shown).sort(self.objective, descending=self.maximize, nulls_last=True).head(ROWS_SHOWN)
        heads = "".join(f"<th>{escape(name)}</th>" for name in shown)
        rows = "".join("<tr>" + "".join(f"<td>{escape(_cell(v))}</td>" for v in row) + "</tr>" for row in table.iter_rows())
        title = f"Sweep of {escape(self.name)}: {len(self):,} points, best by {escape(self.objective)}"
        return (
            f"<div><b>{title}</b><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
            f"<p>{escape(self.verdict)}</p></div>"
        )


def _models_of(plan: BarPlan | TickPlan) -> str:
    if isinstance(plan, TickPlan):
        return repr(sorted((name, repr(value)) for name, value in plan.how.items()))
    return plan.assumed


def _cell(value: Any) -> str:
    if value is None:
        return "n/a"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _span(column: np.ndarray) -> str:
    return f"{column.min():g}…{column.max():g}"


def _said(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_cell(value)}" for name, value in params.items())
