"""The lives of a class on recorded messages and on bars, under one form, so that one proof judges both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from b25.engine.backtest import Outcome
from b25.engine.bar_backtest import BarEngine, BarTrack
from b25.market.bars import Bars
from b25.model.errors import Misuse
from b25.model.world import FEES
from b25.promote.bar_lives import LivedOnBars
from b25.promote.lives import Backtested, Lived, Rows, Setting
from b25.research.bar_backtest import machine_code, plan_of
from b25.risk.limits import Limits
from b25.strategy.strategy import Strategy
from b25.venue.models import Fees

LATER_NS = 1_000_000


class Lives(Protocol):
    """What the proof runs.

    Attributes
    ----------
    messages : int
        Messages, or bars.
    is_compiled : bool
        False for a class that is no machine code.
    """

    cls: type[Strategy]
    params: dict[str, Any]
    messages: int
    is_compiled: bool

    def backtest(self, *, compiled: bool) -> Outcome:
        """Run it over the data."""
        ...

    def session(self, path: Path) -> Rows:
        """Return the effects of a session on the same data and answers, journaled there."""
        ...

    def dearer(self) -> Rows:
        """Return fees 1 bp higher."""
        ...

    def disturbed(self) -> tuple[str, Outcome]:
        """Return what was changed on purpose in the data or their timing, and the backtest on that."""
        ...

    def with_params(self, params: dict[str, Any]) -> Lives:
        """Return the same with other parameters."""
        ...


class TickLives:
    """On recorded messages."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.cls, self.params = setting, setting.cls, setting.params
        self.messages, self.is_compiled = int(setting.tape.messages.size), True
        self._answers: Rows | None = None

    def backtest(self, *, compiled: bool) -> Outcome:
        """Run it over the data."""
        outcome, answers = Backtested(self.setting, compiled=compiled).run()
        self._answers = answers
        return outcome

    def session(self, path: Path) -> Rows:
        """Return the effects of a session on the same data and answers, journaled there."""
        assert self._answers is not None, "a backtest comes first: its venue's answers are needed"
        return np.concatenate(Lived(path, self.setting, self._answers, compiled=True).seen)

    def dearer(self) -> Rows:
        """Return fees 1 bp higher."""
        return _dearer(self.setting.fees.record(self.setting.tape.instrument).astype(FEES))

    def disturbed(self) -> tuple[str, Outcome]:
        """Return the backtest with orders that take longer."""
        late = replace(self.setting, latency_ns=self.setting.latency_ns + LATER_NS)
        return "orders 1 ms later", Backtested(late, compiled=True).run()[0]

    def with_params(self, params: dict[str, Any]) -> TickLives:
        """Return the same with other parameters."""
        return TickLives(replace(self.setting, params=params))


@dataclass(frozen=True, slots=True, kw_only=True)
class BarSetting:
    """What every life of a strategy on bars has in common."""

    cls: type[Strategy]
    params: dict[str, Any]
    bars: tuple[Bars, ...]
    fees: Fees
    limits: Limits
    balance: float
    warmup: int


class BarLives:
    """On bars."""

    def __init__(self, setting: BarSetting) -> None:
        self.setting, self.cls, self.params = setting, setting.cls, setting.params
        self.messages = sum(int(one.rows.size) for one in setting.bars)
        self.setup = self._setup(setting)
        code, _ = machine_code(setting.cls, None)
        self.is_compiled = code is not None

    @staticmethod
    def _setup(setting: BarSetting) -> Any:
        first = setting.bars[0]
        if first.rows.size <= setting.warmup + 1:
            raise Misuse(f"{first.rows.size} bars are too few", remedy=f"give more than {setting.warmup}")
        return plan_of(
            setting.cls, list(setting.bars), fees=setting.fees, limits=setting.limits, balance=setting.balance,
            start=int(first.rows["open_ns"][setting.warmup]), warmup=setting.warmup,
        ).setup()  # fmt: skip

    def backtest(self, *, compiled: bool) -> Outcome:
        """Run it over the data."""
        return _on_bars(self.setting, self.setup, compiled=compiled)

    def session(self, path: Path) -> Rows:
        """Return the effects of a session on the same data and answers, journaled there."""
        setting = self.setting
        lived = LivedOnBars(path, setting.cls, setting.params, list(setting.bars), self.setup, self.is_compiled or False)
        return np.concatenate(lived.seen)

    def dearer(self) -> Rows:
        """Return fees 1 bp higher."""
        return _dearer(self.setup.fees)

    def disturbed(self) -> tuple[str, Outcome]:
        """Return the backtest on data whose prices of one bar are those of the bar before."""
        first = self.setting.bars[0]
        rows = first.rows.copy()
        place = (rows.size + self.setting.warmup) // 2
        for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
            rows[name][place:] = first.rows[name][place - 1 : -1]
        shifted = replace(self.setting, bars=(replace(first, rows=rows), *self.setting.bars[1:]))
        return "feed shifted by one bar", _on_bars(shifted, self._setup(shifted), compiled=self.is_compiled)

    def with_params(self, params: dict[str, Any]) -> BarLives:
        """Return the same with other parameters."""
        return BarLives(replace(self.setting, params=params))


def _on_bars(setting: BarSetting, setup: Any, *, compiled: bool) -> Outcome:
    code, _ = machine_code(setting.cls, compiled)
    return BarEngine(setting.cls, setting.params, [BarTrack(one) for one in setting.bars], setup, code).execute()


def _dearer(fees: Rows) -> Rows:
    dearer = fees.copy()
    dearer["maker_e8"] += 10_000
    dearer["taker_e8"] += 10_000
    return dearer
