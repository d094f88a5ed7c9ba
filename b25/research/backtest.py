"""Run a strategy class over recorded data: `b25.backtest(Class, data, fees=…, latency=…)`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from b25.engine.backtest import Backtest as Engine
from b25.engine.backtest import Track
from b25.market.bars import Bars
from b25.market.tape import PARITY
from b25.model.errors import Misuse
from b25.model.world import FEES, LIMITS
from b25.research import warm
from b25.research.dataset import Dataset
from b25.research.result import Backtest, Made
from b25.risk.limits import Limits
from b25.strategy.compile import NotCompilable, compile_strategy
from b25.strategy.strategy import Strategy
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import ConstantLatency, Fees, Latency, LognormalLatency, Models, Queue

BALANCE = 10_000.0  # quote units at the start, unless given
SAMPLES_MAX = 10_000
SAMPLE_NS_MIN = 1_000_000
BAR_CALLBACKS = ("on_bar", "on_funding")


def backtest(
    strategy: type[Strategy] | Strategy,
    data: Dataset | Bars | Sequence[Dataset | Bars],
    *,
    fees: Fees | None = None,
    latency: Latency | int | None = None,
    feed_latency: ConstantLatency | LognormalLatency | int | None = None,
    queue: Queue | str | None = None,
    fills: str | None = None,
    limits: Limits | None = None,
    bar_fills: BarFills | None = None,
    account: Account | None = None,
    balance: float | None = None,
    start: Any = None,
    end: Any = None,
    warmup: int | None = None,
    sample_ns: int | None = None,
    compiled: bool | None = None,
    depth: bool | None = None,
    progress: Callable[[int], None] | None = None,
    **params: Any,
) -> Backtest:
    """Run a strategy over recorded data, with a simulated venue answering.

    Parameters
    ----------
    strategy : class or instance of Strategy
        An instance brings its parameters.
    data : Dataset, Bars, or sequence of either
        Several instruments are one world; the strategy names them by index, in this order.
    fees : Fees, optional
        Default: 2 bps maker, 5 bps taker.
    latency : ConstantLatency, LognormalLatency, RecordedLatency or int of nanoseconds, optional
        Of orders and of answers. Default: 10 ms each way.
    feed_latency : ConstantLatency, LognormalLatency or int of nanoseconds, optional
        Of market data. Default: as recorded.
    queue : Queue or str, optional
        Queue model, e.g. ``"power_prob_3:3.0"``. Default: ``"risk_adverse"``.
    fills : {"partial", "whole"}, optional
        Default: ``"whole"`` for data of the hftbacktest profile, else ``"partial"``.
    limits : Limits, optional
        What the risk gate holds every order to. Default: no limits beyond what makes an order meaningful.
    bar_fills : BarFills, optional
        On bars: how orders are filled inside one. Default: market orders at the next open, limits when traded through.
    account : Account, optional
        On bars: leverage, margin, borrowing. Default: no leverage; short for contracts only.
    balance : float, optional
        Settlement currency at the start. Default: 10 000 quote units, or their worth in coin for inverse instruments.
    start, end : optional
        Part of the data to trade in, as `Dataset.book` reads times; the book is built from the beginning all the same, and
        bars before the start warm the strategy up.
    warmup : int, optional
        On bars: how many before the start the strategy sees. Default: all.
    sample_ns : int, optional
        Period at which equity is marked, besides every fill. Default: the span in at most 10 000 round steps.
    compiled : bool, optional
        True insists on machine code, False runs plain Python. Default: machine code where the class allows it.
    depth : bool, optional
        Keep the trader's whole book. Default: when the strategy reads beyond the touch.
    progress : callable, optional
        Called now and then with the number of rows replayed.
    **params
        Parameters of the strategy that differ from their defaults.

    Returns
    -------
    Backtest

    Raises
    ------
    Misuse
        For a wrong parameter, model or time, or a class that cannot be compiled when `compiled` is True.
    Halt
        When a capacity is exceeded, or a callback raised.
    """
    cls = strategy if isinstance(strategy, type) else type(strategy)
    if not issubclass(cls, Strategy):
        raise Misuse(f"{cls.__name__} is no strategy", remedy="derive the class from b25.Strategy")
    given = (strategy.parameters if isinstance(strategy, Strategy) else {}) | params
    given_sets = [data] if isinstance(data, Dataset | Bars) else list(data)
    if not given_sets:
        raise Misuse(f"{cls.__name__}: no data to run on", remedy="give at least one b25.dataset(...)")
    cls.record(given)
    sets = [d for d in given_sets if isinstance(d, Dataset)]
    if len(sets) < len(given_sets):
        for_ticks = {"latency": latency, "feed_latency": feed_latency, "queue": queue, "fills": fills, "depth": depth}
        return _on_bars(
            cls, given, given_sets, for_ticks | {"sample_ns": sample_ns}, compiled, progress, bar_fills=bar_fills,
            account=account, fees=fees, limits=limits, balance=balance, start=start, end=end, warmup=warmup,
        )  # fmt: skip
    _refuse({"bar_fills": bar_fills, "account": account, "warmup": warmup}, "ticks", "bars")
    if unheard := [name for name in BAR_CALLBACKS if name in cls.callbacks()]:
        raise Misuse(f"{cls.__name__}.{unheard[0]} is never called on ticks", remedy="run it on b25.bars(...)")
    if feed_latency is not None:
        feed = ConstantLatency(feed_latency) if isinstance(feed_latency, int) else feed_latency
        sets = [replace(d, feed=feed) for d in sets]
    models = _models(sets, fees, latency, queue, fills)
    begun = time.perf_counter()
    with warm.both_halves():
        call, why_plain = _machine_code(cls, compiled)
    compile_s = time.perf_counter() - begun
    start_ns = sets[0].at(start) if start is not None else None
    end_ns = sets[0].at(end) if end is not None else None
    if start_ns is not None and end_ns is not None and end_ns <= start_ns:
        raise Misuse(f"the end {end!r} is not after the start {start!r}", remedy="give an end after the start")
    first_ns = start_ns if start_ns is not None else min(d.start_ns for d in sets)
    last_ns = end_ns if end_ns is not None else max(d.end_ns for d in sets)
    money = balance if balance is not None else _balance(sets[0])
    if not math.isfinite(money) or money < 0:
        raise Misuse(f"a starting balance of {balance!r}", remedy="give a number of settlement currency, 0 or more")
    tracks = [_track(d) for d in sets]
    begun = time.perf_counter()
    engine = Engine(
        cls,
        given,
        tracks,
        models=models,
        limits=np.concatenate([(limits or Limits()).record(d.instrument) for d in sets]).astype(LIMITS),
        fees=np.concatenate([m.fees.record(d.instrument) for m, d in zip(models, sets, strict=True)]).astype(FEES),
        balance=money,
        sample_ns=sample_ns or _round_period(last_ns - first_ns),
        call=call,
        depth=depth,
        start_ns=start_ns,
        end_ns=end_ns,
    )
    compile_s += time.perf_counter() - begun  # an engine loads or compiles its parts when it is made
    begun = time.perf_counter()
    outcome = engine.execute(progress)
    return Backtest(
        outcome,
        Made(
            cls=cls,
            datasets=tuple(sets),
            models=tuple(models),
            limits=limits or Limits(),
            balance=money,
            compile_s=compile_s,
            run_s=time.perf_counter() - begun,
            compiled=call is not None,
            why_plain=why_plain,
            given=(start, end, sample_ns, depth),
        ),
    )


def _on_bars(
    cls: type[Strategy],
    given: dict[str, Any],
    data: Sequence[Any],
    for_ticks: dict[str, Any],
    compiled: bool | None,
    progress: Callable[[int], None] | None,
    **how: Any,
) -> Backtest:
    from b25.research.bar_backtest import plan_of, run_plan

    if not all(isinstance(d, Bars) for d in data):
        raise Misuse(f"{cls.__name__}: ticks and bars in one run", remedy="make bars of the ticks: b25.bars('1m', source=…)")
    _refuse(for_ticks, "bars", "ticks")
    return run_plan(plan_of(cls, data, **how), given, compiled=compiled, progress=progress)


def _refuse(keywords: dict[str, Any], kind: str, other: str) -> None:
    for name, value in keywords.items():
        if value is not None:
            raise Misuse(f"{name}={value!r} means nothing on {kind}", remedy=f"leave it out; it is for {other}")


def _models(
    sets: Sequence[Dataset], fees: Fees | None, latency: Latency | int | None, queue: Queue | str | None, fills: str | None
) -> list[Models]:
    delay = ConstantLatency(latency) if isinstance(latency, int) else (latency or ConstantLatency())
    line = Queue(queue) if isinstance(queue, str) else (queue or Queue())
    line.code()
    return [
        Models(fees=fees or Fees(), latency=delay, queue=line, fills=fills or ("whole" if d.profile == PARITY else "partial"))
        for d in sets
    ]


def _machine_code(cls: type[Strategy], compiled: bool | None) -> tuple[Any, str]:
    """Return the compiled callback, or None and why the class runs as plain Python."""
    if compiled is False:
        return None, "asked for"
    try:
        return compile_strategy(cls).call, ""
    except NotCompilable as fault:
        if compiled:
            raise
        return None, fault.what


def _track(data: Dataset) -> Track:
    tape = data.tape
    return Track(
        tape.instrument,
        tape.venue,
        tape.messages,
        tape.levels,
        tape.base_ticks,
        tape.size_ticks,
        crossed_kept=tape.crossed_kept,
        packed=(tape.venue_messages, tape.cells, tape.quantities),
    )


def _balance(data: Dataset) -> float:
    if not data.instrument.inverse:
        return BALANCE
    messages = data.tape.messages
    two_sided = messages[messages["bid_lots"] * messages["ask_lots"] > 0]
    if not two_sided.size:
        return BALANCE
    mid = float(two_sided["bid_ticks"][0] + two_sided["ask_ticks"][0]) / 2 * float(data.instrument.tick)
    return BALANCE / mid


def _round_period(span_ns: int) -> int:
    """Smallest of 1, 2, 5 x 10^k ns, at least 1 ms, that cuts the span into no more than SAMPLES_MAX."""
    period = SAMPLE_NS_MIN
    while True:
        for factor in (1, 2, 5):
            if span_ns <= period * factor * SAMPLES_MAX:
                return period * factor
        period *= 10
