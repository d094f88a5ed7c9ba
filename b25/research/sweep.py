"""Search parameters: `b25.sweep(Class, data, grid={…})`, all cores, bounded memory, and no figure of a point invented."""

from __future__ import annotations

import difflib
import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from b25.market.bars import Bars
from b25.model.bar_run import POINT
from b25.model.errors import Halt, Misuse
from b25.research.bar_backtest import BarPlan, machine_code, plan_of, run_plan
from b25.research.cluster import Cluster
from b25.research.dataset import Dataset
from b25.research.point_table import FIGURES, figures, why_undefined
from b25.research.progress import Progress
from b25.research.space import (
    POINTS_MAX,
    Columns,
    Drawn,
    Grid,
    Points,
    asked_points,
    grid_points,
    optuna_study,
    parameter,
    random_points,
    ranges,
)
from b25.research.sweep_result import Sweep
from b25.research.sweep_run import OnePython, Runner, Threads, cores, part_length, run_points
from b25.research.sweep_store import PartStore, gaps_between
from b25.research.tick_sweep import TickPlan, TickThreads
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy

SEARCHES = ("random", "optuna")
FOR_TICKS = ("latency", "feed_latency", "queue", "fills", "depth", "sample_ns")
ASKED_AT_ONCE = 8  # points that optuna asks for before it is told; the same on every machine, so that equal seeds agree


def sweep(
    strategy: type[Strategy] | Strategy,
    data: Bars | Dataset | Sequence[Bars | Dataset],
    *,
    grid: Mapping[str, Any] | None = None,
    search: str | None = None,
    space: Mapping[str, Any] | None = None,
    points: int | None = None,
    seed: int = 25,
    where: Callable[[Mapping[str, Any]], bool] | None = None,
    objective: str = "sharpe",
    maximize: bool = True,
    undefined: str = "stop",
    jobs: int | None = None,
    cluster: Any = None,
    resume: bool = True,
    progress: bool | Callable[[int, int], None] = True,
    log: bool = True,
    **how: Any,
) -> Sweep:
    """Run a strategy at many points of its parameters and compare what came of it.

    Parameters
    ----------
    strategy : class or instance of Strategy
        An instance brings the parameters that all points share.
    data : Bars, Dataset, or sequence of either
        As for `backtest`.
    grid : mapping of str to sequence, optional
        Values of each parameter; every combination is a point.
    search : {"random", "optuna"}, optional
        In place of a grid: points drawn evenly, or asked for by optuna's tree of Parzen estimators.
    space : mapping of str to (lowest, highest), optional
        Ranges of a search. Default: the bounds of every parameter that has both.
    points : int, optional
        How many points a search takes.
    seed : int
        Of a search.
    where : callable, optional
        Takes a combination of a grid as a dict and says whether it is a point.
    objective : str
        Figure to compare by; one of the table's.
    maximize : bool
        Whether more of it is better.
    undefined : {"stop", "show"}
        What to do about a point whose objective is undefined: stop and say why, or leave it empty in the table and never
        choose it. Guided search stops always.
    jobs : int, optional
        Threads. Default: one a processor.
    cluster : str or distributed.Client, optional
        Address of a Dask scheduler that runs the points instead: equal figures, and a worker that dies costs its part only.
    resume : bool
        Go on with an interrupted sweep of the same key, and keep parts of a long one.
    progress : bool or callable
        Show progress and time left; or take (points done, points in all).
    log : bool
        Count the points in the run log of trials made on this data.
    **how
        What `backtest` takes (`fees`, `bar_fills`, `account`, `limits`, `balance`, `start`, `end`, `warmup` …), and
        parameters that all points share.

    Returns
    -------
    Sweep

    Raises
    ------
    Misuse
        For an unknown parameter, value out of bounds or figure, an objective that is undefined at a point, or a cluster that
        is not there. Nothing of it is half-written.
    """
    cls = strategy if isinstance(strategy, type) else type(strategy)
    if not isinstance(cls, type) or not issubclass(cls, Strategy):
        raise Misuse(f"{cls!r} is no strategy", remedy="derive the class from b25.Strategy")
    shared = {name: how.pop(name) for name in list(how) if name in cls.params}
    _check_words(objective, undefined, grid, search, points, space, where, seed)
    plan = _plan(cls, data, how)
    searched = grid_points(cls, grid, where=where) if grid is not None else None
    if search == "random":
        searched_points: Points | None = random_points(cls, space, points or 0, seed)
    else:
        searched_points = searched
    names = list(searched_points.values) if searched_points is not None else list(ranges(cls, space))
    for name in [n for n in names if n in shared]:
        raise Misuse(f"{cls.__name__}: {name} is both searched and given as {shared[name]!r}", remedy="leave one of them out")
    own = strategy.parameters if isinstance(strategy, Strategy) else {}
    cls.record(shared)
    fixed = {
        name: param.check(cls.__name__, name, (own | shared).get(name, param.default))
        for name, param in cls.params.items()
        if name not in names
    }
    sweeper = _Sweeper(plan, fixed, objective, maximize, undefined, jobs, cluster, resume, progress)
    if searched_points is None:
        searched_points, results = sweeper.guided(ranges(cls, space), points or 0, seed)
    else:
        results = sweeper.all_of(searched_points)
    return Sweep(plan, fixed, searched_points, results, objective=objective, maximize=maximize, logged=log)


def _check_words(
    objective: str, undefined: str, grid: Any, search: str | None, points: int | None, space: Any, where: Any, seed: int
) -> None:
    if objective not in FIGURES:
        near = difflib.get_close_matches(str(objective), FIGURES, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise Misuse(f"there is no objective {objective!r}", remedy=f"{meant}use one of {', '.join(FIGURES)}")
    if undefined not in ("stop", "show"):
        raise Misuse(f"undefined={undefined!r}", remedy='use "stop" or "show"')
    if (grid is None) == (search is None):
        raise Misuse("a sweep needs a grid or a search", remedy='give grid={"fast": [5, 10]}, or search="random", points=100')
    if search is not None and search not in SEARCHES:
        raise Misuse(f"there is no search {search!r}", remedy=f"use {' or '.join(SEARCHES)}")
    if search is not None and (isinstance(points, bool) or not isinstance(points, int) or points < 1):
        raise Misuse(f"search={search!r} with points={points!r}", remedy="say how many points it takes, e.g. points=200")
    if search is not None and points is not None and points > POINTS_MAX:
        raise Misuse(f"points={points:,}", remedy=f"take fewer; {POINTS_MAX:,} are the most")
    if grid is not None and points is not None:
        raise Misuse(f"points={points!r} with a grid", remedy="leave it out: every combination is a point")
    if grid is not None and space is not None:
        raise Misuse("a space with a grid", remedy='give one of them; a space is for search="random" or "optuna"')
    if grid is None and where is not None:
        raise Misuse(f"where=… with search={search!r}", remedy="leave it out; it chooses among the combinations of a grid")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise Misuse(f"seed={seed!r}", remedy="give a whole number from 0 to 4294967295")


def _plan(cls: type[Strategy], data: Any, how: dict[str, Any]) -> BarPlan | TickPlan:
    sets = list(data) if isinstance(data, Sequence) else [data]
    strange = [one for one in sets if not isinstance(one, Bars | Dataset)]
    if strange:
        raise Misuse(f"{cls.__name__}: {strange[0]!r:.80} is no data to run on", remedy="give b25.bars(...) or b25.dataset(...)")
    if not sets:
        raise Misuse(f"{cls.__name__}: no data to run on", remedy="give b25.bars(...) or b25.dataset(...)")
    ticks, bars = [d for d in sets if isinstance(d, Dataset)], [d for d in sets if isinstance(d, Bars)]
    if len(ticks) == len(sets):
        return TickPlan(cls, tuple(ticks), how)
    if len(bars) < len(sets):
        raise Misuse(f"{cls.__name__}: ticks and bars in one sweep", remedy="make bars of the ticks: b25.bars('1m', source=…)")
    known = set(inspect.signature(plan_of).parameters) - {"cls", "data"}
    for name in how:
        if name in FOR_TICKS:
            raise Misuse(f"{name}={how[name]!r} means nothing on bars", remedy="leave it out; it is for ticks")
        if name not in known:
            parameter(cls, name)
    return plan_of(cls, bars, **how)


class _Sweeper:
    """One sweep under way."""

    def __init__(
        self,
        plan: BarPlan | TickPlan,
        fixed: dict[str, Any],
        objective: str,
        maximize: bool,
        undefined: str,
        jobs: int | None,
        cluster: Any,
        resume: bool,
        progress: bool | Callable[[int, int], None],
    ) -> None:
        self.plan, self.fixed, self.objective, self.maximize = plan, fixed, objective, maximize
        self.undefined, self.resume, self.progress = undefined, resume, progress
        self.width = cores(jobs)
        self.cluster = cluster
        self.key = hashlib.sha256(f"{plan_key(plan)}{sorted(fixed.items())}".encode()).hexdigest()

    def _runner(self) -> Runner:
        if isinstance(self.plan, TickPlan):
            if self.cluster is not None:
                raise Misuse("cluster=… takes bars only", remedy="leave it out; ticks are swept on this machine's processors")
            return TickThreads(self.plan, self.fixed, self.width)
        code, _ = machine_code(self.plan.cls, None)
        if self.cluster is not None:
            if code is None:
                raise Misuse(
                    f"{self.plan.cls.__name__} cannot be compiled, and a cluster runs compiled strategies only",
                    remedy="see why with b25.backtest(..., compiled=True), or leave cluster out",
                )
            remote = Cluster(self.cluster, self.plan, self.fixed, self.key, part_length(len(self.plan.bars[0])))
            self.width = remote.width
            return remote
        return OnePython(self.plan, self.fixed) if code is None else Threads(self.plan, self.fixed, self.width)

    def all_of(self, points: Points) -> np.ndarray:
        """Run every point; what an interrupted sweep of the same key had done is not done again."""
        results = np.zeros(points.size, POINT)
        digest = hashlib.sha256(self.key.encode())
        for first in range(0, points.size, 1 << 16):
            for name, column in points.columns(first, min(first + (1 << 16), points.size)).items():
                digest.update(name.encode() + column.tobytes())
        store = PartStore(digest.hexdigest(), points.size)
        runner = self._runner()
        covered = store.load(results) if self.resume else []
        if self.undefined == "stop":
            for first, last in covered:
                self.check(points, first, results[first:last])  # it may have been begun with another objective
        missing = gaps_between(covered, points.size, _length(runner, points.size, self.width))
        with Progress(points.size, self.progress, what="points") as told:
            told.add(points.size - sum(last - first for first, last in missing))

            def take(first: int, last: int, rows: np.ndarray) -> None:
                if self.undefined == "stop":
                    self.check(points, first, rows)
                results[first:last] = rows
                if self.resume:
                    store.keep(first, rows)
                told.add(last - first)

            try:
                run_points(runner, missing, points.columns, take, self.width)
            except BaseException:
                store.flush()  # what is done is done, whatever ended the sweep
                raise
            finally:
                runner.close()
        store.forget()
        return results

    def guided(self, bounds: Mapping[str, tuple[float, float]], count: int, seed: int) -> tuple[Drawn, np.ndarray]:
        """Let optuna ask for points, some at a time, and tell it what came of them."""
        study = optuna_study(self.maximize, seed)
        runner = self._runner()
        columns: list[Columns] = []
        parts: list[np.ndarray] = []
        with Progress(count, self.progress, what="points") as told:
            try:
                while (left := count - sum(part.size for part in parts)) > 0:
                    trials, asked = asked_points(study, self.plan.cls, bounds, min(left, ASKED_AT_ONCE))
                    rows = np.zeros(len(trials), POINT)

                    def take(first: int, last: int, found: np.ndarray, rows: np.ndarray = rows) -> None:
                        rows[first:last] = found

                    part = Drawn(asked)
                    cut = gaps_between([], len(trials), -(-len(trials) // self.width))
                    run_points(runner, cut, part.columns, take, self.width)
                    self.check(part, 0, rows)
                    for trial, value in zip(trials, figures(rows)[self.objective].tolist(), strict=True):
                        study.tell(trial, value)
                    columns.append(asked)
                    parts.append(rows)
                    told.add(len(trials))
            finally:
                runner.close()
        whole = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
        return Drawn(whole), np.concatenate(parts)

    def check(self, points: Points, first: int, rows: np.ndarray) -> None:
        """Stop at the first point whose objective is undefined: it is never scored."""
        values = figures(rows)[self.objective]
        bad = np.flatnonzero(~np.isfinite(values))
        if not bad.size:
            return
        at = int(bad[0])
        params = {name: column[0].item() for name, column in points.columns(first + at, first + at + 1).items()}
        said = ", ".join(f"{name}={value!r}" for name, value in params.items())
        raise Misuse(
            f"{self.plan.cls.__name__}({said}) has no {self.objective}: {self._why(rows[at], params)}",
            remedy='leave such points out with where=…, take another objective (e.g. "net_profit"), or undefined="show"'
            if isinstance(points, Grid)
            else 'search a narrower space, or take another objective; search="random" takes undefined="show", too',
        )

    def _why(self, row: np.void, params: dict[str, Any]) -> str:
        """Why a point has no objective; one that did not end well is run again, to hear what its strategy says."""
        if row["status"] != 0 and isinstance(self.plan, BarPlan):
            try:
                run_plan(self.plan, {**self.fixed, **params})
            except Halt as fault:
                return fault.what
        return why_undefined(row, self.objective)


def plan_key(plan: BarPlan | TickPlan) -> str:
    """Hash of all that decides the figures of a plan's points beside their parameters."""
    digest = hashlib.sha256(behaviour_key(plan.cls).encode())
    if isinstance(plan, TickPlan):
        digest.update(repr([(d.hash, str(d.instrument)) for d in plan.data]).encode())
        digest.update(repr(sorted((name, repr(value)) for name, value in plan.how.items())).encode())
        return digest.hexdigest()
    for bars in plan.bars:
        digest.update(f"{bars.hash}{[b.timeframe for b in bars.larger]}{bars.instrument}".encode())
    digest.update(plan.assumed.encode())
    return digest.hexdigest()


def _length(runner: Runner, size: int, width: int) -> int:
    """Points of a part: no more than the runner likes, and few enough that all can work."""
    return max(1, min(runner.length, -(-size // (2 * width))))
