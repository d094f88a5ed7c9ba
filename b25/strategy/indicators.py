"""Built-in indicators: small records with an `update`, the same code in a compiled strategy, in plain Python and live.

Each keeps what it needs and nothing more, so an update costs the same however long the history. `value` is NaN until the
indicator is `ready`. They could be replaced by ta-lib, which the tests compare them with, were it not for batch-only use.
"""

import hashlib
import inspect
import math
from typing import Any

import numpy as np

from b25.model.errors import Misuse
from b25.strategy.fields import Layout, Part
from b25.strategy.record_backed import Backed, Cell, View


class Indicator(Backed):
    """Base of indicators; a subclass names its fields in FIELDS and its array in WINDOW."""

    FIELDS: tuple[tuple[str, str], ...] = ()
    WINDOW: str | None = None

    def __init_subclass__(cls) -> None:
        for name, _ in cls.FIELDS:
            setattr(cls, name, Cell(name))
        if cls.WINDOW:
            setattr(cls, cls.WINDOW, View(cls.WINDOW))

    @classmethod
    def part(cls, *, window: int = 0, **initial: Any) -> Part:
        """Return the nested record with its initial values."""
        key = hashlib.sha256(inspect.getsource(cls).encode()).hexdigest()[:8]
        layout = Layout(cls.__name__, key)
        for name, kind in cls.FIELDS:
            layout.add(name, kind)
        if cls.WINDOW:
            layout.add(cls.WINDOW, "f8", (window,))
        return Part(cls, layout.dtype(), initial)


def _whole(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1_000_000:
        raise Misuse(
            f"{name}: {value!r} is not a whole number from {least} to 1 000 000", remedy="give the number of updates it spans"
        )
    return value


class Ema(Indicator):
    """Exponential moving average: value += alpha·(x - value), begun at the first x; alpha = 2 / (span + 1)."""

    FIELDS = (("alpha", "f8"), ("value", "f8"), ("count", "i8"))

    def update(self, x):
        """Take the next number and return the average."""
        if self.count == 0:
            self.value = x
        self.value += self.alpha * (x - self.value)
        self.count += 1
        return self.value


class Sma(Indicator):
    """Simple moving average of the last `n` numbers: sum / n. The sum is rebuilt once a window so that errors do not grow."""

    FIELDS = (("value", "f8"), ("total", "f8"), ("count", "i8"))
    WINDOW = "last"

    def update(self, x):
        """Take the next number and return the average; NaN until the window is full."""
        n = len(self.last)
        k = self.count % n
        self.total += x - self.last[k]
        self.last[k] = x
        self.count += 1
        if k == n - 1:
            total = 0.0
            for j in range(n):
                total += self.last[j]
            self.total = total
        if self.count >= n:
            self.value = self.total / n
        return self.value


class RollingStd(Indicator):
    """Standard deviation of the last `n` numbers, population (ddof 0): √(Σ(x - mean)² / n), computed over the window."""

    FIELDS = (("value", "f8"), ("mean", "f8"), ("count", "i8"))
    WINDOW = "last"

    def update(self, x):
        """Take the next number and return the deviation; NaN until the window is full."""
        n = len(self.last)
        self.last[self.count % n] = x
        self.count += 1
        if self.count >= n:
            total = 0.0
            for j in range(n):
                total += self.last[j]
            mean = total / n
            squares = 0.0
            for j in range(n):
                squares += (self.last[j] - mean) * (self.last[j] - mean)
            self.mean = mean
            self.value = math.sqrt(squares / n)
        return self.value


class Rsi(Indicator):
    """Relative strength index by Wilder: 100·g / (g + l), g and l Wilder's averages of gains and losses over `n` changes.

    The first averages are the plain means of the first `n` changes; 50 when neither rose nor fell.
    """

    FIELDS = (("n", "i8"), ("value", "f8"), ("gain", "f8"), ("loss", "f8"), ("previous", "f8"), ("count", "i8"))

    def update(self, x):
        """Take the next price and return the index in [0, 100]; NaN until `n` changes were seen."""
        change = x - self.previous if self.count > 0 else 0.0
        self.previous = x
        up = max(change, 0.0)
        down = max(-change, 0.0)
        if self.count <= self.n:
            self.gain += up / self.n
            self.loss += down / self.n
        else:
            self.gain += (up - self.gain) / self.n
            self.loss += (down - self.loss) / self.n
        self.count += 1
        if self.count > self.n:
            total = self.gain + self.loss
            self.value = 100.0 * self.gain / total if total > 0.0 else 50.0
        return self.value


class Atr(Indicator):
    """Average true range by Wilder over `n` bars; true range = max(high - low, |high - close₋₁|, |low - close₋₁|).

    The first bar has no close before it and gives no range; the first average is the plain mean of `n` ranges.
    """

    FIELDS = (("n", "i8"), ("value", "f8"), ("average", "f8"), ("previous", "f8"), ("count", "i8"))

    def update(self, high, low, close):
        """Take the next bar and return the average range; NaN until `n` ranges were seen."""
        if self.count > 0:
            ranged = max(high - low, max(abs(high - self.previous), abs(low - self.previous)))
            if self.count <= self.n:
                self.average += ranged / self.n
            else:
                self.average += (ranged - self.average) / self.n
            if self.count >= self.n:
                self.value = self.average
        self.previous = close
        self.count += 1
        return self.value


class Vwap(Indicator):
    """Volume-weighted average price of the last `n` trades: Σ price·quantity / Σ quantity."""

    FIELDS = (("value", "f8"), ("count", "i8"))
    WINDOW = "last"

    def update(self, price, quantity):
        """Take the next trade and return the average; NaN while no quantity was seen."""
        n = len(self.last) // 2
        k = self.count % n
        self.last[2 * k] = price
        self.last[2 * k + 1] = quantity
        self.count += 1
        value, volume = 0.0, 0.0
        for j in range(min(self.count, n)):
            value += self.last[2 * j] * self.last[2 * j + 1]
            volume += self.last[2 * j + 1]
        if volume > 0.0:
            self.value = value / volume
        return self.value


def ema(span: int | None = None, *, alpha: float | None = None) -> Any:
    """Exponential moving average over `span` updates, or with a smoothing factor `alpha` in (0, 1]."""
    if (span is None) == (alpha is None):
        raise Misuse("ema needs a span or an alpha", remedy="write b25.ema(span=20) or b25.ema(alpha=0.1)")
    if alpha is None:
        alpha = 2.0 / (_whole("ema(span)", span) + 1.0)
    if not 0.0 < alpha <= 1.0:
        raise Misuse(f"ema(alpha={alpha!r}) is not in (0, 1]", remedy="give a smoothing factor above 0, at most 1")
    return Ema.part(alpha=alpha, value=np.nan)


def sma(n: int) -> Any:
    """Simple moving average of the last `n` updates."""
    return Sma.part(window=_whole("sma", n), value=np.nan)


def rolling_std(n: int) -> Any:
    """Population standard deviation of the last `n` updates."""
    return RollingStd.part(window=_whole("rolling_std", n), value=np.nan, mean=np.nan)


def rsi(n: int = 14) -> Any:
    """Relative strength index by Wilder over `n` changes."""
    return Rsi.part(n=_whole("rsi", n), value=np.nan)


def atr(n: int = 14) -> Any:
    """Average true range by Wilder over `n` bars."""
    return Atr.part(n=_whole("atr", n), value=np.nan)


def vwap(n: int) -> Any:
    """Volume-weighted average price of the last `n` trades."""
    return Vwap.part(window=2 * _whole("vwap", n), value=np.nan)
