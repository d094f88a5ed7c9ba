"""A sweep over two of its parameters, and beside it how many were tried, and what is left of the best after that."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import traitlets

from b25.model.errors import Misuse
from b25.notebook.widgets.fallback import html_card, html_table
from b25.notebook.widgets.packed import FLOAT
from b25.notebook.widgets.widget import SYNC, Widget, status_of
from b25.research.point_table import FIGURES

if TYPE_CHECKING:
    from b25.research.sweep_result import Sweep

CELLS_MAX: Final = 40_000


class SweepHeatmap(Widget, script="sweep_heatmap"):
    """A heat map of a sweep.

    Parameters
    ----------
    sweep : Sweep
        Of two parameters or more; of the points that share a cell the best one is shown.
    x, y : str, optional
        Two searched parameters; the first two by default.
    metric : str, optional
        A figure of its table; the objective by default.

    Attributes
    ----------
    picked : dict
        All searched parameters of the cell that was clicked; empty before. ``sweep.backtest(**picked)`` runs it.
    """

    grid = traitlets.Bytes(b"").tag(**SYNC)
    axes = traitlets.Dict().tag(**SYNC)
    trust = traitlets.Dict().tag(**SYNC)
    picked = traitlets.Dict().tag(**SYNC)

    def __init__(
        self, sweep: Sweep, x: str | None = None, y: str | None = None, metric: str | None = None, **traits: Any
    ) -> None:
        names = sweep.parameters
        if len(names) < 2:
            raise Misuse("a heat map needs two searched parameters", remedy="search two, or look at sweep.table")
        self._sweep = sweep
        self._calls: list[Callable[[dict[str, Any]], None]] = []
        self._x = x or next(name for name in names if name != y)
        self._y = y or next(name for name in names if name != self._x)
        self._metric = metric or sweep.objective
        shown = self._cells(self._x, self._y, self._metric)
        super().__init__(
            title=f"Sweep of {sweep.name}", trust=trust_of(sweep), **shown, **{"status": status_of("backtest"), **traits}
        )

    def on_pick(self, call: Callable[[dict[str, Any]], None]) -> None:
        """Call this with the parameters of each cell that is clicked."""
        self._calls.append(call)

    def _cells(self, x: str, y: str, metric: str) -> dict[str, Any]:
        if x == y:
            raise Misuse(f"{x!r} on both axes", remedy="take two parameters")
        sweep = self._sweep
        xs, ys, z = sweep.grid_of(x, y, metric)
        if z.size > CELLS_MAX:
            raise Misuse(f"a heat map of {xs.size} × {ys.size} cells", remedy="search fewer values, or look at sweep.table")
        data = b"".join(np.ascontiguousarray(part, FLOAT).tobytes() for part in (xs, ys, z.ravel()))
        best = sweep.best if np.isfinite(sweep.figures[sweep.objective].astype(np.float64)).any() else {}
        falls = metric in ("max_drawdown", "max_drawdown_money", "fees")
        axes = {
            "x": x, "y": y, "nx": int(xs.size), "ny": int(ys.size), "metric": metric, "metrics": list(FIGURES),
            "parameters": sweep.parameters, "objective": sweep.objective, "best": _plain(best),
            "lower_is_better": falls or (metric == sweep.objective and not sweep.maximize),
        }  # fmt: skip
        return {"grid": data, "axes": axes}

    def _on_show(self, message: Mapping[str, Any]) -> None:
        x, y, metric = str(message["x"]), str(message["y"]), str(message["metric"])
        shown = self._cells(x, y, metric)
        self._x, self._y, self._metric = x, y, metric
        self.notice = ""
        self._set(shown)

    def _on_pick(self, message: Mapping[str, Any]) -> None:
        """Find the best point of a cell: the one whose figure the cell shows."""
        column, row = int(message["column"]), int(message["row"])
        sweep = self._sweep
        xs, ys = np.unique(sweep.columns[self._x]), np.unique(sweep.columns[self._y])
        if not (0 <= column < xs.size and 0 <= row < ys.size):
            raise ValueError(f"no cell {column}, {row}")
        inside = np.flatnonzero((sweep.columns[self._x] == xs[column]) & (sweep.columns[self._y] == ys[row]))
        if not inside.size:
            raise Misuse("no point was tried there", remedy="click a coloured cell")
        values = sweep.figures[sweep.objective].astype(np.float64)[inside] * (1 if sweep.maximize else -1)
        best = inside[int(np.argmax(np.where(np.isnan(values), -np.inf, values)))]
        self.picked = _plain(sweep.parameters_of(int(best)))
        for call in self._calls:
            call(dict(self.picked))

    def facts(self) -> Sequence[tuple[str, str]]:
        """Best point and how far it can be trusted."""
        best = ", ".join(f"{name}={value:g}" for name, value in self.axes["best"].items()) or "n/a"
        deflated = self.trust["deflated"]
        return [
            ("points", f"{len(self._sweep):,}"), ("best", best), ("trials on this data", _count(self.trust["trials"])),
            ("deflated Sharpe", "n/a" if deflated is None else f"{deflated:.0%}"), ("overfitting", self.trust["verdict"]),
        ]  # fmt: skip

    def static_html(self) -> str:
        """The grid as a table, when it is small."""
        xs, ys, z = self._sweep.grid_of(self._x, self._y, self._metric)
        rows = [
            [f"{value:g}", *("n/a" if math.isnan(cell) else f"{cell:.4g}" for cell in line[:12])]
            for value, line in zip(ys, z, strict=True)
        ]
        heads = [f"{self._y} \\ {self._x}", *(f"{value:g}" for value in xs[:12])]
        return html_card(f"{self.title}: {self._metric}", self.facts(), html_table(heads, rows))


def trust_of(sweep: Sweep) -> dict[str, Any]:
    """Return what tempers a sweep's best point: all trials on the data, the deflated Sharpe ratio, the chance of overfitting."""
    from b25.analytics.deflated import deflated_sharpe

    trials = getattr(sweep, "trials", None)
    deflated, why = None, "the trials were not counted" if trials is None else ""
    verdict = sweep.verdict
    if trials is not None:
        try:
            result = sweep.backtest()
            found = deflated_sharpe(result.curve.daily().returns, trials)["deflated_sharpe"]
            deflated, why = found.value, found.reason
        except Misuse as fault:
            why = fault.what
    return {
        "trials": None if trials is None or trials.reason else trials.count, "deflated": deflated, "why": why, "verdict": verdict,
        "points": len(sweep),
    }  # fmt: skip


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}


def _count(value: int | None) -> str:
    return "n/a" if value is None else f"{value:,}"
