"""Run a strategy class over bars: what `b25.backtest` does when its data are bars, and what a sweep does for each point."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from b25.engine.bar_backtest import BarEngine, BarSetup, BarTrack
from b25.market.bars import Bars
from b25.market.timeframe import declared_in
from b25.model.errors import Misuse
from b25.model.world import FEES, LIMITS
from b25.research.bar_result import BarBacktest, BarMade, assumed_text
from b25.research.features import evaluate
from b25.risk.limits import Limits
from b25.strategy.compile import Compiled, NotCompilable, compile_strategy
from b25.strategy.strategy import Strategy
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees

BALANCE = 10_000.0
TICK_CALLBACKS = ("on_book", "on_trade", "on_gap")


@dataclass(frozen=True)
class BarPlan:
    """A strategy class on bars, all of a run but its parameters: what the points of a sweep share.

    Parameters
    ----------
    cls : type of Strategy
    bars : tuple of Bars
        One an instrument, with the timeframes that the class declares.
    fills, account, fees, limits : BarFills, Account, Fees, Limits
    balance : float
    start, end : optional
        Span to trade in, as `Bars.at` reads times.
    warmup : int, optional
        Bars before the start that the strategy sees; all by default.
    """

    cls: type[Strategy]
    bars: tuple[Bars, ...]
    fills: BarFills = field(default_factory=BarFills)
    account: Account = field(default_factory=Account)
    fees: Fees = field(default_factory=Fees)
    limits: Limits = field(default_factory=Limits)
    balance: float = BALANCE
    start: Any = None
    end: Any = None
    warmup: int | None = None

    @property
    def assumed(self) -> str:
        """The models as one text, which tells one trial from another."""
        span = (self.start, self.end, self.warmup)
        return assumed_text(self.fills, self.account, self.fees, self.limits, self.balance, span)

    def setup(self) -> BarSetup:
        """Return what the engine wants to know."""
        first = self.bars[0]
        start_ns = None if self.start is None else first.at(self.start)
        end_ns = None if self.end is None else first.at(self.end)
        if start_ns is not None and end_ns is not None and end_ns <= start_ns:
            raise Misuse(f"the end {self.end!r} is not after the start {self.start!r}", remedy="give an end after the start")
        return BarSetup(
            fills=self.fills,
            account=self.account,
            limits=np.concatenate([self.limits.record(b.instrument) for b in self.bars]).astype(LIMITS),
            fees=np.concatenate([self.fees.record(b.instrument) for b in self.bars]).astype(FEES),
            balance=self.balance,
            start_ns=start_ns,
            end_ns=end_ns,
            warmup=self.warmup,
        )

    def tracks(self) -> list[BarTrack]:
        """Return the bars with the values of the class's features."""
        exprs = {name: one.expr for name, one in self.cls.features.items()}
        return [BarTrack(b, evaluate(exprs, b) if exprs else None) for b in self.bars]


def plan_of(
    cls: type[Strategy],
    data: Bars | Sequence[Bars],
    *,
    bar_fills: BarFills | None = None,
    account: Account | None = None,
    fees: Fees | None = None,
    limits: Limits | None = None,
    balance: float | None = None,
    start: Any = None,
    end: Any = None,
    warmup: int | None = None,
) -> BarPlan:
    """Check what a run over bars is given, and put it together.

    Raises
    ------
    Misuse
        For a class that nothing would call, mixed currencies, a balance or warm-up that is no such number.
    """
    bars = (data,) if isinstance(data, Bars) else tuple(data)
    never = [name for name in TICK_CALLBACKS if name in cls.callbacks()]
    if never:
        raise Misuse(f"{cls.__name__}.{never[0]} is never called on bars", remedy="write on_bar, or run it on recorded ticks")
    settles = {b.instrument.settle for b in bars}
    if len(settles) > 1:
        raise Misuse(
            f"these instruments settle in {', '.join(sorted(settles))}", remedy="give instruments of one settlement currency"
        )
    money = BALANCE if balance is None else balance
    if bars[0].instrument.inverse and balance is None:
        money = BALANCE / float(bars[0].view["open"][0])
    if not math.isfinite(money) or money <= 0:
        raise Misuse(f"a starting balance of {balance!r}", remedy="give a number of settlement currency above 0")
    if warmup is not None and (isinstance(warmup, bool) or not isinstance(warmup, int) or warmup < 0):
        raise Misuse(f"warmup={warmup!r}", remedy="give a whole number of bars, 0 or more")
    return BarPlan(
        cls=cls,
        bars=tuple(with_declared(cls, b) for b in bars),
        fills=bar_fills or BarFills(),
        account=account or Account(),
        fees=fees or Fees(),
        limits=limits or Limits(),
        balance=money,
        start=start,
        end=end,
        warmup=warmup,
    )


def with_declared(cls: type[Strategy], bars: Bars) -> Bars:
    """Give bars the timeframes that a class declares with `b25.bars("5m", "1h")` in its body; as they are if it declares none."""
    declared = declared_in(cls)
    if declared is None:
        return bars
    base, *larger = declared.names
    if bars.timeframe != base:
        bars = bars.resample(base)
    if [b.timeframe for b in bars.larger] != larger:
        bars = bars.with_larger(*larger)
    return bars


def machine_code(cls: type[Strategy], compiled: bool | None) -> tuple[Compiled | None, str]:
    """Return the compiled class, or None and why it runs as plain Python."""
    if compiled is False:
        return None, "asked for"
    try:
        return compile_strategy(cls), ""
    except NotCompilable as fault:
        if compiled:
            raise
        return None, fault.what


def run_plan(
    plan: BarPlan,
    params: Mapping[str, Any],
    *,
    compiled: bool | None = None,
    progress: Callable[[int], None] | None = None,
) -> BarBacktest:
    """Run one point of a plan with its full record."""
    plan.cls.record(params)
    begun = time.perf_counter()
    code, why_plain = machine_code(plan.cls, compiled)
    engine = BarEngine(plan.cls, dict(params), plan.tracks(), plan.setup(), code)
    compile_s = time.perf_counter() - begun
    begun = time.perf_counter()
    outcome = engine.execute(progress)
    return BarBacktest(
        outcome,
        BarMade(
            cls=plan.cls,
            datasets=plan.bars,
            limits=plan.limits,
            balance=plan.balance,
            compile_s=compile_s,
            run_s=time.perf_counter() - begun,
            compiled=code is not None,
            why_plain=why_plain,
            fills=plan.fills,
            account=plan.account,
            fees=plan.fees,
            clock_ns=engine.clock_ns,
            steps=(engine.step_first, engine.step_trading, engine.step_end),
            span=(plan.start, plan.end, plan.warmup),
            features={name: one.text for name, one in plan.cls.features.items()},
        ),
    )
