"""Walk-forward: search on one stretch of the data, trade the best on the next, and join what came of it."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.research.walk_result import Step, WalkForward
from b25.research.windows import WalkForwardWindows, Window
from b25.strategy.strategy import Strategy

NS_PER_SECOND = 1_000_000_000


def walk_forward(
    strategy: type[Strategy],
    data: Any,
    *,
    grid: Mapping[str, Sequence[Any]] | None = None,
    search: str | None = None,
    space: Mapping[str, Any] | None = None,
    points: int | None = None,
    seed: int = 25,
    where: Callable[[Mapping[str, Any]], bool] | None = None,
    train: int | str = "90d",
    test: int | str = "30d",
    step: int | str | None = None,
    embargo: int | str = 0,
    anchored: bool = False,
    objective: str = "sharpe",
    maximize: bool = True,
    cluster: Any = None,
    jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
    **options: Any,
) -> WalkForward:
    """Choose parameters on the past only, again and again, and trade them on what came next.

    In each window the grid (or search) is run on the training span; the best point by the objective is then run on the test
    span, which begins flat with the money that the window before ended with. What is held at a test's end is closed there at
    its mark, and the taker's fee and slippage of that closing are taken off.

    Parameters
    ----------
    strategy : class of Strategy
    data : Bars, Dataset, or sequence of either
    grid : mapping of str to values, optional
        Parameters to try, as in `sweep`; give this or `search`.
    search, space, points, seed, where
        As in `sweep`.
    train, test : int or str
        Length of both parts: a number of bars, or a time such as ``"90d"``.
    step : int or str, optional
        From one test to the next, at least the test's length. Default: that length, so that tests follow one another.
    embargo : int or str
        Left out between training and test.
    anchored : bool
        Train from the beginning of the data each time, rather than on a span that rolls along.
    objective : str
        Figure to choose by, as in `sweep`.
    maximize : bool
        Whether more of it is better.
    cluster, jobs
        As in `sweep`.
    progress : callable, optional
        Called with what is being done.
    **options
        Further keywords of `backtest`, fixed parameters included.

    Returns
    -------
    WalkForward

    Raises
    ------
    Misuse
        When no window fits, tests overlap, or the objective is unknown, missing or not finite: nothing is scored then.
    """
    sets = list(data) if isinstance(data, Sequence) else [data]
    if (grid is None) == (search is None):
        raise Misuse(
            "a walk-forward needs a grid or a search", remedy='give grid={"fast": [5, 10]}, or search="random", points=100'
        )
    if "start" in options or "end" in options:
        raise Misuse("a walk-forward has no start and end of its own", remedy="cut the data: data.between(start, end)")
    layout = WalkForwardWindows(train=train, test=test, step=step, anchored=anchored, gap=embargo)
    windows = _windows(layout, sets)
    tell = progress or (lambda text: None)
    how: dict[str, Any] = {"objective": objective, "maximize": maximize, "cluster": cluster, "jobs": jobs, "where": where}
    how |= {"grid": grid} if grid is not None else {"search": search, "space": space, "points": points, "seed": seed}
    found: list[Step] = []
    money = options.get("balance")
    for number, window in enumerate(windows, 1):
        tell(f"window {number} of {len(windows)}: searching {_day(window.train_start_ns)} to {_day(window.train_end_ns)}")
        one = _one(strategy, data, window, how, options | ({"balance": money} if money is not None else {}))
        money = one.final_balance
        found.append(one)
        if money <= 0:
            break
    return WalkForward(
        name=strategy.__name__,
        objective=objective,
        steps=tuple(found),
        planned=len(windows),
        anchored=anchored,
        currency=sets[0].instrument.settle,
        hash=_hash(found, layout, objective),
    )


def _windows(layout: WalkForwardWindows, sets: list[Any]) -> list[Window]:
    first, end_ns = sets[0], max(int(d.end_ns) for d in sets)
    times = first.rows["open_ns"] if hasattr(first, "rows") else np.arange(first.start_ns, end_ns, NS_PER_SECOND, dtype=np.int64)
    windows = layout.over(times, end_ns)
    if any(b.test_start < a.test_end for a, b in itertools.pairwise(windows)):
        raise Misuse(
            f"step={layout.step!r} is shorter than test={layout.test!r}", remedy="tests may not overlap: use a longer step"
        )
    return windows


def _one(cls: type[Strategy], data: Any, window: Window, how: dict[str, Any], options: dict[str, Any]) -> Step:
    from b25.research.backtest import backtest
    from b25.research.sweep import sweep

    names = set(cls.params)
    swept = sweep(cls, data, progress=False, start=window.train_start_ns, end=window.train_end_ns, **how, **options)
    best = {name: value for name, value in swept.best.items() if name in names}
    inside = _score(swept.best_row, how["objective"])
    result = backtest(cls, data, start=window.test_start_ns, end=window.test_end_ns, **(options | best))
    outside, why_none = _figure(result, how["objective"])
    curve = result.curve
    cost, held = closing_cost(result)
    return Step(
        window=window,
        parameters=best,
        tried=_tried(swept, best),
        train_score=inside,
        test_score=outside,
        why_none=why_none,
        time_ns=curve.time_ns,
        equity=curve.equity,
        closing_cost=cost,
        held_at_end=held,
        fills=int(result.outcome.fills.size),
        hash=result.hash,
        train_hash=swept.hash,
    )


def _figure(result: Any, objective: str) -> tuple[float | None, str]:
    """Objective of a test run, or why there is none. A test is no choice, so it is not counted among the trials."""
    from b25.analytics.fill_metrics import fill_metrics
    from b25.analytics.metrics import equity_metrics
    from b25.analytics.trade_metrics import trade_metrics

    curve = result.curve
    found = equity_metrics(curve, traces=result.traces) | trade_metrics(result.trades, span_days=curve.span_days)
    found |= fill_metrics(result.traces, net_profit=curve.net_profit, funding=result.funding)
    metric = found.get(objective)
    if metric is None:
        return None, f"{objective} is known of a sweep's points only"
    # Annualised figures of a short test are not shown, but they can be compared with each other.
    value = metric.value if metric.value is not None else metric.computed
    return value, "" if value is not None else metric.reason


def _score(row: Mapping[str, Any], objective: str) -> float:
    value = row.get(objective)
    if value is None or not math.isfinite(value):
        raise Misuse(
            f"the objective {objective!r} is {value!r} for the best point of a training span",
            remedy="use longer training spans, or an objective that is defined for every point",
        )
    return float(value)


def _tried(swept: Any, best: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Smallest and largest value that each parameter was tried with."""
    table = swept.table
    return {name: (float(table[name].min()), float(table[name].max())) for name in best if name in table.columns}


def closing_cost(result: Any) -> tuple[float, bool]:
    """What closing everything at the end of a run would cost, and whether there is anything to close.

    Parameters
    ----------
    result : Backtest
        The taker's fee and the slippage are those of its models.
    """
    made = result.made
    on_bars = hasattr(made, "fees")
    cost, held = 0.0, False
    for i, trace in enumerate(result.traces):
        lots = int(result.outcome.world.positions[i]["position_lots"])
        if not lots or trace.mids is None or not trace.mids.values.size:
            continue
        held = True
        quantity = abs(lots) * float(result.instruments[i].lot)
        value = abs(float(trace.fills.worth(trace.mids.values[-1:])[0])) * quantity
        ratio = made.fees.taker if on_bars else made.models[i].fees.taker
        slip = made.fills.slippage_bps / 1e4 if on_bars else 0.0
        cost += value * (ratio + slip)
    return cost, held


def _hash(found: Sequence[Step], layout: WalkForwardWindows, objective: str) -> str:
    digest = hashlib.sha256(f"{layout}{objective}".encode())
    for one in found:
        digest.update(f"{one.hash}{one.train_hash}{sorted(one.parameters.items())}".encode())
    return digest.hexdigest()


def _day(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[D]"))
