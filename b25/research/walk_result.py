"""What a walk-forward found: its windows, one equity curve out of sample, and how far the past was a guide."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from b25.research.windows import Window

if TYPE_CHECKING:
    import polars as pl

    from b25.analytics.curve import EquityCurve
    from b25.analytics.metric import Metric

BORDERS = "each test begins flat; what is held at its end is closed there at its mark, at the taker's fee and slippage"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Step:
    """One window: what was chosen, and what came of it.

    Attributes
    ----------
    window : Window
    parameters : dict
        Best of the training span.
    tried : dict of str to (low, high)
        Range that each parameter was searched in.
    train_score : float
        Objective on the training span.
    test_score : float or None
        The same on the test span; None with a reason in `why_none`.
    time_ns, equity : ndarray
        Account value on the test span.
    closing_cost : float
        Taken off at its end.
    held_at_end : bool
        Whether something had to be closed.
    fills : int
    hash, train_hash : str
        Of the test run and of the search.
    """

    window: Window
    parameters: dict[str, Any]
    tried: dict[str, tuple[float, float]]
    train_score: float
    test_score: float | None
    why_none: str
    time_ns: np.ndarray
    equity: np.ndarray
    closing_cost: float
    held_at_end: bool
    fills: int
    hash: str
    train_hash: str

    @property
    def final_balance(self) -> float:
        """Account value after everything is closed."""
        return float(self.equity[-1]) - self.closing_cost

    @property
    def test_return(self) -> float:
        """Return on the test span."""
        return self.final_balance / float(self.equity[0]) - 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class WalkForward:
    """A finished walk-forward.

    Attributes
    ----------
    name, objective, currency, hash : str
    steps : tuple of Step
        In order of time.
    planned : int
        How many windows there were; fewer steps mean that the account was lost before.
    anchored : bool
    """

    name: str
    objective: str
    steps: tuple[Step, ...]
    planned: int
    anchored: bool
    currency: str
    hash: str

    @cached_property
    def curve(self) -> EquityCurve:
        """Account value over all tests, joined."""
        from b25.analytics.curve import EquityCurve

        times, values = [], []
        for k, one in enumerate(self.steps):
            first = 0 if k == 0 else 1  # a test begins with the balance that the one before ended with
            times += [one.time_ns[first:], one.time_ns[-1:]]
            values += [one.equity[first:], np.array([one.final_balance])]
        return EquityCurve(np.concatenate(times), np.concatenate(values))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """Every metric of the joined curve."""
        from b25.analytics.metrics import equity_metrics

        return equity_metrics(self.curve)

    @cached_property
    def summary(self) -> dict[str, float | None]:
        """Metrics of the joined curve, and what the windows show beside: None where something is not defined.

        ``efficiency`` is the mean objective out of sample on that in sample, of windows where both are known and the mean in
        sample is positive. ``stability`` is 1 less the mean step of a parameter from window to window on the range that it was
        searched in. ``windows_won`` is the share of tests with a gain.
        """
        known = [(one.train_score, one.test_score) for one in self.steps if one.test_score is not None]
        inside = float(np.mean([a for a, _ in known])) if known else None
        outside = float(np.mean([b for _, b in known])) if known else None
        efficiency = outside / inside if inside is not None and outside is not None and inside > 0 else None
        return {name: metric.value for name, metric in self.metrics.items()} | {
            "windows": len(self.steps),
            "windows_won": float(np.mean([one.test_return > 0 for one in self.steps])),
            "objective_train": inside,
            "objective_test": outside,
            "efficiency": efficiency,
            "stability": self._stability(),
            "closing_costs": float(sum(one.closing_cost for one in self.steps)),
            "fills": sum(one.fills for one in self.steps),
        }

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row a window: spans, parameters, objective in and out of sample, return and fills of the test."""
        import polars as pl

        def moments(name: str) -> pl.Series:
            values = np.array([getattr(one.window, name) for one in self.steps], np.int64)
            return pl.Series(values).cast(pl.Datetime("ns", "UTC"))

        spans = ("train_start", "train_end", "test_start", "test_end")
        names = list(self.steps[0].parameters)
        return pl.DataFrame(
            {
                "window": np.arange(1, len(self.steps) + 1),
                **{name: moments(f"{name}_ns") for name in spans},
                **{name: [one.parameters[name] for one in self.steps] for name in names},
                f"{self.objective}_train": [one.train_score for one in self.steps],
                f"{self.objective}_test": pl.Series([one.test_score for one in self.steps], dtype=pl.Float64),
                "test_return": [one.test_return for one in self.steps],
                "fills": [one.fills for one in self.steps],
                "held_at_end": [one.held_at_end for one in self.steps],
            }
        )

    @cached_property
    def parameters(self) -> pl.DataFrame:
        """How steady each parameter was: values taken, the most frequent one and its share, how often it changed."""
        import polars as pl

        rows = []
        for name in self.steps[0].parameters:
            values = [one.parameters[name] for one in self.steps]
            kinds = sorted(set(values), key=lambda v: (-values.count(v), v))
            changes = sum(a != b for a, b in itertools.pairwise(values))
            rows.append(
                (
                    name,
                    len(kinds),
                    float(kinds[0]),
                    values.count(kinds[0]) / len(values),
                    changes,
                    float(min(values)),
                    float(max(values)),
                )
            )
        names = ("parameter", "values", "usual", "usual_share", "changes", "low", "high")
        return pl.DataFrame(rows, schema=list(names), orient="row")

    def _stability(self) -> float | None:
        moves = []
        for a, b in zip(self.steps, self.steps[1:], strict=False):
            for name, value in a.parameters.items():
                low, high = a.tried.get(name, (0.0, 0.0))
                if high > low:
                    moves.append(min(1.0, abs(float(b.parameters[name]) - float(value)) / (high - low)))
        return 1.0 - float(np.mean(moves)) if moves else None

    def plot(self, *, theme: str = "light") -> Any:
        """Draw the joined equity over its windows, and the objective in and out of sample."""
        from b25.analytics.walk_plot import WalkForward as Picture
        from b25.analytics.walk_plot import plot_walk_forward

        spans = {
            name: np.array([getattr(one.window, name) for one in self.steps], np.int64)
            for name in ("train_start_ns", "train_end_ns", "test_start_ns", "test_end_ns")
        }
        picture = Picture(
            **spans,
            equity=self.curve,
            train_score=np.array([one.train_score for one in self.steps]),
            test_score=np.array([np.nan if one.test_score is None else one.test_score for one in self.steps]),
            objective=self.objective,
        )
        return plot_walk_forward(picture, currency=self.currency, title=f"{self.name}: walk-forward", theme=theme)  # type: ignore[arg-type]

    def _lines(self) -> list[tuple[str, str]]:
        found = self.summary

        def shown(name: str, form: str) -> str:
            value = found[name]
            return "n/a" if value is None else format(value, form)

        kind = "from the beginning" if self.anchored else "on a span that rolls along"
        lines = [
            ("windows", f"{len(self.steps)} of {self.planned}, trained {kind}"),
            ("out of sample", f"return {shown('total_return', '.2%')}, largest drawdown {shown('max_drawdown', '.2%')}"),
            (
                self.objective,
                f"{shown('objective_train', '.3g')} in sample, {shown('objective_test', '.3g')} out of sample (means)",
            ),
            ("efficiency", f"{shown('efficiency', '.0%')} of the objective survived"),
            ("tests won", shown("windows_won", ".0%")),
            ("stability", f"{shown('stability', '.0%')} (100 %: the same parameters in every window)"),
            ("borders", BORDERS),
            ("hash", self.hash[:16]),
        ]
        if len(self.steps) < self.planned:
            lines.insert(1, ("lost", f"the account was lost in window {len(self.steps)}; the rest was not run"))
        return lines

    def __repr__(self) -> str:
        rows = "\n".join(f"  {name:<14} {text}" for name, text in self._lines())
        return f"{self.name}, walk-forward\n{rows}"

    def _repr_html_(self) -> str:
        from b25.analytics.display import sparkline

        small = "".join(
            f'<tr><td style="opacity:.65;padding-right:16px">{escape(name)}</td><td>{escape(text)}</td></tr>'
            for name, text in self._lines()
        )
        head = "".join(f"<th>{escape(name)}</th>" for name in self.table.columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(_cell(value))}</td>' for value in row)}</tr>" for row in self.table.iter_rows()
        )
        return (
            '<div style="font-family:system-ui,sans-serif;color:inherit;max-width:900px;line-height:1.4">'
            f'<div style="font-size:16px;font-weight:700">{escape(self.name)}, walk-forward</div>'
            f'<div style="margin:10px 0">{sparkline(self.curve)}</div><table style="text-align:left">{small}</table>'
            f'<div style="overflow-x:auto"><table style="font-size:12px"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div></div>"
        )


def _cell(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
